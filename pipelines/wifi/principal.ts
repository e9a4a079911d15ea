/** First principal component of many channels over a segment of N samples.
 *
 *      C = Σ_n (x_n − x̄)(x_n − x̄)ᵀ,   C v = λ v with the largest λ, |v| = 1,   p_n = vᵀ (x_n − x̄)
 *
 *  What moves changes all subcarriers together, noise each by itself, so p carries the motion of them all: Wang, Liu, Shahzad, Ling,
 *  Lu, 'CARM', MobiCom 2015, 4.2. C itself would cost more than the few products with X that Lanczos takes. v is sought from that
 *  of the segment before on, since it changes little. Its sign is free, and taken so that the sum of its parts is positive. */

import type { ChannelKernels } from './channel-kernels.js';
import { createLanczos } from './lanczos.js';

/** A variance below this share of the squares is what rounding leaves of a constant. */
const rounding = 1e-13;

export interface Principal {
  /** Share of the variance that lies in the component, 0 … 1; NaN where nothing varies. */
  readonly share: number;
  /** [channels and what fills up the last group] v */
  readonly direction: Float64Array;
  /**
   * Of the kernels' segment, whose means are up to date; p is their `series` afterwards.
   * @returns false where nothing varies: there is no component
   */
  project(): boolean;
  /** The next segment has nothing to do with the one before. */
  reset(): void;
}

export function createPrincipal(kernels: ChannelKernels): Principal {
  const { channels, samples, means, vectors, series, sums } = kernels;
  const width = means.length;
  const direction = new Float64Array(width);
  // Numbers that change with each segment: a variable of the closure would be allocated anew each time.
  const found = { variance: NaN, share: NaN };

  /** series = (x_n − x̄)ᵀ of the vector. */
  function projectCentred(from: number): void {
    kernels.project(from);
    let mean = 0;
    for (let c = 0; c < channels; c++) mean += means[c]! * vectors[from + c]!;
    for (let n = 0; n < samples; n++) series[n]! -= mean;
  }

  // The series has no mean, so the samples need not be without theirs.
  const lanczos = createLanczos(width, vectors, (from, to) => {
    projectCentred(from);
    kernels.correlate(to);
  });

  function findVariance(): void {
    kernels.updateSquares();
    const squares = sums[0]! + sums[1]!;
    let ofMeans = 0;
    for (let c = 0; c < channels; c++) ofMeans += means[c]! * means[c]!;
    const left = squares - samples * ofMeans;
    found.variance = left > rounding * squares ? left : 0;
  }

  function reset(): void {
    direction.fill(1, 0, channels);
  }
  reset();

  return {
    direction,
    reset,
    get share() {
      return found.share;
    },
    project() {
      findVariance();
      if (found.variance === 0) {
        found.share = NaN;
        return false;
      }
      // A direction that lies across the component would never find it.
      for (let c = 0; c < channels; c++) direction[c]! += 1e-6 * (1 + (c % 7));
      lanczos.findLargest(direction);
      found.share = Math.min(1, lanczos.found[0]! / found.variance); // rounding
      let sign = 0;
      for (let c = 0; c < channels; c++) sign += direction[c]!;
      if (sign < 0) for (let c = 0; c < channels; c++) direction[c]! *= -1;
      vectors.set(direction);
      projectCentred(0);
      return true;
    },
  };
}
