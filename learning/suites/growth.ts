/**
 * Growth in several orders, over IMU, skeleton and depth of UTD-MHAD and the radar of MARS: what the pairs that were there before lose with
 * each growth, on people never trained on. Everything after the first pair grows through the skeleton.
 *
 *    <order>: a-b after c        class@1 lost    before less after, mean of both directions
 *    <order>: a-b                class@1         after all growths
 *    <order> <without …>         class@1         mean over all pairs after all growths; `class@1 lost`: the most that any pair lost by a growth
 *    joint: a-b                  class@1         trained jointly instead: on complete triples of UTD-MHAD, and beside them MARS
 *
 * The radar shares its recordings with a skeleton only, so only that pair of it can be measured.
 */
import type { Trunk } from '../../models/trunk.js';
import { align } from '../align.js';
import type { AlignmentSet } from '../align-data.js';
import { embed } from '../embed.js';
import { grow } from '../grow.js';
import type { PairedRecording } from '../datasets/utd-mhad-windows.js';
import type { PairedModality } from '../pretrain-paired.js';
import { retrieval } from '../retrieval.js';
import { loadMarsWindows, marsAlignmentSet, marsOutputs, marsProtocol, preTrainedMars } from './mars-windows.js';
import type { MarsModality, MarsWindow } from './mars-windows.js';
import { threeEncoders } from './retrieval.js';
import { lineOf } from './suite.js';
import type { SuiteLine, SuiteRequest } from './suite.js';
import {
  alignmentSet,
  loadSubjects,
  recordingEmbeddings,
  told,
  utdMhadAlignment,
  utdMhadGrowth,
  utdMhadProtocol,
  weightsOf,
  windowOutputs,
} from './utd-mhad-embeddings.js';
import type { Encoders } from './utd-mhad-embeddings.js';

export type Grown = PairedModality | 'radar';
const via = 'skeleton';

/** The first two are aligned, the others grow. */
export const growthOrders: readonly (readonly Grown[])[] = [
  ['imu', 'skeleton', 'depth', 'radar'],
  ['depth', 'skeleton', 'radar', 'imu'],
  ['radar', 'skeleton', 'imu', 'depth'],
];

/** What is left out, in the first order. */
export const growthVariants = {
  'without prototype network': { prototype: false },
  'without adaptive weights': { adaptive: false },
  'without moving average and distillation': { protect: false },
} as const;

interface Variant {
  readonly prototype?: boolean;
  readonly adaptive?: boolean;
  readonly protect?: boolean;
}

/** MARS has many more windows than UTD-MHAD has recordings: fewer passes are as many steps. */
const radarEpochs = 10;

export interface GrowthData {
  /** Pairs of the modality and the skeleton, to learn from. */
  readonly sets: Readonly<Record<string, AlignmentSet>>;
  /** class@1 of each pair that the trunk has, by `a-b`. */
  readonly measure: (trunk: Trunk) => Promise<ReadonlyMap<string, number>>;
}

export interface GrowthOptions extends Variant {
  readonly seed: number;
  readonly request: SuiteRequest;
}

/** Losses of each pair by each growth, `a-b after c`, and the class@1 of each pair at the end. */
export async function growInOrder(
  order: readonly Grown[],
  { sets, measure }: GrowthData,
  { seed, request, prototype, adaptive, protect }: GrowthOptions,
): Promise<{ lost: ReadonlyMap<string, number>; last: ReadonlyMap<string, number> }> {
  const setOf = (name: string): AlignmentSet => {
    const set = sets[name];
    if (!set) throw new Error(`growth: there are no pairs of ${name} and ${via}`);
    return set;
  };
  const title = order.join(', ');
  const [first, second, ...branches] = order as [Grown, Grown, ...Grown[]];
  const recipe = <Recipe extends { readonly epochs: number }>(of: Recipe, stage: string, branch: Grown) => ({
    ...told({ ...of, epochs: branch === 'radar' ? radarEpochs : of.epochs }, `${title}: ${stage}`, seed, request),
    adaptive,
  });
  const begin = first === via ? second : first;
  let { trunk } = await align([setOf(begin)], { ...recipe(utdMhadAlignment, 'alignment', begin), prototype });
  let before = await measure(trunk);
  const lost = new Map<string, number>();
  for (const branch of branches) {
    const options = { ...recipe(utdMhadGrowth, `growth of ${branch}`, branch), branch, via, protect };
    ({ trunk } = await grow(trunk, setOf(branch), options));
    const after = await measure(trunk);
    for (const [pair, value] of before) lost.set(`${pair} after ${branch}`, value - after.get(pair)!);
    before = after;
  }
  return { lost, last: before };
}

const mean = (values: Iterable<number>): number => {
  const all = [...values];
  return all.reduce((sum, value) => sum + value, 0) / all.length;
};

interface Sides {
  readonly train: readonly PairedRecording[];
  readonly test: readonly PairedRecording[];
  readonly radarTrain: readonly MarsWindow[];
  readonly radarTest: readonly MarsWindow[];
}

