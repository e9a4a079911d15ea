/** `babel-gateway pretrain --modality skeleton`, `depth`, `mmwave` and `wifi` */
import { trainCalibrated } from '../../learning/calibrated-tower.js';
import type { TowerTrainingRequest, TrainedTower } from '../../learning/train-tower.js';
import { saveTower } from '../../models/store.js';
import { saveTrainedExamples } from '../learning/examples.js';
import { withSession } from '../learning/session.js';
import { packageVersion } from '../package-root.js';
import type { TrainingOptions } from './training.js';

type Trainer = (request: TowerTrainingRequest) => Promise<TrainedTower>;

interface Design {
  readonly trainer: () => Promise<Trainer>;
  /** People to train and test on, where nothing else is said; absent: UTD-MHAD's. */
  readonly people?: { readonly train: number[]; readonly test: number[] };
  /** Its data set is split by repetitions, not by people. */
  readonly byRepetition?: true;
}

const kinect = () => import('../../learning/train-kinect.js');
const radio = () => import('../../learning/train-radio.js');
const designs = {
  skeleton: { trainer: async () => (await kinect()).trainSkeletonTower },
  depth: { trainer: async () => (await kinect()).trainDepthTower },
  mmwave: { trainer: async () => (await radio()).trainRadarTower, people: { train: [2, 3, 4], test: [1] } },
  wifi: { trainer: async () => (await radio()).trainWifiTower, byRepetition: true },
} satisfies Record<string, Design>;

export interface PretrainTowerOptions extends TrainingOptions {
  modality: keyof typeof designs;
  output: string;
  members?: number;
  calibrateOn?: number;
  cache: string;
}

/**
 * @param peopleGiven whether the user said whom to train or test on
 * @throws Error with one line, also if it was interrupted
 */
export async function pretrainTower(options: PretrainTowerOptions, peopleGiven: boolean): Promise<void> {
  const { modality, data, seed, threads, epochs, members, checkpoints, cache, output, json } = options;
  const { trainer, people, byRepetition }: Design = designs[modality];
  if (byRepetition && peopleGiven)
    throw new Error(`${modality} learns from odd repetitions and is tested on even ones: leave --train and --test out`);
  if (byRepetition && options.calibrateOn !== undefined)
    throw new Error(`${modality} learns from all people: leave --calibrate-on out`);
  const { train, test } = peopleGiven ? options : (people ?? options);
  const both = train.filter((subject) => test.includes(subject));
  if (both.length > 0)
    throw new Error(`subject ${both.join(', ')} is on both sides: test on subjects that nothing was trained on`);
  const design = await trainer();
  const trained = await withSession((session) =>
    trainCalibrated(
      design,
      {
        ...{ data, train, test, seed, threads, epochs, members, checkpoints, cache },
        ...session,
        gatewayVersion: packageVersion(),
      },
      options.calibrateOn,
    ),
  );
  const { seconds } = trained;
  const { figures, trainedOn } = await saveTower(output, trained.tower);
  await saveTrainedExamples(output, trained);
  console.log(
    json
      ? JSON.stringify({ output, seed, trainedOn: trainedOn.text, ...figures, seconds: Math.round(seconds) })
      : `The tower is in ${output}. To run it:\n\n  models:\n    towers:\n      ${modality}: ${output}\n\n${JSON.stringify(figures, null, 2)}`,
  );
}
