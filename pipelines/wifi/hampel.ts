/** Hampel filter of each channel over time: what lies further from the median of its neighbours than noise can, is the median.
 *
 *      window     2 h + 1 packets, x at its centre (at the start of a stream the h packets after and those that there are before)
 *      m          median of the window
 *      s          1.4826 · median of |x_i − m|, the standard deviation if the noise is normal; with the window in ascending order
 *                 the k-th smallest distance is the least over i of max(m − x_i, x_(i+k−1) − m)
 *      y          x if |x − m| ≤ sigmas · s, else m
 *
 *  Hampel, JASA 69 (1974); Pearson, Neuvo, Astola, Gabbouj, EURASIP J. Adv. Signal Process. 2016:87. As MATLAB's `hampel`. */

const toDeviation = 1.4826;

export interface Hampel {
  /**
   * The next packet.
   * @param values [channels], finite; not kept
   * @param out [channels] the packet of `delay` packets before, filtered
   * @returns false for the first `delay` packets, when there is none yet
   */
  push(values: Float32Array, out: Float32Array): boolean;
  /** The next packet is the first of a stream. */
  reset(): void;
  /** Values replaced so far. */
  readonly replaced: number;
}

/**
 * @param halfWidth h, packets
 * @param sigmas 3 as a rule
 * @param delay packets after x in the window: h with x at its centre; 0 judges each packet by those before alone, at once
 */
export function createHampel(channels: number, halfWidth: number, sigmas: number, delay = halfWidth): Hampel {
  const width = 2 * halfWidth + 1;
  const ring = new Float32Array(width * channels); // [packets, channels]
  const sorted = new Float32Array(channels * width); // [channels, packets] ascending
  const limit = sigmas * toDeviation;
  let packets = 0;
  let replaced = 0;

  return {
    // All in one, since a number that goes into or out of a function may be allocated.
    push(values, out) {
      const slot = (packets % width) * channels;
      const full = packets >= width;
      const count = Math.min(packets + 1, width);
      const centre = ((packets + width - delay) % width) * channels;
      const ready = packets >= delay;
      const half = count >> 1;
      // Of an even number the median is the mean of two.
      const least = (count + 1) >> 1;
      for (let c = 0, at = 0; c < channels; c++, at += width) {
        const value = values[c]!;
        const last = at + count - 1;
        // The place of the value that falls out, or of the new last one; then the new value moves to where it belongs.
        let i = last;
        if (full) {
          const old = ring[slot + c]!;
          i = at;
          while (sorted[i] !== old) i++;
        }
        for (; i < last && sorted[i + 1]! < value; i++) sorted[i] = sorted[i + 1]!;
        for (; i > at && sorted[i - 1]! > value; i--) sorted[i] = sorted[i - 1]!;
        sorted[i] = value;
        ring[slot + c] = value;
        if (!ready) continue;

        const x = ring[centre + c]!;
        const median = (sorted[at + ((count - 1) >> 1)]! + sorted[at + half]!) / 2;
        let deviation = 0;
        for (let k = least; k <= half + 1; k++) {
          let radius = Infinity;
          for (let j = at; j + k <= at + count; j++) {
            radius = Math.min(radius, Math.max(median - sorted[j]!, sorted[j + k - 1]! - median));
          }
          deviation += radius;
        }
        deviation /= half + 2 - least;
        if (Math.abs(x - median) <= limit * deviation) out[c] = x;
        else {
          out[c] = median;
          replaced++;
        }
      }
      packets++;
      return ready;
    },
    reset() {
      packets = 0;
    },
    get replaced() {
      return replaced;
    },
  };
}
