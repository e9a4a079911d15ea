/** Training of the radar tower of what changes, with an activity head. */
import { activityHead, windowShape } from '../models/towers/encoder.js';
import { mmwaveChangesEncoder, mmwaveChangesPoints, mmwaveChangesSpan } from '../models/towers/mmwave-changes.js';
import type { Weights } from '../models/weights.js';
import { digestOfExamples, keptMembers } from './kept-classifier.js';
import type { KeptOptions } from './kept-classifier.js';
import { createRadarPointFeatures, pointSetChannels } from '../pipelines/radar/point-set.js';
import { pointStatistics, pointStatisticsScratch, pointStatisticsWidth } from '../pipelines/radar/point-statistics.js';
import { augmentedPoints } from './augment-points.js';
import type { PointAugmentation } from './augment-points.js';
import type { RadarPointFrame } from './datasets/dataset.js';
import { instantsOfRecording } from './frame-instants.js';
import type { PointExample } from './radar-tower.js';
import type { ClassifierDesign, ClassifierRecipe, ClassifierSource } from './window-classifier.js';

const { rate, samples } = mmwaveChangesEncoder.window;
/** Numbers of one instant's points. */
const row = mmwaveChangesPoints * pointSetChannels;

export const mmwaveChangesDesign = (classes: number): ClassifierDesign => ({
  name: mmwaveChangesEncoder.name,
  inputs: { window: windowShape(mmwaveChangesEncoder) },
  classes,
  build: (network, { window }, drop, statistics) => [
    activityHead(network, drop(mmwaveChangesEncoder.embed(network, window!, statistics)), classes),
  ],
});

export const mmwaveChangesRecipe: ClassifierRecipe & { readonly augmentation: PointAugmentation } = {
  batch: 64,
  learningRate: 2e-3,
  weightDecay: 0.02,
  clipNorm: 1,
  averaging: 0.98,
  dropout: 0.3,
  labelSmoothing: 0.1,
  mixing: 0.2,
  augmentation: {
    warp: 0.1,
    rotation: 0.05,
    size: 0.05,
    height: 0.05,
    // Statistics of some tens of points hardly feel it.
    noise: 0,
    gain: 0.05,
    loss: 0.3,
    instantLoss: 0.05,
  },
};

/** A radar's frames, in the order of time, as sets of points at the tower's rate: [count, points, channels]. */
export function changingInstants(frames: readonly RadarPointFrame[]): Float32Array {
  const features = createRadarPointFeatures({ points: mmwaveChangesPoints, span: mmwaveChangesSpan });
  const sent = frames.map((frame) => ({ ...frame, snr: frame.intensity }));
  return instantsOfRecording(sent, features, rate, 'nearest').data;
}

/** Sets of points [count, points, channels] → statistics [count, statistics]. */
function statisticsOf(instants: Float32Array, scratch: Float64Array, out: Float32Array): void {
  for (let i = 0; i < instants.length / row; i++)
    pointStatistics(
      instants.subarray(i * row, (i + 1) * row),
      scratch,
      out.subarray(i * pointStatisticsWidth, (i + 1) * pointStatisticsWidth),
    );
}

/** Windows that begin anywhere; `perRecording` of each recording an epoch. Every other window is mirrored, its label is not. */
export function changingWindows(
  examples: readonly PointExample[],
  perRecording: number,
  augmentation: PointAugmentation,
): ClassifierSource {
  const points = new Float32Array(samples * row);
  const scratch = new Float64Array(pointStatisticsScratch);
  return {
    count: examples.length * perRecording,
    write(index, random, { window }, target) {
      const { instants, classIndex } = examples[Math.floor(index / perRecording)]!;
      const begin = random.uniform() * (instants.length / row - samples);
      const mirrored = random.uniform() < 0.5;
      augmentedPoints(instants, mmwaveChangesPoints, pointSetChannels, begin, mirrored, augmentation, random, points);
      statisticsOf(points, scratch, window!);
      target[classIndex] = 1;
    },
  };
}

/** Trains members from seeds of their own. */
export function trainChanges(
  examples: readonly PointExample[],
  classes: number,
  { members, perRecording }: { readonly members: number; readonly perRecording: number },
  options: KeptOptions,
): Promise<Weights[]> {
  const dataset = `${options.dataset}, ${digestOfExamples(examples)}`;
  const source = changingWindows(examples, perRecording, mmwaveChangesRecipe.augmentation);
  const design = mmwaveChangesDesign(classes);
  return keptMembers(design, mmwaveChangesRecipe, source, members, { ...options, dataset });
}

/** The windows of a recording, every `hop` instants. @returns them one after another, and how many; of one that is shorter, none */
export function windowsOfChanges({ instants }: PointExample, hop: number): { windows: Float32Array; count: number } {
  const course = new Float32Array((instants.length / row) * pointStatisticsWidth);
  statisticsOf(instants, new Float64Array(pointStatisticsScratch), course);
  const count = Math.max(0, Math.floor((instants.length / row - samples) / hop) + 1);
  const size = samples * pointStatisticsWidth;
  const windows = new Float32Array(count * size);
  for (let i = 0; i < count; i++) {
    const first = i * hop * pointStatisticsWidth;
    windows.set(course.subarray(first, first + size), i * size);
  }
  return { windows, count };
}
