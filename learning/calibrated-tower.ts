/** A trained tower that knows how sure it may be of people it has never seen. */
import { join } from 'node:path';
import type { TowerTrainingRequest, TrainedTower } from './train-tower.js';

/**
 * Trains a tower twice: one encoder without one of the people, on whom its temperature and its loss are found, and then the tower itself
 * with all of them, which gets both numbers. (Those of the tower itself could only be found on people that it is tested on.)
 * @param calibrateOn one of the people to train on; absent: the tower alone, of temperature 1 and without a loss
 * @throws Error if that is none of them or has no recording; otherwise as the trainer does
 */
export async function trainCalibrated<Request extends TowerTrainingRequest>(
  trainer: (request: Request) => Promise<TrainedTower>,
  request: Request,
  calibrateOn: number | undefined,
): Promise<TrainedTower> {
  if (calibrateOn === undefined) return trainer(request);
  const { train, checkpoints, onProgress } = request;
  if (!train.includes(calibrateOn) || train.length < 2)
    throw new Error(
      `subject ${calibrateOn} is none of those to train on, which must be two or more: ${train.join(', ')}`,
    );
  const trial = await trainer({
    ...request,
    train: train.filter((subject) => subject !== calibrateOn),
    test: [calibrateOn],
    members: 1,
    checkpoints: checkpoints && join(checkpoints, `calibration-${calibrateOn}`),
    onProgress: (stage, progress) => onProgress?.(`without subject ${calibrateOn}: ${stage}`, progress),
  });
  const { temperature, loss } = trial.evaluation?.calibration ?? { temperature: NaN, loss: NaN };
  if (!Number.isFinite(loss))
    throw new Error(
      `no recording of subject ${calibrateOn} is there in which anything moves, to calibrate the tower on`,
    );
  const trained = await trainer(request);
  const { tower, seconds } = trained;
  const manifest = { ...tower.manifest, temperature, loss };
  return { ...trained, tower: { ...tower, manifest }, seconds: seconds + trial.seconds };
}