/** What is learned from and measured on, and the joint training's sets. */
export async function growthData(
  { train, test, radarTrain, radarTest }: Sides,
  seed: number,
  request: SuiteRequest,
): Promise<GrowthData & { joint: readonly AlignmentSet[] }> {
  const { threads } = request;
  const encoders: Encoders = await threeEncoders(train, seed, request);
  // The trunk's one skeleton encoder is UTD-MHAD's; the radar's was pre-trained beside a skeleton encoder that is not used further.
  const radarEncoders = { ...(await preTrainedMars(radarTrain, seed, request)), skeleton: weightsOf(encoders, via) };
  const set = (names: readonly PairedModality[]) => alignmentSet(train, encoders, names, seed, request);
  const sets = {
    imu: await set(['imu', via]),
    depth: await set(['depth', via]),
    radar: await marsAlignmentSet(radarTrain, radarEncoders, seed, request),
  };
  const tested = new Map<string, Awaited<ReturnType<typeof windowOutputs>>>();
  for (const name of ['imu', 'skeleton', 'depth'] as const)
    tested.set(name, await windowOutputs(test, name, weightsOf(encoders, name), threads));
  const radarTested = new Map<MarsModality, Float32Array>();
  for (const name of ['radar', 'skeleton'] as const)
    radarTested.set(name, await marsOutputs(radarTest, name, radarEncoders[name], 1, seed, request));
  const labels = test.map(({ classIndex }) => classIndex);
  const radarLabels = radarTest.map(({ classIndex }) => classIndex);

  const measure = async (trunk: Trunk): Promise<ReadonlyMap<string, number>> => {
    const found = new Map<string, number>();
    const note = (pair: string, a: Float32Array, b: Float32Array, classes: readonly number[]) => {
      const { ab, ba } = retrieval({ width: trunk.width, a, b, labels: classes }, 1);
      found.set(pair, (ab.class1 + ba.class1) / 2);
    };
    const there = [...tested].filter(([name]) => trunk.modules.has(name));
    const embedded: [string, Float32Array][] = [];
    for (const [name, outputs] of there)
      embedded.push([name, await recordingEmbeddings(trunk, name as PairedModality, outputs, threads)]);
    for (const [i, [a, rows]] of embedded.entries())
      for (const [b, others] of embedded.slice(i + 1)) note(`${a}-${b}`, rows, others, labels);
    if (trunk.modules.has('radar')) {
      const of = (name: MarsModality) => embed(trunk, name, radarTested.get(name)!, { threads });
      note('radar-skeleton', await of('radar'), await of('skeleton'), radarLabels);
    }
    return found;
  };
  return { sets, measure, joint: [await set(['imu', via, 'depth']), sets.radar] };
}

/** Figures of one seed, by case and metric, `\t` between them. */
export async function growthCases(sides: Sides, seed: number, request: SuiteRequest): Promise<Map<string, number>> {
  const data = await growthData(sides, seed, request);
  const options: GrowthOptions = { seed, request };
  const found = new Map<string, number>();
  for (const order of growthOrders) {
    const name = order.join(', ');
    const { lost, last } = await growInOrder(order, data, options);
    for (const [pair, value] of lost) found.set(`${name}: ${pair}\tclass@1 lost`, value);
    for (const [pair, value] of last) found.set(`${name}: ${pair}\tclass@1`, value);
    found.set(`${name}\tclass@1`, mean(last.values()));
    found.set(`${name}\tclass@1 lost`, Math.max(...lost.values()));
  }
  for (const [without, variant] of Object.entries(growthVariants)) {
    const order = growthOrders[0]!;
    const { lost, last } = await growInOrder(order, data, { ...options, ...variant });
    found.set(`${order.join(', ')} ${without}\tclass@1`, mean(last.values()));
    found.set(`${order.join(', ')} ${without}\tclass@1 lost`, Math.max(...lost.values()));
  }
  const { trunk } = await align(
    data.joint,
    told({ ...utdMhadAlignment, epochs: radarEpochs }, 'joint training', seed, request),
  );
  const jointly = await data.measure(trunk);
  for (const [pair, value] of jointly) found.set(`joint: ${pair}\tclass@1`, value);
  found.set(`joint\tclass@1`, mean(jointly.values()));
  return found;
}

/**
 * `train` and `test` of the request are UTD-MHAD's; MARS keeps its protocol's.
 * @throws DatasetError if no recording is there; Error if it was interrupted
 */
export async function run(request: SuiteRequest): Promise<SuiteLine[]> {
  const { seeds, train = utdMhadProtocol.train, test = utdMhadProtocol.test } = request;
  const sides: Sides = {
    train: await loadSubjects(request, train, ['skeleton', 'depth']),
    test: await loadSubjects(request, test, ['skeleton', 'depth']),
    radarTrain: await loadMarsWindows(request, marsProtocol.train),
    radarTest: await loadMarsWindows(request, marsProtocol.test),
  };
  const found: Map<string, number>[] = [];
  for (const seed of seeds) found.push(await growthCases(sides, seed, request));
  return [...found[0]!.keys()].map((key) => {
    const [name, metric] = key.split('\t') as [string, string];
    return lineOf(
      'growth',
      name,
      metric,
      found.map((each) => each.get(key)!),
    );
  });
}
