/** The head of Babel's paper: the embeddings of a fixed set of modalities side by side, all of which must be there. */
import type { Head, HeadOptions } from './head.js';
import { applyHead, trainHead } from './head.js';
import { calibrate, heldOutSplit } from './calibration.js';

export interface LabelledEmbeddings {
  /** Of one embedding. */
  readonly width: number;
  readonly classes: number;
  /** [n] */
  readonly labels: ArrayLike<number>;
  /** [n, width] by modality, row by row of the same recordings. */
  readonly embeddings: Readonly<Record<string, Float32Array>>;
  /** [n], what must not be split between learning and calibration: recordings, or better subjects. */
  readonly groups?: ArrayLike<number> | undefined;
}

export interface ConcatHead {
  /** In the order in which they are joined. */
  readonly modalities: readonly string[];
  readonly head: Head;
}

/** Rows side by side: [n, width] of each → [n, width · modalities]. */
export function concatenated(
  modalities: readonly string[],
  embeddings: LabelledEmbeddings['embeddings'],
  width: number,
): Float32Array {
  const parts = modalities.map((modality) => {
    const found = embeddings[modality];
    if (!found) throw new Error(`concat head: no embeddings of ${modality}`);
    return found;
  });
  const n = parts[0]!.length / width;
  const joined = new Float32Array(n * width * parts.length);
  for (const [k, part] of parts.entries()) {
    if (part.length !== n * width) throw new Error('concat head: the modalities have different numbers of rows');
    for (let i = 0; i < n; i++) joined.set(part.subarray(i * width, (i + 1) * width), (i * parts.length + k) * width);
  }
  return joined;
}

/** Calibrated on a held-out part of the training data, then trained on all of it. */
export async function trainConcatHead(
  data: LabelledEmbeddings,
  options: HeadOptions & { readonly heldOut?: number | undefined },
): Promise<ConcatHead> {
  const modalities = Object.keys(data.embeddings);
  const joined = concatenated(modalities, data.embeddings, data.width);
  const width = data.width * modalities.length;
  const { labels, classes, groups } = data;
  const examples = {
    ...{ width, classes, labels },
    write: (index: number, out: Float32Array) => out.set(joined.subarray(index * width, (index + 1) * width)),
  };
  const { learned, heldOut } = heldOutSplit(labels, groups, options.heldOut ?? 0.2, options.seed);
  const first = await trainHead(examples, options, learned);
  const rows = new Float32Array(heldOut.length * width);
  for (const [i, index] of heldOut.entries()) examples.write(index, rows.subarray(i * width, (i + 1) * width));
  const temperature = calibrate(
    applyHead(first, rows),
    heldOut.map((index) => labels[index]!),
    classes,
  );
  return { modalities, head: { ...(await trainHead(examples, options)), temperature } };
}

/** Logits [n, classes]. */
export function applyConcatHead(
  { modalities, head }: ConcatHead,
  embeddings: LabelledEmbeddings['embeddings'],
): Float32Array {
  return applyHead(head, concatenated(modalities, embeddings, head.width / modalities.length));
}
