/** Hampel filter of each channel over time: what lies further from the median of its neighbours than noise can, is the median.
 *
 *      window     2 h + 1 packets, x at its centre (at the start of a stream the h packets after and those that there are before)
 *      m          median of the window
 *      s          1.4826 · median of |x_i − m|, the standard deviation if the noise is normal
 *      y          x if |x − m| ≤ sigmas · s, else m
 *
 *  Hampel, JASA 69 (1974); Pearson, Neuvo, Astola, Gabbouj, EURASIP J. Adv. Signal Process. 2016:87. As MATLAB's `hampel`. */

const toDeviation = 1.4826;

export interface Hampel {
  /**
   * The next packet.
   * @param values [channels], finite; not kept
   * @param out [channels] the packet of h packets before, filtered
   * @returns false for the first h packets, when there is none yet
   */
  push(values: Float32Array, out: Float32Array): boolean;
  /** The next packet is the first of a stream. */
  reset(): void;
  /** Values replaced so far. */
  readonly replaced: number;
}

/** Puts `value` into its place among the first `count` values, ascending, at `at`. */
function insert(sorted: Float32Array, at: number, count: number, value: number): void {
  let i = at + count;
  while (i > at && sorted[i - 1]! > value) {
    sorted[i] = sorted[i - 1]!;
    i--;
  }
  sorted[i] = value;
}

/** Replaces one of `count` ascending values at `at` by another, in its place. */
function replace(sorted: Float32Array, at: number, count: number, old: number, value: number): void {
  let i = at;
  while (sorted[i] !== old) i++;
  const end = at + count - 1;
  while (i < end && sorted[i + 1]! < value) {
    sorted[i] = sorted[i + 1]!;
    i++;
  }
  while (i > at && sorted[i - 1]! > value) {
    sorted[i] = sorted[i - 1]!;
    i--;
  }
  sorted[i] = value;
}

function medianOf(sorted: Float32Array, at: number, count: number): number {
  const middle = at + (count >> 1);
  return count % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Median of the distances to `centre`, which lies in the middle: walks outwards from there, the nearer side first. */
function medianDistance(sorted: Float32Array, at: number, count: number, centre: number): number {
  const end = at + count;
  let above = at + (count >> 1);
  let below = above - 1;
  let before = 0;
  let distance = 0;
  for (let taken = 0; taken <= count >> 1; taken++) {
    before = distance;
    const up = above < end ? sorted[above]! - centre : Infinity;
    const down = below >= at ? centre - sorted[below]! : Infinity;
    if (up <= down) {
      distance = up;
      above++;
    } else {
      distance = down;
      below--;
    }
  }
  return count % 2 === 1 ? distance : (before + distance) / 2;
}

/**
 * @param halfWidth h, packets
 * @param sigmas 3 as a rule
 */
export function createHampel(channels: number, halfWidth: number, sigmas: number): Hampel {
  const width = 2 * halfWidth + 1;
  const ring = new Float32Array(width * channels); // [packets, channels]
  const sorted = new Float32Array(channels * width); // [channels, packets] ascending
  const limit = sigmas * toDeviation;
  let packets = 0;
  let replaced = 0;

  function judge(x: number, at: number, count: number): number {
    const median = medianOf(sorted, at, count);
    if (Math.abs(x - median) <= limit * medianDistance(sorted, at, count, median)) return x;
    replaced++;
    return median;
  }

  return {
    push(values, out) {
      const slot = (packets % width) * channels;
      const full = packets >= width;
      const count = Math.min(packets + 1, width);
      const centre = ((packets + width - halfWidth) % width) * channels;
      const ready = packets >= halfWidth;
      for (let c = 0, at = 0; c < channels; c++, at += width) {
        const value = values[c]!;
        if (full) replace(sorted, at, width, ring[slot + c]!, value);
        else insert(sorted, at, count - 1, value);
        ring[slot + c] = value;
        if (ready) out[c] = judge(ring[centre + c]!, at, count);
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
