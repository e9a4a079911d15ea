/** What a trunk is worth on people that nothing was trained on. */
import { applyAnySubsetHead } from '../../learning/heads/any-subset.js';
import type { AnySubsetHead } from '../../learning/heads/any-subset.js';
import { subsets } from '../../learning/heads/any-subset.js';
import { calibrate } from '../../learning/heads/calibration.js';
import { applyHead, decisions } from '../../learning/heads/head.js';
import { embed } from '../../learning/embed.js';
import { retrieval } from '../../learning/retrieval.js';
import type { Trunk } from '../../models/trunk.js';
import type { LabelledRows } from './gather.js';

export interface Figure {
  readonly case: string;
  readonly metric: string;
  readonly value: number;
}

/** Embeddings [rows, width] by name. */
export async function embeddingsOf(
  trunk: Trunk,
  { names, outputs }: Pick<LabelledRows, 'names' | 'outputs'>,
  threads: number,
): Promise<Record<string, Float32Array>> {
  const all: Record<string, Float32Array> = {};
  for (const name of names) all[name] = await embed(trunk, name, outputs[name]!, { threads });
  return all;
}

/** How often the same activity is nearest, and the very window within the five nearest, from each sensor to each other one. */
export function retrievalFigures(
  embeddings: Readonly<Record<string, Float32Array>>,
  { names, labels, groups }: LabelledRows,
  width: number,
): Figure[] {
  return names.flatMap((a, i) =>
    names.slice(i + 1).flatMap((b) => {
      const { ab, ba } = retrieval({ width, a: embeddings[a]!, b: embeddings[b]!, labels, groups }, 5);
      return [
        { case: `${a}->${b}`, metric: 'class@1', value: ab.class1 },
        { case: `${a}->${b}`, metric: 'instance@5', value: ab.instance[4]! },
        { case: `${b}->${a}`, metric: 'class@1', value: ba.class1 },
        { case: `${b}->${a}`, metric: 'instance@5', value: ba.instance[4]! },
      ];
    }),
  );
}

/** Share of the windows that the head labels right, of every mix; and the temperature that each sensor's windows would ask for. */
export function accuracyFigures(
  head: AnySubsetHead,
  classes: readonly string[],
  embeddings: Readonly<Record<string, Float32Array>>,
  { names, labels }: LabelledRows,
): Figure[] {
  const labelled = labels.map((label) => classes.indexOf(label));
  const temperatures = names.map((name): Figure => {
    const logits = applyHead(head.shared, embeddings[name]!);
    return { case: name, metric: 'temperature', value: calibrate(logits, labelled, classes.length) };
  });
  const accuracies = subsets(names).map((mix) => {
    const seen = Object.fromEntries(mix.map((name) => [name, embeddings[name]!]));
    const decided = decisions(applyAnySubsetHead(head, seen), classes.length);
    const right = labels.filter((label, i) => classes[decided[i]!] === label).length;
    return { case: mix.join('+'), metric: 'window accuracy', value: right / labels.length };
  });
  return [...accuracies, ...(labelled.includes(-1) ? [] : temperatures)];
}
