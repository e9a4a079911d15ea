/**
 * A head for any non-empty subset of the modalities, with no retraining: the embeddings that are there are averaged, each by how sure its
 * modality's own head is, and one head reads the average. It is trained with modality dropout: each example of a batch is seen by a
 * random subset.
 *
 *     weight of k ∝ (highest calibrated probability of k's own head) ^ sharpness          x = Σ weight · embedding, at length 1
 */
import { calibrate, heldOutSplit, negativeLogLikelihood } from './calibration.js';
import type { LabelledEmbeddings } from './concat.js';
import { applyHead, probabilities, trainHead } from './head.js';
import type { Head, HeadExamples, HeadOptions } from './head.js';

export interface AnySubsetHead {
  readonly width: number;
  readonly classes: number;
  /** Each modality's own head, calibrated. */
  readonly members: ReadonlyMap<string, Head>;
  /** Reads the average. */
  readonly fused: Head;
  readonly sharpness: number;
}

export interface AnySubsetOptions extends HeadOptions {
  /** Share of the groups (or examples) that temperatures and sharpness are found on, default 0.2. */
  readonly heldOut?: number | undefined;
}

/** Sharpnesses that are tried on the held-out part: from nearly even to nearly all for the surest. */
const sharpnesses = [0.5, 1, 2, 4, 8];

const highestOf = (row: Float32Array) => row.reduce((most, value) => Math.max(most, value), 0);

/** How sure a modality's own head is of each row: the highest calibrated probability, [n, width] → [n]. */
export function confidences(head: Head, embeddings: Float32Array): Float32Array {
  const all = probabilities(applyHead(head, embeddings), head.classes, head.temperature);
  return Float32Array.from({ length: all.length / head.classes }, (_, i) =>
    highestOf(all.subarray(i * head.classes, (i + 1) * head.classes)),
  );
}

/** One row of the average over the modalities at hand; `out` [width]. */
function average(
  parts: readonly { readonly row: Float32Array; readonly confidence: number }[],
  sharpness: number,
  out: Float32Array,
): void {
  out.fill(0);
  for (const { row, confidence } of parts) {
    const weight = confidence ** sharpness;
    for (let i = 0; i < out.length; i++) out[i]! += weight * row[i]!;
  }
  let square = 0;
  for (const value of out) square += value * value;
  const gain = 1 / Math.sqrt(Math.max(square, 1e-20));
  for (let i = 0; i < out.length; i++) out[i]! *= gain;
}

interface Seen {
  readonly embeddings: Float32Array;
  readonly confidence: Float32Array;
}

const partsOf = (seen: readonly Seen[], index: number, width: number) =>
  seen.map(({ embeddings, confidence }) => ({
    row: embeddings.subarray(index * width, (index + 1) * width),
    confidence: confidence[index]!,
  }));

/** Every non-empty subset of a list. */
export function subsets<T>(all: readonly T[]): T[][] {
  return Array.from({ length: 2 ** all.length - 1 }, (_, bits) => all.filter((_one, k) => ((bits + 1) >> k) & 1));
}

/** The head over averages of random subsets. */
function fusedExamples(data: LabelledEmbeddings, seen: readonly Seen[], sharpness: number): HeadExamples {
  const { width, classes, labels } = data;
  return {
    ...{ width, classes, labels },
    write(index, out, random) {
      const bits = 1 + random.integer(2 ** seen.length - 1);
      const chosen = seen.filter((_, k) => (bits >> k) & 1);
      average(partsOf(chosen, index, width), sharpness, out);
    },
  };
}

function rowsOf(data: Float32Array, width: number, indices: readonly number[]): Float32Array {
  const rows = new Float32Array(indices.length * width);
  for (const [i, index] of indices.entries()) rows.set(data.subarray(index * width, (index + 1) * width), i * width);
  return rows;
}

/** Averages of the rows `indices` over every subset in turn: [subsets · indices, width]. */
function averages(seen: readonly Seen[], indices: readonly number[], sharpness: number, width: number): Float32Array {
  const all = subsets(seen);
  const result = new Float32Array(all.length * indices.length * width);
  for (const [s, chosen] of all.entries())
    for (const [i, index] of indices.entries()) {
      const at = (s * indices.length + i) * width;
      average(partsOf(chosen, index, width), sharpness, result.subarray(at, at + width));
    }
  return result;
}

