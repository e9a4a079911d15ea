/**
 * UTD-MHAD with labels: which of 27 actions a recording shows, to each sensor and to every mix of them, on people never trained on.
 *
 *    imu, skeleton, depth     the tower of each, trained as `pretrain` does
 *    imu+skeleton and so on   those towers' probabilities, calibrated, fused as the gateway does it
 *    … any-subset             one head for every mix on the aligned embeddings of encoders that saw no label
 *    … concat                 a head for each mix on the same embeddings side by side, as in Babel's paper
 *
 * The towers' temperatures and losses are found on one of the training subjects, by towers that were trained without them.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { opinionWeights } from '../../models/fusion.js';
import { loadTower, saveTower } from '../../models/store.js';
import type { Tower } from '../../models/store.js';
import { openTower } from '../../models/tower-session.js';
import { depthPoseEncoder } from '../../models/towers/depth-pose.js';
import type { Encoder } from '../../models/towers/encoder.js';
import { limuBert } from '../../models/towers/imu.js';
import { skeletonEncoder } from '../../models/towers/skeleton.js';
import { align } from '../align.js';
import type { AlignmentSet } from '../align-data.js';
import { utdMhadActions } from '../datasets/utd-mhad.js';
import { windowsOf } from '../datasets/utd-mhad-windows.js';
import type { PairedRecording } from '../datasets/utd-mhad-windows.js';
import { embed } from '../embed.js';
import { calibrationOf } from '../evaluate.js';
import { applyAnySubsetHead, subsets, trainAnySubsetHead } from '../heads/any-subset.js';
import { applyConcatHead, trainConcatHead } from '../heads/concat.js';
import { decisions } from '../heads/head.js';
import type { PairedModality } from '../pretrain-paired.js';
import { trainImuTower } from '../train-imu.js';
import { trainDepthTower, trainSkeletonTower } from '../train-kinect.js';
import type { TowerTrainingRequest, TrainedTower } from '../train-tower.js';
import { threeEncoders } from './retrieval.js';
import { lineOf } from './suite.js';
import type { SuiteLine, SuiteRequest } from './suite.js';
import {
  alignmentSet,
  loadSubjects,
  recordingEmbeddings,
  told,
  utdMhadAlignment,
  utdMhadProtocol,
  weightsOf,
  windowOutputs,
} from './utd-mhad-embeddings.js';

const modalities = ['imu', 'skeleton', 'depth'] as const;
const classes = utdMhadActions.length;
/** Single ones first. */
const mixes = subsets(modalities).toSorted((a, b) => a.length - b.length);

interface Design {
  readonly encoder: Pick<Encoder, 'name'>;
  readonly train: (request: TowerTrainingRequest) => Promise<TrainedTower>;
}

const designs: Readonly<Record<PairedModality, Design>> = {
  imu: { encoder: limuBert, train: trainImuTower },
  skeleton: { encoder: skeletonEncoder, train: trainSkeletonTower },
  depth: { encoder: depthPoseEncoder, train: trainDepthTower },
};

/** The modality's tower of these subjects, kept in the request's cache. */
export async function towerOf(
  modality: PairedModality,
  train: readonly number[],
  seed: number,
  members: number | undefined,
  { data, threads, epochs, cache, signal, onProgress, onWarning }: SuiteRequest,
): Promise<Tower> {
  const name = `tower-${modality}-subjects-${train.join('-')}-seed-${seed}-members-${members ?? 'all'}-epochs-${epochs ?? 'all'}`;
  const directory = cache && join(cache, name);
  const { encoder, train: trainer } = designs[modality];
  const kept = directory && existsSync(directory) ? await loadTower(directory) : undefined;
  // One of an earlier design is trained anew.
  if (kept?.manifest.name === encoder.name) return kept;
  const { tower } = await trainer({
    ...{ data, train, test: [], seed, threads, epochs, members, signal, onWarning, gatewayVersion: '0.0.0' },
    preTrainingEpochs: epochs,
    checkpoints: cache && join(cache, `${name}-training`),
    cache: cache && join(cache, 'depth'),
    onProgress: (stage, progress) =>
      onProgress?.(`seed ${seed}, ${modality}, subjects ${train.join()}: ${stage}`, progress),
  } as TowerTrainingRequest);
  if (directory) await saveTower(directory, tower);
  return tower;
}

/** Logarithms of the mean probabilities over each recording's windows: [recordings, classes]. */
export async function towerOpinions(
  tower: Tower,
  modality: PairedModality,
  recordings: readonly PairedRecording[],
  threads: number,
): Promise<Float32Array> {
  const session = await openTower(tower, 'cpu', threads);
  const opinions = new Float32Array(recordings.length * classes);
  for (const [i, recording] of recordings.entries()) {
    const sum = new Float64Array(classes);
    const windows = windowsOf(recording, modality, tower.manifest.window);
    for (const window of windows) {
      const { probabilities } = await session.run(window, 1);
      for (let k = 0; k < classes; k++) sum[k]! += probabilities[k]!;
    }
    for (let k = 0; k < classes; k++) opinions[i * classes + k] = Math.log(Math.max(sum[k]! / windows.length, 1e-6));
  }
  await session.release();
  return opinions;
}

/** What a tower says of people that it was not trained on. */
export interface Calibration {
  readonly temperature: number;
  /** As a manifest has it. */
  readonly loss?: number;
}

/**
 * Opinions of several modalities multiplied, each to the power of its weight over its temperature: [recordings, classes], logarithms. The
 * gateway's rule (models/fusion.ts), but for what does not change the most probable label.
 */
