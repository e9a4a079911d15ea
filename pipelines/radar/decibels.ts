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
  /** The newest map's least and largest value. */
  readonly extremes: Float64Array;
}

export const createAdaptiveScale = (): AdaptiveScale => ({
  low: NaN,
  high: NaN,
  counts: new Uint32Array(1024),
  extremes: new Float64Array(2),
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
  const { extremes } = scale;
  findExtremes(db, extremes);
  const least = extremes[0]!;
  const most = extremes[1]!;
  const quantile = least + lowerShare(db, least, most, lowShare, scale.counts) * (most - least);
  const share = Number.isNaN(scale.low) ? 1 : weight;
  scale.low = share === 1 ? quantile : scale.low + share * (quantile - scale.low);
  scale.high = share === 1 ? most : scale.high + share * (most - scale.high);
  scaleFixed(db, scale.low, Math.max(scale.high, scale.low + leastSpan), out);
}

function findExtremes(values: Float32Array, out: Float64Array): void {
  out[0] = Infinity;
  out[1] = -Infinity;
  const count = values.length;
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    if (value < out[0]) out[0] = value;
    if (value > out[1]) out[1] = value;
  }
}

/** Where between `least` (0) and `most` (1) the value lies below which a share of all are. */
function lowerShare(values: Float32Array, least: number, most: number, share: number, counts: Uint32Array): number {
  if (!(most > least)) return 0;
  counts.fill(0);
  const factor = counts.length / (most - least);
  const cells = values.length;
  for (let i = 0; i < cells; i++) {
    counts[Math.min(counts.length - 1, Math.floor((values[i]! - least) * factor))]!++;
  }
  let missing = share * values.length;
  let k = 0;
  while (k < counts.length - 1 && counts[k]! < missing) missing -= counts[k++]!;
  return (k + (counts[k]! > 0 ? missing / counts[k]! : 0)) / counts.length;
}
