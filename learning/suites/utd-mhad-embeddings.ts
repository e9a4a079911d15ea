/**
 * UTD-MHAD's sensors in the aligned space, without a label: encoders pre-trained on the training subjects, their outputs on augmented
 * versions of the training recordings, and embeddings of whole recordings.
 */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { graph } from '../../models/graph.js';
import { windowShape, windowSize } from '../../models/towers/encoder.js';
import type { Encoder } from '../../models/towers/encoder.js';
import { trained } from '../../models/weights.js';
import type { Weights } from '../../models/weights.js';
import type { Trunk } from '../../models/trunk.js';
import type { AlignmentSet } from '../align-data.js';
import { drawTiming } from '../augment-timing.js';
import { crossModalRecipe, projector } from '../cross-modal.js';
import { loadUtdMhadPaired, windowSeconds, windowStarts, windowsOf } from '../datasets/utd-mhad-windows.js';
import type { PairedKind, PairedRecording } from '../datasets/utd-mhad-windows.js';
import { embed } from '../embed.js';
import { pairedBranches, pairedEncoders, preTrainPaired } from '../pretrain-paired.js';
import type { PairedModality } from '../pretrain-paired.js';
import { createRandom, mixSeeds } from '../random.js';
import type { Progress } from '../train.js';
import { digestOfWeights, kept } from './suite-cache.js';
import type { SuiteRequest } from './suite.js';

export const utdMhadProtocol = { train: [1, 3, 5, 7], test: [2, 4] } as const;

/** Encoders, by modality. */
export type Encoders = Readonly<Partial<Record<PairedModality, Weights>>>;

/** A pre-trained encoder with its projector: what sensors have in common is plainest behind it. */
export const projectedEncoder = (encoder: Encoder): Encoder => ({
  ...encoder,
  width: crossModalRecipe.projected,
  embed: (network, window, statistics) =>
    projector(network, encoder.embed(network, window, statistics), crossModalRecipe, statistics),
});

/** What is frozen in alignment. */
export const utdMhadEncoders: Readonly<Record<PairedModality, Encoder>> = {
  imu: projectedEncoder(pairedEncoders.imu),
  skeleton: projectedEncoder(pairedEncoders.skeleton),
  depth: projectedEncoder(pairedEncoders.depth),
};

/** Versions of each training recording: itself, and augmented copies. */
export const versions = 24;

/** As in `drawTiming`, for the augmented copies. */
const [warp, sway] = [0.3, 0.3];

export async function loadSubjects(
  { data, cache, onWarning }: SuiteRequest,
  subjects: readonly number[],
  kinds: readonly PairedKind[],
): Promise<readonly PairedRecording[]> {
  const features = cache && join(cache, 'depth');
  const { recordings, unreadable } = await loadUtdMhadPaired(data, { subjects, kinds, cache: features });
  for (const { file, reason } of unreadable) onWarning?.(`${file} is left out: ${reason}`);
  return recordings;
}

/** A recording as only some of its sensors saw it. */
function seenBy({ skeleton, depth, ...rest }: PairedRecording, modalities: readonly PairedModality[]): PairedRecording {
  return {
    ...rest,
    ...(modalities.includes('skeleton') && skeleton && { skeleton }),
    ...(modalities.includes('depth') && depth && { depth }),
  };
}

/** Passes over the training recordings where the request does not say; two views of a skeleton cost twice as much as one. */
export function preTrainingEpochs(modalities: readonly PairedModality[]): number {
  if (modalities.includes('depth')) return 40;
  return modalities.join() === 'skeleton' ? 30 : 60;
}

/** Encoders pre-trained together, or one alone, with no label; kept in the request's cache. */
export async function preTrained(
  recordings: readonly PairedRecording[],
  modalities: readonly PairedModality[],
  seed: number,
  { threads, epochs = preTrainingEpochs(modalities), cache, signal, onProgress }: SuiteRequest,
): Promise<Encoders> {
  const title = modalities.join('+');
  if (cache) mkdirSync(cache, { recursive: true });
  const weights = await preTrainPaired(
    recordings.map((recording) => seenBy(recording, modalities)),
    {
      ...{ modalities, seed, threads, epochs, signal },
      checkpoint: cache && join(cache, `pre-trained-${title}-seed-${seed}`),
      onProgress: (progress) => onProgress?.(`seed ${seed}, pre-training of ${title}`, progress),
    },
  );
  return Object.fromEntries(weights);
}

const batch = 32;

export interface EncoderSession {
  /** Windows [count, samples, …instant] → outputs [count, width]. */
  run(windows: Float32Array, count: number): Promise<Float32Array>;
  release(): Promise<void>;
}

export async function openEncoder(encoder: Encoder, weights: Weights, threads: number): Promise<EncoderSession> {
  const g = graph();
  const shape = [batch, ...windowShape(encoder)];
  g.output('embedding', encoder.embed({ g, weights: trained(weights) }, g.input('window', shape)));
  const session = await InferenceSession.create(g.toOnnx({ parametersAs: 'initializers' }), {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    logSeverityLevel: 3,
  });
  const size = windowSize(encoder);
  return {
    async run(windows, count) {
      const outputs = new Float32Array(count * encoder.width);
      for (let from = 0; from < count; from += batch) {
        const rows = Math.min(batch, count - from);
        const data = new Float32Array(batch * size);
        data.set(windows.subarray(from * size, (from + rows) * size));
        const { embedding } = await session.run({ window: new Tensor('float32', data, shape) });
        outputs.set((embedding!.data as Float32Array).subarray(0, rows * encoder.width), from * encoder.width);
      }
      return outputs;
    },
    release: () => session.release(),
  };
}

