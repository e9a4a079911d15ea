/** Against NumPy and SciPy in double precision: test/pipelines/golden/radar.py makes the values. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { RadarCubeFrame } from '../../../drivers/frames.js';
import { packageRoot } from '../../../daemon/package-root.js';
import { createFft } from '../../../pipelines/fft.js';
import { addAngleFft, cellValues } from '../../../pipelines/radar/angle.js';
import { createCubePointScratch } from '../../../pipelines/radar/cube-points.js';
import { cellAveragingRate, meanOfRank, orderedStatisticRate } from '../../../pipelines/radar/cfar-factors.js';
import { createCubeHeatmaps, type CubeHeatmapOptions } from '../../../pipelines/radar/cube-heatmaps.js';
import { windowFunction, windowNames } from '../../../pipelines/radar/window-functions.js';
import { openRadarCube } from './captures.js';

interface Packed {
  shape: number[];
  base64: string;
}
interface GoldenCube {
  cube: Packed;
  positions: [number, number][];
  rangeDoppler: Packed;
  rangeAzimuth: Packed;
}
interface Golden {
  windows: Record<(typeof windowNames)[number], Packed>;
  complex: GoldenCube & { rangeDopplerDecibels: Packed; rangeAzimuthDecibels: Packed };
  real: GoldenCube;
  padded: GoldenCube;
  background: { weight: number; rangeDoppler: Packed };
  cellAveraging: { factor: number; cells: number; looks: number; rate: number }[];
  orderedStatistic: { factor: number; cells: number; rank: number; looks: number; rate: number; rankMean: number }[];
}

const folder = join(packageRoot, 'test', 'pipelines', 'golden');
const golden = JSON.parse(readFileSync(join(folder, 'radar.json'), 'utf8')) as Golden;

function bytes({ base64 }: Packed): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = Buffer.from(base64, 'base64');
  return buffer.slice(byteOffset, byteOffset + byteLength);
}
const doubles = (packed: Packed) => new Float64Array(bytes(packed));

/** The largest difference of any value relative to that value itself. */
function relativeError(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (got.length !== expected.length) return Infinity;
  let worst = 0;
  for (let i = 0; i < got.length; i++) {
    const error = Math.abs(got[i]! - expected[i]!) / Math.abs(expected[i]!);
    if (!(error <= worst)) worst = error;
  }
  return worst;
}

function close(t: Test, got: ArrayLike<number>, expected: ArrayLike<number>, name: string, limit = 1e-5): void {
  const error = relativeError(got, expected);
  t.ok(error <= limit, `${name}: every value within ${limit}`, { error });
}

const geometry = (positions: readonly (readonly [number, number])[], transmitters: number) => ({
  frequency: 77e9,
  slope: 30e12,
  sampleRate: 5e6,
  loopPeriod: 1e-4,
  transmitters,
  antennas: positions,
});

function frame(data: Int16Array, shape: RadarCubeFrame['shape'], components: 1 | 2): RadarCubeFrame {
  return { kind: 'radar-cube', arrivalTime: 0, shape, components, data, missing: 0 };
}

const shape = [16, 2, 4, 32] as const;

void t.test('window functions', (t) => {
  for (const name of windowNames) {
    const expected = doubles(golden.windows[name]);
    const got = windowFunction(name, expected.length);
    t.ok(
      got.every((value, n) => Math.abs(value - expected[n]!) < 1e-15),
      name,
    );
  }
  t.end();
});

void t.test('heatmaps of complex samples, two rows of antennas, standing echoes removed', (t) => {
  const { cube, positions, ...expected } = golden.complex;
  const maps = createCubeHeatmaps({ geometry: geometry(positions, 2), shape, components: 2 });
  maps.update(frame(new Int16Array(bytes(cube)), shape, 2));
  close(t, maps.rangeDopplerPower, doubles(expected.rangeDoppler), 'range-Doppler power', 1e-9);
  close(t, maps.rangeAzimuthPower, doubles(expected.rangeAzimuth), 'range-azimuth power', 1e-9);
  close(t, maps.rangeDoppler, doubles(expected.rangeDopplerDecibels), 'range-Doppler dB', 1e-7);
  close(t, maps.rangeAzimuth, doubles(expected.rangeAzimuthDecibels), 'range-azimuth dB', 1e-7);
  t.end();
});

void t.test('the azimuth spectra of the cells add up to the range-azimuth map', (t) => {
  const { cube, positions } = golden.complex;
  const maps = createCubeHeatmaps({ geometry: geometry(positions, 2), shape, components: 2 });
  maps.update(frame(new Int16Array(bytes(cube)), shape, 2));
  const fft = createFft(64);
  const scratch = createCubePointScratch(8, 64, 2);
  for (const rangeBin of [0, 10, 31]) {
    const power = new Float64Array(64);
    for (let d = 0; d < 16; d++) {
      cellValues(maps.cube, rangeBin, d, scratch.values);
      for (const row of maps.rows) addAngleFft(scratch.values, row, fft, scratch, power);
    }
    close(t, power, maps.rangeAzimuthPower.subarray(64 * rangeBin, 64 * (rangeBin + 1)), `range bin ${rangeBin}`, 1e-9);
  }
  t.end();
});

