/** Supervised training of any network that reads windows and gives logits, and its use on many windows at once. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { graph } from '../models/graph.js';
import type { Shape, Value } from '../models/graph.js';
import type { BatchStatistics, Network } from '../models/layers.js';
import { prefixed } from '../models/layers.js';
import { sizeOf } from '../models/operators.js';
import { softmax } from '../models/tower-session.js';
import { trained } from '../models/weights.js';
import type { Weights, WeightSource } from '../models/weights.js';
import { trainingStep } from './adamw.js';
import { createSampler, initialWeights } from './initial.js';
import { createRandom, mixSeeds } from './random.js';
import type { Random } from './random.js';
import { statisticsOutputs, train } from './train.js';
import type { Progress } from './train.js';

/** A network that reads one tensor or more of each example. */
export interface ClassifierDesign {
  readonly name: string;
  /** Shape of each input without the batch axis, by its name. */
  readonly inputs: Readonly<Record<string, Shape>>;
  readonly classes: number;
  /**
   * @param inputs by name, [batch, …shape]
   * @param drop drops out components of an embedding while training, else gives it back
   * @param statistics as in `batchNormalization`
   * @returns the logits [batch, classes] of one head or more
   */
  build(
    network: Network,
    inputs: Readonly<Record<string, Value>>,
    drop: (x: Value) => Value,
    statistics?: BatchStatistics[],
  ): readonly Value[];
}

export interface ClassifierRecipe {
  readonly batch: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly clipNorm: number;
  /** Share of the old value in the running average of the weights. */
  readonly averaging: number;
  readonly dropout: number;
  readonly labelSmoothing: number;
  /** Parameter of the Beta distribution that pairs of examples are mixed by (Zhang et al., 'mixup', ICLR 2018); 0: not at all. */
  readonly mixing: number;
}

/** What is trained on. */
export interface ClassifierSource {
  readonly count: number;
  /**
   * Writes one example, augmented at random.
   * @param inputs by name, zeros
   * @param target [classes], zeros; to be written so that it adds up to 1
   */
  write(index: number, random: Random, inputs: Readonly<Record<string, Float32Array>>, target: Float32Array): void;
}

