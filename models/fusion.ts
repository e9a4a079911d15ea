/**
 * What several sensors make of one window, as one opinion: the product of their calibrated probabilities, each to a power, at sum 1. For
 * towers of one space, whose linear head is the same, that is the head's opinion of the weighted average of the embeddings: adding
 * logits and adding embeddings are the same.
 *
 *     p(label) ∝ (Π pₖ(label)^wₖ) ^ 1/√Σw      over the sensors k that are there; any of them may be missing, no more are needed than one
 *     wₖ = √(least loss of them / lossₖ)       1 for the one that is known to err least, and for one of which nothing is known
 *
 * The loss is a tower's mean negative log-likelihood on people it was not trained on. A calibrated opinion says how sure a sensor is, not that
 * sensors which see the same err together, so that the plain product lets a poor one overrule a good one. (Powers from 0 to 1
 * of the ratio of the losses, on UTD-MHAD's subjects 1, 3 and 5 in turn with towers of the others: docs/suites.md.) For the same reason
 * the product of n says too much, and its logarithm is divided by √n, or √Σw. (Of subject 1 the best divisors were 1.3 to 1.7 for two
 * sensors and 1.9 for three, at equal powers.) What is most probable stays so.
 *
 * A label that only some of the towers know counts as if the others thought of it as those do, in the mean.
 */

export interface Opinion {
  readonly labels: readonly string[];
  /** Of each label, calibrated. */
  readonly probabilities: ArrayLike<number>;
  /** Of its tower, as the manifest has it. */
  readonly loss?: number | undefined;
}

/** A smaller loss is chance: it is measured on some hundred recordings. */
const leastLoss = 0.01;

/** How much each opinion counts, from the losses of their towers: above 0, at most 1. */
export function opinionWeights(losses: readonly (number | undefined)[]): number[] {
  const bounded = losses.map((loss) => (loss === undefined ? undefined : Math.max(loss, leastLoss)));
  const least = Math.min(...bounded.map((loss) => loss ?? Infinity));
  return bounded.map((loss) => (loss === undefined ? 1 : Math.sqrt(least / loss)));
}

/** No sensor rules a label out alone. What is not a number counts as this: it must win nothing. */
export const leastProbability = 1e-6;

const isProbability = (p: number) => p > leastProbability && p <= 1;

/** @returns probabilities by label, of sum 1; empty where nobody has an opinion */
export function fused(given: readonly Opinion[]): Map<string, number> {
  const opinions = given.filter(({ probabilities }) => Array.from(probabilities).some(isProbability));
  const weights = opinionWeights(opinions.map(({ loss }) => loss));
  const sums = new Map<string, { logarithm: number; knowing: number }>();
  for (const [k, { labels, probabilities }] of opinions.entries())
    for (const [i, label] of labels.entries()) {
      const sum = sums.get(label) ?? { logarithm: 0, knowing: 0 };
      const p = isProbability(probabilities[i]!) ? probabilities[i]! : leastProbability;
      sum.logarithm += weights[k]! * Math.log(p);
      sum.knowing += weights[k]!;
      sums.set(label, sum);
    }
  const sharpness = Math.sqrt(weights.reduce((sum, weight) => sum + weight, 0));
  const scores = [...sums].map(
    ([label, { logarithm, knowing }]) => [label, (logarithm * sharpness) / knowing] as const,
  );
  const highest = Math.max(...scores.map(([, score]) => score));
  const parts = scores.map(([label, score]) => [label, Math.exp(score - highest)] as const);
  const total = parts.reduce((sum, [, part]) => sum + part, 0);
  return new Map(parts.map(([label, part]) => [label, part / total]));
}
