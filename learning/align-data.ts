/** What alignment learns from: cached outputs of frozen encoders, row by row of the same recordings; and how batches of it are fed. */
import { createHash } from 'node:crypto';
import type { Pairing } from '../models/trunk.js';
import { countedPairs } from './contrastive.js';
import { createRandom, mixSeeds } from './random.js';
import type { Random } from './random.js';
import { createSampler } from './sampler.js';

/** The data of an alignment cannot be used; the message says why. */
export class AlignmentError extends Error {
  override name = 'AlignmentError';
}

/** Recordings that were made by the same modalities at the same times: two make pairs, three complete triples. */
export interface AlignmentSet {
  /** Recordings. */
  readonly count: number;
  /**
   * Encoder outputs by modality, [versions, count, width]: version 0 is the recording itself, the others are augmented copies, made alike
   * for every modality. Each row of a batch draws a version, the same one for all its modalities.
   */
  readonly outputs: Readonly<Record<string, Float32Array>>;
  /** Default 1. */
  readonly versions?: number;
  /** [count]: recordings of the same group (neighbouring windows; the same label, in pairs by label) are no negatives of each other. */
  readonly groups?: ArrayLike<number> | undefined;
  /** Whether the modalities were recorded together (default), or their recordings only have the same label; the trunk's history says which. */
  readonly pairing?: Pairing | undefined;
}

/** A set, checked. */
export interface PreparedSet {
  readonly pairing: Pairing;
  readonly count: number;
  readonly versions: number;
  readonly modalities: readonly { readonly modality: string; readonly width: number; readonly data: Float32Array }[];
  readonly groups?: ArrayLike<number> | undefined;
}

/** @throws AlignmentError: fewer than two recordings or modalities, sizes that do not agree, or a value that is not finite */
export function prepareSet({ count, outputs, versions = 1, groups, pairing = 'time' }: AlignmentSet): PreparedSet {
  const names = Object.keys(outputs);
  if (!Number.isInteger(count) || count < 2) throw new AlignmentError(`${count} recordings: two or more are needed`);
  if (!Number.isInteger(versions) || versions < 1) throw new AlignmentError(`${versions} versions of each recording`);
  if (names.length < 2) throw new AlignmentError(`only ${names[0] ?? 'nothing'}: two or more modalities are needed`);
  if (groups && groups.length !== count)
    throw new AlignmentError(`${groups.length} groups for ${count} recordings: one each is needed`);
  const modalities = names.map((modality) => prepareOutputs(modality, outputs[modality]!, count, versions));
  const distinct = groups && new Set(Array.from(groups)).size < count ? groups : undefined;
  return { count, versions, modalities, groups: distinct, pairing };
}

function prepareOutputs(modality: string, data: Float32Array, count: number, versions: number) {
  if (!/^[A-Za-z0-9_-]+$/.test(modality))
    throw new AlignmentError(`'${modality}' is no name of a modality: letters, digits, "_" and "-"`);
  const width = data.length / (versions * count);
  if (!Number.isInteger(width) || width < 1)
    throw new AlignmentError(`${modality}: ${data.length} values are not [${versions}, ${count}, width]`);
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0)
    throw new AlignmentError(`${modality}: recording ${Math.floor(bad / width) % count} has a value ${data[bad]}`);
  return { modality, width, data };
}

/** Outputs [count, width] of one modality alone, to be held near what they were. @throws AlignmentError as `prepareSet` */
export function prepareAlone(modality: string, outputs: Float32Array, width: number): PreparedSet {
  const count = outputs.length / width;
  if (!Number.isInteger(count) || count < 1)
    throw new AlignmentError(`${modality}: ${outputs.length} remembered values are not rows of ${width}`);
  return { count, versions: 1, modalities: [prepareOutputs(modality, outputs, count, 1)], pairing: 'time' };
}

/** A scale below this share of the largest one holds no information, only noise that dividing would blow up. */
const smallestScale = 1e-3;

