/**
 * The graph of one step of alignment: for every set a batch, for every two of its modalities the contrastive losses of both directions.
 *
 *     loss = Σ over pairs  ½ (w(α←β) L(α←β) + w(β←α) L(β←α))  (+ distillation)
 *
 * The weights come from the gradients of the very same pass (`contrastive.ts`), which are then added up, so weighted, to the step's gradient.
 */
import {
  conceptModule,
  conceptPrefix,
  conceptsThroughPrototype,
  l2Normalised,
  prototypePrefix,
} from '../models/alignment.js';
import type { Graph, Value } from '../models/graph.js';
import { graph } from '../models/graph.js';
import { sharingWeights } from '../models/layers.js';
import type { Network } from '../models/layers.js';
import { sizeOf } from '../models/operators.js';
import type { WeightSource } from '../models/weights.js';
import { flattened, squaredNorm, trainingStep } from './adamw.js';
import { adaptiveWeights, contrastiveLosses } from './contrastive.js';
import type { Directions } from './contrastive.js';
import { feedNames } from './align-data.js';
import { gradient } from './gradient.js';

/** A set of one modality has no pairs: it is only held near its teacher. */
export interface StepSet {
  readonly batch: number;
  readonly modalities: readonly { readonly modality: string; readonly width: number }[];
  /** Whether some pairs are no negatives (`counted` is fed). */
  readonly grouped: boolean;
  /** The modality whose embedding from before is fed as `teacher`, to stay near it, and what that counts for in the loss. */
  readonly taught?: { readonly modality: string; readonly weight: number } | undefined;
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

/** Embeddings of all sets' batches. */
function embeddings(network: Network, sets: readonly StepSet[], { width, hidden, prototype }: AlignmentStepOptions) {
  const { g } = network;
  const given = sets.flatMap(({ batch, modalities }, index) =>
    modalities.map(
      ({ modality, width: inputs }) =>
        [modality, g.input(feedNames.outputs(index, modality), [batch, inputs])] as const,
    ),
  );
  if (!prototype)
    return given.map(([modality, x]) => l2Normalised(g, conceptModule(network, modality, x, width, hidden)));
  const rows = given.map(([, x]) => x.shape[0]!);
  return g.split(l2Normalised(g, conceptsThroughPrototype(network, given, width, hidden)), rows, 0);
}

/** A product with a matrix of the prototype network: y = x · w (+ b). */
interface PrototypeProduct {
  readonly x: Value;
  readonly w: Value;
  readonly b: Value | undefined;
  readonly y: Value;
}

/** Those of the graph, so that one gradient by each y, weighted, serves w and b: fewer products than by w and b for each direction. */
function prototypeProducts(g: Graph): PrototypeProduct[] {
  return g.nodes.flatMap(({ op, inputs, outputs }) => {
    const [x, w, b] = inputs;
    if (op !== 'Gemm' || !w.name.startsWith(`${prototypePrefix}.`)) return [];
    return [{ x, w, b: b, y: outputs[0]! }];
  });
}

interface Slopes {
  readonly parameters: readonly Value[];
  /** By those parameters of modules, as one vector. */
  readonly modules: Value;
  /** By what the prototype network's products give. */
  readonly byProducts: ReadonlyMap<Value, Value>;
}

/** All that a value is made of. */
function ancestors(g: Graph, of: Value): Set<Value> {
  const found = new Set([of]);
  for (const { inputs, outputs } of g.nodes.slice().reverse())
    if (outputs.some((value) => found.has(value))) for (const value of inputs) found.add(value);
  return found;
}

/** The gradient of one loss by the modules of these modalities, and by the products on its way. */
function slopes(g: Graph, loss: Value, modalities: readonly string[], products: readonly PrototypeProduct[]): Slopes {
  const prefixes = modalities.map((modality) => `${conceptPrefix(modality)}.`);
  const parameters = g.parameters
    .map(({ value }) => value)
    .filter(({ name }) => prefixes.some((prefix) => name.startsWith(prefix)));
  const within = ancestors(g, loss);
  const reached = products.map(({ y }) => y).filter((y) => within.has(y));
  const found = gradient(g, loss, [...parameters, ...reached]);
  const byProducts = new Map(reached.map((y, i) => [y, found[parameters.length + i]!]));
  return { parameters, modules: flattened(g, found.slice(0, parameters.length)), byProducts };
}

/** Adds up the contributions into the gradient by all parameters, laid out as they are packed: modules, then the prototype network. */
function stepGradient(g: Graph, contributions: readonly Slopes[], products: readonly PrototypeProduct[]): Value {
  const all = g.parameters.map(({ value }) => value);
  const isPrototype = ({ name }: Value) => name.startsWith(`${prototypePrefix}.`);
  const [only, ...others] = contributions;
  const parts = new Map<Value, Value[]>();
  const addTo = (value: Value, part: Value) => parts.set(value, [...(parts.get(value) ?? []), part]);

  if (others.length > 0)
    for (const { parameters, modules } of contributions) {
      const sizes = parameters.map(({ shape }) => sizeOf(shape));
      for (const [i, part] of g.split(modules, sizes, 0).entries()) addTo(parameters[i]!, part);
    }
  for (const { x, w, b, y } of products) {
    const through = contributions.flatMap(({ byProducts }) => byProducts.get(y) ?? []);
    const dy = sum(g, through);
    addTo(w, g.reshape(g.gemm(x, dy, undefined, { transA: true }), [-1]));
    if (b) addTo(b, g.reduceSum(dy, [0]));
  }
  const added = (values: readonly Value[]) => values.map((value) => sum(g, parts.get(value)!));
  const modules = others.length > 0 ? added(all.filter((value) => !isPrototype(value))) : [only!.modules];
  return g.concat([...modules, ...added(all.filter(isPrototype))], 0);
}

/** @returns the step, and the pairs of modalities in the order of its outputs */
export function alignmentStep(source: WeightSource, sets: readonly StepSet[], options: AlignmentStepOptions) {
  const { temperature, adaptive } = options;
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
    const k = modalities.findIndex(({ modality }) => modality === taught?.modality);
    if (taught && k >= 0) {
      const teacher = g.input(feedNames.teacher(index), [batch, options.width]);
      // One minus the mean cosine to what it was.
      const far = g.sub(1, g.mul(g.reduceSum(g.mul(of(k), teacher)), 1 / batch));
      distilled.push(g.mul(far, taught.weight));
    }
    first += modalities.length;
  }

