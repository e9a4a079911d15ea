/** Complex FFT over interleaved double-precision numbers, by fft.js; `docs/fft.md` says why that one. */

import FFT from 'fft.js';

/** X[k] = Σ x[n] e^(−2πi kn/N), not normalised, as NumPy's `fft.fft`. */
export interface Fft {
  readonly size: number;
  /** [size, 2] → [size, 2], real and imaginary part; `out` and `input` must be two arrays of that length. */
  transform(out: Float64Array, input: Float64Array): void;
}

/** @param size a power of two from 2 on; otherwise throws */
export function createFft(size: number): Fft {
  if (!(size >= 2 && Number.isInteger(Math.log2(size)))) throw new RangeError(`FFT of ${size}: not a power of two`);
  return new FFT(size);
}

/** The smallest power of two that is no less than `length` (and 2): the size of the FFT that `length` values are zero-padded to. */
export const fftSize = (length: number): number => 2 ** Math.max(1, Math.ceil(Math.log2(length)));
