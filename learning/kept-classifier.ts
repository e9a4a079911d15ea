/** Training of classifiers that is kept: what was trained once on the same data is read, what was interrupted goes on. */
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { graph } from '../models/graph.js';
import { sizeOf } from '../models/operators.js';
import type { Weights, WeightSource } from '../models/weights.js';
import { digestOfWeights, kept } from './suites/suite-cache.js';
import { mixSeeds } from './random.js';
import { removeCheckpoint } from './train.js';
import { trainClassifier } from './window-classifier.js';
import type { ClassifierDesign, ClassifierOptions, ClassifierRecipe, ClassifierSource } from './window-classifier.js';

export interface KeptOptions extends Omit<ClassifierOptions, 'checkpoint'> {
  /** Folder; absent: nothing is kept. */
  readonly cache?: string | undefined;
}

const short = (hash: { digest(encoding: 'hex'): string }) => hash.digest('hex').slice(0, 16);

/** Tells labelled series from others, in their order. */
export function digestOfExamples(
  examples: readonly { readonly classIndex: number; readonly instants: Float32Array }[],
): string {
  const hash = createHash('sha256');
  for (const { classIndex, instants } of examples) hash.update(`${classIndex} ${instants.length} `).update(instants);
  return short(hash);
}

/** Tells networks that are built differently. */
export function digestOfDesign(design: ClassifierDesign): string {
  const { name, inputs, classes } = design;
  const g = graph();
  const weights: WeightSource = (_, shape) => new Float32Array(sizeOf(shape));
  const given = Object.fromEntries(
    Object.entries(inputs).map(([input, shape]) => [input, g.input(input, [1, ...shape])]),
  );
  const heads = design.build({ g, weights }, given, (x) => x);
  for (const [head, logits] of heads.entries()) g.output(`logits ${head}`, logits);
  return short(
    createHash('sha256')
      .update(`${name} ${classes}`)
      .update(g.toOnnx({ parametersAs: 'initializers' })),
  );
}

/**
 * As `trainClassifier`. With a cache the weights are kept under a name of their own for each network, recipe, seed, number of epochs, set of
 * examples and weights to begin with.
 * @param options `dataset` is to tell these examples from all others: see `digestOfExamples`
 */
export async function keptClassifier(
  design: ClassifierDesign,
  recipe: ClassifierRecipe,
  source: ClassifierSource,
  known: Weights | undefined,
  { cache, ...options }: KeptOptions,
): Promise<Weights> {
  const { seed, epochs, dataset } = options;
  const key = JSON.stringify({
    network: digestOfDesign(design),
    ...{ recipe, count: source.count, seed, epochs, dataset },
    known: known && digestOfWeights(known),
  });
  const name = `classifier-${design.name}-${short(createHash('sha256').update(key))}`;
  if (cache) await mkdir(cache, { recursive: true });
  const checkpoint = cache && join(cache, `${name}-begun`);
  const weights = await kept(cache, name, key, () =>
    trainClassifier(design, recipe, source, known, { ...options, checkpoint }),
  );
  if (checkpoint) removeCheckpoint(checkpoint);
  return weights;
}

/** As `keptClassifier`: members to stand side by side, from seeds of their own. */
export async function keptMembers(
  design: ClassifierDesign,
  recipe: ClassifierRecipe,
  source: ClassifierSource,
  count: number,
  options: KeptOptions,
): Promise<Weights[]> {
  const members: Weights[] = [];
  for (let member = 0; member < count; member++) {
    const seed = mixSeeds(options.seed, member);
    members.push(await keptClassifier(design, recipe, source, undefined, { ...options, seed }));
  }
  return members;
}
