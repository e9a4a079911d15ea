/** Training of the IMU tower: pre-training without labels, then fine-tuning with an activity head (LIMU-BERT, sections 3 and 4). */
import { graph } from '../models/graph.js';
import type { BatchStatistics, Network } from '../models/layers.js';
import { imuDecoder, imuEncoder, imuWindow, limuBert, normalisedWindow } from '../models/towers/imu.js';
import type { Weights, WeightSource } from '../models/weights.js';
import { trainingStep } from './adamw.js';
import { augmentedWindow } from './augment.js';
import type { Augmentation } from './augment.js';
import { classifierStep, trainClassifier } from './classifier.js';
import type { ClassifierTask, TrainingOptions } from './classifier.js';
import { createSampler, initialWeights } from './initial.js';
import { createRandom, mixSeeds } from './random.js';
import { statisticsOutputs, train } from './train.js';

/** Samples [count, 6] in m/s² and rad/s at the tower's rate. */
export interface Example {
  readonly samples: Float32Array;
}
export interface LabelledExample extends Example {
  readonly classIndex: number;
}

export type ImuTrainingOptions = TrainingOptions;

const { samples: windowSamples, channels } = imuWindow;
const windowSize = windowSamples * channels;

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

const task: ClassifierTask<LabelledExample> = {
  encoder: limuBert,
  recipe: fineTuning,
  augmentation: fineTuning.augmentation,
  augment: ({ samples }, random, out) => augmentedWindow(samples, fineTuning.augmentation, random, out),
};

/** The training graph of a batch, as `classifierStep` says. */
export const fineTuningStep = (source: WeightSource, classes: number, batch = fineTuning.batch) =>
  classifierStep(task, source, classes, batch);

/** Trains encoder and head on labelled recordings, all weights, from `pretrained` ones where given. */
export const fineTuneImu = (
  examples: readonly LabelledExample[],
  classes: number,
  pretrained: Weights | undefined,
  options: TrainingOptions,
): Promise<Weights> => trainClassifier(task, examples, classes, pretrained, options);

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
  { seed, epochs, dataset, ...options }: TrainingOptions,
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

export { initialWeights };
