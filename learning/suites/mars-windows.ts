/**
 * MARS as 2 s windows of the radar and of the skeleton over the same moments, encoders of both pre-trained on them without a label, and
 * those encoders' outputs.
 */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Frame } from '../../drivers/frames.js';
import type { Encoder } from '../../models/towers/encoder.js';
import { windowSize } from '../../models/towers/encoder.js';
import { mmwavePointsEncoder, mmwavePointsSpan } from '../../models/towers/mmwave-points.js';
import { bodyParts, joints } from '../../models/towers/skeleton-graph.js';
import { skeletonEncoder } from '../../models/towers/skeleton.js';
import type { Weights } from '../../models/weights.js';
import type { FrameFeatures } from '../../pipelines/features.js';
import { createRadarPointFeatures } from '../../pipelines/radar/point-set.js';
import { betweenSkeletons } from '../../pipelines/skeleton/between.js';
import { createSkeletonFeatures } from '../../pipelines/skeleton/features.js';
import type { AlignmentSet } from '../align-data.js';
import { augmentedPoints } from '../augment-points.js';
import { augmentedSkeleton } from '../augment-skeleton.js';
import { drawTiming } from '../augment-timing.js';
import type { Timing } from '../augment-timing.js';
import { crossModalRecipe, trainCrossModal } from '../cross-modal.js';
import type { Branch, CrossModalRecipe } from '../cross-modal.js';
import { loadMars } from '../datasets/mars.js';
import type { MarsRecording } from '../datasets/mars.js';
import { instantsOfRecording } from '../frame-instants.js';
import { pointInstants } from '../radar-tower.js';
import { createRandom, mixSeeds } from '../random.js';
import type { Random } from '../random.js';
import { skeletonRecipe } from '../skeleton-tower.js';
import { digestOfWeights, kept } from './suite-cache.js';
import type { SuiteRequest } from './suite.js';
import { openEncoder, projectedEncoder } from './utd-mhad-embeddings.js';

export const marsProtocol = { train: [2, 3], test: [1] } as const;

const seconds = 2;
/** Between starts of windows, seconds. */
const hop = 1;
/** Windows with the same start within a recording, so rounded, are no negatives of each other, seconds. */
const neighbourhood = 4;

const [points, channels] = mmwavePointsEncoder.window.instant as [number, number];
const radarRow = points * channels;
const skeletonRow = joints * 4;
const { rate: radarRate } = mmwavePointsEncoder.window;
const { rate: skeletonRate } = skeletonEncoder.window;

/** The skeleton's encoder over a window as long as the radar's: its convolutions read any length. */
export const shortSkeletonEncoder: Encoder = {
  ...skeletonEncoder,
  window: { ...skeletonEncoder.window, samples: seconds * skeletonRate },
};
/** What is frozen in alignment. */
export const marsEncoders = {
  radar: projectedEncoder(mmwavePointsEncoder),
  skeleton: projectedEncoder(shortSkeletonEncoder),
} as const;
export type MarsModality = keyof typeof marsEncoders;

/** One window; both streams are those of its whole recording, from the same moment on. */
export interface MarsWindow {
  readonly subject: number;
  readonly classIndex: number;
  /** Neighbouring windows of a recording have the same. */
  readonly group: number;
  /** Seconds from the streams' first instant. */
  readonly start: number;
  /** [count, points, 8] at the radar tower's rate */
  readonly radar: Float32Array;
  /** [count, 20, 4] at the skeleton tower's rate */
  readonly skeleton: Float32Array;
}

/** When the first frame that gives numbers was. */
function firstTime<F extends Frame>(frames: readonly F[], features: FrameFeatures<F>): number {
  const row = new Float32Array(features.shape.reduce((product, size) => product * size, 1));
  const first = frames.find((frame) => features.take(frame, row) === undefined);
  return first ? (first.deviceTime ?? first.arrivalTime) : NaN;
}

const skeletonFeatures = () => createSkeletonFeatures({ axes: 'radar' });

/** Windows of one recording, from the first moment that both sensors have seen; none where one of them never has. */
export function marsWindows(recording: MarsRecording, place: number): MarsWindow[] {
  const { subject, classIndex } = recording;
  const sent = recording.radar.map((frame) => ({ ...frame, snr: frame.intensity }));
  const starts = {
    radar: firstTime(sent, createRadarPointFeatures({ points, span: mmwavePointsSpan })),
    skeleton: firstTime(recording.skeleton, skeletonFeatures()),
  };
  const from = Math.max(starts.radar, starts.skeleton);
  if (Number.isNaN(from)) return [];
  const skip = (start: number, rate: number) => Math.round((from - start) * rate);
  const all = {
    radar: pointInstants(recording.radar),
    skeleton: instantsOfRecording(recording.skeleton, skeletonFeatures(), skeletonRate, betweenSkeletons).data,
  };
  const radar = all.radar.subarray(skip(starts.radar, radarRate) * radarRow);
  const skeleton = all.skeleton.subarray(skip(starts.skeleton, skeletonRate) * skeletonRow);
  const duration = Math.min(radar.length / radarRow / radarRate, skeleton.length / skeletonRow / skeletonRate);
  const count = Math.max(0, Math.floor((duration - seconds) / hop + 1e-9) + 1);
  return Array.from({ length: count }, (_, i) => ({
    ...{ subject, classIndex, radar, skeleton },
    start: i * hop,
    group: place * 1000 + Math.floor((i * hop) / neighbourhood),
  }));
}

