/** The two FFTs that the pipelines use, and two ways to a range-azimuth map. */
import { createRandom } from '../learning/random.js';
import { createFft } from '../pipelines/fft.js';
import { addAngleFft, cellValues } from '../pipelines/radar/angle.js';
import { createCube } from '../pipelines/radar/cube.js';
import { createCubePointScratch } from '../pipelines/radar/cube-points.js';
import type { AntennaRow } from '../pipelines/radar/geometry.js';
import { createRangeAzimuthScratch, rangeAzimuthPower } from '../pipelines/radar/heatmaps.js';
import { percentile } from './statistics.js';

const random = createRandom(1);
const noise = (length: number) => Float64Array.from({ length }, () => random.normal());

/** Microseconds of one call, the median of 15 rows of them after a warm-up. */
function microseconds(call: () => void, calls: number): number {
  const row = () => {
    const begin = performance.now();
    for (let i = 0; i < calls; i++) call();
    return ((performance.now() - begin) * 1e3) / calls;
  };
  for (let i = 0; i < 5; i++) row();
  return percentile(Array.from({ length: 15 }, row), 0.5);
}

export interface FftMeasurement {
  step: string;
  /** Of one signal, or one map. */
  microseconds: number;
}

export function measureFfts(): FftMeasurement[] {
  const measured: FftMeasurement[] = [];
  for (const size of [64, 256]) {
    const fft = createFft(size);
    const [input, output] = [noise(2 * size), new Float64Array(2 * size)];
    const single = microseconds(() => fft.transform(output, input), 10000);
    measured.push({ step: `FFT of ${size}, fft.js`, microseconds: single });
    const shape = {
      chirps: 2,
      transmitters: 1,
      receivers: 2,
      samples: size,
      rangeBins: 4,
      rangeSize: size,
      dopplerBins: 2,
    };
    const { kernels } = createCube(shape, noise(size), noise(2));
    kernels.samples.set(noise(4 * size));
    const pair = microseconds(() => kernels.rangeTransform(0, 0), 10000);
    measured.push({ step: `FFT of ${size}, WebAssembly, one of two`, microseconds: Number((pair / 2).toFixed(3)) });
  }

  const shape = {
    chirps: 64,
    transmitters: 3,
    receivers: 4,
    samples: 256,
    rangeBins: 256,
    rangeSize: 256,
    dopplerBins: 64,
  };
  const cube = createCube(shape, noise(256), noise(64));
  cube.re.set(noise(cube.re.length));
  cube.im.set(noise(cube.im.length));
  const places = Int32Array.from({ length: 12 }, (_, i) => i);
  const row: AntennaRow = { z: 0, antenna: places, x: places };
  const fft = createFft(64);
  const lags = createRangeAzimuthScratch([row], 64);
  const map = new Float64Array(256 * 64);
  const short = microseconds(() => rangeAzimuthPower(cube, [row], fft, lags, map), 10);
  measured.push({ step: 'range-azimuth map by autocorrelation', microseconds: short });
  const scratch = createCubePointScratch(12, 64, 1);
  const eachCell = () => {
    map.fill(0);
    for (let r = 0; r < 256; r++) {
      const power = map.subarray(64 * r, 64 * r + 64);
      for (let d = 0; d < 64; d++) {
        cellValues(cube, r, d, scratch.values);
        addAngleFft(scratch.values, row, fft, scratch, power);
      }
    }
  };
  measured.push({ step: 'range-azimuth map by an FFT of each cell', microseconds: microseconds(eachCell, 2) });
  return measured;
}
