/**
 * The graph of one step of alignment: for every set a batch, for every two of its modalities the contrastive losses of both directions.
 *
 *     loss = Σ over pairs  ½ (w(α←β) L(α←β) + w(β←α) L(β←α))  (+ distillation)
 *
 * The weights come from the gradients of the very same pass (`contrastive.ts`), which are then added up, so weighted, to the step's gradient.
 */
import { conceptModule, conceptPrefix, l2Normalised, prototypeNetwork, prototypePrefix } from '../models/alignment.js';
import type { Graph, Value } from '../models/graph.js';
import { graph } from '../models/graph.js';
import { sharingWeights } from '../models/layers.js';
import type { Network } from '../models/layers.js';
import type { WeightSource } from '../models/weights.js';
import { trainingStep } from './adamw.js';
import { adaptiveWeights, contrastiveLosses, jointNorm } from './contrastive.js';
import type { Directions } from './contrastive.js';
import { feedNames } from './align-data.js';
import { gradient } from './gradient.js';

export interface StepSet {
  readonly batch: number;
  readonly modalities: readonly { readonly modality: string; readonly width: number }[];
  /** Whether some pairs are no negatives (`counted` is fed). */
  readonly grouped: boolean;
  /** The modality whose embedding from before is fed as `teacher`, to stay near it. */
  readonly taught?: string | undefined;
}

export interface AlignmentStepOptions {
  readonly width: number;
  readonly hidden: number;
  readonly temperature: number;
  readonly adaptive: boolean;
  /** Whether there is a prototype network. */
  readonly prototype: boolean;
  readonly weightDecay: number;
  /** Share of its update that the prototype network takes: 1 − the momentum of its moving average. */
  readonly prototypeShare: number;
  /** Weight of the distillation. */
  readonly distillation: number;
  readonly type?: 'float32' | 'float64';
}

/** Outputs of each step, one number a pair of modalities, in the order of `pairs`. */
export const alignmentOutputs = ['lossAb', 'lossBa', 'weightAb', 'weightBa'] as const;

interface Pair extends Directions {
  readonly modalities: readonly [string, string];
}

/** ½ (w(α←β) x(α←β) + w(β←α) x(β←α)) */
function weighted(g: Graph, weights: Directions | undefined, x: Directions): Value {
  if (!weights) return g.mul(g.add(x.ab, x.ba), 0.25);
  return g.mul(g.add(g.mul(x.ab, weights.ab), g.mul(x.ba, weights.ba)), 0.5);
}

const sum = (g: Graph, values: readonly Value[]): Value =>
  values.slice(1).reduce((total, value) => g.add(total, value), values[0]!);

/** Embeddings of all sets' batches; all go through the prototype network at once. */
function embeddings(network: Network, sets: readonly StepSet[], { width, hidden, prototype }: AlignmentStepOptions) {
  const { g } = network;
  const concepts = sets.flatMap(({ batch, modalities }, index) =>
    modalities.map(({ modality, width: inputs }) => {
      const x = g.input(feedNames.outputs(index, modality), [batch, inputs]);
      return conceptModule(network, modality, x, width, hidden);
    }),
  );
  if (!prototype) return concepts.map((value) => l2Normalised(g, value));
  const all = l2Normalised(g, prototypeNetwork(network, g.concat(concepts, 0), hidden));
  return g.split(
    all,
    concepts.map(({ shape }) => shape[0]!),
    0,
  );
}

/** @returns the step, and the pairs of modalities in the order of its outputs */
export function alignmentStep(source: WeightSource, sets: readonly StepSet[], options: AlignmentStepOptions) {
  const { temperature, adaptive, distillation } = options;
  const g = graph({ type: options.type ?? 'float32' });
  const network = sharingWeights({ g, weights: source });
  const embedded = embeddings(network, sets, options);
  const pairs: Pair[] = [];
  const distilled: Value[] = [];
  let first = 0;
  for (const [index, { batch, modalities, grouped, taught }] of sets.entries()) {
    const counted = grouped ? g.input(feedNames.counted(index), [batch, batch]) : undefined;
    const of = (k: number) => embedded[first + k]!;
    for (let a = 0; a < modalities.length; a++)
      for (let b = a + 1; b < modalities.length; b++)
        pairs.push({
          modalities: [modalities[a]!.modality, modalities[b]!.modality],
          ...contrastiveLosses(g, of(a), of(b), { temperature, counted }),
        });
    const k = modalities.findIndex(({ modality }) => modality === taught);
    if (k >= 0) {
      const teacher = g.input(feedNames.teacher(index), [batch, options.width]);
      // One minus the mean cosine to what it was.
      distilled.push(g.sub(1, g.mul(g.reduceSum(g.mul(of(k), teacher)), 1 / batch)));
    }
    first += modalities.length;
  }

  const learning = g.parameters.map(({ value }) => value);
  const belongs = (modality: string) => (value: Value) => value.name.startsWith(`${conceptPrefix(modality)}.`);
  const isPrototype = (value: Value) => value.name.startsWith(`${prototypePrefix}.`);
  const parts = new Map<Value, Value[]>(learning.map((value) => [value, []]));
  const weights = pairs.map((pair): Directions | undefined => {
    if (!adaptive) return undefined;
    const by = learning.filter((value) => pair.modalities.some((modality) => belongs(modality)(value)));
    const slopes = { ab: gradient(g, pair.ab, by), ba: gradient(g, pair.ba, by) };
    const found = adaptiveWeights(g, jointNorm(g, slopes.ab), jointNorm(g, slopes.ba));
    const fixed = { ab: g.stopGradient(found.ab), ba: g.stopGradient(found.ba) };
    for (const [i, value] of by.entries())
      parts.get(value)!.push(weighted(g, fixed, { ab: slopes.ab[i]!, ba: slopes.ba[i]! }));
    return fixed;
  });

  const kept = distilled.length > 0 ? g.mul(sum(g, distilled), distillation) : undefined;
  const contrast = sum(
    g,
    pairs.map((pair, i) => weighted(g, weights[i], pair)),
  );
  const loss = kept ? g.add(contrast, kept) : contrast;
  // Of the modules the contrastive part is there already, out of which the weights were made.
  const rest = (of: Value, by: readonly Value[]) => {
    for (const [i, slope] of gradient(g, of, by).entries()) parts.get(by[i]!)!.push(slope);
  };
  if (!adaptive) rest(loss, learning);
  else {
    if (options.prototype) rest(loss, learning.filter(isPrototype));
    for (const { taught } of kept ? sets : []) if (taught) rest(kept!, learning.filter(belongs(taught)));
  }

  const column = (values: readonly Value[]) =>
    g.concat(
      values.map((value) => g.reshape(value, [1])),
      0,
    );
  const training = trainingStep(
    g,
    loss,
    {
      lossAb: column(pairs.map(({ ab }) => ab)),
      lossBa: column(pairs.map(({ ba }) => ba)),
      weightAb: column(weights.map((found) => found?.ab ?? g.scalar(0.5))),
      weightBa: column(weights.map((found) => found?.ba ?? g.scalar(0.5))),
    },
    {
      weightDecay: options.weightDecay,
      gradients: learning.map((value) => sum(g, parts.get(value)!)),
      share:
        options.prototypeShare === 1
          ? undefined
          : (name) => (name.startsWith(`${prototypePrefix}.`) ? options.prototypeShare : 1),
    },
  );
  return { training, pairs: pairs.map(({ modalities }) => modalities) };
}