/** Mean and deviation of each of a modality's encoder outputs, over rows [.., width]. Dimensions that never change have the scale 1. */
export function standardisation(
  width: number,
  rows: readonly Float32Array[],
): { mean: Float32Array; scale: Float32Array } {
  const [sum, squares] = [new Float64Array(width), new Float64Array(width)];
  let count = 0;
  for (const data of rows) {
    count += data.length / width;
    for (let i = 0; i < data.length; i++) sum[i % width]! += data[i]!;
  }
  const mean = sum.map((value) => value / count);
  for (const data of rows)
    for (let i = 0; i < data.length; i++) squares[i % width]! += (data[i]! - mean[i % width]!) ** 2;
  const deviation = squares.map((value) => Math.sqrt(value / count));
  const least = smallestScale * deviation.reduce((most, value) => Math.max(most, value), 0);
  return {
    mean: Float32Array.from(mean),
    scale: Float32Array.from(deviation, (value) => (value > least ? value : 1)),
  };
}

/**
 * Sets a share of the values to zero, the mean of standardised ones, and makes up for it in the others (Srivastava et al. 2014).
 * @param out changed in place
 */
function dropValues(out: Float32Array, rate: number, random: Random): void {
  const gain = 1 / (1 - rate);
  for (let i = 0; i < out.length; i++) out[i] = random.uniform() < rate ? 0 : out[i]! * gain;
}

export interface BatchOptions {
  readonly batch: number;
  readonly seed: number;
  /** Share of the encoder outputs that are dropped in each row, default 0. */
  readonly dropout?: number | undefined;
  /** Embeddings [versions · count, width] of one modality from before. */
  readonly teacher?: { readonly width: number; readonly data: Float32Array } | undefined;
}

export interface Standardisation {
  readonly mean: Float32Array;
  readonly scale: Float32Array;
}

/** Names of what a set is fed as. */
export const feedNames = {
  outputs: (set: number, modality: string) => `set.${set}.${modality}`,
  counted: (set: number) => `set.${set}.counted`,
  teacher: (set: number) => `set.${set}.teacher`,
};

/** Gives the feeds of one set's batches. They depend on nothing but the step. */
export function createBatches(
  set: PreparedSet,
  index: number,
  standards: ReadonlyMap<string, Standardisation>,
  { batch, seed, teacher, dropout = 0 }: BatchOptions,
) {
  const { count, versions, modalities, groups } = set;
  const { stepsPerEpoch, indices } = createSampler(count, batch, mixSeeds(seed, 10, index));
  const counted = groups && new Float32Array(batch * batch);
  const buffers = modalities.map(({ width }) => new Float32Array(batch * width));
  const taught = teacher && new Float32Array(batch * teacher.width);

  function feeds(step: number): Record<string, Float32Array> {
    const chosen = indices(step);
    const random = createRandom(mixSeeds(seed, 11, index, step));
    const rows = chosen.map((recording) => random.integer(versions) * count + recording);
    const fed: Record<string, Float32Array> = {};
    for (const [k, { modality, width, data }] of modalities.entries()) {
      const { mean, scale } = standards.get(modality)!;
      const out = buffers[k]!;
      for (const [i, row] of rows.entries())
        for (let j = 0; j < width; j++) out[i * width + j] = (data[row * width + j]! - mean[j]!) / scale[j]!;
      if (dropout > 0) dropValues(out, dropout, random);
      fed[feedNames.outputs(index, modality)] = out;
    }
    if (groups)
      fed[feedNames.counted(index)] = countedPairs(
        chosen.map((recording) => groups[recording]!),
        counted!,
      );
    if (teacher) {
      const { width, data } = teacher;
      for (const [i, row] of rows.entries()) taught!.set(data.subarray(row * width, (row + 1) * width), i * width);
      fed[feedNames.teacher(index)] = taught!;
    }
    return fed;
  }
  return { stepsPerEpoch, feeds };
}

/** Tells one set's data from another's. */
export function digestOf(sets: readonly PreparedSet[]): string {
  const hash = createHash('sha256');
  for (const { count, versions, modalities, groups } of sets) {
    hash.update(`${count} ${versions} ${modalities.map(({ modality }) => modality).join()}`);
    for (const { data } of modalities) hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    if (groups) hash.update(Float64Array.from(groups));
  }
  return hash.digest('hex').slice(0, 16);
}
