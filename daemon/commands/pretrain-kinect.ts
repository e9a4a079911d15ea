/** `babel-gateway pretrain --modality skeleton` and `depth` */
import { trainDepthTower, trainSkeletonTower } from '../../learning/train-kinect.js';
import { saveTower } from '../../models/store.js';
import { withSession } from '../learning/session.js';
import { packageVersion } from '../package-root.js';
import type { TrainingOptions } from './training.js';

export interface KinectOptions extends TrainingOptions {
  modality: 'skeleton' | 'depth';
  output: string;
  members?: number;
  cache: string;
}

/** @throws Error with one line, also if it was interrupted */
export async function pretrainKinect(options: KinectOptions): Promise<void> {
  const { modality, data, train, test, seed, threads, epochs, members, checkpoints, cache, output, json } = options;
  const both = train.filter((subject) => test.includes(subject));
  if (both.length > 0)
    throw new Error(`subject ${both.join(', ')} is on both sides: test on subjects that nothing was trained on`);
  const design = modality === 'skeleton' ? trainSkeletonTower : trainDepthTower;
  const { tower, seconds } = await withSession((session) =>
    design({
      ...{ data, train, test, seed, threads, epochs, members, checkpoints, cache },
      ...session,
      gatewayVersion: packageVersion(),
    }),
  );
  const { figures, trainedOn } = await saveTower(output, tower);
  console.log(
    json
      ? JSON.stringify({ output, seed, trainedOn: trainedOn.text, ...figures, seconds: Math.round(seconds) })
      : `The tower is in ${output}. To run it:\n\n  models:\n    towers:\n      ${modality}: ${output}\n\n${JSON.stringify(figures, null, 2)}`,
  );
}
