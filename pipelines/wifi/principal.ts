/** First principal component of many channels over the newest N samples.
 *
 *      C = Σ_n (x_n − x̄)(x_n − x̄)ᵀ over the segment,   C v = λ v with the largest λ, |v| = 1,   p_n = vᵀ (x_n − x̄)
 *
 *  What moves changes all subcarriers together, noise each by itself, so p carries the motion of them all: Wang, Liu, Shahzad, Ling,
 *  Lu, 'CARM', MobiCom 2015, 4.2. Sums of products are carried on from sample to sample, and summed anew once a segment so that
 *  rounding does not pile up. v by power iteration from the v before: x̄ and C change little from one segment to the next. The
 *  sign of v is free; it is taken so that the sum of its parts is positive. */

/** Residual |C v − λ v| / λ at which v is good: the error of v is that times λ / (λ − λ₂). */
const tolerance = 1e-9;
/** Where λ₂ is as large as λ no direction is the first, and any is as good. */
const mostIterations = 500;

export interface Principal {
  /** Share of the variance that lies in the component, 0 … 1; NaN where nothing varies. */
  readonly share: number;
  /** Iterations that the newest one took; `mostIterations` (500) says that it did not get there. */
  readonly iterations: number;
  /** [channels] */
  readonly direction: Float64Array;
  /** The next sample, [channels], which pushes the one at `oldest` in each row of x out. */
  replace(values: Float32Array, x: Float32Array, stride: number, oldest: number): void;
  /** Sums anew over segment [from, from + N) of each row. */
  sumAnew(x: Float32Array, stride: number, from: number): void;
  /**
   * The component of the segment.
   * @param out [N] p
   * @returns false where nothing varies: there is no component, and `out` is as it was
   */
  project(x: Float32Array, stride: number, from: number, out: Float64Array): boolean;
}

export function createPrincipal(channels: number, samples: number): Principal {
  const products = new Float64Array(channels * channels); // upper triangle: Σ of (x_i − o_i)(x_j − o_j)
  const sums = new Float64Array(channels);
  // Products of distances to a sample, so that they do not cancel.
  const origin = new Float64Array(channels);
  const covariance = new Float64Array(channels * channels);
  const added = new Float64Array(channels);
  const removed = new Float64Array(channels);
  const direction = new Float64Array(channels).fill(1 / Math.sqrt(channels));
  const image = new Float64Array(channels);
  let share = NaN;
  let iterations = 0;

  function addProducts(): void {
    for (let i = 0; i < channels; i++) {
      const a = added[i]!;
      sums[i]! += a;
      for (let j = i, at = i * channels + i; j < channels; j++, at++) products[at]! += a * added[j]!;
    }
  }

  /** image = covariance · direction; gives λ = directionᵀ · image. */
  function apply(): number {
    image.fill(0);
    for (let i = 0; i < channels; i++) {
      const v = direction[i]!;
      const row = i * channels;
      let sum = covariance[row + i]! * v;
      for (let j = i + 1; j < channels; j++) {
        const c = covariance[row + j]!;
        sum += c * direction[j]!;
        image[j]! += c * v;
      }
      image[i]! += sum;
    }
    let lambda = 0;
    for (let i = 0; i < channels; i++) lambda += direction[i]! * image[i]!;
    return lambda;
  }

  /** @returns λ; the direction is what is left in `direction` */
  function iterate(): number {
    // A direction that lies across the component would never find it.
    for (let i = 0; i < channels; i++) direction[i]! += 1e-3 * (i % 2 === 0 ? 1 : 0.5);
    let norm = 0;
    for (let i = 0; i < channels; i++) norm += direction[i]! ** 2;
    norm = Math.sqrt(norm);
    for (let i = 0; i < channels; i++) direction[i]! /= norm;
    for (iterations = 1; ; iterations++) {
      const lambda = apply();
      let residual = 0;
      let length = 0;
      for (let i = 0; i < channels; i++) {
        residual += (image[i]! - lambda * direction[i]!) ** 2;
        length += image[i]! ** 2;
      }
      if (residual <= (tolerance * lambda) ** 2 || iterations === mostIterations) return lambda;
      length = Math.sqrt(length);
      for (let i = 0; i < channels; i++) direction[i] = image[i]! / length;
    }
  }

  return {
    direction,
    get share() {
      return share;
    },
    get iterations() {
      return iterations;
    },

    replace(values, x, stride, oldest) {
      for (let c = 0; c < channels; c++) {
        added[c] = values[c]! - origin[c]!;
        removed[c] = x[c * stride + oldest]! - origin[c]!;
      }
      for (let i = 0; i < channels; i++) {
        const a = added[i]!;
        const r = removed[i]!;
        sums[i]! += a - r;
        for (let j = i, at = i * channels + i; j < channels; j++, at++) {
          products[at]! += a * added[j]! - r * removed[j]!;
        }
      }
    },

    sumAnew(x, stride, from) {
      products.fill(0);
      sums.fill(0);
      for (let c = 0; c < channels; c++) origin[c] = x[c * stride + from]!;
      for (let n = from; n < from + samples; n++) {
        for (let c = 0; c < channels; c++) added[c] = x[c * stride + n]! - origin[c]!;
        addProducts();
      }
    },

    project(x, stride, from, out) {
      let total = 0;
      for (let i = 0; i < channels; i++) {
        const mean = sums[i]! / samples;
        for (let j = i, at = i * channels + i; j < channels; j++, at++) {
          covariance[at] = products[at]! - mean * sums[j]!;
        }
        total += covariance[i * channels + i]!;
      }
      if (!(total > 0)) {
        share = NaN;
        return false;
      }
      share = iterate() / total;
      let sign = 0;
      for (let i = 0; i < channels; i++) sign += direction[i]!;
      if (sign < 0) for (let i = 0; i < channels; i++) direction[i]! *= -1;
      out.fill(0);
      for (let c = 0; c < channels; c++) {
        const v = direction[c]!;
        const mean = origin[c]! + sums[c]! / samples;
        for (let n = 0; n < samples; n++) out[n]! += v * (x[c * stride + from + n]! - mean);
      }
      return true;
    },
  };
}