/**
 * Temperatures and sharpness are found on a held-out part of the training data; then all heads are trained again on all of it.
 * @throws Error if there is no modality, sizes do not agree, or a label is no class
 */
export async function trainAnySubsetHead(data: LabelledEmbeddings, options: AnySubsetOptions): Promise<AnySubsetHead> {
  const { width, classes, labels, embeddings, groups } = data;
  const names = Object.keys(embeddings);
  if (names.length === 0) throw new Error('any-subset head: no modality');
  for (const name of names)
    if (embeddings[name]!.length !== labels.length * width)
      throw new Error(`any-subset head: ${name} has not ${labels.length} rows of ${width}`);
  const { learned, heldOut } = heldOutSplit(labels, groups, options.heldOut ?? 0.2, options.seed);
  const heldLabels = heldOut.map((index) => labels[index]!);
  const own = (name: string): HeadExamples => ({
    ...{ width, classes, labels },
    write: (index, out) => out.set(embeddings[name]!.subarray(index * width, (index + 1) * width)),
  });

  const trial = new Map<string, Head>();
  for (const name of names) {
    const head = await trainHead(own(name), options, learned);
    const logits = applyHead(head, rowsOf(embeddings[name]!, width, heldOut));
    trial.set(name, { ...head, temperature: calibrate(logits, heldLabels, classes) });
  }
  const seenBy = (members: ReadonlyMap<string, Head>): Seen[] =>
    names.map((name) => ({
      embeddings: embeddings[name]!,
      confidence: confidences(members.get(name)!, embeddings[name]!),
    }));

  const trialSeen = seenBy(trial);
  const repeated = subsets(names).flatMap(() => heldLabels);
  let best = { sharpness: 1, temperature: 1, likelihood: Infinity };
  for (const sharpness of names.length > 1 && heldOut.length > 0 ? sharpnesses : [1]) {
    const head = await trainHead(fusedExamples(data, trialSeen, sharpness), options, learned);
    const logits = applyHead(head, averages(trialSeen, heldOut, sharpness, width));
    const temperature = calibrate(logits, repeated, classes);
    const likelihood = negativeLogLikelihood(logits, repeated, classes, temperature);
    if (likelihood < best.likelihood) best = { sharpness, temperature, likelihood };
  }

  const members = new Map<string, Head>();
  for (const name of names)
    members.set(name, { ...(await trainHead(own(name), options)), temperature: trial.get(name)!.temperature });
  const { sharpness, temperature } = best;
  const fused = { ...(await trainHead(fusedExamples(data, seenBy(members), sharpness), options)), temperature };
  return { width, classes, members, fused, sharpness };
}

/**
 * The averaged embedding of the modalities at hand, for `fused`; what the gateway does for each window.
 * @param embeddings [n, width] by modality, one or more of the head's modalities
 * @returns [n, width]
 * @throws Error if none is there, one is unknown, or the numbers of rows differ
 */
export function fuse(
  { width, members, sharpness }: AnySubsetHead,
  embeddings: Readonly<Record<string, Float32Array>>,
): Float32Array {
  const names = Object.keys(embeddings);
  if (names.length === 0) throw new Error('any-subset head: no modality is there');
  const seen = names.map((name): Seen => {
    const head = members.get(name);
    if (!head) throw new Error(`any-subset head: ${name} is not one of ${[...members.keys()].join(', ')}`);
    return { embeddings: embeddings[name]!, confidence: confidences(head, embeddings[name]!) };
  });
  const n = seen[0]!.confidence.length;
  if (seen.some(({ confidence }) => confidence.length !== n))
    throw new Error('any-subset head: the modalities have different numbers of rows');
  const result = new Float32Array(n * width);
  for (let i = 0; i < n; i++) average(partsOf(seen, i, width), sharpness, result.subarray(i * width, (i + 1) * width));
  return result;
}

/** Calibrated probabilities [n, classes] from any subset of the modalities. */
export function applyAnySubsetHead(
  head: AnySubsetHead,
  embeddings: Readonly<Record<string, Float32Array>>,
): Float32Array {
  return probabilities(applyHead(head.fused, fuse(head, embeddings)), head.classes, head.fused.temperature);
}
