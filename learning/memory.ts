/**
 * What a trunk remembers of what it learned from: a bounded number of encoder outputs of each modality, so that a later growth on other
 * recordings holds the embeddings also where those do not reach. No recording is kept, and nothing says which outputs belong together.
 */
import type { AlignmentSet } from './align-data.js';
import { AlignmentError } from './align-data.js';
import type { RememberedRows } from './grow.js';
import { createRandom, mixSeeds } from './random.js';
import type { Random } from './random.js';

/** Encoder outputs [rows, inputs] of each modality, a part from each alignment or growth that it took part in. */
export type Memory = ReadonlyMap<string, readonly Float32Array[]>;

/** Rows of a modality, all parts together. */
export const memoryRows = 2_000;

/** The largest number of rows that each part may have, so that all have at most `rows`: small parts stay whole. */
function largestShare(counts: readonly number[], rows: number): number {
  let left = rows;
  for (const [i, count] of counts.toSorted((a, b) => a - b).entries()) {
    const share = Math.floor(left / (counts.length - i));
    if (count > share) return share;
    left -= count;
  }
  return rows;
}

/** `count` rows by chance, or all. */
function drawn(part: Float32Array, inputs: number, count: number, random: Random): Float32Array {
  const rows = part.length / inputs;
  if (rows <= count) return part;
  const chosen = random.permutation(rows).slice(0, count).sort();
  const out = new Float32Array(count * inputs);
  for (const [i, row] of chosen.entries()) out.set(part.subarray(row * inputs, (row + 1) * inputs), i * inputs);
  return out;
}

/**
 * Adds what an alignment or a growth learned from; earlier parts give way, each to the same bound.
 * @returns a new memory; the one given stays as it was
 * @throws AlignmentError if a modality's outputs are of another width than before
 */
export function rememberSets(
  memory: Memory,
  sets: readonly AlignmentSet[],
  { seed, rows = memoryRows }: { readonly seed: number; readonly rows?: number },
): Memory {
  const result = new Map(memory);
  const widths = new Map<string, number>();
  for (const { count, versions = 1, outputs } of sets)
    for (const [modality, data] of Object.entries(outputs)) {
      const inputs = data.length / (versions * count);
      if (!Number.isInteger(inputs) || (widths.get(modality) ?? inputs) !== inputs)
        throw new AlignmentError(
          `${modality}: outputs to remember are not rows of ${widths.get(modality) ?? 'one width'}`,
        );
      widths.set(modality, inputs);
      result.set(modality, [...(result.get(modality) ?? []), data]);
    }
  for (const [modality, inputs] of widths) {
    const parts = result.get(modality)!;
    if (parts.some(({ length }) => length % inputs !== 0))
      throw new AlignmentError(`${modality}: what is remembered are no rows of ${inputs}`);
    const share = largestShare(
      parts.map(({ length }) => length / inputs),
      rows,
    );
    result.set(
      modality,
      parts.map((part, i) => drawn(part, inputs, share, createRandom(mixSeeds(seed, 26, i, modality.length)))),
    );
  }
  return result;
}

/** All parts of each modality together, for `grow`. */
export function rememberedRows(memory: Memory): RememberedRows[] {
  return [...memory].map(([modality, parts]) => {
    const outputs = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) outputs.set(part, (at += part.length) - part.length);
    return { modality, outputs };
  });
}
