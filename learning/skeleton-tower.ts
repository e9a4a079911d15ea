/** Training of the skeleton tower with labels. */
import { bodyParts, joints } from '../models/towers/skeleton-graph.js';
import { skeletonEncoder } from '../models/towers/skeleton.js';
import type { Weights } from '../models/weights.js';
import { augmentedSkeleton } from './augment-skeleton.js';
import type { SkeletonAugmentation } from './augment-skeleton.js';
import { drawTiming } from './augment-timing.js';
import { trainClassifier } from './classifier.js';
import type { ClassifierRecipe, ClassifierTask, TrainingOptions } from './classifier.js';
import { windowSeconds } from './datasets/utd-mhad-windows.js';
import type { PairedRecording } from './datasets/utd-mhad-windows.js';

export type SkeletonExample = PairedRecording & Required<Pick<PairedRecording, 'skeleton'>>;

export interface SkeletonRecipe extends ClassifierRecipe {
  /** As in `drawTiming`. */
  readonly warp: number;
  readonly sway: number;
  readonly augmentation: SkeletonAugmentation;
}

export const skeletonRecipe: SkeletonRecipe = {
  batch: 32,
  learningRate: 2e-3,
  weightDecay: 0.02,
  clipNorm: 1,
  averaging: 0.99,
  dropout: 0.3,
  labelSmoothing: 0.1,
  mixing: 0.2,
  warp: 0.3,
  sway: 0.3,
  augmentation: { turn: 0.4, tilt: 0.15, size: 0.1, offset: 0.03, noise: 0.01, hidden: 0.05, hiddenPart: 0.1 },
};

export function skeletonTask(recipe: SkeletonRecipe): ClassifierTask<SkeletonExample> {
  const { warp, sway, augmentation } = recipe;
  const { rate } = skeletonEncoder.window;
  return {
    encoder: skeletonEncoder,
    recipe,
    augmentation,
    augment({ skeleton, duration }, random, out) {
      const timing = drawTiming(duration, windowSeconds, warp, sway, random);
      augmentedSkeleton(skeleton, rate, joints, bodyParts, timing, augmentation, random, out);
    },
  };
}

/** Trains encoder and head on labelled recordings, from `pretrained` weights where given. */
export const fineTuneSkeleton = (
  examples: readonly SkeletonExample[],
  classes: number,
  pretrained: Weights | undefined,
  options: TrainingOptions,
  recipe = skeletonRecipe,
): Promise<Weights> => trainClassifier(skeletonTask(recipe), examples, classes, pretrained, options);
