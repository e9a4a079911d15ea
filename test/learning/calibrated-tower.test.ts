import t from 'tap';
import { trainCalibrated } from '../../learning/calibrated-tower.js';
import { calibrationOf } from '../../learning/evaluate.js';
import type { Evaluation } from '../../learning/evaluate.js';
import type { TowerTrainingRequest, TrainedTower } from '../../learning/train-tower.js';
import { tower } from '../models/towers.js';

const request: TowerTrainingRequest = {
  ...{ data: '', train: [1, 3, 5], test: [2], seed: 0, threads: 1, checkpoints: 'kept', gatewayVersion: '0.0.0' },
};

/** A trainer that keeps what it is asked, and whose towers are `evaluated`. */
function trainer(evaluated: Evaluation['calibration'] | undefined) {
  const asked: TowerTrainingRequest[] = [];
  const train = (one: TowerTrainingRequest): Promise<TrainedTower> => {
    asked.push(one);
    const evaluation = evaluated && {
      ...{ accuracy: 1, windowAccuracy: 1, perClass: {}, recordings: [] },
      calibration: evaluated,
    };
    const rest = { examples: [], trainRecordings: 1, unlabelledRecordings: 0, seconds: 2 };
    return Promise.resolve({ tower: tower(), ...rest, ...(evaluation && { evaluation }) });
  };
  return { asked, train };
}

void t.test('one encoder without a subject finds what the tower of all is given', async (t) => {
  const { asked, train } = trainer({ temperature: 0.5, loss: 0.2 });
  const { tower: made, seconds } = await trainCalibrated(train, request, 3);
  t.match(asked, [
    { train: [1, 5], test: [3], members: 1, checkpoints: 'kept/calibration-3' },
    { train: [1, 3, 5], test: [2], members: undefined, checkpoints: 'kept' },
  ]);
  t.match(made.manifest, { temperature: 0.5, loss: 0.2, classes: tower().manifest.classes });
  t.equal(seconds, 4);
});

void t.test('without it, or with a wrong subject', async (t) => {
  const { asked, train } = trainer(undefined);
  t.equal((await trainCalibrated(train, request, undefined)).tower.manifest.loss, undefined);
  t.equal(asked.length, 1);
  await t.rejects(trainCalibrated(train, request, 2), { message: /subject 2 is none of those to train on.*: 1, 3, 5/ });
  await t.rejects(trainCalibrated(train, { ...request, train: [3] }, 3), { message: /must be two or more/ });
  await t.rejects(trainCalibrated(train, request, 3), { message: /no recording of subject 3 is there/ });
  const nothingMoves = trainer({ temperature: 1, loss: NaN });
  await t.rejects(trainCalibrated(nothingMoves.train, request, 3), { message: /no recording of subject 3 is there/ });
});

void t.test('the loss is that at the temperature', (t) => {
  // Two of three right at a margin of 4: the temperature at which they are sure of it by two thirds.
  const { temperature, loss } = calibrationOf(Float32Array.of(4, 0, 4, 0, 4, 0), [0, 0, 1], 2);
  t.ok(Math.abs(temperature - 4 / Math.log(2)) < 0.02, `${temperature}`);
  t.ok(Math.abs(loss - (2 * Math.log(1.5) + Math.log(3)) / 3) < 1e-4, `${loss}`);
  t.end();
});
