import { join } from 'node:path';
import t from 'tap';
import { augmentedPoints } from '../../learning/augment-points.js';
import type { PointAugmentation } from '../../learning/augment-points.js';
import type { RadarPointFrame } from '../../learning/datasets/dataset.js';
import { instantsOfRecording } from '../../learning/frame-instants.js';
import { createRandom } from '../../learning/random.js';
import {
  mmwavePointsDesign,
  mmwavePointsRecipe,
  pointInstants,
  pointWindows,
  trainPoints,
  windowsOf,
} from '../../learning/radar-tower.js';
import type { PointExample } from '../../learning/radar-tower.js';
import { run as runMars } from '../../learning/suites/mars-labelled.js';
import { foldsOf } from '../../learning/suites/radhar.js';
import { lineOf } from '../../learning/suites/suite.js';
import { windowAccuracy } from '../../learning/window-accuracy.js';
import { mmwavePointsEncoder } from '../../models/towers/mmwave-points.js';
import { linear } from '../../pipelines/frame-windows.js';

const { samples, instant } = mmwavePointsEncoder.window;
const [points, channels] = instant as [number, number];
const row = points * channels;

/** A cloud of 12 points that goes up and down, slowly or quickly. */
function recording(classIndex: number, seed: number): PointExample {
  const random = createRandom(seed);
  const phase = 2 * Math.PI * random.uniform();
  const rate = classIndex === 0 ? 0.4 : 1.5; // Hz
  const frames = Array.from({ length: 60 }, (_, i): RadarPointFrame => {
    const time = i / 10;
    const angle = 2 * Math.PI * rate * time + phase;
    const position = Float32Array.from({ length: 36 }, (_, k) => {
      const centre = [0.2, 2, 0.5 * Math.sin(angle)][k % 3]!;
      return centre + 0.2 * random.normal();
    });
    return {
      kind: 'mmwave',
      arrivalTime: time,
      position,
      velocity: new Float32Array(12).fill(rate * Math.cos(angle)),
      intensity: Float32Array.from({ length: 12 }, () => 20 + random.normal()),
    };
  });
  return { instants: pointInstants(frames), classIndex };
}

const none: PointAugmentation = {
  warp: 0,
  rotation: 0,
  size: 0,
  height: 0,
  noise: 0,
  gain: 0,
  loss: 0,
  instantLoss: 0,
};

void t.test('instants take the nearest frame, or a blend; where no frame is near they are zeros', (t) => {
  const frame = (arrivalTime: number) => ({ kind: 'depth', arrivalTime, width: 1, height: 1, depth: new Uint16Array(1), metresPerStep: 1 }) as const; // prettier-ignore
  const features = {
    shape: [1],
    take(given: { arrivalTime: number }, out: Float32Array) {
      if (given.arrivalTime === 0.5) return 'clipped' as const;
      out[0] = given.arrivalTime;
      return undefined;
    },
    reset: () => undefined,
  };
  const frames = [1, 1.14, 1.26, 3, 3.1, 0.5].sort((a, b) => a - b).map(frame);
  const nearest = instantsOfRecording(frames, features, 10, 'nearest');
  t.equal(nearest.count, 22);
  t.equal(nearest.faults.clipped, 1);
  const round = (values: Float32Array) => [...values].map((value) => Math.round(100 * value) / 100);
  t.same(round(nearest.data.subarray(0, 4)), [1, 1.14, 1.14, 1.26]);
  t.equal(nearest.data[12], 0, 'a gap');
  const blended = instantsOfRecording(frames, features, 10, linear);
  t.same(round(blended.data.subarray(0, 3)), [1, 1.1, 1.2]);
  t.equal(instantsOfRecording([], features, 10, linear).count, 0);
  t.end();
});

