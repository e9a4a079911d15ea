/** Temperature scaling (Guo et al., 'On calibration of modern neural networks', ICML 2017), on examples that the head was not trained on. */
import { createRandom, mixSeeds } from '../random.js';

/** Mean negative logarithm of the probability of the right class, logits [n, classes] over a temperature. */
export function negativeLogLikelihood(
  logits: Float32Array,
  labels: ArrayLike<number>,
  classes: number,
  temperature: number,
): number {
  let total = 0;
  for (let i = 0; i < labels.length; i++) {
    const row = logits.subarray(i * classes, (i + 1) * classes);
    const highest = Math.max(...row);
    let sum = 0;
    for (const value of row) sum += Math.exp((value - highest) / temperature);
    total += Math.log(sum) - (row[labels[i]!]! - highest) / temperature;
  }
  return total / labels.length;
}

const [lowest, highest] = [Math.log(0.05), Math.log(20)];
const golden = (Math.sqrt(5) - 1) / 2;

/** The temperature between 0.05 and 20 of the least negative log-likelihood, by golden sections. Without examples: 1. */
export function calibrate(logits: Float32Array, labels: ArrayLike<number>, classes: number): number {
  if (labels.length === 0) return 1;
  const at = (exponent: number) => negativeLogLikelihood(logits, labels, classes, Math.exp(exponent));
  let [low, high] = [lowest, highest];
  let [left, right] = [high - golden * (high - low), low + golden * (high - low)];
  let [atLeft, atRight] = [at(left), at(right)];
  while (high - low > 1e-3) {
    if (atLeft < atRight) {
      [high, right, atRight] = [right, left, atLeft];
      left = high - golden * (high - low);
      atLeft = at(left);
    } else {
      [low, left, atLeft] = [left, right, atRight];
      right = low + golden * (high - low);
      atRight = at(right);
    }
  }
  return Math.exp((low + high) / 2);
}

/**
 * Splits examples in two, whole groups (recordings, subjects) at a time; without groups example by example, the same share of each class.
 * A class never lies in the held-out part alone.
 */
export function heldOutSplit(
  labels: ArrayLike<number>,
  groups: ArrayLike<number> | undefined,
  share: number,
  seed: number,
): { learned: number[]; heldOut: number[] } {
  const random = createRandom(mixSeeds(seed, 22));
  const held = new Set<number>();
  const members = new Map<number, number[]>();
  for (let i = 0; i < labels.length; i++) {
    const name = groups ? groups[i]! : labels[i]!;
    const found = members.get(name);
    if (found) found.push(i);
    else members.set(name, [i]);
  }
  if (groups) {
    const names = [...members.keys()];
    // Two groups or more are needed to hold one out and learn from another.
    const wanted = names.length > 1 ? Math.max(1, Math.round(share * names.length)) : 0;
    for (const k of random.permutation(names.length).subarray(0, wanted))
      for (const i of members.get(names[k]!)!) held.add(i);
  } else {
    for (const indices of members.values())
      for (const k of random.permutation(indices.length).subarray(0, Math.floor(share * indices.length)))
        held.add(indices[k]!);
  }
  const all = Array.from({ length: labels.length }, (_, i) => i);
  const known = new Set(all.filter((i) => !held.has(i)).map((i) => labels[i]!));
  const heldOut = all.filter((i) => held.has(i) && known.has(labels[i]!));
  const out = new Set(heldOut);
  return { learned: all.filter((i) => !out.has(i)), heldOut };
}