export function multiplied(
  names: readonly string[],
  opinions: Readonly<Record<string, Float32Array>>,
  calibrations: Readonly<Record<string, Calibration>>,
): Float32Array {
  const weights = opinionWeights(names.map((name) => calibrations[name]!.loss));
  const sum = new Float32Array(opinions[names[0]!]!.length);
  for (const [k, name] of names.entries()) {
    const power = weights[k]! / calibrations[name]!.temperature;
    for (const [i, value] of opinions[name]!.entries()) sum[i]! += power * value;
  }
  return sum;
}

const shareRight = (scores: Float32Array, labels: readonly number[]): number =>
  decisions(scores, classes).filter((found, i) => found === labels[i]).length / labels.length;

/** Each row of a set's versions as one more example. */
async function versionedEmbeddings(
  set: AlignmentSet,
  trunk: Parameters<typeof embed>[0],
  threads: number,
): Promise<Record<string, Float32Array>> {
  const embedded: Record<string, Float32Array> = {};
  for (const [name, outputs] of Object.entries(set.outputs))
    embedded[name] = await embed(trunk, name, outputs, { threads });
  return embedded;
}

/** Accuracies of the heads on label-free aligned embeddings, by the case's name. */
export async function headCases(
  train: readonly PairedRecording[],
  test: readonly PairedRecording[],
  seed: number,
  request: SuiteRequest,
): Promise<Map<string, number>> {
  const { threads, signal } = request;
  const encoders = await threeEncoders(train, seed, request);
  const set = await alignmentSet(train, encoders, modalities, seed, request);
  const { trunk } = await align([set], told(utdMhadAlignment, 'alignment', seed, request));
  const embeddings = await versionedEmbeddings(set, trunk, threads);
  const count = set.versions ?? 1;
  const repeated = <Value>(of: (recording: PairedRecording) => Value) =>
    Array.from({ length: count }, () => train.map(of)).flat();
  const [labels, groups] = [repeated(({ classIndex }) => classIndex), repeated(({ subject }) => subject)];
  const tested: Record<string, Float32Array> = {};
  for (const name of modalities) {
    const outputs = await windowOutputs(test, name, weightsOf(encoders, name), threads);
    tested[name] = await recordingEmbeddings(trunk, name, outputs, threads);
  }
  const testLabels = test.map(({ classIndex }) => classIndex);
  const only = (names: readonly string[], of: Readonly<Record<string, Float32Array>>) =>
    Object.fromEntries(names.map((name) => [name, of[name]!]));
  const common = { width: trunk.width, classes, labels, groups };
  const anySubset = await trainAnySubsetHead({ ...common, embeddings }, { seed, threads, signal });
  const found = new Map<string, number>();
  for (const names of mixes) {
    const mix = names.join('+');
    const logits = applyAnySubsetHead(anySubset, only(names, tested));
    found.set(`${mix} any-subset`, shareRight(logits, testLabels));
    const concat = await trainConcatHead({ ...common, embeddings: only(names, embeddings) }, { seed, threads, signal });
    found.set(`${mix} concat`, shareRight(applyConcatHead(concat, only(names, tested)), testLabels));
  }
  return found;
}

export interface UtdMhadOptions {
  /** Encoders of each tower; absent: the trainers' own number. */
  readonly members?: number | undefined;
}

/** Accuracies of one seed, by the case's name. */
export async function utdMhadCases(
  { train, test }: { readonly train: readonly number[]; readonly test: readonly number[] },
  seed: number,
  request: SuiteRequest,
  { members }: UtdMhadOptions = {},
): Promise<Map<string, number>> {
  const { threads } = request;
  const held = train[seed % train.length]!;
  const rest = train.filter((subject) => subject !== held);
  const learned = await loadSubjects(request, train, ['skeleton', 'depth']);
  const tested = await loadSubjects(request, test, ['skeleton', 'depth']);
  const heldOut = learned.filter(({ subject }) => subject === held);
  const heldLabels = heldOut.map(({ classIndex }) => classIndex);
  const opinions: Record<string, Float32Array> = {};
  const calibrations: Record<string, Calibration> = {};
  for (const name of modalities) {
    const tower = await towerOf(name, train, seed, members, request);
    opinions[name] = await towerOpinions(tower, name, tested, threads);
    // One subject alone leaves nobody to find them on.
    calibrations[name] = { temperature: 1 };
    if (rest.length === 0) continue;
    const trial = await towerOf(name, rest, seed, 1, request);
    calibrations[name] = calibrationOf(await towerOpinions(trial, name, heldOut, threads), heldLabels, classes);
  }
  const labels = tested.map(({ classIndex }) => classIndex);
  const fused = mixes.map((names): [string, number] => [
    names.join('+'),
    shareRight(multiplied(names, opinions, calibrations), labels),
  ]);
  return new Map([...fused, ...(await headCases(learned, tested, seed, request))]);
}

/** @throws DatasetError if no recording is there; Error if it was interrupted */
export async function run(request: SuiteRequest): Promise<SuiteLine[]> {
  const { seeds, train = utdMhadProtocol.train, test = utdMhadProtocol.test } = request;
  const found: Map<string, number>[] = [];
  for (const seed of seeds) found.push(await utdMhadCases({ train, test }, seed, request));
  return [...found[0]!.keys()].map((name) =>
    lineOf(
      'utd-mhad',
      name,
      'accuracy',
      found.map((each) => each.get(name)!),
    ),
  );
}
