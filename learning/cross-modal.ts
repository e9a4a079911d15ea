/**
 * Pre-training of several encoders at once, end to end, without labels: what one sensor saw must find what the others saw of the same
 * moment among other moments (Tian, Krishnan, Isola, 'Contrastive Multiview Coding', ECCV 2020; Chen et al., 'SimCLR', ICML 2020).
 * With one encoder, its two augmented views find each other.
 *
 *     window ─ encoder ─▶ embedding ─ projector: width → hidden → 128, ÷ its length ─▶ z
 *     cross-entropy of z · z' / τ over the batch, for every two modalities (and for two views of one), in both directions
 *
 * Other recordings of the batch may well show the same activity, and nobody knows which. So the targets are not the own recording alone:
 * a share of them goes to the recordings that lie near to it as both modalities see it now, without gradient (after Gao et al., 'SoftCLIP',
 * AAAI 2024). And a batch may be drawn from one group, such as one person: then what tells people apart is of no use.
 */
import { graph } from '../models/graph.js';
import type { Graph, Value } from '../models/graph.js';
import { batchNormalization, linear, prefixed } from '../models/layers.js';
import type { BatchStatistics, Network } from '../models/layers.js';
import { windowShape, windowSize } from '../models/towers/encoder.js';
import type { Encoder } from '../models/towers/encoder.js';
import type { Weights, WeightSource } from '../models/weights.js';
import { trainingStep } from './adamw.js';
import type { Timing } from './augment-timing.js';
import type { TrainingOptions } from './classifier.js';
import { initialWeights } from './initial.js';
import { createRandom, mixSeeds } from './random.js';
import type { Random } from './random.js';
import { statisticsOutputs, train } from './train.js';

/** One modality's part. */
export interface Branch<Example> {
  /** Begins the names of its weights; no dot. */
  readonly name: string;
  readonly encoder: Encoder;
  /** Augmented windows of each recording in a batch; two or more find each other too. */
  readonly views: number;
  /** Writes one random window [samples, …instant]. */
  readonly augment: (example: Example, timing: Timing, random: Random, out: Float32Array) => void;
}

export interface CrossModalRecipe {
  /** Recordings. */
  readonly batch: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly clipNorm: number;
  readonly averaging: number;
  readonly temperature: number;
  readonly hidden: number;
  /** Width of z. */
  readonly projected: number;
  /** Share of the targets that goes to near recordings, from the middle of the training on; before, it grows from 0. */
  readonly softness: number;
  /** Temperature of how near they are. */
  readonly softTemperature: number;
  /** Weight of the losses between views of one modality, beside 1 for those between modalities. */
  readonly within: number;
  /** Whether all windows of a recording show the same stretch of it at the same speed. */
  readonly sharedTiming: boolean;
}

export const crossModalRecipe: CrossModalRecipe = {
  batch: 64,
  learningRate: 2e-3,
  weightDecay: 0.02,
  clipNorm: 1,
  averaging: 0.99,
  temperature: 0.1,
  hidden: 256,
  projected: 128,
  softness: 0.3,
  softTemperature: 0.1,
  within: 0.5,
  sharedTiming: false,
};

const normalised = (g: Graph, x: Value): Value => g.div(x, g.sqrt(g.add(g.reduceSum(g.mul(x, x), [1], true), 1e-12)));

/** Embedding [rows, width] → z [rows, projected], each of length 1. */
export function projector(
  network: Network,
  embedding: Value,
  { hidden, projected }: Pick<CrossModalRecipe, 'hidden' | 'projected'>,
  statistics?: BatchStatistics[],
): Value {
  const { g } = network;
  const inner = linear(network, 'projector.in', embedding, hidden);
  const normal = g.relu(batchNormalization(network, 'projector.norm', inner, statistics));
  return normalised(g, linear(network, 'projector.out', normal, projected));
}

/** Both directions' mean cross-entropy of two sets of z [batch, projected] whose rows belong together. */
function pairLoss(g: Graph, a: Value, b: Value, softness: Value, recipe: CrossModalRecipe): Value {
  const batch = a.shape[0]!;
  const product = (x: Value, y: Value, temperature: number) =>
    g.gemm(x, y, undefined, { transB: true, alpha: 1 / temperature });
  const own = Array.from({ length: batch * batch }, (_, i) => Number(i % (batch + 1) === 0));
  const identity = g.constant([batch, batch], own);
  const apart = g.stopGradient(g.add(product(a, a, recipe.softTemperature), product(b, b, recipe.softTemperature)));
  // A recording is nearest to itself, which the other share of the target says already.
  const others = g.softmax(g.sub(g.mul(apart, 0.5), g.mul(identity, 1e4)));
  const target = g.add(g.mul(identity, g.sub(1, softness)), g.mul(others, softness));
  const direction = (logits: Value) => g.reduceSum(g.mul(g.logSoftmax(logits), target));
  const logits = product(a, b, recipe.temperature);
  return g.div(g.add(direction(logits), direction(g.transpose(logits))), -2 * batch);
}

