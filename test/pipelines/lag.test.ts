import { join } from 'node:path';
import t from 'tap';
import { loadUtdMhadSkeleton } from '../../learning/datasets/utd-mhad-kinect.js';
import { loadUtdMhadInertial } from '../../learning/datasets/utd-mhad.js';
import { createRandom } from '../../learning/random.js';
import { createLagEstimator, motionEnergy } from '../../pipelines/lag.js';
import type { Window } from '../../pipelines/window.js';

function window(rate: number, width: number, value: (time: number, channel: number) => number): Window {
  const instants = Math.round(3 * rate);
  const data = Float32Array.from({ length: instants * width }, (_, i) =>
    value(Math.floor(i / width) / rate, i % width),
  );
  const place = { modality: 'imu', sensor: '', start: 0, end: 3, completedAt: 3 } as const;
  return { ...place, shape: [instants, width], data, still: false, heldSamples: 0, alignmentError: 0, marks: {} };
}

/** A body's position: bursts of motion at random times. */
function motion(seed: number) {
  const random = createRandom(seed);
  const bursts = Array.from({ length: 3 }, () => ({ at: 0.3 + 2.4 * random.uniform(), size: 0.3 + random.uniform() }));
  return (time: number) => bursts.reduce((sum, { at, size }) => sum + size * Math.tanh((time - at) / 0.12), 0);
}

void t.test('a delay between two sensors of other rates and channels is found to 10 ms', (t) => {
  for (const delay of [-0.25, -0.07, 0, 0.031, 0.12, 0.3]) {
    const lags = createLagEstimator();
    t.equal(lags.estimate(), undefined);
    for (let i = 0; i < 20; i++) {
      const position = motion(i);
      const noise = createRandom(100 + i);
      lags.add(
        window(50, 6, (time, channel) => (channel < 3 ? 5 * position(time) : channel) + 0.02 * noise.normal()),
        window(25, 4, (time) => position(time - delay) + 0.003 * noise.normal()),
      );
    }
    const { lag, correlation } = lags.estimate()!;
    t.ok(Math.abs(lag - delay) < 0.01, `${delay}: ${lag}`);
    t.ok(correlation > 0.8, `${correlation}`);
  }
  t.end();
});

void t.test('unrelated motion correlates little; no motion, no numbers', (t) => {
  const lags = createLagEstimator();
  for (let i = 0; i < 40; i++) lags.add(window(50, 1, motion(i)), window(25, 1, motion(1000 + i)));
  t.ok(lags.estimate()!.correlation < 0.4, `${lags.estimate()!.correlation}`);
  const quiet = createLagEstimator();
  quiet.add(
    window(50, 1, () => 1),
    window(25, 1, motion(1)),
  );
  t.equal(quiet.estimate(), undefined);
  t.ok(motionEnergy(window(50, 1, () => 1)).every((value) => value === 0));
  t.end();
});

const recordings = process.env['SENSING_DATA'];
void t.test(
  'UTD-MHAD: a wrist and the skeleton of the same performances, and the same shifted',
  { skip: recordings ? false : 'skipped: no recordings' },
  async (t) => {
    const data = join(recordings!, 'utd-mhad');
    const selection = { subjects: [1], trials: [1, 2] };
    const [imu, skeleton] = await Promise.all([
      loadUtdMhadInertial(data, selection),
      loadUtdMhadSkeleton(data, selection),
    ]);
    const measure = (shift: number) => {
      const lags = createLagEstimator();
      for (const one of imu.recordings) {
        const other = skeleton.recordings.find(({ id }) => id === one.id);
        if (!other || one.samples.length / 6 / one.rate < 2) continue;
        const cut = ({ samples, rate }: typeof one, width: number, from: number): Window => {
          const instants = Math.floor(1.6 * rate);
          const first = Math.round(from * rate);
          const place = { modality: 'imu', sensor: '', start: 0, end: instants / rate, completedAt: 0 } as const;
          const values = samples.slice(first * width, (first + instants) * width);
          return {
            ...place,
            shape: [instants, width],
            data: values,
            still: false,
            heldSamples: 0,
            alignmentError: 0,
            marks: {},
          };
        };
        lags.add(cut(one, 6, 0.2), cut(other, 60, 0.2 - shift));
      }
      return lags.estimate()!;
    };
    const plain = measure(0);
    t.comment(`lag of the skeleton: ${plain.lag.toFixed(3)} s, correlation ${plain.correlation.toFixed(2)}`);
    t.ok(Math.abs(plain.lag) < 0.15 && plain.correlation > 0.3);
    // To a twentieth of a second: most of what moves here, moves at the edges of so short a window.
    for (const shift of [-0.1, 0.15]) {
      const found = measure(shift).lag - plain.lag;
      t.ok(Math.abs(found - shift) < 0.05, `${shift}: ${found}`);
    }
  },
);
