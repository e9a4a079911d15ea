import t from 'tap';
import { createRandom } from '../../learning/random.js';
import { createImuPipeline } from '../../pipelines/imu.js';
import type { RefusedWindow, Window } from '../../pipelines/window.js';

/** Ten seconds of a sensor at 100 Hz: [ax ay az gx gy gz] of sample i. */
function windowsOf(sample: (i: number, noise: () => number) => number[]) {
  const windows: Window[] = [];
  const refused: RefusedWindow[] = [];
  const random = createRandom(1);
  const pipeline = createImuPipeline({
    ...{ rate: 50, samples: 100, hop: 25, sensor: 'wrist', inputRate: 100 },
    onWindow: (window) => windows.push(window),
    onRefused: (window) => refused.push(window),
  });
  for (let i = 0; i < 1000; i++) {
    const values = sample(i, () => random.normal());
    const [acceleration, angularRate] = [Float32Array.from(values.slice(0, 3)), Float32Array.from(values.slice(3))];
    pipeline.push({ kind: 'imu', arrivalTime: i / 100, deviceTime: i / 100, acceleration, angularRate });
  }
  t.equal(pipeline.statistics().refusedWindows, refused.length);
  return { windows, refused, reasons: [...new Set(refused.map(({ reason }) => reason))] };
}

const moving = (noise: () => number) => [noise(), noise(), 9.8 + noise(), noise(), noise(), noise()];
const end = 16 * 9.80665;

void t.test('a sensor that works: nothing is refused or marked', (t) => {
  const { windows, refused } = windowsOf((_i, noise) => moving(noise));
  t.equal(refused.length, 0);
  t.ok(windows.length >= 16 && windows.every(({ marks }) => Object.keys(marks).length === 0));
  t.end();
});

void t.test('a device that repeats its values is refused as constant, once a whole window is so', (t) => {
  const { windows, refused, reasons } = windowsOf((i, noise) => (i < 500 ? moving(noise) : [1, 2, 9, 0, 0, 0]));
  t.strictSame(reasons, ['constant']);
  t.ok(refused.every(({ start }) => start > 4.95));
  t.ok(windows.length >= 9, 'those before are given');
  t.end();
});

void t.test('samples at the end of the scale are marked, and refused where they are most of a window', (t) => {
  const clipped = (i: number, noise: () => number) => [end, ...moving(noise).slice(1, 5), i % 2];
  const few = windowsOf((i, noise) => (i >= 500 && i < 540 ? clipped(i, noise) : moving(noise)));
  t.equal(few.refused.length, 0);
  const marks = few.windows.map(({ marks: { clipped: count } }) => count ?? 0);
  t.equal(Math.max(...marks), 39, 'the first of a run may be a real maximum');
  t.ok(marks.some((count) => count === 0));
  const most = windowsOf((i, noise) => (i >= 500 ? clipped(i, noise) : moving(noise)));
  t.strictSame(most.reasons, ['clipped']);
  t.end();
});

void t.test('a sample that is no number is left out', (t) => {
  const { windows } = windowsOf((i, noise) => (i % 100 === 50 ? [NaN, 0, 9.8, 0, 0, Infinity] : moving(noise)));
  t.ok(windows.length >= 16 && windows.every(({ data }) => data.every(Number.isFinite)));
  t.end();
});
