/**
 * What several sensors make of one window, as one opinion: the product of their calibrated probabilities, at sum 1. For towers of one space,
 * whose linear head is the same, that is the head's opinion of the average of the embeddings, each weighted by its calibrated
 * confidence, 1 / temperature: adding logits and adding embeddings are the same.
 *
 *     p(label) ∝ (Π pₖ(label)) ^ 1/√n      over the n sensors k that are there; any of them may be missing, no more are needed than one
 *
 * Sensors that see the same err together, so that the product of n says too much: its logarithm is divided by √n. (Of UTD-MHAD's subject 1,
 * with towers of other people, the best divisors were 1.3 to 1.7 for two sensors and 1.9 for three.) What is most probable stays so.
 *
 * A label that only some of the towers know counts as if the others thought of it as those do, in the mean.
 */

export interface Opinion {
  readonly labels: readonly string[];
  /** Of each label, calibrated. */
  readonly probabilities: ArrayLike<number>;
}

/** No sensor rules a label out alone. What is not a number counts as this: it must win nothing. */
export const leastProbability = 1e-6;

const isProbability = (p: number) => p > leastProbability && p <= 1;

/** @returns probabilities by label, of sum 1; empty where nobody has an opinion */
export function fused(given: readonly Opinion[]): Map<string, number> {
  const opinions = given.filter(({ probabilities }) => Array.from(probabilities).some(isProbability));
  const sums = new Map<string, { logarithm: number; knowing: number }>();
  for (const { labels, probabilities } of opinions)
    for (const [i, label] of labels.entries()) {
      const sum = sums.get(label) ?? { logarithm: 0, knowing: 0 };
      sum.logarithm += Math.log(isProbability(probabilities[i]!) ? probabilities[i]! : leastProbability);
      sum.knowing++;
      sums.set(label, sum);
    }
  const scores = [...sums].map(
    ([label, { logarithm, knowing }]) => [label, (logarithm * Math.sqrt(opinions.length)) / knowing] as const,
  );
  const highest = Math.max(...scores.map(([, score]) => score));
  const weights = scores.map(([label, score]) => [label, Math.exp(score - highest)] as const);
  const total = weights.reduce((sum, [, weight]) => sum + weight, 0);
  return new Map(weights.map(([label, weight]) => [label, weight / total]));
}
