/** Pairs of recordings that were not made together but have the same label, for data sets that share no recording. */
import { AlignmentError } from './align-data.js';
import type { AlignmentSet } from './align-data.js';
import { createRandom, mixSeeds } from './random.js';

/** Encoder outputs [n, width] of one modality, with a label each. */
export interface LabelledOutputs {
  readonly modality: string;
  readonly width: number;
  readonly outputs: Float32Array;
  readonly labels: readonly string[];
}

function checked({ modality, width, outputs, labels }: LabelledOutputs): Map<string, number[]> {
  if (outputs.length !== labels.length * width)
    throw new AlignmentError(`${modality}: ${outputs.length} values are not ${labels.length} rows of ${width}`);
  const byLabel = new Map<string, number[]>();
  for (const [i, label] of labels.entries()) {
    const found = byLabel.get(label);
    if (found) found.push(i);
    else byLabel.set(label, [i]);
  }
  return byLabel;
}

/**
 * Pairs each recording of the first modality, whose label the second has too, with recordings of that label: another one in every version.
 * Recordings of one label are no negatives of each other.
 * @throws AlignmentError if the two have fewer than two labels in common, or sizes do not agree
 */
export function pairByLabel(
  a: LabelledOutputs,
  b: LabelledOutputs,
  { versions = 8, seed }: { versions?: number; seed: number },
): AlignmentSet & { readonly labels: readonly string[] } {
  checked(a);
  const partners = checked(b);
  const rows = a.labels.flatMap((label, i) => (partners.has(label) ? [i] : []));
  const names = [...new Set(rows.map((i) => a.labels[i]!))];
  if (names.length < 2)
    throw new AlignmentError(`${a.modality} and ${b.modality} have ${names.length} labels in common: two are needed`);
  const count = rows.length;
  const sides = [a, b].map(({ width }) => new Float32Array(versions * count * width)) as [Float32Array, Float32Array];
  for (let version = 0; version < versions; version++) {
    const random = createRandom(mixSeeds(seed, 24, version));
    for (const [i, row] of rows.entries()) {
      const candidates = partners.get(a.labels[row]!)!;
      const partner = candidates[random.integer(candidates.length)]!;
      const to = version * count + i;
      sides[0].set(a.outputs.subarray(row * a.width, (row + 1) * a.width), to * a.width);
      sides[1].set(b.outputs.subarray(partner * b.width, (partner + 1) * b.width), to * b.width);
    }
  }
  const labels = rows.map((row) => a.labels[row]!);
  return {
    ...{ count, versions, labels, pairing: 'label' },
    outputs: { [a.modality]: sides[0], [b.modality]: sides[1] },
    groups: labels.map((label) => names.indexOf(label)),
  };
}
