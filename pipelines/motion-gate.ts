/** A wrist at rest is `still`, not an action.
 *
 *  still = both standard deviations over the window, the square root of the sum of three axes' variances, are below
 *      acceleration   0.3 m/s²      angular rate   0.2 rad/s
 *
 *  The vector around its mean rather than its magnitude: a wrist that turns slowly in gravity moves. The mean is removed
 *  from the angular rate too: a gyroscope's bias is no motion.
 *
 *  Chosen on UTD-MHAD (subjects 1, 3, 5, 7: 431 actions) and a worn watch (phone-watch, subjects 1 to 14, at 50 Hz).
 *  Called still:
 *      UTD-MHAD, whole actions                               0 %
 *      UTD-MHAD, any 2.56 s, 2 s, 1.5 s, 1 s of one          0 %, 0.03 %, 0.2 %, 1.1 % (its start and end are rests)
 *      UTD-MHAD, the first and last 0.4 s                    24 % (few people hold still at the start and end)
 *      watch, walking, turning, standing up, 0.4 s and more  0 %
 *      watch, sitting down, 0.4 s                            0.1 %
 *      watch, seated, 0.4 s, 1 s                             38 %, 21 % (hands move while seated)
 *  So the gate errs towards motion: what it calls still is still. */

export const stillness = { acceleration: 0.3, angularRate: 0.2 } as const;

export interface MotionGate {
  /** The next sample, [ax ay az gx gy gz] in m/s² and rad/s. The cost does not depend on the window's length. */
  push(values: ArrayLike<number>): void;
  /** Whether the newest `samples` samples, or those since `reset` if fewer, are at rest; true if there are none. */
  still(): boolean;
  /** Forgets all samples. */
  reset(): void;
}

const channels = 6;

/** @param samples length of the window that is judged */
export function createMotionGate(samples: number): MotionGate {
  const ring = new Float64Array(samples * channels);
  // Of the distance to the first sample, so that sums of squares do not cancel; summed anew once a turn of the ring,
  // so that rounding does not pile up (and that still costs one pass for `samples` samples).
  const origin = new Float64Array(channels);
  const sums = new Float64Array(channels);
  const squares = new Float64Array(channels);
  let count = 0;

  function add(at: number, sign: 1 | -1): void {
    for (let c = 0; c < channels; c++) {
      const value = ring[at + c]! - origin[c]!;
      sums[c]! += sign * value;
      squares[c]! += sign * value * value;
    }
  }

  function sumAnew(): void {
    sums.fill(0);
    squares.fill(0);
    for (let c = 0; c < channels; c++) origin[c] = ring[c]!;
    for (let at = 0; at < ring.length; at += channels) add(at, 1);
  }

  function deviation(from: number): number {
    const n = Math.min(count, samples);
    let variance = 0;
    for (let c = from; c < from + 3; c++) variance += Math.max(0, squares[c]! / n - (sums[c]! / n) ** 2);
    return Math.sqrt(variance);
  }

  return {
    push(values) {
      const at = (count % samples) * channels;
      if (count >= samples) add(at, -1);
      for (let c = 0; c < channels; c++) ring[at + c] = values[c]!;
      if (count === 0) origin.set(ring.subarray(0, channels));
      add(at, 1);
      count++;
      if (count % samples === 0) sumAnew();
    },
    still: () => count === 0 || (deviation(0) < stillness.acceleration && deviation(3) < stillness.angularRate),
    reset() {
      count = 0;
      sums.fill(0);
      squares.fill(0);
    },
  };
}
