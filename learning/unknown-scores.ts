/**
 * How familiar what several towers see is to them: the higher a score, the likelier one of their labels is right at all.
 *
 *    highest probability   of their calibrated probabilities, fused as the gateway does it (models/fusion.ts)
 *    product               of their product instead: the same label, of which two that are fairly sure are together very sure
 *    softmax               highest of the mean of their probabilities as they are
 *    energy                log Σ exp logits: Liu et al., 'Energy-based out-of-distribution detection', NeurIPS 2020
 *    nearest mean          cosine between the embedding and the nearest class's mean embedding
 *    agreement             Σ √(p q), mean over pairs of towers: 1 where all say the same, 0 where each is sure of another label
 *
 * `product` and `agreement` are of several towers only. Energies and cosines of several towers are added, each over its standard deviation on known windows.
 */
import { opinionWeights } from '../models/fusion.js';

export const scoreNames = ['highest probability', 'product', 'softmax', 'energy', 'nearest mean', 'agreement'] as const;
export type ScoreName = (typeof scoreNames)[number];

/** What one tower makes of some windows, or of some recordings. */
export interface TowerView {
  /** [rows, classes] */
  readonly logits: Float32Array;
  /** [rows, width], each of length 1. */
  readonly embeddings: Float32Array;
}

/** What a tower's scores are measured by. */
export interface Familiar {
  readonly temperature: number;
  /** As a manifest has it. */
  readonly loss?: number;
  /** [classes, width], each of length 1. */
  readonly means: Float32Array;
  /** Standard deviations on known windows. */
  readonly energy: number;
  readonly cosine: number;
}

/** Row by row, in place, to length 1. */
export function toLengthOne(rows: Float32Array, width: number): Float32Array {
  for (let begin = 0; begin < rows.length; begin += width) {
    const row = rows.subarray(begin, begin + width);
    const length = Math.hypot(...row) || 1;
    for (let k = 0; k < width; k++) row[k]! /= length;
  }
  return rows;
}

/** Some of the rows. */
export function rowsOf(all: Float32Array, width: number, rows: readonly number[]): Float32Array {
  const picked = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries()) picked.set(all.subarray(row * width, (row + 1) * width), i * width);
  return picked;
}

/** Sums of rows by group, over their number: `groups` says of each row where it belongs. [rows, width] → [count, width] */
export function groupMeans(rows: Float32Array, width: number, groups: ArrayLike<number>, count: number): Float32Array {
  const means = new Float32Array(count * width);
  const sizes = new Uint32Array(count);
  for (let i = 0; i < groups.length; i++) {
    const group = groups[i]!;
    sizes[group]!++;
    for (let k = 0; k < width; k++) means[group * width + k]! += rows[i * width + k]!;
  }
  for (let i = 0; i < means.length; i++) means[i]! /= sizes[Math.floor(i / width)]! || 1;
  return means;
}

/** [rows, classes] → [rows] */
export function energies(logits: Float32Array, classes: number): Float64Array {
  return Float64Array.from({ length: logits.length / classes }, (_, i) => {
    const row = logits.subarray(i * classes, (i + 1) * classes);
    const highest = Math.max(...row);
    return highest + Math.log(row.reduce((sum, value) => sum + Math.exp(value - highest), 0));
  });
}

/** [rows, width] and [classes, width], all of length 1 → [rows] */
export function nearestCosines(embeddings: Float32Array, means: Float32Array, width: number): Float64Array {
  return Float64Array.from({ length: embeddings.length / width }, (_, i) => {
    let best = -Infinity;
    for (let mean = 0; mean < means.length; mean += width) {
      let sum = 0;
      for (let k = 0; k < width; k++) sum += embeddings[i * width + k]! * means[mean + k]!;
      if (sum > best) best = sum;
    }
    return best;
  });
}

/** Logarithm of the softmax of logits over a temperature: [rows, classes] → the same. */
function logProbabilities(logits: Float32Array, classes: number, temperature: number): Float32Array {
  const scaled = logits.map((value) => value / temperature);
  const totals = energies(scaled, classes);
  return scaled.map((value, i) => value - totals[Math.floor(i / classes)]!);
}

/** Logarithms of the towers' calibrated probabilities, added, each times its weight: [rows, classes]. */
export function fusedLogits(
  views: readonly TowerView[],
  familiar: readonly Pick<Familiar, 'temperature'>[],
  weights: readonly number[],
  classes: number,
): Float32Array {
  const sum = new Float32Array(views[0]!.logits.length);
  for (const [m, { logits }] of views.entries())
    for (const [i, value] of logProbabilities(logits, classes, familiar[m]!.temperature).entries())
      sum[i]! += weights[m]! * value;
  return sum;
}

function highestOfRows(values: ArrayLike<number>, classes: number): Float64Array {
  const found = new Float64Array(values.length / classes).fill(-Infinity);
  for (let i = 0; i < values.length; i++) {
    const row = Math.floor(i / classes);
    if (values[i]! > found[row]!) found[row] = values[i]!;
  }
  return found;
}

/** @returns each score, [rows] */
export function familiarity(
  views: readonly TowerView[],
  familiar: readonly Familiar[],
  classes: number,
): Partial<Record<ScoreName, Float64Array>> {
  const rows = views[0]!.logits.length / classes;
  const plain = views.map(({ logits }) => logProbabilities(logits, classes, 1).map(Math.exp));
  const mean = plain[0]!.map((_, i) => plain.reduce((sum, one) => sum + one[i]!, 0) / plain.length);
  const highest = (weights: readonly number[], temperature: number) => {
    const fused = fusedLogits(views, familiar, weights, classes);
    return highestOfRows(logProbabilities(fused, classes, temperature), classes).map(Math.exp);
  };
  const weights = opinionWeights(familiar.map(({ loss }) => loss));
  const alike = views.map(() => 1);
  const energy = new Float64Array(rows);
  const cosine = new Float64Array(rows);
  for (const [m, { logits, embeddings }] of views.entries()) {
    const { means, ...spread } = familiar[m]!;
    for (const [i, value] of energies(logits, classes).entries()) energy[i]! += value / spread.energy;
    const cosines = nearestCosines(embeddings, means, means.length / classes);
    for (const [i, value] of cosines.entries()) cosine[i]! += value / spread.cosine;
  }
  return {
    'highest probability': highest(weights, Math.sqrt(weights.reduce((sum, weight) => sum + weight, 0))),
    softmax: highestOfRows(mean, classes),
    energy,
    'nearest mean': cosine,
    ...(views.length > 1 && { product: highest(alike, 1), agreement: agreement(plain, classes) }),
  };
}

/** Bhattacharyya coefficient of each pair of rows, mean over the pairs. */
function agreement(probabilities: readonly Float32Array[], classes: number): Float64Array {
  const sum = new Float64Array(probabilities[0]!.length / classes);
  let pairs = 0;
  for (const [a, one] of probabilities.entries())
    for (const other of probabilities.slice(a + 1)) {
      pairs++;
      for (let i = 0; i < one.length; i++) sum[Math.floor(i / classes)]! += Math.sqrt(one[i]! * other[i]!);
    }
  return sum.map((value) => value / pairs);
}

export function deviation(values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) || 1;
}