void t.test('augmentation: nothing asked, nothing changed; a mirror changes sides; a loss leaves whole points', (t) => {
  const { instants } = recording(0, 1);
  const out = new Float32Array(samples * row);
  augmentedPoints(instants, points, channels, 5, false, none, createRandom(1), out);
  t.ok(
    out.every((value, i) => Math.abs(value - instants[5 * row + i]!) < 1e-5),
    'the window itself',
  );
  const mirrored = new Float32Array(out.length);
  augmentedPoints(instants, points, channels, 5, true, none, createRandom(1), mirrored);
  t.ok(mirrored.every((value, i) => Math.abs(value - (i % channels === 0 ? -out[i]! : out[i]!)) < 1e-5));
  const lossy = new Float32Array(out.length);
  augmentedPoints(instants, points, channels, 5, false, { ...none, loss: 0.9 }, createRandom(8), lossy);
  const kept = lossy.filter((_, i) => i % channels === 7).reduce((sum, value) => sum + value, 0);
  const all = out.filter((_, i) => i % channels === 7).reduce((sum, value) => sum + value, 0);
  t.ok(kept < all && kept > 0, `${kept} of ${all}`);
  for (let at = 0; at < lossy.length; at += channels)
    if (lossy[at + 7] === 0 && lossy.subarray(at, at + channels).some((value) => value !== 0)) t.fail('half a point');
  t.end();
});

void t.test('a mirrored window has the mirrored class', (t) => {
  const source = pointWindows([recording(0, 1)], 40, [1, 0], none);
  const random = createRandom(3);
  const seen = new Set<string>();
  for (let i = 0; i < source.count; i++) {
    const window = new Float32Array(samples * row);
    const target = new Float32Array(2);
    source.write(i, random, { window }, target);
    const side = window.filter((_, k) => k % channels === 0).reduce((sum, value) => sum + value, 0);
    seen.add(`${side > 0 ? 'right' : 'left'} ${target.join()}`);
  }
  t.same([...seen].sort(), ['left 0,1', 'right 1,0']);
  t.end();
});

void t.test('it learns what is slow and what is quick, the same from the same seed', async (t) => {
  const train = Array.from({ length: 16 }, (_, i) => recording(i % 2, i));
  const test = Array.from({ length: 8 }, (_, i) => recording(i % 2, 100 + i));
  const learn = () =>
    trainPoints(
      train,
      2,
      [0, 1],
      { members: 1, perRecording: 8 },
      { seed: 1, threads: 1, epochs: 10, dataset: 'clouds' },
    );
  const [first] = await learn();
  const { right, all } = await windowAccuracy(mmwavePointsDesign(2), [first!], test, (one) => windowsOf(one, 5), 1);
  t.equal(
    all,
    test.reduce((sum, example) => sum + windowsOf(example, 5).count, 0),
  );
  t.ok(right / all > 0.9, `${right} of ${all}`);
  t.ok(mmwavePointsRecipe.mixing === 0, 'sets are not mixed');
});

void t.test('folds: every recording once, every class alike', (t) => {
  const examples = Array.from({ length: 47 }, (_, i) => ({ classIndex: i % 5 }));
  const folds = foldsOf(examples, 3);
  for (let k = 0; k < 5; k++) {
    const held = examples.filter((_, i) => folds[i] === k);
    t.ok(held.length >= 9 && held.length <= 10);
    for (let c = 0; c < 5; c++) t.ok(held.some(({ classIndex }) => classIndex === c));
  }
  t.not(foldsOf(examples, 4).join(), folds.join(), 'another seed, other folds');
  const line = lineOf('suite', 'case', 'accuracy', [0.9, 0.92, 0.94]);
  t.ok(Math.abs(line.value - 0.92) < 1e-12 && Math.abs(line.spread - 0.02) < 1e-12 && line.seeds === 3);
  t.end();
});

const recordings = process.env['SENSING_DATA'];
void t.test(
  'real recordings: two passes over MARS are better than chance on another person',
  { skip: recordings ? false : 'skipped: no recordings' },
  async (t) => {
    const data = join(recordings!, 'mars');
    const [line] = await runMars({ data, seeds: [0], train: [3], test: [1], threads: 1, epochs: 2 });
    t.match(line, { suite: 'mars', metric: 'accuracy', seeds: 1, spread: 0 });
    t.ok(line!.value > 0.2, `${line!.value}: chance is 0.1`);
  },
);
