/**
 * Pairwise contrastive alignment (van den Oord et al. 2018; Radford et al. 2021) and Babel's adaptive weights (Dai et al., SenSys 2025,
 * 3.3). Row i of both sides was recorded at the same time: the positive pair; the other rows of the batch are negatives.
 */
import type { Graph, Value } from '../models/graph.js';

/** Below this, what is far apart underflows in float32. */
export const lowestTemperature = 0.025;

export interface ContrastiveOptions {
  readonly temperature: number;
  /** [m, m]: 1 where row and column count for each other, 0 where the pair is no negative; 1 on the diagonal, symmetric. */
  readonly counted?: Value | undefined;
}

/** Losses of the two directions, scalars. */
export interface Directions {
  /** L(α←β): which β belongs to each α. */
  readonly ab: Value;
  /** L(β←α): which α belongs to each β. */
  readonly ba: Value;
}

/**
 * Cross-entropy of cosine similarities over temperature, in both directions: −mean ln(e^(sᵢᵢ/τ) / Σⱼ e^(sᵢⱼ/τ)), over rows and over columns.
 * A cosine is at most 1, so 1/τ is taken off every exponent and no maximum has to be searched; both directions share the exponentials.
 * @param a embeddings of α [m, width], each of length 1
 * @param b embeddings of β, likewise
 */
export function contrastiveLosses(
  g: Graph,
  a: Value,
  b: Value,
  { temperature, counted }: ContrastiveOptions,
): Directions {
  if (!(temperature >= lowestTemperature))
    throw new Error(`contrastive loss: temperature ${temperature} is below ${lowestTemperature}`);
  const sharpness = 1 / temperature;
  const cosines = g.gemm(a, b, undefined, { transB: true });
  const all = g.exp(g.mul(g.sub(cosines, 1), sharpness));
  const terms = counted ? g.mul(all, counted) : all;
  const positive = g.mul(g.reduceSum(g.mul(a, b)), sharpness / a.shape[0]!);
  const direction = (axis: number) =>
    g.sub(g.add(g.reduceMean(g.log(g.reduceSum(terms, [axis]))), sharpness), positive);
  return { ab: direction(1), ba: direction(0) };
}

/**
 * w = 1 / norm for each direction, the two then normalised to add up to 1, which is each the other's norm over the sum of both.
 * Where both norms are 0, both weights are ½.
 */
export function adaptiveWeights(g: Graph, normAb: Value, normBa: Value): Directions {
  const tiny = 1e-12;
  const sum = g.add(g.add(normAb, normBa), 2 * tiny);
  return { ab: g.div(g.add(normBa, tiny), sum), ba: g.div(g.add(normAb, tiny), sum) };
}

/**
 * Which pairs of a batch count as negatives of each other, for `counted`: 0 where two different rows have the same group.
 * @param groups group of each row of the batch
 */
export function countedPairs(groups: ArrayLike<number>, out: Float32Array): Float32Array {
  const m = groups.length;
  for (let i = 0; i < m; i++) for (let j = 0; j < m; j++) out[i * m + j] = i !== j && groups[i] === groups[j] ? 0 : 1;
  return out;
}