  const products = prototypeProducts(g);
  const contributions: Slopes[] = [];
  const weights = pairs.map((pair): Directions | undefined => {
    if (!adaptive) return undefined;
    const [ab, ba] = [slopes(g, pair.ab, pair.modalities, products), slopes(g, pair.ba, pair.modalities, products)];
    const norm = ({ modules }: Slopes) => g.sqrt(squaredNorm(g, modules));
    const found = adaptiveWeights(g, norm(ab), norm(ba));
    const fixed = { ab: g.stopGradient(found.ab), ba: g.stopGradient(found.ba) };
    const halves = { ab: g.mul(fixed.ab, 0.5), ba: g.mul(fixed.ba, 0.5) };
    const mixed = (x: Value, y: Value) => g.add(g.mul(x, halves.ab), g.mul(y, halves.ba));
    const byProducts = new Map([...ab.byProducts].map(([y, slope]) => [y, mixed(slope, ba.byProducts.get(y)!)]));
    contributions.push({ ...ab, modules: mixed(ab.modules, ba.modules), byProducts });
    return fixed;
  });

  const kept = distilled.length > 0 ? sum(g, distilled) : undefined;
  const contrast = sum(
    g,
    pairs.map((pair, i) => weighted(g, weights[i], pair)),
  );
  const loss = kept ? g.add(contrast, kept) : contrast;
  const everyModality = sets.flatMap(({ modalities }) => modalities.map(({ modality }) => modality));
  if (!adaptive) contributions.push(slopes(g, loss, everyModality, products));
  else if (kept)
    contributions.push(
      slopes(
        g,
        kept,
        sets.flatMap(({ taught }) => taught?.modality ?? []),
        products,
      ),
    );

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
      gradient: stepGradient(g, contributions, products),
      share:
        options.prototypeShare === 1
          ? undefined
          : (name) => (name.startsWith(`${prototypePrefix}.`) ? options.prototypeShare : 1),
    },
  );
  return { training, pairs: pairs.map(({ modalities }) => modalities) };
}