void t.test('heatmaps of real samples, one row, other windows', (t) => {
  const { cube, positions, ...expected } = golden.real;
  const maps = createCubeHeatmaps({
    geometry: geometry(positions, 2),
    shape,
    components: 1,
    rangeWindow: 'blackman',
    dopplerWindow: 'hamming',
    clutter: 'none',
  });
  maps.update(frame(new Int16Array(bytes(cube)), shape, 1));
  close(t, maps.rangeDopplerPower, doubles(expected.rangeDoppler), 'range-Doppler power', 1e-9);
  close(t, maps.rangeAzimuthPower, doubles(expected.rangeAzimuth), 'range-azimuth power', 1e-9);
  t.end();
});

void t.test('lengths that are no powers of two, an odd number of antennas with gaps between them', (t) => {
  const { cube, positions, ...expected } = golden.padded;
  const shape = [11, 3, 1, 20] as const;
  const all = createCubeHeatmaps({ geometry: geometry(positions, 3), shape, components: 2 });
  const near = createCubeHeatmaps({ geometry: geometry(positions, 3), shape, components: 2, rangeBins: 9 });
  const samples = frame(new Int16Array(bytes(cube)), shape, 2);
  for (const maps of [all, near]) {
    // A second frame must not see the first.
    for (let i = 0; i < 2; i++) maps.update(samples);
    const { rangeBins } = maps;
    const [doppler, azimuth] = [doubles(expected.rangeDoppler), doubles(expected.rangeAzimuth)];
    close(t, maps.rangeDopplerPower, doppler.subarray(0, 16 * rangeBins), `${rangeBins} bins, range-Doppler`, 1e-9);
    close(t, maps.rangeAzimuthPower, azimuth.subarray(0, 64 * rangeBins), `${rangeBins} bins, range-azimuth`, 1e-9);
  }
  t.end();
});

void t.test('exponential background over four frames', (t) => {
  const { cube, positions } = golden.complex;
  const { weight, rangeDoppler } = golden.background;
  const maps = createCubeHeatmaps({ geometry: geometry(positions, 2), shape, components: 2, clutter: { weight } });
  const data = new Int16Array(bytes(cube));
  const negative = data.map((value) => -value);
  for (const samples of [data, negative, data, negative]) maps.update(frame(samples, shape, 2));
  close(t, maps.rangeDopplerPower, doubles(rangeDoppler), 'range-Doppler power', 1e-9);
  t.end();
});

void t.test('false-alarm rates of a factor', (t) => {
  for (const { factor, cells, looks, rate } of golden.cellAveraging) {
    close(t, [cellAveragingRate(factor, cells, looks)], [rate], `cell averaging, ${cells} cells, ${looks} looks`, 1e-9);
  }
  for (const { factor, cells, rank, looks, rate, rankMean } of golden.orderedStatistic) {
    const name = `ordered statistic, ${rank} of ${cells} cells, ${looks} looks`;
    close(t, [orderedStatisticRate(factor, cells, rank, looks)], [rate], name);
    close(t, [meanOfRank(cells, rank, looks)], [rankMean], `${name}: mean`);
    if (looks > 1) continue;
    let product = 1; // Rohling's closed form
    for (let i = 0; i < rank; i++) product *= (cells - i) / (cells - i + factor);
    close(t, [orderedStatisticRate(factor, cells, rank, 1)], [product], `${name}: closed form`);
  }
  t.end();
});

const data = process.env['SENSING_DATA'];
const openRadar = data === undefined ? undefined : join(data, 'captures', 'openradar');
const skip = openRadar !== undefined && existsSync(openRadar) ? false : 'skipped: no recordings';

void t.test("OpenRadar's captures", { skip }, (t) => {
  const digests = JSON.parse(readFileSync(join(folder, 'radar-captures.json'), 'utf8')) as Record<
    string,
    Record<string, { sum: number; every61st: Packed }>
  >;
  for (const [name, digest] of Object.entries(digests)) {
    const { shape: axes, data } = openRadarCube(join(openRadar!, `${name}.npy`));
    const antennas = axes.length === 3 ? axes[1]! : 1;
    const transmitters = antennas === 8 ? 2 : 1;
    const positions = Array.from({ length: antennas }, (_, i) => [i, 0] as const);
    const shape = [axes[0]!, transmitters, antennas / transmitters, axes.at(-1)!] as const;
    for (const [clutter, suffix] of [
      ['chirp-mean', 'mean'],
      ['none', 'none'],
    ] as const) {
      const options: CubeHeatmapOptions = {
        geometry: geometry(positions, transmitters),
        shape,
        components: 2,
        clutter,
      };
      const maps = createCubeHeatmaps(options);
      maps.update(frame(data, shape, 2));
      const kinds = { rangeDoppler: maps.rangeDopplerPower, rangeAzimuth: maps.rangeAzimuthPower };
      for (const [kind, power] of Object.entries(kinds)) {
        const expected = digest[`${kind} ${suffix}`]!;
        const sum = power.reduce((total, value) => total + value, 0);
        close(t, [sum], [expected.sum], `${name}, ${kind}, clutter ${suffix}: sum`, 1e-9);
        const cells = power.filter((_, i) => i % 61 === 0);
        close(t, cells, doubles(expected.every61st), `${name}, ${kind}, clutter ${suffix}: cells`);
      }
    }
  }
  t.end();
});
