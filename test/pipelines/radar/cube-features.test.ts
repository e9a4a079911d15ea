import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { RadarCubeFrame } from '../../../drivers/frames.js';
import { createRandom } from '../../../learning/random.js';
import { createAreaMean } from '../../../pipelines/radar/area-mean.js';
import { createRadarCubeFeatures } from '../../../pipelines/radar/cube-features.js';
import { goldenVectors, near } from '../golden/vectors.js';
import { echoes, echoRadar, type Echo } from './echoes.js';
import { openRadarCube } from './captures.js';

const golden = goldenVectors('features.json');

void t.test('means over the parts that cells cover, beside NumPy', (t) => {
  const out = new Float64Array(8 * 32);
  createAreaMean(16, [3, 17], [2, 13], [8, 32])(golden('map'), out);
  near(t, out, golden('areaMean'), 'a part of a map, fewer rows and more columns');
  t.end();
});

const small = { ...echoRadar(), shape: [16, 3, 4, 128] as const };
const options = { geometry: small.geometry, shape: small.shape, components: 2 as const };
const still: Omit<Echo, 'range' | 'velocity' | 'azimuth'> = { amplitude: 300 };

/** Row and column of a picture's brightest cell. */
function brightest(out: Float32Array, picture: number, size: readonly [number, number]): [number, number] {
  const cells = size[0] * size[1];
  let most = picture * cells;
  for (let i = most; i < (picture + 1) * cells; i++) if (out[i]! > out[most]!) most = i;
  return [Math.floor((most % cells) / size[1]), most % size[1]];
}

void t.test('somebody is where they are, and what stands still is not there', (t) => {
  const random = createRandom(4);
  const size = [20, 32] as const;
  const features = createRadarCubeFeatures({ ...options, size, range: [1, 6], speed: 3 });
  t.strictSame(features.shape, [2, 20, 32]);
  const out = new Float32Array(2 * 20 * 32);
  for (const [range, velocity, azimuth] of [
    [2, 1.4, 0.5],
    [4, -2.2, -0.3],
    [5.5, 2.1, 0],
  ] as const) {
    const wall = { ...still, range: 3, velocity: 0, azimuth: 0.2, amplitude: 3000 };
    const cube = echoes(small, [wall, { ...still, range, velocity, azimuth }], 5, random);
    t.equal(features.take(cube, out), undefined);
    const [row, column] = brightest(out, 0, size);
    const [azimuthRow, azimuthColumn] = brightest(out, 1, size);
    const at = (cell: number, cells: number, low: number, high: number) => low + ((cell + 0.5) / cells) * (high - low);
    // A cell is 0.25 m; a bin of 128 samples is 0.2 m, of 16 chirps 0.68 m/s, of 12 antennas a sixth of the sine.
    for (const found of [row, azimuthRow]) t.ok(Math.abs(at(found, 20, 1, 6) - range) < 0.25, `range ${range}`);
    t.ok(Math.abs(at(column, 32, -3, 3) - velocity) < 0.5, `velocity ${velocity}: ${at(column, 32, -3, 3)}`);
    t.ok(Math.abs(at(azimuthColumn, 32, -1, 1) - Math.sin(azimuth)) < 0.1, `azimuth ${azimuth}`);
    t.ok(
      out.every((value) => value >= 0 && value <= 1),
      'from 0 to 1',
    );
  }
  t.end();
});

void t.test('limits that hold no bin', (t) => {
  t.throws(() => createRadarCubeFeatures({ ...options, range: [5, 4] }), RangeError);
  t.throws(() => createRadarCubeFeatures({ ...options, range: [1e4, 2e4] }), RangeError);
  t.throws(() => createRadarCubeFeatures({ ...options, speed: 0.01 }), RangeError);
  t.end();
});

void t.test('faults', (t) => {
  const random = createRandom(5);
  const cube = () => echoes(small, [{ ...still, range: 2, velocity: 1, azimuth: 0 }], 5, random);
  const spoilt: [string, RadarCubeFrame][] = [
    ['absent', { ...cube(), arrivalTime: NaN }],
    ['absent', { ...cube(), missing: 1000 }],
    ['settingsChanged', { ...cube(), shape: [16, 2, 6, 128] }],
    ['settingsChanged', { ...cube(), components: 1 }],
    ['settingsChanged', { ...cube(), data: new Int16Array(0) }],
    ['constant', { ...cube(), data: cube().data.fill(3) }],
    ['clipped', { ...cube(), data: cube().data.map((value, i) => (i % 50 ? value : 32767)) }],
  ];
  const features = createRadarCubeFeatures(options);
  const out = new Float32Array(2048).fill(7);
  for (const [fault, frame] of spoilt) t.equal(features.take(frame, out), fault);
  t.ok(
    out.every((value) => value === 7),
    'nothing is written',
  );
  const same = cube();
  const found = Array.from({ length: 11 }, () => features.take(same, out));
  t.strictSame(found, [...new Array<undefined>(8).fill(undefined), 'constant', 'constant', 'constant']);
  features.reset();
  t.equal(features.take(cube(), out), undefined);
  t.end();
});

const data = process.env['SENSING_DATA'];
const skip = data !== undefined && existsSync(join(data, 'captures', 'openradar')) ? false : 'skipped: no recordings';

void t.test("OpenRadar's captures", { skip }, (t) => {
  for (const name of ['simple_frame_1', 'doppler_example_1']) {
    const { shape: axes, data: samples } = openRadarCube(join(data!, 'captures', 'openradar', `${name}.npy`));
    const antennas = axes.length === 3 ? axes[1]! : 1;
    const transmitters = antennas === 8 ? 2 : 1;
    const shape = [axes[0]!, transmitters, antennas / transmitters, axes.at(-1)!] as const;
    const geometry = {
      ...small.geometry,
      transmitters,
      antennas: Array.from({ length: antennas }, (_, i) => [i, 0] as const),
    };
    const features = createRadarCubeFeatures({ geometry, shape, components: 2 });
    const out = new Float32Array(2048);
    const cube = { kind: 'radar-cube', arrivalTime: 0, shape, components: 2, data: samples, missing: 0 } as const;
    t.equal(features.take(cube, out), undefined, name);
    t.ok(
      out.every((value) => value >= 0 && value <= 1),
      'from 0 to 1',
    );
    const dark = out.subarray(0, 1024).filter((value) => value === 0).length;
    t.ok(dark > 400 && dark < 600, `${dark} of 1024 cells are noise`);
    t.equal(Math.max(...out.subarray(0, 1024)), 1);
  }
  t.end();
});
