/** Which windows `teach` learns from: those within a stretch of time are the class, those outside it something else. */

/** Seconds on one clock. */
export interface Stretch {
  readonly from: number;
  readonly seconds: number;
}

/** A window may begin this much before the stretch, or end this much after it: a person's clock is not the recording's. Seconds. */
export const slack = 0.25;

/** Of what is something else, so many windows are enough. */
const mostOthers = 60;

export function inStretch(window: { readonly start: number; readonly end: number }, { from, seconds }: Stretch) {
  const inside = window.start >= from - slack && window.end <= from + seconds + slack;
  if (inside) return 'inside';
  return window.end <= from || window.start >= from + seconds ? 'outside' : 'across';
}

/** Spread over all of them. */
export function someOf<Item>(others: readonly Item[]): Item[] {
  const share = mostOthers / others.length;
  return others.filter((_, i) => Math.floor(i * share) !== Math.floor((i - 1) * share));
}
