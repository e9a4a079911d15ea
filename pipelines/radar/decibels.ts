/** Power to decibels, and decibels to the 0 to 1 that towers and pictures take. */

const perNeper = 10 / Math.LN10;
/** The smallest normal double, so that an empty cell gives a number: −3076.5 dB. */
const least = 2 ** -1022;

/** 10 log₁₀(power), any shape. */
export function decibels(power: Float64Array, out: Float32Array): void {
  for (let i = 0; i < power.length; i++) out[i] = perNeper * Math.log(Math.max(least, power[i]!));
}

/** low → 0, high → 1, and what lies outside is clipped; any shape, dB. May be done in place. */
export function scaleFixed(db: Float32Array, low: number, high: number, out: Float32Array): void {
  const factor = 1 / (high - low);
  for (let i = 0; i < db.length; i++) out[i] = Math.min(1, Math.max(0, (db[i]! - low) * factor));
}

export interface AdaptiveScale {
  /** dB that become 0 and 1; NaN before the first map. */
  low: number;
  high: number;
  readonly counts: Uint32Array;
  /** The newest map's least and largest value, and the value below which the noise's share of it lies. */
  readonly found: Float64Array;
}

export const createAdaptiveScale = (): AdaptiveScale => ({
  low: NaN,
  high: NaN,
  counts: new Uint32Array(1024),
  found: new Float64Array(3),
});

export interface AdaptiveScaling {
  /** Share of the map's cells that lie below `low`: the noise, 0.5 by default. */
  lowShare?: number;
  /** Share of a new map's range in the running one, 0.1 by default; the first map counts fully. */
  weight?: number;
  /** `high` is at least so much above `low`, dB, 20 by default, so that an empty room's noise does not fill the scale. */
  leastSpan?: number;
}

/**
 * As `scaleFixed`, from the map's own noise to its maximum, both smoothed over the maps: low ← low + weight · (quantile −
 * low), high likewise. The quantile comes from a histogram of 1024 classes between minimum and maximum, so it is exact to
 * a thousandth of that range.
 */
export function scaleAdaptive(
  db: Float32Array,
  scale: AdaptiveScale,
  { lowShare = 0.5, weight = 0.1, leastSpan = 20 }: AdaptiveScaling,
  out: Float32Array,
): void {
  const { found } = scale;
  findExtremes(db, found);
  findQuantile(db, lowShare, scale.counts, found);
  const most = found[1]!;
  const quantile = found[2]!;
  const share = Number.isNaN(scale.low) ? 1 : weight;
  scale.low = share === 1 ? quantile : scale.low + share * (quantile - scale.low);
  scale.high = share === 1 ? most : scale.high + share * (most - scale.high);
  // As `scaleFixed` does; a number that goes into a function may be allocated.
  const low = scale.low;
  const factor = 1 / Math.max(scale.high - low, leastSpan);
  for (let i = 0; i < db.length; i++) out[i] = Math.min(1, Math.max(0, (db[i]! - low) * factor));
}

function findExtremes(values: Float32Array, found: Float64Array): void {
  found[0] = Infinity;
  found[1] = -Infinity;
  const count = values.length;
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    if (value < found[0]) found[0] = value;
    if (value > found[1]) found[1] = value;
  }
}

/** found[2] ← the value below which a share of all lies, from the extremes in found[0] and found[1]. */
function findQuantile(values: Float32Array, share: number, counts: Uint32Array, found: Float64Array): void {
  const least = found[0]!;
  const most = found[1]!;
  found[2] = least;
  if (!(most > least)) return;
  counts.fill(0);
  const factor = counts.length / (most - least);
  const cells = values.length;
  for (let i = 0; i < cells; i++) {
    counts[Math.min(counts.length - 1, Math.floor((values[i]! - least) * factor))]!++;
  }
  let missing = share * values.length;
  let k = 0;
  while (k < counts.length - 1 && counts[k]! < missing) missing -= counts[k++]!;
  found[2] = least + (k + (counts[k]! > 0 ? missing / counts[k]! : 0)) / factor;
}
