import t from 'tap';
import type { RadarFrame } from '../../../drivers/frames.js';
import { createRandom } from '../../../learning/random.js';
import { cubeFault } from '../../../pipelines/radar/cube-faults.js';
import { createAdaptiveScale, decibels, scaleAdaptive, scaleFixed } from '../../../pipelines/radar/decibels.js';
import { addMicroDoppler, createMicroDoppler, microDopplerPower } from '../../../pipelines/radar/micro-doppler.js';
import { pointFeatureNames, pointFeatures } from '../../../pipelines/radar/point-features.js';
import {
  addPointFrame,
  createPointFrames,
  gatheredChannels,
  gatherPoints,
} from '../../../pipelines/radar/point-frames.js';
import { voxels } from '../../../pipelines/radar/voxels.js';

function radarFrame(arrivalTime: number, points: number[][]): RadarFrame {
  return {
    kind: 'mmwave',
    arrivalTime,
    position: Float32Array.from(points.flatMap(([x, y, z]) => [x!, y!, z!])),
    velocity: Float32Array.from(points, (point) => point[3]!),
    snr: Float32Array.from(points, (point) => point[4]!),
  };
}

const rows = (data: Float32Array, count: number, channels: number) =>
  Array.from({ length: count }, (_, i) => [...data.subarray(i * channels, (i + 1) * channels)]);

void t.test('points are gathered over the frames of a window', (t) => {
  const state = createPointFrames(3, 4);
  addPointFrame(state, radarFrame(1, [[9, 9, 9, 0, 0]]));
  addPointFrame(state, radarFrame(2, [[3, 4, 0, 0.5, 10]]));
  addPointFrame(state, { kind: 'mmwave', arrivalTime: 2.5 }); // nobody
  addPointFrame(
    state,
    radarFrame(3, [
      [0, 2, 2, -1, 20],
      [NaN, 1, 1, 0, 0],
      [-1, 1, 0, 0, 12],
    ]),
  );
  const out = new Float32Array(8 * gatheredChannels).fill(7);
  t.equal(gatherPoints(state, 0, 4, out), 3, 'the first frame was overwritten');
  const expected = [
    [3, 4, 0, 0.5, 10, 5, Math.atan2(3, 4), 0, 2],
    [0, 2, 2, -1, 20, Math.sqrt(8), 0, Math.PI / 4, 1],
    [-1, 1, 0, 0, 12, Math.sqrt(2), -Math.PI / 4, 0, 1],
  ];
  t.strictSame(
    rows(out, 3, gatheredChannels),
    expected.map((row) => [...Float32Array.from(row)]),
  );
  t.ok(out.subarray(3 * gatheredChannels).every((value) => value === 0));
  t.equal(state.dropped, 1);
  t.equal(gatherPoints(state, 2, 3, out), 1, '[start, end)');
  t.equal(gatherPoints(state, 5, 6, out), 0);
  t.end();
});

void t.test('of more points than fit, evenly spaced ones', (t) => {
  const state = createPointFrames(2, 50);
  const point = (_: unknown, i: number) => [i, 1, 0, 0, 0];
  addPointFrame(state, radarFrame(0, Array.from({ length: 60 }, point)));
  t.equal(state.dropped, 10);
  const out = new Float32Array(10 * gatheredChannels);
  t.equal(gatherPoints(state, 0, 1, out), 10);
  t.strictSame(
    rows(out, 10, gatheredChannels).map(([x]) => x),
    [0, 5, 10, 15, 20, 25, 30, 35, 40, 45],
  );
  t.end();
});

void t.test('voxels', (t) => {
  const state = createPointFrames(1, 8);
  const points = [
    [0.1, 0.6, -0.2, 1, 10],
    [0.4, 0.9, -0.4, 2, 14],
    [-0.9, 1.4, 0.4, -3, -2],
    [1, 0.5, 0, 9, 9], // on the far face: outside
    [0, 0.4, 0, 9, 9],
  ];
  addPointFrame(state, radarFrame(0, points));
  const gathered = new Float32Array(8 * gatheredChannels);
  const count = gatherPoints(state, 0, 1, gathered);
  const out = new Float32Array(4 * 2 * 2 * 3).fill(5);
  const grid = { origin: [-1, 0.5, -0.5], cell: [0.5, 0.5, 0.5], shape: [4, 2, 2] } as const;
  t.equal(voxels(gathered, count, grid, out), 3);
  const expected = new Float32Array(out.length);
  expected.set([2, 1.5, 14], 3 * (2 * 4)); // cell 2 0 0
  expected.set([1, -3, -2], 3 * (0 * 4 + 1 * 2 + 1)); // cell 0 1 1
  t.strictSame(out, expected);
  t.end();
});

