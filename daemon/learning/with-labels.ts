/**
 * Alignment where labels may be looked at: windows of the same activity are no negatives of each other, and both alignment and head also
 * learn from noisy copies of the encoder outputs. An encoder that was trained on labels gives nearly one point for each class of the
 * people it knows; without the copies what is learned on those fits others less.
 */
import type { AlignmentSet } from '../../learning/align-data.js';
import { noisyCopies } from '../../learning/noisy-copies.js';
import type { Gathered, LabelledRows } from './gather.js';

/** Chosen on subject 1 of UTD-MHAD with everything trained on 3, 5 and 7. */
export const labelledAlignment = { temperature: 0.2, weightDecay: 0.1, averaging: 0.9, copies: 2, share: 0.7 } as const;

/** @returns what was gathered, with copies and groups; sets without labels stay as they are */
export function withLabels(gathered: Gathered, seed: number): Gathered {
  const grouped = gathered.sets.map((set): AlignmentSet => {
    const rows = rowsOf(set, gathered.labelled);
    if (!rows) return set;
    const classes = [...new Set(rows.labels)];
    const { count, versions = 1 } = set;
    const outputs = Object.fromEntries(
      Object.entries(set.outputs).map(([name, data]) => {
        const width = data.length / (versions * count);
        return [name, noisyCopies(data, width, { ...labelledAlignment, seed })];
      }),
    );
    const groups = rows.labels.map((label) => classes.indexOf(label));
    return { ...set, groups, outputs, versions: versions * (1 + labelledAlignment.copies) };
  });
  const labelled = gathered.labelled.map((rows): LabelledRows => {
    const sets = grouped.filter((set) => rowsOf(set, [rows]));
    const outputs = Object.assign({}, ...sets.map((set) => set.outputs)) as Record<string, Float32Array>;
    const repeated = <Value>(values: readonly Value[]) =>
      Array.from({ length: sets[0]?.versions ?? 1 }, () => values).flat();
    const { names, labels, groups, subjects } = rows;
    return { names, outputs, labels: repeated(labels), groups: repeated(groups), subjects: repeated(subjects) };
  });
  return { ...gathered, sets: grouped, labelled };
}

/** The labels of a set's recordings. */
const rowsOf = ({ outputs, count }: AlignmentSet, labelled: readonly LabelledRows[]) =>
  labelled.find(
    (rows) => rows.labels.length === count && Object.keys(outputs).every((name) => rows.names.includes(name)),
  );
