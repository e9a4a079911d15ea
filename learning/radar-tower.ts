/** Training of the radar tower for points with an activity head. */
import { linear } from '../models/layers.js';
import { mmwavePointsEncoder, mmwavePointsWindow } from '../models/towers/mmwave-points.js';
import { augmentedPoints } from './augment-points.js';
import type { PointAugmentation } from './augment-points.js';
import type { ClassifierDesign, ClassifierRecipe, ClassifierSource } from './window-classifier.js';

const { instants, points, channels } = mmwavePointsWindow;

/** One recording at the tower's rate. */
export interface PointExample {
  /** [count, points, channels] */
  readonly instants: Float32Array;
  readonly classIndex: number;
}

export const mmwavePointsDesign = (classes: number): ClassifierDesign => ({
  name: 'mmwave-points',
  inputs: { window: [instants, points, channels] },
  classes,
  build: (network, { window }, drop, statistics) => [
    linear(network, 'head', drop(mmwavePointsEncoder(network, window!, statistics)), classes),
  ],
});

export const mmwavePointsRecipe: ClassifierRecipe & { readonly augmentation: PointAugmentation } = {
  batch: 64,
  learningRate: 2e-3,
  weightDecay: 0.02,
  clipNorm: 1,
  averaging: 0.98,
  dropout: 0.3,
  labelSmoothing: 0.1,
  // The mean of two sets' points is no set of points.
  mixing: 0,
  augmentation: {
    warp: 0.2,
    rotation: 0.2,
    size: 0.1,
    height: 0.05,
    noise: 0.02,
    gain: 0.1,
    loss: 0.5,
    instantLoss: 0.1,
    mirror: 0,
  },
};

/** Windows that begin anywhere; `perRecording` of each recording an epoch. */
export function pointWindows(
  examples: readonly PointExample[],
  perRecording: number,
  augmentation: PointAugmentation,
): ClassifierSource {
  return {
    count: examples.length * perRecording,
    write(index, random, { window }, target) {
      const { instants: recording, classIndex } = examples[Math.floor(index / perRecording)]!;
      const slack = recording.length / (points * channels) - instants;
      augmentedPoints(recording, points, channels, random.uniform() * slack, augmentation, random, window!);
      target[classIndex] = 1;
    },
  };
}
