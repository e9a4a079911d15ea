/**
 * Growth in several orders, over IMU, skeleton and depth of UTD-MHAD, the radar of MARS, and at last the Wi-Fi of WiAR by label pairs: what the
 * pairs that were there before lose with each growth, on people never trained on. Everything after the first pair grows through the skeleton.
 *
 *    <order>: a-b after c        class@1 lost    before less after, mean of both directions
 *    <order>: a-b                class@1         after all growths
 *    <order> <without …>         class@1         mean over all pairs by time after all growths; `class@1 lost`: the most that any pair lost by a growth
 *    joint: a-b                  class@1         trained jointly instead: on complete triples of UTD-MHAD, and beside them MARS
 *
 * What is measured of which pair: growth-data.ts.
 */
import { align } from '../align.js';
import type { AlignmentSet } from '../align-data.js';
import { grow } from '../grow.js';
import { rememberedRows, rememberSets } from '../memory.js';
import { byLabel, growthData, loadSides, via } from './growth-data.js';
import type { GrowthData, GrowthSides, Grown } from './growth-data.js';
import { lineOf } from './suite.js';
import type { SuiteLine, SuiteRequest } from './suite.js';
import { told, utdMhadAlignment, utdMhadGrowth } from './utd-mhad-embeddings.js';

/** The first two are aligned, the others grow; Wi-Fi, where there is any, after all of them. */
export const growthOrders: readonly (readonly Grown[])[] = [
  ['imu', 'skeleton', 'depth', 'radar'],
  ['depth', 'skeleton', 'radar', 'imu'],
  ['radar', 'skeleton', 'imu', 'depth'],
];

/** What is left out, in the first order. */
export const growthVariants = {
  'without prototype network': { prototype: false },
  'without adaptive weights': { adaptive: false },
  'without memory': { remember: false },
  'without moving average and distillation': { protect: false },
} as const;

interface Variant {
  readonly prototype?: boolean;
  readonly adaptive?: boolean;
  readonly protect?: boolean;
  readonly remember?: boolean;
}

/** MARS and WiAR have many more windows than UTD-MHAD has recordings: fewer passes are as many steps. */
const fewEpochs = 10;
const withMany: readonly string[] = ['radar', 'wifi'];

export interface GrowthOptions extends Variant {
  readonly seed: number;
  readonly request: SuiteRequest;
}

/** Losses of each pair by each growth, `a-b after c`, and the class@1 of each pair at the end. */
export async function growInOrder(
  order: readonly Grown[],
  { sets, measure }: GrowthData,
  { seed, request, prototype, adaptive, protect, remember = true }: GrowthOptions,
): Promise<{ lost: ReadonlyMap<string, number>; last: ReadonlyMap<string, number> }> {
  const setOf = (name: string): AlignmentSet => {
    const set = sets[name];
    if (!set) throw new Error(`growth: there are no pairs of ${name} and ${via}`);
    return set;
  };
  const title = order.join(', ');
  const [first, second, ...others] = order as [Grown, Grown, ...Grown[]];
  const branches: readonly string[] = [...others, ...(sets['wifi'] ? ['wifi'] : [])];
  const recipe = <Recipe extends { readonly epochs: number }>(of: Recipe, stage: string, branch: string) => ({
    ...told({ ...of, epochs: withMany.includes(branch) ? fewEpochs : of.epochs }, `${title}: ${stage}`, seed, request),
    adaptive,
  });
  const begin = first === via ? second : first;
  let { trunk } = await align([setOf(begin)], { ...recipe(utdMhadAlignment, 'alignment', begin), prototype });
  let before = await measure(trunk);
  let memory = rememberSets(new Map(), [setOf(begin)], { seed });
  const lost = new Map<string, number>();
  for (const branch of branches) {
    const set = setOf(branch);
    const remembered = remember ? rememberedRows(memory) : [];
    const options = { ...recipe(utdMhadGrowth, `growth of ${branch}`, branch), branch, via, protect, remembered };
    ({ trunk } = await grow(trunk, set, options));
    memory = rememberSets(memory, [set], { seed });
    const after = await measure(trunk);
    const stage = `after ${branch}${set.pairing === 'label' ? byLabel : ''}`;
    for (const [pair, value] of before) lost.set(`${pair} ${stage}`, value - after.get(pair)!);
    before = after;
  }
  return { lost, last: before };
}

/** Of pairs by time: the joint training has no others. */
const meanOfTimed = (figures: ReadonlyMap<string, number>): number => {
  const all = [...figures].flatMap(([pair, value]) => (pair.endsWith(byLabel) ? [] : [value]));
  return all.reduce((sum, value) => sum + value, 0) / all.length;
};

/** Figures of one seed, by case and metric, `\t` between them. */
export async function growthCases(
  sides: GrowthSides,
  seed: number,
  request: SuiteRequest,
): Promise<Map<string, number>> {
  const data = await growthData(sides, seed, request);
  const options: GrowthOptions = { seed, request };
  const found = new Map<string, number>();
  for (const order of growthOrders) {
    const name = order.join(', ');
    const { lost, last } = await growInOrder(order, data, options);
    for (const [pair, value] of lost) found.set(`${name}: ${pair}\tclass@1 lost`, value);
    for (const [pair, value] of last) found.set(`${name}: ${pair}\tclass@1`, value);
    found.set(`${name}\tclass@1`, meanOfTimed(last));
    found.set(`${name}\tclass@1 lost`, Math.max(...lost.values()));
  }
  for (const [without, variant] of Object.entries(growthVariants)) {
    const order = growthOrders[0]!;
    const { lost, last } = await growInOrder(order, data, { ...options, ...variant });
    found.set(`${order.join(', ')} ${without}\tclass@1`, meanOfTimed(last));
    found.set(`${order.join(', ')} ${without}\tclass@1 lost`, Math.max(...lost.values()));
  }
  const { trunk } = await align(
    data.joint,
    told({ ...utdMhadAlignment, epochs: fewEpochs }, 'joint training', seed, request),
  );
  const jointly = await data.measure(trunk);
  for (const [pair, value] of jointly) found.set(`joint: ${pair}\tclass@1`, value);
  found.set(`joint\tclass@1`, meanOfTimed(jointly));
  return found;
}

/**
 * `train` and `test` of the request are UTD-MHAD's; MARS and WiAR keep their protocols'.
 * @throws DatasetError if no recording is there; Error if it was interrupted
 */
export async function run(request: SuiteRequest): Promise<SuiteLine[]> {
  const sides = await loadSides(request);
  const found: Map<string, number>[] = [];
  for (const seed of request.seeds) found.push(await growthCases(sides, seed, request));
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
