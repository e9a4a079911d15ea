/** A head on embeddings: linear, or with one hidden layer; how it is trained, applied and exported. */
import { graph } from '../../models/graph.js';
import { linear } from '../../models/layers.js';
import type { Network } from '../../models/layers.js';
import type { Value } from '../../models/graph.js';
import { trained } from '../../models/weights.js';
import type { Weights } from '../../models/weights.js';
import { trainingStep } from '../adamw.js';
import { initialWeights } from '../imu-tower.js';
import { createRandom, mixSeeds } from '../random.js';
import { train } from '../train.js';

export interface Head {
  /** Of what it is given. */
  readonly width: number;
  readonly classes: number;
  /** Width of the hidden layer; 0: linear. */
  readonly hidden: number;
  readonly weights: Weights;
  /** Logits are divided by it before the softmax, see `calibration.ts`. */
  readonly temperature: number;
}

export interface HeadOptions {
  readonly seed: number;
  readonly threads?: number | undefined;
  readonly hidden?: number | undefined;
  readonly steps?: number | undefined;
  readonly batch?: number | undefined;
  readonly learningRate?: number | undefined;
  readonly weightDecay?: number | undefined;
  readonly labelSmoothing?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export const headDefaults = {
  hidden: 0,
  steps: 400,
  batch: 64,
  learningRate: 0.01,
  weightDecay: 0.05,
  labelSmoothing: 0.05,
};

/** Rows of inputs, their classes, and how a row of a batch is made (for instance out of a random subset of modalities). */
export interface HeadExamples {
  readonly width: number;
  readonly classes: number;
  readonly labels: ArrayLike<number>;
  /** Writes example `index` to `out` [width]; `random` is the step's own. */
  readonly write: (index: number, out: Float32Array, random: ReturnType<typeof createRandom>) => void;
}

function headLogits(network: Network, x: Value, classes: number, hidden: number): Value {
  const features = hidden > 0 ? network.g.relu(linear(network, 'hidden', x, hidden)) : x;
  return linear(network, 'out', features, classes);
}

/**
 * Cross-entropy by AdamW. Inputs are expected to be embeddings of length 1; they are brought to components of the order of 1 for training.
 * @throws Error if there is no example, or a label is no class
 */
export async function trainHead(
  { width, classes, labels, write }: HeadExamples,
  options: HeadOptions,
  indices: readonly number[] = Array.from({ length: labels.length }, (_, i) => i),
): Promise<Head> {
  const { seed, threads = 2, signal } = options;
  const { hidden, steps, learningRate, weightDecay, labelSmoothing, ...given } = {
    ...headDefaults,
    ...Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
  };
  if (indices.length === 0) throw new Error('a head cannot be trained on no examples');
  for (const index of indices)
    if (!(Number.isInteger(labels[index]) && labels[index]! >= 0 && labels[index]! < classes))
      throw new Error(`example ${index} has label ${labels[index]}, which is none of ${classes} classes`);
  const batch = Math.min(given.batch, indices.length);
  const gain = Math.sqrt(width);
  const g = graph();
  const network: Network = { g, weights: initialWeights(createRandom(mixSeeds(seed, 20))) };
  const logits = headLogits(network, g.input('x', [batch, width]), classes, hidden);
  const loss = g.div(g.reduceSum(g.mul(g.logSoftmax(logits), g.input('targets', [batch, classes]))), -batch);
  const x = new Float32Array(batch * width);
  const targets = new Float32Array(batch * classes);

  function feeds(step: number) {
    const random = createRandom(mixSeeds(seed, 21, step));
    targets.fill(labelSmoothing / classes);
    for (let i = 0; i < batch; i++) {
      const index = indices[random.integer(indices.length)]!;
      write(index, x.subarray(i * width, (i + 1) * width), random);
      targets[i * classes + labels[index]!]! += 1 - labelSmoothing;
    }
    for (let i = 0; i < x.length; i++) x[i]! *= gain;
    return { x, targets };
  }

  const weights = await train({
    training: trainingStep(g, loss, {}, { weightDecay }),
    ...{ statistics: [], steps, learningRate, averaging: 0, feeds, threads, fingerprint: '', signal },
  });
  const first = hidden > 0 ? 'hidden.weight' : 'out.weight';
  const folded = weights.get(first)!.map((value) => value * gain);
  return { width, classes, hidden, weights: new Map([...weights, [first, folded]]), temperature: 1 };
}

function product(x: Float32Array, w: Float32Array, b: Float32Array): Float32Array {
  const outputs = b.length;
  const inputs = w.length / outputs;
  const rows = x.length / inputs;
  const y = new Float32Array(rows * outputs);
  for (let i = 0; i < rows; i++) {
    const row = y.subarray(i * outputs, (i + 1) * outputs);
    row.set(b);
    for (let k = 0; k < inputs; k++) {
      const value = x[i * inputs + k]!;
      for (let j = 0; j < outputs; j++) row[j]! += value * w[k * outputs + j]!;
    }
  }
  return y;
}

/** Logits, before the temperature: [n, width] → [n, classes]. */
export function applyHead({ width, hidden, weights }: Head, x: Float32Array): Float32Array {
  if (!Number.isInteger(x.length / width)) throw new Error(`head: ${x.length} values are not rows of ${width}`);
  const layer = (name: string, input: Float32Array) =>
    product(input, weights.get(`${name}.weight`)!, weights.get(`${name}.bias`)!);
  return layer('out', hidden > 0 ? layer('hidden', x).map((value) => Math.max(0, value)) : x);
}

/** Softmax of logits over a temperature, row by row: [n, classes] → the same. */
export function probabilities(logits: Float32Array, classes: number, temperature: number): Float32Array {
  const result = new Float32Array(logits.length);
  for (let begin = 0; begin < logits.length; begin += classes) {
    let highest = -Infinity;
    for (let j = 0; j < classes; j++) highest = Math.max(highest, logits[begin + j]!);
    let sum = 0;
    for (let j = 0; j < classes; j++) sum += result[begin + j] = Math.exp((logits[begin + j]! - highest) / temperature);
    for (let j = 0; j < classes; j++) result[begin + j]! /= sum;
  }
  return result;
}

/** Index of the largest of each row. */
export function decisions(scores: ArrayLike<number>, classes: number): Int32Array {
  return Int32Array.from({ length: scores.length / classes }, (_, i) => {
    let best = 0;
    for (let j = 1; j < classes; j++) if (scores[i * classes + j]! > scores[i * classes + best]!) best = j;
    return best;
  });
}

/** The head as the gateway runs it: `embedding` [rows, width] → `logits` [rows, classes], before the temperature. */
export function exportHead({ width, classes, hidden, weights }: Head, rows = 1): Uint8Array {
  const g = graph();
  const network: Network = { g, weights: trained(weights) };
  g.output('logits', headLogits(network, g.input('embedding', [rows, width]), classes, hidden));
  return g.toOnnx({ parametersAs: 'initializers' });
}
