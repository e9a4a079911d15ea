import type { Fft } from '../fft.js';
import type { DopplerCube } from './doppler-fft.js';
import type { AntennaRow } from './geometry.js';

/**
 * Range-Doppler power: Σ over the antennas of |cube|², [range bins, Doppler bins]. The antennas' powers are summed, not
 * their amplitudes, so that a target counts the same from every direction. Principles of Modern Radar, 15.3.
 */
export function rangeDopplerPower(cube: DopplerCube, out: Float64Array): void {
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
  cube: DopplerCube,
  rows: readonly AntennaRow[],
  fft: Fft,
  scratch: RangeAzimuthScratch,
  out: Float64Array,
): void {
  const { rangeBins, antennas, dopplerBins } = cube;
  const { lagRe, lagIm, input, output } = scratch;
  const bins = fft.size;
  for (let r = 0; r < rangeBins; r++) {
    lagRe.fill(0);
    lagIm.fill(0);
    for (const row of rows) addAutocorrelation(cube, r * antennas * dopplerBins, row, lagRe, lagIm);
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

/** lag[x_b − x_a] += Σ_d cube[b, d] · conj(cube[a, d]), for every pair with x_b ≥ x_a; four b at a time, so that a's values
 * are loaded once for all four. */
function addAutocorrelation(
  cube: DopplerCube,
  base: number,
  row: AntennaRow,
  lagRe: Float64Array,
  lagIm: Float64Array,
): void {
  const { dopplerBins, re, im } = cube;
  const { antenna, x } = row;
  for (let a = 0; a < antenna.length; a++) {
    const first = base + antenna[a]! * dopplerBins;
    let b = a;
    for (; b + 4 <= antenna.length; b += 4) {
      let p0 = base + antenna[b]! * dopplerBins;
      let p1 = base + antenna[b + 1]! * dopplerBins;
      let p2 = base + antenna[b + 2]! * dopplerBins;
      let p3 = base + antenna[b + 3]! * dopplerBins;
      let re0 = 0;
      let im0 = 0;
      let re1 = 0;
      let im1 = 0;
      let re2 = 0;
      let im2 = 0;
      let re3 = 0;
      let im3 = 0;
      for (let p = first; p < first + dopplerBins; p++) {
        const u = re[p]!;
        const v = im[p]!;
        let s = re[p0]!;
        let t = im[p0++]!;
        re0 += s * u + t * v;
        im0 += t * u - s * v;
        s = re[p1]!;
        t = im[p1++]!;
        re1 += s * u + t * v;
        im1 += t * u - s * v;
        s = re[p2]!;
        t = im[p2++]!;
        re2 += s * u + t * v;
        im2 += t * u - s * v;
        s = re[p3]!;
        t = im[p3++]!;
        re3 += s * u + t * v;
        im3 += t * u - s * v;
      }
      const at = x[a]!;
      lagRe[x[b]! - at]! += re0;
      lagIm[x[b]! - at]! += im0;
      lagRe[x[b + 1]! - at]! += re1;
      lagIm[x[b + 1]! - at]! += im1;
      lagRe[x[b + 2]! - at]! += re2;
      lagIm[x[b + 2]! - at]! += im2;
      lagRe[x[b + 3]! - at]! += re3;
      lagIm[x[b + 3]! - at]! += im3;
    }
    for (; b < antenna.length; b++) {
      let q = base + antenna[b]! * dopplerBins;
      let sumRe = 0;
      let sumIm = 0;
      for (let p = first; p < first + dopplerBins; p++, q++) {
        sumRe += re[q]! * re[p]! + im[q]! * im[p]!;
        sumIm += im[q]! * re[p]! - re[q]! * im[p]!;
      }
      lagRe[x[b]! - x[a]!]! += sumRe;
      lagIm[x[b]! - x[a]!]! += sumIm;
    }
  }
}
