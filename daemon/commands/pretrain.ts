/** `babel-gateway pretrain` */
import { saveTower } from '../../models/store.js';
import { trainWithProgress } from './training.js';
import type { TrainingOptions } from './training.js';

export async function pretrain({ output, ...options }: TrainingOptions & { output: string }): Promise<void> {
  const { tower, seconds } = await trainWithProgress(options);
  const { figures, trainedOn } = await saveTower(output, tower);
  const result = { output, seed: options.seed, trainedOn: trainedOn.text, ...figures, seconds: Math.round(seconds) };
  console.log(
    options.json
      ? JSON.stringify(result)
      : `The tower is in ${output}. To run it:\n\n  models:\n    towers:\n      imu: ${output}\n\n${JSON.stringify(figures, null, 2)}`,
  );
}
