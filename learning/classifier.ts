/** Supervised training of any encoder with an activity head: mixed pairs of augmented windows, smoothed labels. */
import { graph } from '../models/graph.js';
import type { Value } from '../models/graph.js';
import type { BatchStatistics, Network } from '../models/layers.js';
import { activityHead, windowShape, windowSize } from '../models/towers/encoder.js';
import type { Encoder } from '../models/towers/encoder.js';
import type { Weights, WeightSource } from '../models/weights.js';
import { trainingStep } from './adamw.js';
import { createSampler, initialWeights } from './initial.js';
import { createRandom, mixSeeds } from './random.js';
import type { Random } from './random.js';
import { statisticsOutputs, train } from './train.js';
import type { Progress } from './train.js';

export interface TrainingOptions {
  readonly seed: number;
  readonly threads: number;
  readonly epochs: number;
  readonly checkpoint?: string | undefined;
  /** What the examples are, so that a checkpoint of others is not gone on from. */
  readonly dataset: string;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ClassifierRecipe {
  readonly batch: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly clipNorm: number;
  readonly averaging: number;
  /** Rate at which the embedding's components are dropped before the head. */
  readonly dropout: number;
  readonly labelSmoothing: number;
  /** Parameter of the Beta distribution that pairs of windows are mixed by (Zhang et al., 'mixup', ICLR 2018). */
  readonly mixing: number;
}

/** Something else that the encoder learns at the same time; mixed as the windows are. */
export interface SideTask {
  /** Numbers of one window's target. */
  readonly size: number;
  /**
   * @param target [batch, size]
   * @returns the embedding, and a scalar loss that is added
   */
  build(
    network: Network,
    window: Value,
    target: Value,
    statistics: BatchStatistics[],
  ): { embedding: Value; loss: Value };
}

export interface ClassifierTask<Example> {
  readonly encoder: Encoder;
  readonly recipe: ClassifierRecipe;
  readonly side?: SideTask;
  /** All that the augmentation depends on, for the fingerprint. */
  readonly augmentation: object;
  /** Writes one random window [samples, …instant], and the side task's target if there is one. */
  augment(example: Example, random: Random, out: Float32Array, target: Float32Array): void;
}

/** The training graph of a batch: cross-entropy of the soft targets; what is fed is named as in `trainClassifier`. */
export function classifierStep<Example>(
  { encoder, recipe, side }: ClassifierTask<Example>,
  source: WeightSource,
  classes: number,
  batch = recipe.batch,
) {
  const g = graph();
  const network: Network = { g, weights: source };
  const statistics: BatchStatistics[] = [];
  const window = g.input('window', [batch, ...windowShape(encoder)]);
  const targets = g.input('targets', [batch, classes]);
  const mask = g.input('dropout', [batch, encoder.width]);
  const built = side?.build(network, window, g.input('side', [batch, side.size]), statistics);
  const embedding = built?.embedding ?? encoder.embed(network, window, statistics);
  const logits = activityHead(network, g.dropout(embedding, mask), classes);
  const crossEntropy = g.div(g.reduceSum(g.mul(g.logSoftmax(logits), targets)), -batch);
  const loss = built ? g.add(crossEntropy, built.loss) : crossEntropy;
  const { weightDecay, clipNorm } = recipe;
  const training = trainingStep(g, loss, statisticsOutputs(statistics), { weightDecay, clipNorm });
  return { training, statistics: statistics.map(({ name }) => name) };
}

/** Trains encoder and head on labelled recordings, all weights, from `pretrained` ones where given. */
export async function trainClassifier<Example extends { readonly classIndex: number }>(
  task: ClassifierTask<Example>,
  examples: readonly Example[],
  classes: number,
  pretrained: Weights | undefined,
  { seed, epochs, dataset, ...options }: TrainingOptions,
): Promise<Weights> {
  const { encoder, recipe, side, augmentation } = task;
  const { batch, dropout, labelSmoothing, mixing } = recipe;
  const size = windowSize(encoder);
  const sideSize = side?.size ?? 0;
  const { stepsPerEpoch, indices } = createSampler(examples.length, batch, seed);
  const source = initialWeights(createRandom(mixSeeds(seed, 0)), pretrained);
  const { training, statistics } = classifierStep(task, source, classes);
  const plain = new Float32Array(batch * size);
  const plainSide = new Float32Array(batch * sideSize);

  function feeds(step: number) {
    const random = createRandom(mixSeeds(seed, 2, step));
    const chosen = indices(step).map((index) => examples[index]!);
    const row = (all: Float32Array, i: number, length: number) => all.subarray(i * length, (i + 1) * length);
    for (const [i, example] of chosen.entries())
      task.augment(example, random, row(plain, i, size), row(plainSide, i, sideSize));

    const share = random.beta(mixing);
    const partners = random.permutation(batch);
    const mixed = (all: Float32Array, length: number) => {
      const result = new Float32Array(batch * length);
      for (let i = 0; i < batch; i++)
        for (let j = 0, own = i * length, other = partners[i]! * length; j < length; j++)
          result[own + j] = share * all[own + j]! + (1 - share) * all[other + j]!;
      return result;
    };
    const targets = new Float32Array(batch * classes).fill(labelSmoothing / classes);
    for (let i = 0; i < batch; i++) {
      targets[i * classes + chosen[i]!.classIndex]! += share * (1 - labelSmoothing);
      targets[i * classes + chosen[partners[i]!]!.classIndex]! += (1 - share) * (1 - labelSmoothing);
    }
    const mask = Float32Array.from({ length: batch * encoder.width }, () =>
      random.uniform() < dropout ? 0 : 1 / (1 - dropout),
    );
    const window = mixed(plain, size);
    return { window, targets, dropout: mask, ...(side && { side: mixed(plainSide, sideSize) }) };
  }

  return train({
    ...options,
    training,
    statistics,
    steps: epochs * stepsPerEpoch,
    learningRate: recipe.learningRate,
    averaging: recipe.averaging,
    feeds,
    fingerprint: JSON.stringify({ recipe, augmentation, seed, epochs, dataset, packing: training.packing }),
  });
}
