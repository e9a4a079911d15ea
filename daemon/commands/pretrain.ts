/** `babel-gateway pretrain` */
import { saveTower } from '../../models/store.js';
import { saveTrainedExamples } from '../learning/examples.js';
import { trainWithProgress } from './training.js';
import type { TrainingOptions } from './training.js';

export async function pretrain({ output, ...options }: TrainingOptions & { output: string }): Promise<void> {
  const trained = await trainWithProgress(options);
  const { seconds } = trained;
  const { figures, trainedOn } = await saveTower(output, trained.tower);
  await saveTrainedExamples(output, trained);
  const result = { output, seed: options.seed, trainedOn: trainedOn.text, ...figures, seconds: Math.round(seconds) };
  console.log(
    options.json
      ? JSON.stringify(result)
      : `The tower is in ${output}. To run it:\n\n  models:\n    towers:\n      imu: ${output}\n\n${JSON.stringify(figures, null, 2)}`,
  );
}
