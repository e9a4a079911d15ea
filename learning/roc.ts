/** How well a score tells two kinds apart, higher being the first kind. Scores that are no numbers are refused: they have no order. */

function sorted(scores: ArrayLike<number>): Float64Array {
  const all = Float64Array.from(scores);
  if (all.some(Number.isNaN)) throw new RangeError('a score is not a number');
  return all.sort();
}

/**
 * Area under the receiver operating characteristic: how likely one of `positives` scores above one of `negatives`, ties counted half
 * (Hanley and McNeil, 'The meaning and use of the area under a ROC curve', Radiology 1982). NaN where either is empty.
 */
export function auroc(positives: ArrayLike<number>, negatives: ArrayLike<number>): number {
  const [above, below] = [sorted(positives), sorted(negatives)];
  let total = 0;
  let less = 0;
  let notMore = 0;
  for (const score of above) {
    while (less < below.length && below[less]! < score) less++;
    while (notMore < below.length && below[notMore]! <= score) notMore++;
    total += (less + notMore) / 2;
  }
  return total / (above.length * below.length);
}

/** Standard error of such an area, of so many of each: the same paper, equations 1 and 2. */
export function standardErrorOfArea(area: number, positives: number, negatives: number): number {
  const [two, other] = [area / (2 - area), (2 * area ** 2) / (1 + area)];
  const spread = (positives - 1) * (two - area ** 2) + (negatives - 1) * (other - area ** 2);
  return Math.sqrt((area * (1 - area) + spread) / (positives * negatives));
}

/** The highest threshold at which at least `share` of `scores` are not below it. NaN where there are none. */
export function thresholdKeeping(scores: ArrayLike<number>, share: number): number {
  const ascending = sorted(scores);
  // What rounding adds to 0.95 × 20 must not let one more go.
  const below = Math.floor((1 - share) * ascending.length + 1e-9);
  return ascending[Math.min(below, ascending.length - 1)] ?? NaN;
}

/** Share of `scores` that are not below `threshold`; NaN where there are none. */
export const shareKept = (scores: Float64Array, threshold: number): number =>
  scores.filter((score) => score >= threshold).length / scores.length;