void t.test('features of a few points, by hand', (t) => {
  const state = createPointFrames(1, 4);
  const points = [
    [1, 2, 0, -1, 10],
    [3, 2, 1, 2, 20],
  ];
  addPointFrame(state, radarFrame(0, points));
  const gathered = new Float32Array(4 * gatheredChannels);
  const out = new Float32Array(pointFeatureNames.length);
  pointFeatures(gathered, gatherPoints(state, 0, 1, gathered), new Float64Array(6), out);
  t.strictSame([...out], [2, 2, 2, 0.5, 1, 0, 0.5, 0, 1, 0.5, 1.5, -1, 2, 1.5, 15, 20]);
  pointFeatures(gathered, 0, new Float64Array(6), out);
  t.ok(
    out.every((value) => value === 0),
    'nobody',
  );
  t.end();
});

void t.test('spectrogram: the newest columns, oldest first', (t) => {
  const state = createMicroDoppler(3, 2);
  for (let frame = 1; frame <= 5; frame++) {
    // Range bins 1 and 2 of 0 to 3 count.
    addMicroDoppler(state, Float64Array.of(100, 100, frame, 10, frame, 20, 100, 100), 1, 3);
    if (frame === 2) t.strictSame([...microDopplerPower(state)], [0, 0, 2, 30, 4, 30]);
  }
  t.strictSame([...microDopplerPower(state)], [6, 30, 8, 30, 10, 30]);
  t.end();
});

void t.test('decibels and scales', (t) => {
  const db = new Float32Array(4);
  decibels(Float64Array.of(1, 1000, 0.01, 0), db);
  t.ok(
    [0, 30, -20].every((value, i) => Math.abs(db[i]! - value) < 1e-5),
    'of powers',
  );
  t.ok(Number.isFinite(db[3]) && db[3]! < -3000, 'of an empty cell');
  const out = new Float32Array(4);
  scaleFixed(Float32Array.of(-50, 10, 30, 90), 10, 50, out);
  t.strictSame([...out], [0, 0, 0.5, 1]);

  const random = createRandom(3);
  const noise = (level: number) => Float32Array.from({ length: 4096 }, () => level + random.uniform());
  const scale = createAdaptiveScale();
  const map = noise(40);
  map[7] = 90;
  const scaled = new Float32Array(4096);
  scaleAdaptive(map, scale, {}, scaled);
  t.ok(Math.abs(scale.low - 40.5) < 0.1, 'low: the median', { low: scale.low });
  t.equal(scale.high, 90);
  t.equal(scaled[7], 1);
  const quiet = noise(40);
  for (let i = 0; i < 100; i++) scaleAdaptive(quiet, scale, {}, scaled);
  t.ok(Math.abs(scale.high - 41) < 0.1, 'high: follows the maps', { high: scale.high });
  t.ok(Math.max(...scaled) < 0.06, 'noise alone stays dark');
  scaleAdaptive(new Float32Array(4096).fill(3), createAdaptiveScale(), {}, scaled);
  t.ok(
    scaled.every((value) => value === 0),
    'a map of one value',
  );
  t.end();
});

void t.test('a cube that must not become numbers', (t) => {
  const shape = [4, 1, 2, 32] as const;
  const cube = (value: (i: number) => number, missing = 0) => ({
    kind: 'radar-cube' as const,
    arrivalTime: 0,
    shape,
    components: 2 as const,
    data: Int16Array.from({ length: 512 }, (_, i) => value(i)),
    missing,
  });
  const good = (i: number) => Math.round(1000 * Math.sin(i));
  t.equal(cubeFault(cube(good), shape, 2), undefined);
  t.equal(cubeFault(cube(good, 2), shape, 2), undefined, '2 of 256 samples');
  t.equal(cubeFault(cube(good, 3), shape, 2), 'missing');
  t.equal(cubeFault(cube(good), [4, 2, 1, 32], 2), 'shape');
  t.equal(cubeFault(cube(good), shape, 1), 'shape');
  t.equal(cubeFault({ ...cube(good), data: new Int16Array(510) }, shape, 2), 'shape');
  t.equal(
    cubeFault(
      cube((i) => (i % 2 ? -3 : 5)),
      shape,
      2,
    ),
    'constant',
    'the same complex number',
  );
  t.equal(
    cubeFault(
      cube((i) => (i % 100 ? good(i) : -32768)),
      shape,
      2,
    ),
    'clipped',
  );
  t.equal(
    cubeFault(
      cube((i) => (i % 100 ? good(i) / 10 : 511)),
      shape,
      2,
      511,
    ),
    'clipped',
    'of a 10 bit converter',
  );
  t.end();
});
