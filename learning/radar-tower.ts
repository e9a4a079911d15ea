/** Training of the radar tower for points with an activity head. */
import { activityHead, windowShape } from '../models/towers/encoder.js';
import { mmwavePointsEncoder, mmwavePointsSpan } from '../models/towers/mmwave-points.js';
import { createRadarPointFeatures } from '../pipelines/radar/point-set.js';
import { augmentedPoints } from './augment-points.js';
import type { RadarPointFrame } from './datasets/dataset.js';
import { instantsOfRecording } from './frame-instants.js';
import type { PointAugmentation } from './augment-points.js';
import type { Weights } from '../models/weights.js';
import { digestOfExamples, keptMembers } from './kept-classifier.js';
import type { KeptOptions } from './kept-classifier.js';
import type { ClassifierDesign, ClassifierRecipe, ClassifierSource } from './window-classifier.js';

const { rate, samples, instant } = mmwavePointsEncoder.window;
const [points, channels] = instant as [number, number];

/** One recording at the tower's rate. */
export interface PointExample {
  /** [count, points, channels] */
  readonly instants: Float32Array;
  readonly classIndex: number;
}

export const mmwavePointsDesign = (classes: number): ClassifierDesign => ({
  name: mmwavePointsEncoder.name,
  inputs: { window: windowShape(mmwavePointsEncoder) },
  classes,
  build: (network, { window }, drop, statistics) => [
    activityHead(network, drop(mmwavePointsEncoder.embed(network, window!, statistics)), classes),
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
    warp: 0.1,
    rotation: 0.05,
    size: 0.05,
    height: 0.05,
    noise: 0.02,
    gain: 0.05,
    loss: 0.3,
    instantLoss: 0.05,
  },
};

/** A radar's frames, in the order of time, at the tower's rate: [count, points, channels]. */
export function pointInstants(frames: readonly RadarPointFrame[]): Float32Array {
  const features = createRadarPointFeatures({ points, span: mmwavePointsSpan });
  // The demo of these data sets sends no noise; its peaks in dB are what SNR is for other devices.
  const sent = frames.map((frame) => ({ ...frame, snr: frame.intensity }));
  return instantsOfRecording(sent, features, rate, 'nearest').data;
}

/**
 * Windows that begin anywhere; `perRecording` of each recording an epoch. Every other window is mirrored.
 * @param mirrored the class that each one is in the mirror
 */
export function pointWindows(
  examples: readonly PointExample[],
  perRecording: number,
  mirrored: readonly number[],
  augmentation: PointAugmentation,
): ClassifierSource {
  return {
    count: examples.length * perRecording,
    write(index, random, { window }, target) {
      const { instants, classIndex } = examples[Math.floor(index / perRecording)]!;
      const begin = random.uniform() * (instants.length / (points * channels) - samples);
      const mirror = random.uniform() < 0.5;
      augmentedPoints(instants, points, channels, begin, mirror, augmentation, random, window!);
      target[mirror ? mirrored[classIndex]! : classIndex] = 1;
    },
  };
}

/** The windows of a recording, every `hop` instants. @returns them one after another, and how many */
export function windowsOf({ instants }: PointExample, hop: number): { windows: Float32Array; count: number } {
  const row = points * channels;
  const count = Math.max(0, Math.floor((instants.length / row - samples) / hop) + 1);
  const windows = new Float32Array(count * samples * row);
  for (let i = 0; i < count; i++)
    windows.set(instants.subarray(i * hop * row, (i * hop + samples) * row), i * samples * row);
  return { windows, count };
}

/** Trains members from seeds of their own. */
export function trainPoints(
  examples: readonly PointExample[],
  classes: number,
  mirrored: readonly number[],
  { members, perRecording }: { readonly members: number; readonly perRecording: number },
  options: KeptOptions,
): Promise<Weights[]> {
  const dataset = `${options.dataset}, ${digestOfExamples(examples)}`;
  const source = pointWindows(examples, perRecording, mirrored, mmwavePointsRecipe.augmentation);
  return keptMembers(mmwavePointsDesign(classes), mmwavePointsRecipe, source, members, { ...options, dataset });
}