export async function loadMarsWindows(
  { data, onWarning }: SuiteRequest,
  subjects: readonly number[],
): Promise<readonly MarsWindow[]> {
  const { recordings, unreadable } = await loadMars(data, { subjects });
  for (const { file, reason } of unreadable) onWarning?.(`${file} is left out: ${reason}`);
  return recordings.flatMap(marsWindows);
}

/** The window itself, [samples, …instant]; held at the stream's end. */
export function plainWindow({ radar, skeleton, start }: MarsWindow, modality: MarsModality): Float32Array {
  const { rate, samples } = marsEncoders[modality].window;
  const [stream, row] = modality === 'radar' ? [radar, radarRow] : [skeleton, skeletonRow];
  const last = stream.length / row - 1;
  const out = new Float32Array(samples * row);
  for (let i = 0; i < samples; i++) {
    const at = Math.min(last, Math.round(start * rate) + i);
    out.set(stream.subarray(at * row, (at + 1) * row), i * row);
  }
  return out;
}

const augmentation = {
  warp: 0,
  rotation: 0.25,
  size: 0.12,
  height: 0.08,
  noise: 0.03,
  gain: 0.15,
  loss: 0.5,
  instantLoss: 0.1,
};

export const marsBranches: readonly Branch<MarsWindow>[] = [
  {
    name: 'radar',
    encoder: mmwavePointsEncoder,
    views: 1,
    augment: ({ radar }, { begin }, random, out) =>
      augmentedPoints(radar, points, channels, begin * radarRate, false, augmentation, random, out),
  },
  {
    name: 'skeleton',
    encoder: shortSkeletonEncoder,
    views: 1,
    augment: ({ skeleton }, timing, random, out) => {
      const { augmentation: own } = skeletonRecipe;
      augmentedSkeleton(skeleton, skeletonRate, joints, bodyParts, timing, own, random, out);
    },
  },
];

/** Both sensors' windows begin together, up to half a hop from the window's own start, and at the speed that was recorded. */
function timingOf({ start }: MarsWindow, random: Random): Timing {
  const { phase } = drawTiming(seconds, seconds, 0, 0, random);
  return { begin: Math.max(0, start + hop * (random.uniform() - 0.5)), speed: 1, sway: 0, phase };
}

export const marsRecipe: CrossModalRecipe = { ...crossModalRecipe, sharedTiming: true, softness: 0.5 };
export const marsEpochs = 12;

function digest(windows: readonly MarsWindow[]): string {
  const hash = createHash('sha256');
  const streams = new Set(windows.flatMap(({ radar, skeleton }) => [radar, skeleton]));
  for (const stream of streams) hash.update(stream);
  return `${windows.length} ${hash.digest('hex').slice(0, 16)}`;
}

/** Encoders of radar and skeleton pre-trained together, with no label: batches are one person's. */
export async function preTrainedMars(
  windows: readonly MarsWindow[],
  seed: number,
  { threads, epochs = marsEpochs, cache, signal, onProgress }: SuiteRequest,
): Promise<Readonly<Record<MarsModality, Weights>>> {
  if (cache) mkdirSync(cache, { recursive: true });
  const weights = await trainCrossModal(marsBranches, windows, {
    ...{ seed, threads, epochs, signal, recipe: marsRecipe, dataset: digest(windows) },
    checkpoint: cache && join(cache, `pre-trained-radar+skeleton-seed-${seed}`),
    groupOf: ({ subject }) => subject,
    drawTiming: timingOf,
    onProgress: (progress) => onProgress?.(`seed ${seed}, pre-training of radar+skeleton`, progress),
  });
  return { radar: weights.get('radar')!, skeleton: weights.get('skeleton')! };
}

/** Outputs of a frozen encoder, [versions, windows, width]: version 0 is the window itself. */
export async function marsOutputs(
  windows: readonly MarsWindow[],
  modality: MarsModality,
  weights: Weights,
  versions: number,
  seed: number,
  { threads, cache }: SuiteRequest,
): Promise<Float32Array> {
  const encoder = marsEncoders[modality];
  const { augment } = marsBranches.find(({ name }) => name === modality)!;
  const size = windowSize(encoder);
  const weightsDigest = digestOfWeights(weights);
  const make = async () => {
    const session = await openEncoder(encoder, weights, threads);
    const all = new Float32Array(versions * windows.length * encoder.width);
    for (let version = 0; version < versions; version++) {
      const data = new Float32Array(windows.length * size);
      for (const [i, window] of windows.entries()) {
        const out = data.subarray(i * size, (i + 1) * size);
        if (version === 0) out.set(plainWindow(window, modality));
        else {
          const timing = timingOf(window, createRandom(mixSeeds(seed, 42, version, i)));
          augment(window, timing, createRandom(mixSeeds(seed, 43, version, i, modality.length)), out);
        }
      }
      all.set(await session.run(data, windows.length), version * windows.length * encoder.width);
    }
    await session.release();
    return all;
  };
  const key = [weightsDigest, digest(windows), versions, seed].join();
  return kept(cache, `outputs-mars-${modality}-${versions}-${weightsDigest}-${windows.length}`, key, make);
}

const versions = 8;

/** What alignment and growth learn from. Neighbouring windows of a recording are no negatives. */
export async function marsAlignmentSet(
  windows: readonly MarsWindow[],
  encoders: Readonly<Record<MarsModality, Weights>>,
  seed: number,
  request: SuiteRequest,
  count = versions,
): Promise<AlignmentSet> {
  const outputs: Record<string, Float32Array> = {};
  for (const modality of ['radar', 'skeleton'] as const)
    outputs[modality] = await marsOutputs(windows, modality, encoders[modality], count, seed, request);
  return { count: windows.length, versions: count, outputs, groups: windows.map(({ group }) => group) };
}
