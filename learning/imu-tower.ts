/** Training of the IMU tower: pre-training without labels, then fine-tuning with an activity head (LIMU-BERT, sections 3 and 4). */
import { graph } from '../models/graph.js';
import type { BatchStatistics, Network } from '../models/layers.js';
import {
  activityHead,
  imuDecoder,
  imuEmbedding,
  imuEmbeddingWidth,
  imuEncoder,
  imuWindow,
  normalisedWindow,
} from '../models/towers/imu.js';
import type { Weights, WeightSource } from '../models/weights.js';
import { trainingStep } from './adamw.js';
import { augmentedWindow } from './augment.js';
import type { Augmentation } from './augment.js';
import { createRandom, mixSeeds } from './random.js';
import type { Random } from './random.js';
import { statisticsOutputs, train } from './train.js';
import type { Progress } from './train.js';

/** Samples [count, 6] in m/s² and rad/s at the tower's rate. */
export interface Example {
  readonly samples: Float32Array;
}
export interface LabelledExample extends Example {
  readonly classIndex: number;
}

export interface ImuTrainingOptions {
  readonly seed: number;
  readonly threads: number;
  readonly epochs: number;
  readonly checkpoint?: string | undefined;
  /** What the examples are, so that a checkpoint of others is not gone on from. */
  readonly dataset: string;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const { samples: windowSamples, channels } = imuWindow;
const windowSize = windowSamples * channels;

/** Weights drawn at random from a seed; those that `known` has are taken from there. */
export function initialWeights(random: Random, known: Weights = new Map()): WeightSource {
  return (name, shape, initial) => {
    const size = shape.reduce((product, length) => product * length, 1);
    const found = known.get(name);
    if (found?.length === size) return found;
    if ('fill' in initial) return new Float32Array(size).fill(initial.fill);
    if ('uniform' in initial)
      return Float32Array.from({ length: size }, () => (2 * random.uniform() - 1) * initial.uniform);
    return Float32Array.from({ length: size }, () => random.normal() * initial.deviation);
  };
}

/** Indices of the examples of one step: every example once an epoch, in an order of the epoch's own. */
function createSampler(count: number, batch: number, seed: number) {
  const stepsPerEpoch = Math.ceil(count / batch);
  let epoch = -1;
  let order: Uint32Array = new Uint32Array();
  const indices = (step: number): number[] => {
    const wanted = Math.floor(step / stepsPerEpoch);
    if (wanted !== epoch) order = createRandom(mixSeeds(seed, 1, (epoch = wanted))).permutation(count);
    const begin = (step % stepsPerEpoch) * batch;
    // The last batch of an epoch is filled up from its beginning: the graph's batch size is fixed.
    return Array.from({ length: batch }, (_, i) => order[(begin + i) % count]!);
  };
  return { stepsPerEpoch, indices };
}

const fineTuning = {
  batch: 64,
  learningRate: 2e-3,
  weightDecay: 0.02,
  clipNorm: 1,
  averaging: 0.99,
  /** Rate at which the embedding's components are dropped before the head. */
  dropout: 0.3,
  labelSmoothing: 0.1,
  /** Parameter of the Beta distribution that pairs of windows are mixed by (Zhang et al., 'mixup', ICLR 2018). */
  mixing: 0.2,
  augmentation: { warp: 0.3, rotation: 0.25, gain: 0.1, noise: 0.05 } satisfies Augmentation,
};

/** The training graph of a batch: cross-entropy of the soft targets; what is fed is named as in `fineTuneImu`. */
export function fineTuningStep(source: WeightSource, classes: number, batch = fineTuning.batch) {
  const g = graph();
  const network: Network = { g, weights: source };
  const statistics: BatchStatistics[] = [];
  const window = g.input('window', [batch, windowSamples, channels]);
  const targets = g.input('targets', [batch, classes]);
  const mask = g.input('dropout', [batch, imuEmbeddingWidth]);
  const tokens = imuEncoder(network, normalisedWindow(network, window), statistics);
  const logits = activityHead(network, g.dropout(imuEmbedding(network, tokens), mask), classes);
  const loss = g.div(g.reduceSum(g.mul(g.logSoftmax(logits), targets)), -batch);
  const { weightDecay, clipNorm } = fineTuning;
  const training = trainingStep(g, loss, statisticsOutputs(statistics), { weightDecay, clipNorm });
  return { training, statistics: statistics.map(({ name }) => name) };
}

/** Trains encoder and head on labelled recordings, all weights, from `pretrained` ones where given. */
export async function fineTuneImu(
  examples: readonly LabelledExample[],
  classes: number,
  pretrained: Weights | undefined,
  { seed, epochs, dataset, ...options }: ImuTrainingOptions,
): Promise<Weights> {
  const { batch, dropout, labelSmoothing, mixing, augmentation } = fineTuning;
  const { stepsPerEpoch, indices } = createSampler(examples.length, batch, seed);
  const { training, statistics } = fineTuningStep(initialWeights(createRandom(mixSeeds(seed, 0)), pretrained), classes);
  const plain = new Float32Array(batch * windowSize);

  function feeds(step: number) {
    const random = createRandom(mixSeeds(seed, 2, step));
    const chosen = indices(step).map((index) => examples[index]!);
    for (const [i, { samples }] of chosen.entries())
      augmentedWindow(samples, augmentation, random, plain.subarray(i * windowSize, (i + 1) * windowSize));

    const share = random.beta(mixing);
    const partners = random.permutation(batch);
    const window = new Float32Array(batch * windowSize);
    const targets = new Float32Array(batch * classes).fill(labelSmoothing / classes);
    for (let i = 0; i < batch; i++) {
      const partner = partners[i]!;
      for (let j = 0; j < windowSize; j++)
        window[i * windowSize + j] =
          share * plain[i * windowSize + j]! + (1 - share) * plain[partner * windowSize + j]!;
      targets[i * classes + chosen[i]!.classIndex]! += share * (1 - labelSmoothing);
      targets[i * classes + chosen[partner]!.classIndex]! += (1 - share) * (1 - labelSmoothing);
    }
    const mask = Float32Array.from({ length: batch * imuEmbeddingWidth }, () =>
      random.uniform() < dropout ? 0 : 1 / (1 - dropout),
    );
    return { window, targets, dropout: mask };
  }

  return train({
    ...options,
    training,
    statistics,
    steps: epochs * stepsPerEpoch,
    learningRate: fineTuning.learningRate,
    averaging: fineTuning.averaging,
    feeds,
    fingerprint: JSON.stringify({ fineTuning, seed, epochs, dataset, packing: training.packing }),
  });
}

const preTraining = {
  batch: 64,
  learningRate: 1e-3,
  weightDecay: 0.01,
  clipNorm: 1,
  averaging: 0.99,
  /** Share of a window that is masked, in spans of random length up to `longestSpan` samples. */
  masked: 0.3,
  longestSpan: 32,
  augmentation: { warp: 0.3, rotation: 0.6, gain: 0.1, noise: 0.01 } satisfies Augmentation,
};

/** The training graph of a batch: mean square error over the masked samples. */
function preTrainingStep(source: WeightSource, batch = preTraining.batch) {
  const g = graph();
  const network: Network = { g, weights: source };
  const statistics: BatchStatistics[] = [];
  const window = g.input('window', [batch, windowSamples, channels]);
  const kept = g.input('kept', [batch, windowSamples, 1]);
  const x = normalisedWindow(network, window);
  const masked = g.sub(1, kept);
  const error = g.mul(g.sub(imuDecoder(network, imuEncoder(network, g.mul(x, kept), statistics)), x), masked);
  const loss = g.div(g.reduceSum(g.mul(error, error)), g.mul(g.reduceSum(masked), channels));
  const { weightDecay, clipNorm } = preTraining;
  const training = trainingStep(g, loss, statisticsOutputs(statistics), { weightDecay, clipNorm });
  return { training, statistics: statistics.map(({ name }) => name) };
}

/** Learns the encoder from recordings without labels, by the reconstruction of masked spans. */
export async function preTrainImu(
  examples: readonly Example[],
  { seed, epochs, dataset, ...options }: ImuTrainingOptions,
): Promise<Weights> {
  const { batch, masked, longestSpan, augmentation } = preTraining;
  const { stepsPerEpoch, indices } = createSampler(examples.length, batch, seed);
  const { training, statistics } = preTrainingStep(initialWeights(createRandom(mixSeeds(seed, 3))));

  function feeds(step: number) {
    const random = createRandom(mixSeeds(seed, 4, step));
    const window = new Float32Array(batch * windowSize);
    const kept = new Float32Array(batch * windowSamples).fill(1);
    for (const [i, index] of indices(step).entries()) {
      augmentedWindow(
        examples[index]!.samples,
        augmentation,
        random,
        window.subarray(i * windowSize, (i + 1) * windowSize),
      );
      const row = kept.subarray(i * windowSamples, (i + 1) * windowSamples);
      for (let left = Math.round(masked * windowSamples); left > 0;) {
        const length = Math.min(left, 1 + random.integer(longestSpan));
        const begin = random.integer(windowSamples - length + 1);
        row.fill(0, begin, begin + length);
        left -= length;
      }
    }
    return { window, kept };
  }

  return train({
    ...options,
    training,
    statistics,
    steps: epochs * stepsPerEpoch,
    learningRate: preTraining.learningRate,
    averaging: preTraining.averaging,
    feeds,
    fingerprint: JSON.stringify({ preTraining, seed, epochs, dataset, packing: training.packing }),
  });
}