export interface ClassifierOptions {
  readonly seed: number;
  readonly threads: number;
  readonly epochs: number;
  readonly checkpoint?: string | undefined;
  /** What the examples are, so that a checkpoint of others is not gone on from. */
  readonly dataset: string;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The training graph of a batch: cross-entropy of the soft targets, averaged over the heads. */
export function classifierStep(design: ClassifierDesign, recipe: ClassifierRecipe, source: WeightSource) {
  const { batch, weightDecay, clipNorm } = recipe;
  const g = graph();
  const statistics: BatchStatistics[] = [];
  const masks: { name: string; size: number }[] = [];
  const inputs = Object.fromEntries(
    Object.entries(design.inputs).map(([name, shape]) => [name, g.input(name, [batch, ...shape])]),
  );
  const drop = (x: Value) => {
    const name = `dropout ${masks.length}`;
    masks.push({ name, size: sizeOf(x.shape) });
    return g.dropout(x, g.input(name, x.shape));
  };
  const heads = design.build({ g, weights: source }, inputs, drop, statistics);
  const targets = g.input('targets', [batch, design.classes]);
  const losses = heads.map((logits) => g.reduceSum(g.mul(g.logSoftmax(logits), targets)));
  const loss = g.div(losses.reduce(g.add), -batch * heads.length);
  const training = trainingStep(g, loss, statisticsOutputs(statistics), { weightDecay, clipNorm });
  return { training, masks, statistics: statistics.map(({ name }) => name) };
}

/** In place: each row of `data` [batch, size] becomes `share` of itself and the rest of its partner's. */
function mixRows(data: Float32Array, size: number, partners: Uint32Array, share: number): void {
  const plain = data.slice();
  for (const [row, partner] of partners.entries())
    for (let i = 0; i < size; i++)
      data[row * size + i] = share * plain[row * size + i]! + (1 - share) * plain[partner * size + i]!;
}

/** Trains all weights, from `known` ones where they are given. */
export async function trainClassifier(
  design: ClassifierDesign,
  recipe: ClassifierRecipe,
  source: ClassifierSource,
  known: Weights | undefined,
  { seed, epochs, dataset, ...options }: ClassifierOptions,
): Promise<Weights> {
  const { batch, learningRate, averaging, dropout, labelSmoothing, mixing } = recipe;
  const { classes } = design;
  const { stepsPerEpoch, indices } = createSampler(source.count, batch, seed);
  const step = classifierStep(design, recipe, initialWeights(createRandom(mixSeeds(seed, 0)), known));
  const sizes = Object.entries(design.inputs).map(([name, shape]) => [name, sizeOf(shape)] as const);

  function feeds(at: number) {
    const random = createRandom(mixSeeds(seed, 2, at));
    const data = new Map(sizes.map(([name, size]) => [name, new Float32Array(batch * size)]));
    const targets = new Float32Array(batch * classes);
    for (const [row, index] of indices(at).entries()) {
      const inputs = Object.fromEntries(
        sizes.map(([name, size]) => [name, data.get(name)!.subarray(row * size, (row + 1) * size)]),
      );
      source.write(index, random, inputs, targets.subarray(row * classes, (row + 1) * classes));
    }
    for (let i = 0; i < targets.length; i++) targets[i] = targets[i]! * (1 - labelSmoothing) + labelSmoothing / classes;
    if (mixing > 0) {
      const share = random.beta(mixing);
      const partners = random.permutation(batch);
      for (const [name, size] of sizes) mixRows(data.get(name)!, size, partners, share);
      mixRows(targets, classes, partners, share);
    }
    const kept = () => (random.uniform() < dropout ? 0 : 1 / (1 - dropout));
    const masks = step.masks.map(({ name, size }) => [name, Float32Array.from({ length: size }, kept)]);
    return { ...Object.fromEntries([...data, ...masks]), targets } as Record<string, Float32Array>;
  }

  return train({
    ...options,
    training: step.training,
    statistics: step.statistics,
    steps: epochs * stepsPerEpoch,
    learningRate,
    averaging,
    feeds,
    fingerprint: JSON.stringify({ name: design.name, recipe, seed, epochs, dataset, packing: step.training.packing }),
  });
}

export interface Classifier {
  /**
   * @param inputs by name, [count, …shape]
   * @returns the probabilities [count, classes] of each head: the softmax of the members' mean logits
   */
  run(inputs: Readonly<Record<string, Float32Array>>, count: number): Promise<Float32Array[]>;
  release(): Promise<void>;
}

const inferenceBatch = 32;

/** Loads networks that were trained side by side; their logits are averaged. */
export async function openClassifier(
  design: ClassifierDesign,
  members: readonly Weights[],
  threads: number,
): Promise<Classifier> {
  const g = graph();
  const inputs = Object.fromEntries(
    Object.entries(design.inputs).map(([name, shape]) => [name, g.input(name, [inferenceBatch, ...shape])]),
  );
  const each = members.map((weights, k) =>
    design.build(prefixed({ g, weights: trainedUnder(`member.${k}.`, weights) }, `member.${k}`), inputs, (x) => x),
  );
  const heads = each[0]!.map((_, head) => g.div(each.map((logits) => logits[head]!).reduce(g.add), members.length));
  for (const [head, logits] of heads.entries()) g.output(`logits ${head}`, logits);
  const session = await InferenceSession.create(g.toOnnx({ parametersAs: 'initializers' }), {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    logSeverityLevel: 3,
  });
  const shapes = Object.entries(design.inputs);

  return {
    async run(given, count) {
      const results = heads.map(() => new Float32Array(count * design.classes));
      for (let from = 0; from < count; from += inferenceBatch) {
        const rows = Math.min(inferenceBatch, count - from);
        const feeds = Object.fromEntries(
          shapes.map(([name, shape]) => {
            const size = sizeOf(shape);
            const data = new Float32Array(inferenceBatch * size);
            data.set(given[name]!.subarray(from * size, (from + rows) * size));
            return [name, new Tensor('float32', data, [inferenceBatch, ...shape])];
          }),
        );
        const outputs = await session.run(feeds);
        for (const [head, result] of results.entries()) {
          const logits = outputs[`logits ${head}`]!.data as Float32Array;
          result.set(softmax(logits.slice(0, rows * design.classes), design.classes, 1), from * design.classes);
        }
      }
      return results;
    },
    release: () => session.release(),
  };
}

/** Trained weights as they are called inside a prefixed network. */
function trainedUnder(prefix: string, weights: Weights): WeightSource {
  const source = trained(weights);
  return (name, ...rest) => source(name.slice(prefix.length), ...rest);
}
