/** What towers make of recordings of actions that they know and of others, window by window and as wholes. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Tower } from '../../models/store.js';
import { openTower } from '../../models/tower-session.js';
import { windowStarts, windowsOf } from '../datasets/utd-mhad-windows.js';
import type { PairedRecording } from '../datasets/utd-mhad-windows.js';
import { negativeLogLikelihood } from '../heads/calibration.js';
import { cautiousTemperature } from '../heads/cautious-temperature.js';
import type { PairedModality } from '../pretrain-paired.js';
import { among } from '../train-tower.js';
import { deviation, energies, groupMeans, nearestCosines, rowsOf, toLengthOne } from '../unknown-scores.js';
import type { Familiar, TowerView } from '../unknown-scores.js';

/** The recording of each window. */
const windowGroups = (recordings: readonly PairedRecording[]): number[] =>
  recordings.flatMap(({ duration }, i) => windowStarts(duration).map(() => i));

/** A tower's view of the windows of recordings, one after another. */
async function viewOf(
  tower: Tower,
  modality: PairedModality,
  recordings: readonly PairedRecording[],
  threads: number,
): Promise<TowerView> {
  const { window, embedding, classes } = tower.manifest;
  const session = await openTower(tower, 'cpu', threads);
  // The session tells probabilities alone, which do not know how large the logits were.
  const head = await InferenceSession.create(tower.head, { executionProviders: ['cpu'], logSeverityLevel: 3 });
  const rows = windowGroups(recordings).length;
  const logits = new Float32Array(rows * classes.length);
  const embeddings = new Float32Array(rows * embedding.width);
  let row = 0;
  for (const recording of recordings)
    for (const one of windowsOf(recording, modality, window)) {
      const embedded = (await session.run(one, 1)).embedding;
      const given = await head.run({ [head.inputNames[0]!]: new Tensor('float32', embedded, [1, embedding.width]) });
      logits.set(given[head.outputNames[0]!]!.data as Float32Array, row * classes.length);
      embeddings.set(embedded, row++ * embedding.width);
    }
  await head.release();
  await session.release();
  return { logits, embeddings: toLengthOne(embeddings, embedding.width) };
}

/** Recordings instead of their windows: means of logits and of embeddings. */
function ofRecordings({ logits, embeddings }: TowerView, groups: readonly number[], count: number): TowerView {
  const [classes, width] = [logits.length / groups.length, embeddings.length / groups.length];
  return {
    logits: groupMeans(logits, classes, groups, count),
    embeddings: toLengthOne(groupMeans(embeddings, width, groups, count), width),
  };
}

/** Rows, and of each its label's place among those known; −1: of an unknown one. */
export interface Seen {
  /** Of each tower. */
  readonly views: readonly TowerView[];
  readonly truth: readonly number[];
}

export interface Side {
  readonly classes: number;
  /** Mean embedding of each class, of each tower: [classes, width], each of length 1. */
  readonly means: readonly Float32Array[];
  readonly windows: Seen;
  readonly recordings: Seen;
}

/**
 * @param towers of these labels
 * @param learned the recordings that they were trained on
 * @param shown others, of any label
 */
export async function sideOf(
  towers: readonly (readonly [PairedModality, Tower])[],
  labels: readonly string[],
  learned: readonly PairedRecording[],
  shown: readonly PairedRecording[],
  threads: number,
): Promise<Side> {
  const own = among(labels, learned);
  const classOfWindow = windowGroups(own).map((i) => own[i]!.classIndex);
  const groups = windowGroups(shown);
  const views: TowerView[] = [];
  const means: Float32Array[] = [];
  for (const [modality, tower] of towers) {
    const { width } = tower.manifest.embedding;
    const { embeddings } = await viewOf(tower, modality, own, threads);
    means.push(toLengthOne(groupMeans(embeddings, width, classOfWindow, labels.length), width));
    views.push(await viewOf(tower, modality, shown, threads));
  }
  const truth = shown.map(({ label }) => labels.indexOf(label));
  return {
    ...{ classes: labels.length, means },
    windows: { views, truth: groups.map((group) => truth[group]!) },
    recordings: { views: views.map((view) => ofRecordings(view, groups, shown.length)), truth },
  };
}

/** Places of the known rows. */
export const knownRows = ({ truth }: Seen): number[] => truth.flatMap((place, row) => (place >= 0 ? [row] : []));

/** What the known windows of one side tell of each of its towers. */
export function familiarOf({ windows, means, classes }: Side): Familiar[] {
  const known = knownRows(windows);
  const labels = known.map((row) => windows.truth[row]!);
  return windows.views.map(({ logits, embeddings }, m) => {
    const width = embeddings.length / windows.truth.length;
    const own = rowsOf(logits, classes, known);
    const temperature = cautiousTemperature(own, labels, classes);
    return {
      temperature,
      loss: negativeLogLikelihood(own, labels, classes, temperature),
      means: means[m]!,
      energy: deviation(energies(own, classes)),
      cosine: deviation(nearestCosines(rowsOf(embeddings, width, known), means[m]!, width)),
    };
  });
}
