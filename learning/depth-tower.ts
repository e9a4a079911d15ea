/**
 * Training of the depth tower: labels, and beside them where the joints are in every picture. The camera's own skeletons tell that
 * for the training subjects; no label is needed for it, and the trained tower reads depth alone.
 */
import { depthEmbedding, depthEncoder, depthFrames, depthJoints } from '../models/towers/depth.js';
import type { Weights } from '../models/weights.js';
import { augmentedDepth } from './augment-depth.js';
import type { DepthAugmentation } from './augment-depth.js';
import { drawTiming, recordedTime } from './augment-timing.js';
import { trainClassifier } from './classifier.js';
import type { ClassifierRecipe, ClassifierTask, SideTask, TrainingOptions } from './classifier.js';
import { skeletonRate, skeletonRow } from './datasets/utd-mhad-features.js';
import { windowSeconds } from './datasets/utd-mhad-windows.js';
import type { PairedRecording } from './datasets/utd-mhad-windows.js';

export type DepthExample = PairedRecording & Required<Pick<PairedRecording, 'depth' | 'skeleton'>>;

export interface DepthRecipe extends ClassifierRecipe {
  /** As in `drawTiming`. */
  readonly warp: number;
  readonly sway: number;
  readonly augmentation: DepthAugmentation;
  /** Weight of the joints' mean square error, which is in trunk lengths². */
  readonly joints: number;
}

export const depthRecipe: DepthRecipe = {
  batch: 32,
  learningRate: 2e-3,
  weightDecay: 0.05,
  clipNorm: 1,
  averaging: 0.99,
  dropout: 0.3,
  labelSmoothing: 0.1,
  mixing: 0.2,
  warp: 0.3,
  sway: 0.3,
  augmentation: { shift: 3, size: 0.1, turn: 0.1, slope: 0.2, gain: 0.15, offset: 0.05, noise: 0.02, hidden: 0.2 },
  joints: 1,
};

/** First, the joints decide what the features are. */
export const depthBodyRecipe: DepthRecipe = { ...depthRecipe, joints: 10 };

/** Where the skeleton that is nearest to a second begins in [count, 20, 4] at 25 Hz. */
export function skeletonAt(skeleton: Float32Array, time: number): number {
  const last = skeleton.length / skeletonRow - 1;
  return skeletonRow * Math.min(last, Math.max(0, Math.round(time * skeletonRate)));
}

const { rate, samples } = depthEncoder.window;
const coordinates = (skeletonRow / 4) * 3;

function joints(weight: number): SideTask {
  return {
    size: samples * coordinates,
    build(network, window, target, statistics) {
      const { g } = network;
      const frames = depthFrames(network, window, statistics);
      const found = depthJoints(network, frames, coordinates);
      const error = g.sub(g.reshape(found, target.shape), target);
      const loss = g.mul(g.reduceMean(g.mul(error, error)), weight);
      return { embedding: depthEmbedding(network, frames, statistics), loss };
    },
  };
}

export function depthTask(recipe: DepthRecipe): ClassifierTask<DepthExample> {
  const { warp, sway, augmentation, joints: weight } = recipe;
  return {
    encoder: depthEncoder,
    recipe,
    augmentation,
    side: joints(weight),
    augment({ depth, skeleton, duration }, random, out, target) {
      const timing = drawTiming(duration, windowSeconds, warp, sway, random);
      augmentedDepth(depth, rate, timing, augmentation, random, out);
      for (let i = 0; i < samples; i++) {
        const row = skeletonAt(skeleton, recordedTime(timing, i / rate, samples / rate));
        for (let k = 0; k < coordinates; k++)
          target[i * coordinates + k] = skeleton[row + 4 * Math.floor(k / 3) + (k % 3)]!;
      }
    },
  };
}

/** Trains encoder and head on labelled recordings, from `pretrained` weights where given. */
export const fineTuneDepth = (
  examples: readonly DepthExample[],
  classes: number,
  pretrained: Weights | undefined,
  options: TrainingOptions,
  recipe = depthRecipe,
): Promise<Weights> => trainClassifier(depthTask(recipe), examples, classes, pretrained, options);
