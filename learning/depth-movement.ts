/** Training of the part of the depth tower that reads how joints move, with labels: by joints that were found in pictures and by the camera's own. */
import { depthMovementEncoder } from '../models/towers/depth-pose.js';
import { bodyParts, joints } from '../models/towers/skeleton-graph.js';
import type { Weights } from '../models/weights.js';
import { augmentedSkeleton } from './augment-skeleton.js';
import { drawTiming } from './augment-timing.js';
import { trainClassifier } from './classifier.js';
import type { ClassifierTask, TrainingOptions } from './classifier.js';
import { skeletonRate, skeletonRow } from './datasets/utd-mhad-features.js';
import { windowSeconds } from './datasets/utd-mhad-windows.js';
import type { DepthExample } from './depth-tower.js';
import { skeletonRecipe } from './skeleton-tower.js';
import type { SkeletonRecipe } from './skeleton-tower.js';

/** As the skeleton tower's, but joints that are found err more than those that the camera tells. */
export const depthMovementRecipe: SkeletonRecipe = {
  ...skeletonRecipe,
  augmentation: { ...skeletonRecipe.augmentation, offset: 0.06, noise: 0.03 },
};

/** Half of what the movement's encoder sees is what was found, the other half what the camera told: the training pictures are found too well. */
const foundShare = 0.5;

export interface MovementExample extends DepthExample {
  /** [count, 20, 4] at 25 Hz. */
  readonly found: Float32Array;
}

function movementTask(recipe: SkeletonRecipe): ClassifierTask<MovementExample> {
  const { warp, sway, augmentation } = recipe;
  const { rate, samples } = depthMovementEncoder.window;
  const every = skeletonRate / rate;
  const fine = new Float32Array(samples * every * skeletonRow);
  return {
    encoder: depthMovementEncoder,
    recipe,
    augmentation: { ...augmentation, foundShare },
    augment({ skeleton, found, duration }, random, out) {
      const source = random.uniform() < foundShare ? found : skeleton;
      const timing = drawTiming(duration, windowSeconds, warp, sway, random);
      augmentedSkeleton(source, skeletonRate, joints, bodyParts, timing, augmentation, random, fine);
      for (let i = 0; i < samples; i++)
        out.set(fine.subarray(i * every * skeletonRow, (i * every + 1) * skeletonRow), i * skeletonRow);
    },
  };
}

/** Trains the movement's encoder and a head of its own on labelled recordings. */
export const trainDepthMovement = (
  examples: readonly MovementExample[],
  classes: number,
  options: TrainingOptions,
  recipe = depthMovementRecipe,
): Promise<Weights> => trainClassifier(movementTask(recipe), examples, classes, undefined, options);
