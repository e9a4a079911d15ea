/**
 * A head for any non-empty subset of the modalities, with no retraining: one linear head that all modalities share reads each embedding, and
 * its logits are added, each modality's over its own calibrated temperature. Since the head is linear this is the same as reading
 * one average of the embeddings, each weighted by how far its modality can be trusted, and as multiplying the modalities' calibrated
 * probabilities, which is what the gateway does (`models/fusion.ts`).
 *
 *     logits = Σ (W · embedding of k + b) / temperature of k
 */
import { calibrate, heldOutSplit } from './calibration.js';
import type { LabelledEmbeddings } from './concat.js';
import { applyHead, probabilities, trainHead } from './head.js';
import type { Head, HeadOptions } from './head.js';

export interface AnySubsetHead {
  /** Reads one embedding of any modality. */
  readonly shared: Head;
  /** Of each modality, calibrated. */
  readonly temperatures: ReadonlyMap<string, number>;
}

export interface AnySubsetOptions extends HeadOptions {
  /** Share of the groups (or examples) that temperatures are found on, default 0.2. */
  readonly heldOut?: number | undefined;
}

/** Every non-empty subset of a list. */
export function subsets<T>(all: readonly T[]): T[][] {
  return Array.from({ length: 2 ** all.length - 1 }, (_, bits) => all.filter((_one, k) => ((bits + 1) >> k) & 1));
}

function rowsOf(data: Float32Array, width: number, indices: readonly number[]): Float32Array {
  const rows = new Float32Array(indices.length * width);
  for (const [i, index] of indices.entries()) rows.set(data.subarray(index * width, (index + 1) * width), i * width);
  return rows;
}

/**
 * Each example of a batch is one modality's embedding, by chance. Temperatures are found on a held-out part of the training data; then the
 * head is trained again on all of it.
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
  const trainOn = (indices?: readonly number[]) =>
    trainHead(
      {
        ...{ width, classes, labels },
        write(index, out, random) {
          const name = names[random.integer(names.length)]!;
          out.set(embeddings[name]!.subarray(index * width, (index + 1) * width));
        },
      },
      options,
      indices,
    );
  const heldLabels = heldOut.map((index) => labels[index]!);
  const trial = await trainOn(learned);
  const temperatures = new Map(
    names.map((name) => {
      const logits = applyHead(trial, rowsOf(embeddings[name]!, width, heldOut));
      return [name, calibrate(logits, heldLabels, classes)];
    }),
  );
  return { shared: await trainOn(), temperatures };
}

/**
 * Calibrated probabilities [n, classes] from any subset of the modalities.
 * @param embeddings [n, width] by modality, one or more of the head's modalities
 * @throws Error if none is there, one is unknown, or the numbers of rows differ
 */
export function applyAnySubsetHead(
  { shared, temperatures }: AnySubsetHead,
  embeddings: Readonly<Record<string, Float32Array>>,
): Float32Array {
  const [first, ...others] = Object.entries(embeddings).map(([name, rows]) => {
    const temperature = temperatures.get(name);
    if (temperature === undefined)
      throw new Error(`any-subset head: ${name} is not one of ${[...temperatures.keys()].join(', ')}`);
    return applyHead(shared, rows).map((value) => value / temperature);
  });
  if (!first) throw new Error('any-subset head: no modality is there');
  for (const logits of others) {
    if (logits.length !== first.length)
      throw new Error('any-subset head: the modalities have different numbers of rows');
    for (let i = 0; i < first.length; i++) first[i]! += logits[i]!;
  }
  return probabilities(first, shared.classes, 1);
}
