/** Whether each window of a place was published exactly once. Pure logic. */

export interface PublishedWindow {
  /** Its start on the gateway's clock, seconds; of every window a whole number of hops after that of another, but for rounding. */
  readonly start: number;
  /** When it came, seconds on the receiver's clock. */
  readonly at: number;
}

export interface WindowCount {
  /** Windows published at least once. */
  readonly windows: number;
  /** Windows between the first and the last that were not published. */
  readonly missing: number;
  /** Publications of a window beyond its first. */
  readonly doubled: number;
  /** Windows that came after a later one. */
  readonly disordered: number;
  /** Longest time from one publication to the next, in hops; 0 for fewer than two. */
  readonly longestGapHops: number;
}

/**
 * Windows are numbered by their start on the grid, each from the one before, so that a wall clock that drifts against the grid by
 * less than half a hop from one to the next does no harm.
 * @param published in the order in which they came
 * @param hop seconds from one window's start to the next one's
 */
export function countWindows(published: readonly PublishedWindow[], hop: number): WindowCount {
  const seen = new Set<number>();
  let [number, first, last] = [0, 0, 0];
  let [doubled, disordered, longest] = [0, 0, 0];
  published.forEach(({ start, at }, i) => {
    const before = published[i - 1];
    if (before) {
      number += Math.round((start - before.start) / hop);
      longest = Math.max(longest, (at - before.at) / hop);
    }
    if (seen.has(number)) doubled++;
    else if (number < last) disordered++;
    seen.add(number);
    first = Math.min(first, number);
    last = Math.max(last, number);
  });
  const windows = seen.size;
  const missing = windows === 0 ? 0 : last - first + 1 - windows;
  return { windows, missing, doubled, disordered, longestGapHops: Number(longest.toFixed(2)) };
}
