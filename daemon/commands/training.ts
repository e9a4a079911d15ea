/** What `pretrain` and `evaluate` share: a training with its progress, that Ctrl-C interrupts and the same command goes on with. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { trainCalibrated } from '../../learning/calibrated-tower.js';
import { trainImuTower } from '../../learning/train-imu.js';
import type { ImuTrainingRequest } from '../../learning/train-imu.js';
import type { TrainedTower } from '../../learning/train-tower.js';
import { packageVersion } from '../package-root.js';
import { createProgress } from './progress.js';

export interface TrainingOptions {
  data: string;
  /** A folder, or false: without. */
  phoneWatch?: string | false;
  train: number[];
  test: number[];
  seed: number;
  threads: number;
  preTrainingEpochs?: number;
  epochs?: number;
  checkpoints: string;
  calibrateOn?: number;
  json: boolean;
}

function phoneWatchFolder({ data, phoneWatch }: TrainingOptions): string | undefined {
  if (phoneWatch === false) return undefined;
  return (
    phoneWatch ?? [join(data, 'phone-watch'), join(data, '..', 'phone-watch')].find((folder) => existsSync(folder))
  );
}

/** @throws Error with one line, also if it was interrupted */
export async function trainWithProgress(options: TrainingOptions): Promise<TrainedTower> {
  const shared = options.train.filter((subject) => options.test.includes(subject));
  if (shared.length > 0)
    throw new Error(`subject ${shared.join(', ')} is on both sides: test on subjects that nothing was trained on`);
  const phoneWatch = phoneWatchFolder(options);
  const progress = createProgress();
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    const { data, train, test, seed, threads, preTrainingEpochs, epochs, checkpoints } = options;
    const request: ImuTrainingRequest = {
      ...{ data, phoneWatch, train, test, seed, threads, preTrainingEpochs, epochs, checkpoints },
      gatewayVersion: packageVersion(),
      onProgress: (stage, step) => progress.update(stage, step),
      onWarning: (text) => console.error(text),
      signal: interrupted.signal,
    };
    return await trainCalibrated(trainImuTower, request, options.calibrateOn);
  } finally {
    progress.end();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}
