/** Label-free pre-training of the encoders of UTD-MHAD's sensors, together or each alone, on what they saw at the same time. */
import { createHash } from 'node:crypto';
import { graph } from '../models/graph.js';
import type { Network } from '../models/layers.js';
import { depthEncoder } from '../models/towers/depth.js';
import { windowShape } from '../models/towers/encoder.js';
import type { Encoder } from '../models/towers/encoder.js';
import { limuBert } from '../models/towers/imu.js';
import { bodyParts, joints } from '../models/towers/skeleton-graph.js';
import { skeletonEncoder } from '../models/towers/skeleton.js';
import { trained } from '../models/weights.js';
import type { Weights } from '../models/weights.js';
import { augmentedDepth } from './augment-depth.js';
import { augmentedSkeleton } from './augment-skeleton.js';
import { drawTiming, recordedTime } from './augment-timing.js';
import { augmentedStretch } from './augment.js';
import type { Augmentation } from './augment.js';
import type { TrainingOptions } from './classifier.js';
import { crossModalRecipe, projector, trainCrossModal } from './cross-modal.js';
import type { Branch, CrossModalRecipe } from './cross-modal.js';
import { windowSeconds } from './datasets/utd-mhad-windows.js';
import type { PairedKind, PairedRecording } from './datasets/utd-mhad-windows.js';
import { depthRecipe } from './depth-tower.js';
import { skeletonRecipe } from './skeleton-tower.js';

export type PairedModality = 'imu' | PairedKind;

export const pairedEncoders: Readonly<Record<PairedModality, Encoder>> = {
  imu: limuBert,
  skeleton: skeletonEncoder,
  depth: depthEncoder,
};

/** Of the wearable sensor; `drawTiming` decides its speed. */
const imuAugmentation: Omit<Augmentation, 'warp'> = { rotation: 0.3, gain: 0.1, noise: 0.05 };
/** As in `drawTiming`. */
const [warp, sway] = [0.3, 0.3];

/** A recording lacks what a branch reads: it was loaded without. */
function part<Part>(value: Part | undefined, modality: PairedModality): Part {
  if (value === undefined) throw new Error(`the recording was loaded without its ${modality}`);
  return value;
}

/** How each modality's windows are drawn; one encoder alone is trained on two views. */
export function pairedBranches(modalities: readonly PairedModality[]): Branch<PairedRecording>[] {
  const views = modalities.length === 1 ? 2 : 1;
  const augment: Record<PairedModality, Branch<PairedRecording>['augment']> = {
    imu: ({ imu }, timing, random, out) => {
      const { rate, samples } = limuBert.window;
      const placeOf = (i: number) => recordedTime(timing, i / rate, samples / rate) * rate;
      augmentedStretch(imu, placeOf, timing.speed, imuAugmentation, random, out);
    },
    skeleton: ({ skeleton }, timing, random, out) => {
      const all = part(skeleton, 'skeleton');
      const { augmentation } = skeletonRecipe;
      augmentedSkeleton(all, skeletonEncoder.window.rate, joints, bodyParts, timing, augmentation, random, out);
    },
    depth: ({ depth }, timing, random, out) =>
      augmentedDepth(part(depth, 'depth'), depthEncoder.window.rate, timing, depthRecipe.augmentation, random, out),
  };
  return modalities.map((name) => ({ name, encoder: pairedEncoders[name], views, augment: augment[name] }));
}

export interface PairedPreTraining extends Omit<TrainingOptions, 'dataset'> {
  readonly modalities: readonly PairedModality[];
  readonly recipe?: CrossModalRecipe;
  /** Whether a batch is one person's, so that nothing is gained by telling people apart. Default: yes. */
  readonly byPerson?: boolean;
}

/**
 * Labels of the recordings are not looked at.
 * @returns weights of each modality's encoder, its projector's among them
 */
export async function preTrainPaired(
  recordings: readonly PairedRecording[],
  { modalities, recipe = crossModalRecipe, byPerson = true, ...options }: PairedPreTraining,
): Promise<ReadonlyMap<PairedModality, Weights>> {
  const weights = await trainCrossModal(pairedBranches(modalities), recordings, {
    ...options,
    recipe,
    dataset: digest(recordings),
    groupOf: byPerson ? ({ subject }) => subject : undefined,
    drawTiming: ({ duration }, random) => drawTiming(duration, windowSeconds, warp, sway, random),
  });
  return weights as Map<PairedModality, Weights>;
}

function digest(recordings: readonly PairedRecording[]): string {
  const hash = createHash('sha256');
  for (const { imu, skeleton, depth } of recordings) {
    hash.update(imu);
    if (skeleton) hash.update(skeleton);
    if (depth) hash.update(depth.pictures);
  }
  return hash.digest('hex').slice(0, 16);
}

/** ONNX file: window → z [1, projected] of length 1, the space in which the modalities find each other. */
export function exportProjected(encoder: Encoder, weights: Weights, recipe = crossModalRecipe): Uint8Array {
  const network: Network = { g: graph(), weights: trained(weights) };
  const window = network.g.input('window', [1, ...windowShape(encoder)]);
  network.g.output('embedding', projector(network, encoder.embed(network, window), recipe));
  return network.g.toOnnx({ parametersAs: 'initializers' });
}
