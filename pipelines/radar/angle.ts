import type { Fft } from '../fft.js';
import type { Cube } from './cube.js';
import type { AntennaRow } from './geometry.js';

/** The antennas' values of one cell of the cube, in the order of the cube. */
export interface CellValues {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/** [antennas] of one range and velocity. */
export function cellValues(cube: Cube, rangeBin: number, dopplerBin: number, out: CellValues): void {
  const { antennas, dopplerBins, re, im } = cube;
  for (let a = 0, at = rangeBin * antennas * dopplerBins + dopplerBin; a < antennas; a++, at += dopplerBins) {
    out.re[a] = re[at]!;
    out.im[a] = im[at]!;
  }
}

export interface AngleFftScratch {
  /** [azimuth bins, 2] zeros but for the places of the antennas */
  readonly input: Float64Array;
  /** [azimuth bins, 2] */
  readonly output: Float64Array;
}

/**
 * Azimuth power spectrum of one cell: power[i] += |Σ_x value(x) e^(πi x u)|², u = sin(azimuth) cos(elevation) = 2 i / bins −
 * 1, over the antennas of one row, zero-padded to the size of `fft`. Adds to `power`, so that the rows of an array sum up.
 * Van Trees, Optimum Array Processing, 2.5; the sign is that of `geometry.ts`.
 * @param power [azimuth bins]
 */
export function addAngleFft(
  values: CellValues,
  row: AntennaRow,
  fft: Fft,
  scratch: AngleFftScratch,
  power: Float64Array,
): void {
  const { input, output } = scratch;
  const bins = fft.size;
  input.fill(0);
  for (let i = 0; i < row.antenna.length; i++) {
    const place = 2 * row.x[i]!;
    input[place] = values.re[row.antenna[i]!]!;
    input[place + 1] = -values.im[row.antenna[i]!]!; // conjugate: the FFT has the other sign
  }
  fft.transform(output, input);
  for (let i = 0; i < bins; i++) {
    const k = 2 * ((i + bins / 2) % bins);
    power[i]! += output[k]! ** 2 + output[k + 1]! ** 2;
  }
}

/**
 * Where between −0.5 and 0.5 bins from a peak's bin the peak lies: of the parabola through the logarithms of the powers. Exact
 * for a Gaussian peak; with a Hann or Hamming window at most 0.016 bins off, with Blackman 0.007, with none 0.17 (noise
 * aside).
 * M. Gasior and J. L. Gonzalez, Improving FFT frequency measurement resolution by parabolic and Gaussian spectrum
 * interpolation, CERN AB-Note-2004-021.
 * @param before @param peak @param after places in `power`
 * @param out its place `slot` is written: a number that is returned may be allocated
 */
export function peakOffset(
  power: Float64Array,
  before: number,
  peak: number,
  after: number,
  out: Float64Array,
  slot: number,
): void {
  out[slot] = 0;
  if (!(power[before]! > 0 && power[after]! > 0 && power[peak]! > 0)) return;
  const a = Math.log(power[before]!);
  const b = Math.log(power[peak]!);
  const c = Math.log(power[after]!);
  const curvature = a - 2 * b + c;
  if (curvature < 0) out[slot] = Math.min(0.5, Math.max(-0.5, (a - c) / (2 * curvature)));
}
