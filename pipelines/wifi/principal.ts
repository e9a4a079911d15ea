/** First principal component of many channels over a segment of N samples.
 *
 *      C = Σ_n (x_n − x̄)(x_n − x̄)ᵀ,   C v = λ v with the largest λ, |v| = 1,   p_n = vᵀ (x_n − x̄)
 *
 *  What moves changes all subcarriers together, noise each by itself, so p carries the motion of them all: Wang, Liu, Shahzad, Ling,
 *  Lu, 'CARM', MobiCom 2015, 4.2. v is sought from that of the segment before on, since it changes little. Its sign is free, and
 *  taken so that the sum of its parts is positive. */

import { createLanczos, timesTransposed } from './lanczos.js';

export interface Principal {
  /** Share of the variance that lies in the component, 0 … 1; NaN where nothing varies. */
  readonly share: number;
  /** [channels] v */
  readonly direction: Float64Array;
  /**
   * @param x [channels, N], each channel without its mean
   * @param out [N] p
   * @returns false where nothing varies: there is no component, and `out` is as it was
   */
  project(x: Float64Array, out: Float64Array): boolean;
  /** The next segment has nothing to do with the one before. */
  reset(): void;
}

/** @param samples N */
export function createPrincipal(channels: number, samples: number): Principal {
  const direction = new Float64Array(channels).fill(1);
  const lanczos = createLanczos(channels, samples);
  let share = NaN;

  return {
    direction,
    get share() {
      return share;
    },
    project(x, out) {
      let variance = 0;
      for (let i = 0; i < x.length; i++) variance += x[i]! * x[i]!;
      if (!(variance > 0)) {
        share = NaN;
        return false;
      }
      // A direction that lies across the component would never find it.
      for (let c = 0; c < channels; c++) direction[c]! += 1e-6 * (1 + (c % 7));
      share = lanczos.largest(x, direction) / variance;
      let sign = 0;
      for (let c = 0; c < channels; c++) sign += direction[c]!;
      if (sign < 0) for (let c = 0; c < channels; c++) direction[c]! *= -1;
      timesTransposed(x, samples, direction, 0, out);
      return true;
    },
    reset() {
      direction.fill(1);
    },
  };
}
