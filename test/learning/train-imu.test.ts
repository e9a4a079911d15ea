import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { exportImuTower } from '../../learning/imu-export.js';
import { fineTuneImu, preTrainImu, type ImuTrainingOptions, type LabelledExample } from '../../learning/imu-tower.js';
import { createRandom } from '../../learning/random.js';
import { trainImuTower } from '../../learning/train-imu.js';
import type { Weights } from '../../models/weights.js';
import { openTower } from '../../models/tower-session.js';

/** Two movements that anybody can tell apart: a slow and a quick swing. */
function examples(count: number): LabelledExample[] {
  const random = createRandom(7);
  return Array.from({ length: count }, (_, k) => {
    const classIndex = k % 2;
    const frequency = classIndex === 0 ? 0.7 : 2.5;
    const phase = random.uniform() * 2 * Math.PI;
    const samples = Float32Array.from({ length: 200 * 6 }, (_, i) => {
      const swing = Math.sin(2 * Math.PI * frequency * (Math.floor(i / 6) / 50) + phase + (i % 6));
      return (i % 6 < 3 ? 4 : 2) * swing + 0.1 * random.normal();
    });
    return { classIndex, samples };
  });
}

const options = (more: Partial<ImuTrainingOptions> = {}): ImuTrainingOptions => ({
  seed: 3,
  threads: 1,
  epochs: 6,
  dataset: 'two swings',
  ...more,
});

/** Stands for all weights: whole arrays make the test runner write a difference of megabytes. */
function digest(weights: Weights): string {
  const hash = createHash('sha256');
  for (const [name, values] of weights) hash.update(name).update(values);
  return hash.digest('hex');
}

void t.test(
  'the same seed gives the same weights; an interrupted training goes on as if it had not been',
  async (t) => {
    const data = examples(96); // two steps an epoch
    const whole = await fineTuneImu(data, 2, undefined, options());
    t.equal(digest(await fineTuneImu(data, 2, undefined, options())), digest(whole));
    t.not(digest(await fineTuneImu(data, 2, undefined, options({ seed: 4 }))), digest(whole));

    const checkpoint = join(t.testdir(), 'fine-tuning');
    const interrupted = new AbortController();
    await t.rejects(
      fineTuneImu(data, 2, undefined, {
        ...options({ checkpoint, signal: interrupted.signal }),
        onProgress: ({ step }) => step === 5 && interrupted.abort(),
      }),
      /interrupted; the same command goes on/,
    );
    t.ok(existsSync(checkpoint));
    const steps: number[] = [];
    const resumed = await fineTuneImu(data, 2, undefined, {
      ...options({ checkpoint }),
      onProgress: ({ step }) => steps.push(step),
    });
    t.strictSame(steps, [6, 7, 8, 9, 10, 11, 12], 'it begins where it was');
    t.equal(digest(resumed), digest(whole));

    const others: number[] = [];
    await fineTuneImu(data, 2, undefined, {
      ...options({ checkpoint, dataset: 'other recordings' }),
      onProgress: ({ step }) => others.push(step),
    });
    t.equal(others[0], 1, "another data set's checkpoint is not gone on from");
  },
);

void t.test('what is learnt is what was to be learnt', async (t) => {
  const train = (seed: number) => fineTuneImu(examples(128), 2, undefined, options({ seed, epochs: 20 }));
  const tower = exportImuTower(
    [await train(3), await train(4)],
    ['slow', 'quick'],
    { trainedOn: { text: 'two swings', datasets: [] }, figures: {}, seed: 3 },
    '0',
  );
  const session = await openTower(tower, 'cpu', 1);
  let right = 0;
  const fresh = examples(160).slice(128);
  for (const { samples, classIndex } of fresh) {
    const { probabilities } = await session.run(samples.slice(0, 152 * 6), 1);
    if (Number(probabilities[1]! > probabilities[0]!) === classIndex) right++;
  }
  await session.release();
  t.ok(right >= 30, `${right} of ${fresh.length}`);
});

void t.test('pre-training learns to fill in what is masked', async (t) => {
  const losses: number[] = [];
  await preTrainImu(examples(128), { ...options({ epochs: 40 }), onProgress: ({ loss }) => losses.push(loss) });
  t.ok(losses.at(-1)! < 0.5 * losses[0]!, `${losses[0]} → ${losses.at(-1)}`);
});

const recordings = process.env['SENSING_DATA'];
const skip = recordings ? false : 'skipped: no recordings';

void t.test(
  'real recordings: the test side is never trained on, and its figures are of all its recordings',
  { skip },
  async (t) => {
    const request = {
      data: join(recordings!, 'utd-mhad'),
      seed: 0,
      threads: 2,
      preTrainingEpochs: 1,
      epochs: 4,
      gatewayVersion: '0',
    };
    const { tower, evaluation, trainRecordings } = await trainImuTower({ ...request, train: [1], test: [2] });
    t.equal(trainRecordings, 107);
    t.equal(evaluation!.recordings.length, 108);
    t.ok(evaluation!.recordings.every(({ id }) => id.includes('_s2_')));
    t.ok(evaluation!.accuracy > 0.15, `${evaluation!.accuracy}: chance is 0.04`);
    t.strictSame(
      tower.manifest.trainedOn.datasets.map(({ subjects }) => subjects),
      [[1]],
    );
    const absent = await trainImuTower({ ...request, train: [1], test: [8], epochs: 1, preTrainingEpochs: 0 });
    t.equal(absent.evaluation, undefined, 'no figure where no test subject is there');
    await t.rejects(trainImuTower({ ...request, train: [8], test: [2] }), /no recording of subjects 8.*Subjects there/);
  },
);
