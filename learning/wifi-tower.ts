/** Training of the Wi-Fi towers with an activity head, and what they make of whole recordings. */
import type { WifiFrame } from '../drivers/frames.js';
import { activityHead, windowShape } from '../models/towers/encoder.js';
import type { Encoder } from '../models/towers/encoder.js';
import { wifiWindow } from '../models/towers/wifi-gru.js';
import type { Weights } from '../models/weights.js';
import { linear } from '../pipelines/frame-windows.js';
import { createWifiFeatures } from '../pipelines/wifi/amplitude-features.js';
import { augmentedCsi } from './augment-csi.js';
import type { CsiAugmentation } from './augment-csi.js';
import { instantsOfRecording } from './frame-instants.js';
import { likeliest } from './suites/suite.js';
import { openClassifier } from './window-classifier.js';
import type { ClassifierDesign, ClassifierRecipe, ClassifierSource } from './window-classifier.js';

const { rate, samples, hop } = wifiWindow;
const [links, subcarriers] = wifiWindow.instant;
const width = links * subcarriers;

/** One recording at the tower's rate. */
export interface CsiExample {
  /** [count, links, subcarriers] */
  readonly instants: Float32Array;
  readonly classIndex: number;
}

export const wifiDesign = (encoder: Encoder, classes: number): ClassifierDesign => ({
  name: encoder.name,
  inputs: { window: windowShape(encoder) },
  classes,
  build: (network, { window }, drop, statistics) => [
    activityHead(network, drop(encoder.embed(network, window!, statistics)), classes),
  ],
});

export const wifiRecipe: ClassifierRecipe & { readonly augmentation: CsiAugmentation } = {
  batch: 32,
  learningRate: 2e-3,
  weightDecay: 0.05,
  clipNorm: 1,
  averaging: 0.98,
  dropout: 0.4,
  labelSmoothing: 0.1,
  mixing: 0.4,
  augmentation: { warp: 0.25, noise: 0.02, gain: 0.2, linkLoss: 0.3, exchange: 0, shift: 0 },
};

/** Packets, in the order of time, at the tower's rate: [count, links, subcarriers]. */
export function csiInstants(frames: readonly WifiFrame[]): Float32Array {
  return instantsOfRecording(frames, createWifiFeatures({ links, subcarriers }), rate, linear).data;
}

/** A window of each recording an epoch, that begins anywhere; `repeats` windows of those of `repeated`, which come first. */
export function csiWindows(
  examples: readonly CsiExample[],
  augmentation: CsiAugmentation,
  { repeated = [], repeats = 0 }: { readonly repeated?: readonly CsiExample[]; readonly repeats?: number } = {},
): ClassifierSource {
  const extra = repeated.length * repeats;
  return {
    count: extra + examples.length,
    write(index, random, { window }, target) {
      const { instants, classIndex } = index < extra ? repeated[index % repeated.length]! : examples[index - extra]!;
      augmentedCsi(instants, links, subcarriers, augmentation, random, window!);
      target[classIndex] = 1;
    },
  };
}

/** The windows of a recording as the gateway cuts them; one that is shorter than a window is held at its end. */
export function csiWindowsOf({ instants }: CsiExample): { windows: Float32Array; count: number } {
  const length = instants.length / width;
  const count = Math.max(1, Math.floor((length - samples) / hop) + 1);
  const windows = new Float32Array(count * samples * width);
  for (let k = 0; k < count; k++)
    for (let i = 0; i < samples; i++) {
      const at = Math.min(k * hop + i, length - 1);
      windows.set(instants.subarray(at * width, (at + 1) * width), (k * samples + i) * width);
    }
  return { windows, count };
}

/** Probabilities [examples, classes], each recording's mean over its windows. */
export async function csiProbabilities(
  encoder: Encoder,
  members: readonly Weights[],
  examples: readonly CsiExample[],
  classes: number,
  threads: number,
): Promise<Float32Array> {
  const classifier = await openClassifier(wifiDesign(encoder, classes), members, threads);
  const means = new Float32Array(examples.length * classes);
  for (const [row, example] of examples.entries()) {
    const { windows, count } = csiWindowsOf(example);
    const [probabilities] = await classifier.run({ window: windows }, count);
    for (const [i, probability] of probabilities!.entries())
      means[row * classes + (i % classes)]! += probability / count;
  }
  await classifier.release();
  return means;
}

/** Of networks of different kinds side by side: the means of the logarithms of their probabilities. */
export function sideBySide(each: readonly Float32Array[]): Float32Array {
  return each[0]!.map((_, i) => each.reduce((sum, values) => sum + Math.log(values[i]! + 1e-6), 0) / each.length);
}

/** Share of the recordings whose own class is the likeliest one. */
export function shareOfRight(scores: Float32Array, examples: readonly CsiExample[], classes: number): number {
  const right = examples.filter(({ classIndex }, row) => likeliest(scores, row, classes) === classIndex);
  return right.length / examples.length;
}
