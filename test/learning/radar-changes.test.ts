import t from 'tap';
import {
  changingInstants,
  changingWindows,
  mmwaveChangesDesign,
  mmwaveChangesRecipe,
  trainChanges,
  windowsOfChanges,
} from '../../learning/radar-changes.js';
import type { RadarPointFrame } from '../../learning/datasets/dataset.js';
import { createRandom } from '../../learning/random.js';
import { windowAccuracy } from '../../learning/window-accuracy.js';
import { pointStatisticNames, pointStatisticsWidth } from '../../pipelines/radar/point-statistics.js';

/** A wall of 10 points that stand still, and 5 that move to and fro at `rate` Hz. */
function recording(classIndex: number, seed: number, rate: number) {
  const random = createRandom(seed);
  const phase = 2 * Math.PI * random.uniform();
  const wall = 2 + 2 * random.uniform();
  const frames = Array.from({ length: 90 }, (_, i): RadarPointFrame => {
    const angle = (2 * Math.PI * rate * i) / 20 + phase;
    const position = Float32Array.from({ length: 45 }, (_, k) =>
      k < 30 ? [0.5, wall, 1][k % 3]! : [0, 1.5 + 0.2 * Math.sin(angle), 0.3][k % 3]! + 0.05 * random.normal(),
    );
    return {
      kind: 'mmwave',
      arrivalTime: i / 20,
      position,
      velocity: Float32Array.from({ length: 15 }, (_, k) => (k < 10 ? 0 : rate * Math.cos(angle))),
      intensity: Float32Array.from({ length: 15 }, () => 20 + random.normal()),
    };
  });
  return { instants: changingInstants(frames), classIndex };
}

void t.test('a drawn window holds the statistics of the points that are left', (t) => {
  const source = changingWindows([recording(1, 3, 1)], 4, mmwaveChangesRecipe.augmentation);
  t.equal(source.count, 4);
  const window = new Float32Array(40 * pointStatisticsWidth);
  const target = new Float32Array(2);
  source.write(2, createRandom(1), { window }, target);
  t.same([...target], [0, 1]);
  t.ok(window.every(Number.isFinite));
  const points = pointStatisticNames.indexOf('points');
  const counts = Array.from({ length: 40 }, (_, i) => window[i * pointStatisticsWidth + points]!);
  t.ok(Math.max(...counts) <= 4.6, 'no more points than three frames have');
  t.ok(Math.max(...counts) > 1.5);
  t.end();
});

void t.test('slow and quick movements before walls anywhere are told apart', async (t) => {
  const of = (first: number, count: number) =>
    Array.from({ length: count }, (_, i) => recording(i % 2, first + i, i % 2 === 0 ? 0.5 : 1.6));
  const weights = await trainChanges(
    of(1, 8),
    2,
    { members: 1, perRecording: 16 },
    { seed: 0, threads: 1, epochs: 14, dataset: 'made here' },
  );
  const measure = (examples: readonly ReturnType<typeof recording>[]) =>
    windowAccuracy(mmwaveChangesDesign(2), weights, examples, (one) => windowsOfChanges(one, 10), 1);
  const { right, all } = await measure(of(101, 4));
  t.ok(all > 4);
  t.ok(right / all > 0.9, `${right} of ${all}`);
  const none = await measure([{ instants: new Float32Array(), classIndex: 0 }]);
  t.same(none, { right: 0, all: 0 }, 'a recording without frames has no window');
});
