import type { Fft } from '../fft.js';
import type { Cube } from './cube.js';
import type { AntennaRow } from './geometry.js';

/**
 * Range-Doppler power: Σ over the antennas of |cube|², [range bins, Doppler bins]. The antennas' powers are summed, not
 * their amplitudes, so that a target counts the same from every direction. Principles of Modern Radar, 15.3.
 */
export function rangeDopplerPower(cube: Cube, out: Float64Array): void {
  const { rangeBins, antennas, dopplerBins, re, im } = cube;
  for (let r = 0, from = 0; r < rangeBins; r++) {
    const to = r * dopplerBins;
    for (let d = to; d < to + dopplerBins; d++) out[d] = 0;
    for (let a = 0; a < antennas; a++) {
      for (let d = to; d < to + dopplerBins; d++, from++) {
        const x = re[from]!;
        const y = im[from]!;
        out[d]! += x * x + y * y;
      }
    }
  }
}

export interface RangeAzimuthScratch {
  /** [places] sums of products a lag apart. */
  readonly lagRe: Float64Array;
  readonly lagIm: Float64Array;
  /** [azimuth bins, 2] zeros */
  readonly input: Float64Array;
  /** [azimuth bins, 2] */
  readonly output: Float64Array;
}

/** @param rows at most azimuthBins places wide each */
export function createRangeAzimuthScratch(rows: readonly AntennaRow[], azimuthBins: number): RangeAzimuthScratch {
  const places = 1 + Math.max(...rows.map((row) => row.x.at(-1)!));
  if (places > azimuthBins) throw new RangeError(`an array ${places} places wide needs more than ${azimuthBins} bins`);
  return {
    lagRe: new Float64Array(places),
    lagIm: new Float64Array(places),
    input: new Float64Array(2 * azimuthBins),
    output: new Float64Array(2 * azimuthBins),
  };
}

/**
 * Range-azimuth power: Σ over the Doppler bins (and the rows of the array) of |angle spectrum|², [range bins, azimuth
 * bins]; azimuth bin i lies at sin(azimuth) = 2 i / bins − 1, to the right is positive. It is what
 *
 *     Σ_d |FFT of the row, zero-padded to all bins|²
 *
 * gives, but the zeros are never transformed: by Wiener and Khinchin the power spectrum is the spectrum of the
 * autocorrelation, which for a row of 12 has 12 lags; it is summed over the Doppler bins, and one FFT a range bin is left
 * where there was one for each Doppler bin too. Van Trees, Optimum Array Processing, 2.5 and 5.3.
 * @param fft of size azimuth bins
 */
export function rangeAzimuthPower(
  cube: Cube,
  rows: readonly AntennaRow[],
  fft: Fft,
  scratch: RangeAzimuthScratch,
  out: Float64Array,
): void {
  const { rangeBins } = cube;
  const { lagRe, lagIm, input, output } = scratch;
  const bins = fft.size;
  for (let r = 0; r < rangeBins; r++) {
    lagRe.fill(0);
    lagIm.fill(0);
    for (const row of rows) addAutocorrelation(cube, r, row, lagRe, lagIm);
    for (let lag = 0; lag < lagRe.length; lag++) {
      input[2 * lag] = lagRe[lag]!;
      input[2 * lag + 1] = -lagIm[lag]!;
    }
    fft.transform(output, input);
    // The spectrum of a Hermitian sequence of which one half was given: twice the real part, but for lag 0.
    const to = r * bins;
    for (let i = 0; i < bins; i++) {
      const k = i < bins / 2 ? i + bins / 2 : i - bins / 2;
      out[to + i] = Math.max(0, 2 * output[2 * k]! - lagRe[0]!);
    }
  }
}

/** lag[x_b − x_a] += Σ_d cube[b, d] · conj(cube[a, d]), for every pair with x_b ≥ x_a, two a and two b at a time. */
function addAutocorrelation(
  cube: Cube,
  rangeBin: number,
  { antenna, x }: AntennaRow,
  lagRe: Float64Array,
  lagIm: Float64Array,
): void {
  const { kernels } = cube;
  const { lagSums: sums, zeroRow } = kernels;
  const base = rangeBin * cube.antennas;
  const count = antenna.length;
  for (let a = 0; a < count; a += 2) {
    const a0 = base + antenna[a]!;
    const a1 = a + 1 < count ? base + antenna[a + 1]! : zeroRow;
    for (let b = a; b < count; b += 2) {
      kernels.lags(a0, a1, base + antenna[b]!, b + 1 < count ? base + antenna[b + 1]! : zeroRow);
      for (let i = a; i < Math.min(a + 2, count); i++) {
        for (let j = Math.max(i, b); j < Math.min(b + 2, count); j++) {
          const lag = x[j]! - x[i]!;
          const at = 8 * (i - a) + 4 * (j - b);
          lagRe[lag]! += sums[at]! + sums[at + 1]!;
          lagIm[lag]! += sums[at + 2]! + sums[at + 3]!;
        }
      }
    }
  }
}
