/** Classes from a few labelled examples: nearest class mean and logistic regression over embeddings, and how good they are by number of shots. */
import { decisions, probabilities } from './heads/head.js';
import { createRandom, mixSeeds } from './random.js';

/** Embeddings [n, width] and their classes, 0 to classes − 1. */
export interface Labelled {
  readonly width: number;
  readonly embeddings: Float32Array;
  readonly labels: ArrayLike<number>;
}

/** A linear classifier: scores = x · weights + bias; weights [width, classes]. */
export interface LinearClassifier {
  readonly width: number;
  readonly classes: number;
  readonly weights: Float32Array;
  readonly bias: Float32Array;
}

/** Scores [n, classes]. */
export function classScores({ width, classes, weights, bias }: LinearClassifier, x: Float32Array): Float32Array {
  const n = x.length / width;
  if (!Number.isInteger(n)) throw new Error(`few-shot: ${x.length} values are not rows of ${width}`);
  const scores = new Float32Array(n * classes);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < classes; j++) {
      let sum = bias[j]!;
      for (let k = 0; k < width; k++) sum += x[i * width + k]! * weights[k * classes + j]!;
      scores[i * classes + j] = sum;
    }
  return scores;
}

function check({ width, embeddings, labels }: Labelled, classes: number): void {
  if (embeddings.length !== labels.length * width)
    throw new Error(`few-shot: ${embeddings.length} values are not ${labels.length} rows of ${width}`);
  const bad = Array.from(labels).find((label) => !(Number.isInteger(label) && label >= 0 && label < classes));
  if (bad !== undefined) throw new Error(`few-shot: label ${bad} is none of ${classes} classes`);
}

/** Cosine to each class's mean (Snell et al., 'Prototypical networks', 2017). A class without an example is never chosen. */
export function nearestClassMean(shots: Labelled, classes: number): LinearClassifier {
  check(shots, classes);
  const { width, embeddings, labels } = shots;
  const weights = new Float32Array(width * classes);
  for (let i = 0; i < labels.length; i++)
    for (let k = 0; k < width; k++) weights[k * classes + labels[i]!]! += embeddings[i * width + k]!;
  const bias = new Float32Array(classes);
  for (let j = 0; j < classes; j++) {
    let square = 0;
    for (let k = 0; k < width; k++) square += weights[k * classes + j]! ** 2;
    if (square > 0) for (let k = 0; k < width; k++) weights[k * classes + j]! /= Math.sqrt(square);
    else bias[j] = -Infinity;
  }
  return { width, classes, weights, bias };
}

/** Inner products of all rows with all: [n, n]. */
function gram({ width, embeddings, labels }: Labelled): Float64Array {
  const n = labels.length;
  const products = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = i; j < n; j++) {
      let sum = 0;
      for (let k = 0; k < width; k++) sum += embeddings[i * width + k]! * embeddings[j * width + k]!;
      products[i * n + j] = products[j * n + i] = sum;
    }
  return products;
}

/**
 * Multinomial logistic regression: Σ cross-entropy + ‖weights‖² / 2C, by accelerated gradient descent (Nesterov 1983, with restarts).
 * The weights are sums over the examples, w = xᵀ · a, and the descent is over a [n, classes]: few shots of wide embeddings stay cheap.
 * One more inner product of 1 stands for the bias.
 */
export function logisticRegression(
  shots: Labelled,
  classes: number,
  { c = 10, iterations = 200 }: { c?: number; iterations?: number } = {},
): LinearClassifier {
  check(shots, classes);
  const { width, embeddings, labels } = shots;
  const n = labels.length;
  const kernel = gram(shots).map((value) => value + 1);
  // The largest row sum bounds the largest eigenvalue; softmax curves by at most ½.
  let bound = 0;
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += Math.abs(kernel[i * n + j]!);
    bound = Math.max(bound, sum);
  }
  const rate = 1 / (0.5 * bound + 1 / c);
  let a = new Float64Array(n * classes);
  let ahead = a.slice();
  let momentum = 1;
  for (let iteration = 0; iteration < iterations; iteration++) {
    const logits = new Float32Array(n * classes);
    for (let i = 0; i < n; i++)
      for (let k = 0; k < n; k++) {
        const value = kernel[i * n + k]!;
        for (let j = 0; j < classes; j++) logits[i * classes + j]! += value * ahead[k * classes + j]!;
      }
    const p = probabilities(logits, classes, 1);
    const next = ahead.slice();
    let turned = 0;
    for (let i = 0; i < n; i++)
      for (let j = 0; j < classes; j++) {
        const at = i * classes + j;
        const slope = p[at]! - (labels[i] === j ? 1 : 0) + ahead[at]! / c;
        next[at]! -= rate * slope;
        turned += slope * (next[at]! - a[at]!);
      }
    const grown = turned > 0 ? 1 : (1 + Math.sqrt(1 + 4 * momentum ** 2)) / 2;
    const carry = turned > 0 ? 0 : (momentum - 1) / grown;
    ahead = next.map((value, at) => value + carry * (value - a[at]!));
    [a, momentum] = [next, grown];
  }
  const weights = new Float32Array(width * classes);
  const bias = new Float32Array(classes);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < classes; j++) {
      const value = a[i * classes + j]!;
      bias[j]! += value;
      for (let k = 0; k < width; k++) weights[k * classes + j]! += value * embeddings[i * width + k]!;
    }
  return { width, classes, weights, bias };
}

/** Share of the rows whose highest score is their label's. */
export function accuracy(classifier: LinearClassifier, { embeddings, labels }: Labelled): number {
  const found = decisions(classScores(classifier, embeddings), classifier.classes);
  return found.filter((value, i) => value === labels[i]).length / labels.length;
}

export interface FewShot {
  readonly shots: number;
  /** Accuracy of each draw. */
  readonly nearestClassMean: readonly number[];
  readonly logisticRegression: readonly number[];
}

/** Up to `shots` rows of each class, drawn from a seed. */
export function drawShots(from: Labelled, classes: number, shots: number, seed: number): Labelled {
  check(from, classes);
  const taken = new Array<number>(classes).fill(0);
  const indices = [...createRandom(mixSeeds(seed, 23, shots)).permutation(from.labels.length)].filter(
    (i) => taken[from.labels[i]!]!++ < shots,
  );
  const embeddings = new Float32Array(indices.length * from.width);
  for (const [row, i] of indices.entries())
    embeddings.set(from.embeddings.subarray(i * from.width, (i + 1) * from.width), row * from.width);
  return { width: from.width, embeddings, labels: indices.map((i) => from.labels[i]!) };
}

/** Accuracy on `test` of classifiers that see `shots` rows of each class of `support`, over several draws. */
export function fewShot(
  support: Labelled,
  test: Labelled,
  { classes, shots, draws, seed }: { classes: number; shots: number; draws: number; seed: number },
): FewShot {
  const drawn = Array.from({ length: draws }, (_, draw) => drawShots(support, classes, shots, mixSeeds(seed, draw)));
  return {
    shots,
    nearestClassMean: drawn.map((examples) => accuracy(nearestClassMean(examples, classes), test)),
    logisticRegression: drawn.map((examples) => accuracy(logisticRegression(examples, classes), test)),
  };
}