const digestOfRecordings = (recordings: readonly PairedRecording[]): string => {
  const hash = createHash('sha256');
  for (const { id, imu } of recordings) hash.update(id).update(imu);
  return hash.digest('hex').slice(0, 16);
};

/** Outputs of one encoder: version 0 is the recording's middle, the others are augmented, alike in time for every modality. */
async function versionsOf(
  recordings: readonly PairedRecording[],
  modality: PairedModality,
  weights: Weights,
  count: number,
  seed: number,
  threads: number,
): Promise<Float32Array> {
  const encoder = utdMhadEncoders[modality];
  const [{ augment }] = pairedBranches([modality]) as [ReturnType<typeof pairedBranches>[number]];
  const size = windowSize(encoder);
  const session = await openEncoder(encoder, weights, threads);
  const all = new Float32Array(count * recordings.length * encoder.width);
  for (let version = 0; version < count; version++) {
    const windows = new Float32Array(recordings.length * size);
    for (const [i, recording] of recordings.entries()) {
      const out = windows.subarray(i * size, (i + 1) * size);
      if (version === 0) {
        const plain = windowsOf(recording, modality, encoder.window);
        out.set(plain[plain.length >> 1]!);
        continue;
      }
      const timing = drawTiming(
        recording.duration,
        windowSeconds,
        warp,
        sway,
        createRandom(mixSeeds(seed, 40, version, i)),
      );
      augment(recording, timing, createRandom(mixSeeds(seed, 41, version, i, modality.length)), out);
    }
    all.set(await session.run(windows, recordings.length), version * recordings.length * encoder.width);
  }
  await session.release();
  return all;
}

/** What alignment and growth learn from: outputs of frozen encoders, [versions, recordings, width] of each modality. */
export async function alignmentSet(
  recordings: readonly PairedRecording[],
  encoders: Encoders,
  modalities: readonly PairedModality[],
  seed: number,
  { threads, cache }: SuiteRequest,
  count = versions,
): Promise<AlignmentSet> {
  const outputs: Record<string, Float32Array> = {};
  for (const modality of modalities) {
    const weights = weightsOf(encoders, modality);
    const key = [digestOfWeights(weights), digestOfRecordings(recordings), count, seed, warp, sway].join();
    outputs[modality] = await kept(cache, `outputs-${modality}-${digestOfWeights(weights)}-seed-${seed}`, key, () =>
      versionsOf(recordings, modality, weights, count, seed, threads),
    );
  }
  return { count: recordings.length, versions: count, outputs };
}

export function weightsOf(encoders: Encoders, modality: PairedModality): Weights {
  const weights = encoders[modality];
  if (!weights) throw new Error(`there is no encoder of ${modality}`);
  return weights;
}

/** Outputs of all windows of each recording, and how many there are. */
export interface WindowOutputs {
  readonly width: number;
  /** [windows of all recordings, width] */
  readonly outputs: Float32Array;
  /** [recordings] */
  readonly counts: readonly number[];
}

export async function windowOutputs(
  recordings: readonly PairedRecording[],
  modality: PairedModality,
  weights: Weights,
  threads: number,
  encoder = utdMhadEncoders[modality],
): Promise<WindowOutputs> {
  const session = await openEncoder(encoder, weights, threads);
  const size = windowSize(encoder);
  const counts = recordings.map(({ duration }) => windowStarts(duration).length);
  const parts: Float32Array[] = [];
  // Some recordings at a time: a window of depth is large.
  for (let from = 0; from < recordings.length; from += batch) {
    const windows = recordings
      .slice(from, from + batch)
      .flatMap((recording) => windowsOf(recording, modality, encoder.window));
    const joined = new Float32Array(windows.length * size);
    for (const [i, window] of windows.entries()) joined.set(window, i * size);
    parts.push(await session.run(joined, windows.length));
  }
  await session.release();
  const outputs = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) outputs.set(part, (at += part.length) - part.length);
  return { width: encoder.width, outputs, counts };
}

/** The mean of each recording's windows, at length 1: [recordings, width]. */
export function meanOfRecordings({ width, outputs, counts }: WindowOutputs): Float32Array {
  const means = new Float32Array(counts.length * width);
  let row = 0;
  for (const [i, count] of counts.entries()) {
    const mean = means.subarray(i * width, (i + 1) * width);
    for (const end = row + count; row < end; row++)
      for (let k = 0; k < width; k++) mean[k]! += outputs[row * width + k]!;
    const length = Math.hypot(...mean) || 1;
    for (let k = 0; k < width; k++) mean[k]! /= length;
  }
  return means;
}

/** Embeddings of whole recordings, [recordings, width of the trunk], each of length 1. */
export async function recordingEmbeddings(
  trunk: Trunk,
  modality: PairedModality,
  { outputs, counts }: WindowOutputs,
  threads: number,
): Promise<Float32Array> {
  const embedded = await embed(trunk, modality, outputs, { threads });
  return meanOfRecordings({ width: trunk.width, outputs: embedded, counts });
}

/** Of an alignment on cached outputs: more passes fit the training subjects alone. */
export const utdMhadAlignment = { epochs: 20, learningRate: 3e-4, weightDecay: 1e-2, averaging: 0.9 } as const;
/** Of a growth, which also holds what is remembered. */
export const utdMhadGrowth = { epochs: 30, learningRate: 1e-3, weightDecay: 1e-2 } as const;

/** A recipe with what the request says. */
export function told<Recipe extends { readonly epochs: number }>(
  recipe: Recipe,
  stage: string,
  seed: number,
  { threads, epochs = recipe.epochs, signal, onProgress }: SuiteRequest,
) {
  return {
    ...recipe,
    ...{ seed, threads, epochs, signal },
    onProgress: (progress: Progress) => onProgress?.(`seed ${seed}, ${stage}`, progress),
  };
}