/** The training graph of a batch; inputs are called as the branches are. */
export function crossModalStep(branches: readonly Branch<never>[], recipe: CrossModalRecipe, source: WeightSource) {
  const { batch, weightDecay, clipNorm, within } = recipe;
  const g = graph();
  const statistics: BatchStatistics[] = [];
  const softness = g.input('softness', []);
  const views = branches.flatMap(({ name, encoder, views: count }) => {
    const network = prefixed({ g, weights: source }, name);
    const window = g.input(name, [count * batch, ...windowShape(encoder)]);
    const z = projector(network, encoder.embed(network, window, statistics), recipe, statistics);
    const parts = count > 1 ? g.split(z, Array<number>(count).fill(batch), 0) : [z];
    return parts.map((part) => ({ name, z: part }));
  });
  const terms = views.flatMap((a, i) =>
    views.slice(i + 1).map((b) => {
      const weight = a.name === b.name ? within : 1;
      return { weight, loss: pairLoss(g, a.z, b.z, softness, recipe) };
    }),
  );
  if (terms.length === 0) throw new Error('crossModalStep: one branch alone needs two views');
  const total = terms.reduce((sum, { weight }) => sum + weight, 0);
  const loss = terms.map(({ weight, loss: one }) => g.mul(one, weight / total)).reduce((a, b) => g.add(a, b));
  const training = trainingStep(g, loss, statisticsOutputs(statistics), { weightDecay, clipNorm });
  return { training, statistics: statistics.map(({ name }) => name) };
}

/** Batches of one group each: every example once an epoch, in an order of the epoch's own; a group's last batch is filled up. */
function createGroupSampler(groups: readonly (readonly number[])[], batch: number, seed: number) {
  const chunks = groups.flatMap((group, at) =>
    Array.from({ length: Math.ceil(group.length / batch) }, (_, chunk) => ({ at, chunk })),
  );
  const indices = (step: number): number[] => {
    const epoch = Math.floor(step / chunks.length);
    const random = createRandom(mixSeeds(seed, 1, epoch));
    const { at, chunk } = chunks[random.permutation(chunks.length)[step % chunks.length]!]!;
    const group = groups[at]!;
    const order = createRandom(mixSeeds(seed, 5, epoch, at)).permutation(group.length);
    return Array.from({ length: batch }, (_, i) => group[order[(chunk * batch + i) % group.length]!]!);
  };
  return { stepsPerEpoch: chunks.length, indices };
}

export interface CrossModalOptions<Example> extends TrainingOptions {
  /** Examples of one group fill a batch; absent: any do. */
  readonly groupOf?: ((example: Example) => number) | undefined;
  readonly drawTiming: (example: Example, random: Random) => Timing;
  readonly recipe?: CrossModalRecipe | undefined;
  /** Weights to begin with, of each branch. */
  readonly initial?: ReadonlyMap<string, Weights> | undefined;
}

/**
 * Learns all branches' encoders together from recordings that all of their sensors saw.
 * @returns weights of each branch, by its name: the encoder's as training with labels goes on from, and its projector's
 */
export async function trainCrossModal<Example>(
  branches: readonly Branch<Example>[],
  examples: readonly Example[],
  {
    seed,
    epochs,
    dataset,
    groupOf,
    drawTiming,
    initial,
    recipe = crossModalRecipe,
    ...options
  }: CrossModalOptions<Example>,
): Promise<Map<string, Weights>> {
  const { batch, softness, sharedTiming } = recipe;
  const byGroup = new Map<number, number[]>();
  for (const [index, example] of examples.entries()) {
    const group = groupOf?.(example) ?? 0;
    byGroup.set(group, [...(byGroup.get(group) ?? []), index]);
  }
  const { stepsPerEpoch, indices } = createGroupSampler([...byGroup.values()], batch, seed);
  const named = [...(initial ?? [])].flatMap(([branch, weights]) =>
    [...weights].map(([name, values]): [string, Float32Array] => [`${branch}.${name}`, values]),
  );
  const source = initialWeights(createRandom(mixSeeds(seed, 6)), new Map(named));
  const { training, statistics } = crossModalStep(branches, recipe, source);
  const steps = epochs * stepsPerEpoch;

  function feeds(step: number): Record<string, Float32Array> {
    const random = createRandom(mixSeeds(seed, 7, step));
    const chosen = indices(step).map((index) => examples[index]!);
    const shared = chosen.map((example) => drawTiming(example, random));
    const windows = branches.map(({ name, encoder, views, augment }): [string, Float32Array] => {
      const size = windowSize(encoder);
      const all = new Float32Array(views * batch * size);
      for (let view = 0; view < views; view++)
        for (const [i, example] of chosen.entries()) {
          const timing = sharedTiming ? shared[i]! : drawTiming(example, random);
          const at = (view * batch + i) * size;
          augment(example, timing, random, all.subarray(at, at + size));
        }
      return [name, all];
    });
    return { ...Object.fromEntries(windows), softness: Float32Array.of(softness * Math.min(1, (2 * step) / steps)) };
  }

  const weights = await train({
    ...options,
    training,
    statistics,
    steps,
    learningRate: recipe.learningRate,
    averaging: recipe.averaging,
    feeds,
    fingerprint: JSON.stringify({ recipe, seed, epochs, dataset, packing: training.packing }),
  });
  return new Map(
    branches.map(({ name }) => {
      const own = [...weights].filter(([full]) => full.startsWith(`${name}.`));
      return [name, new Map(own.map(([full, values]) => [full.slice(name.length + 1), values]))];
    }),
  );
}
