import t from 'tap';
import { align } from '../../learning/align.js';
import { embed } from '../../learning/embed.js';
import { grow } from '../../learning/grow.js';
import { rememberedRows, rememberSets } from '../../learning/memory.js';
import type { Memory } from '../../learning/memory.js';
import { retrieval } from '../../learning/retrieval.js';
import type { Trunk } from '../../models/trunk.js';
import { generated } from './generated-recordings.js';

const widths = { imu: 20, skeleton: 16, depth: 24 };
const { outputs: all } = generated(300, widths, { seed: 1 });
const first = { count: 300, outputs: { imu: all['imu']!, skeleton: all['skeleton']! } };
/** Recordings of quite other activities: what holds the embeddings there says nothing of the first ones. */
const away = generated(300, widths, { seed: 5, noise: 0.1 });
const elsewhere = (values: Float32Array) => values.map((value) => 3 - 0.5 * (value - 3));
const second = {
  count: 300,
  outputs: { skeleton: elsewhere(away.outputs['skeleton']!), depth: elsewhere(away.outputs['depth']!) },
};
const unseen = generated(120, widths, { seed: 2 });
const short = { seed: 3, threads: 1, epochs: 40, learningRate: 3e-3 };
const growth = { ...short, branch: 'depth', via: 'skeleton' };

async function within5(trunk: Trunk, a: string, b: string): Promise<number> {
  const [x, y] = [await embed(trunk, a, unseen.outputs[a]!), await embed(trunk, b, unseen.outputs[b]!)];
  return retrieval({ width: trunk.width, a: x, b: y }).ab.instance[4]!;
}

void t.test('a growth on other recordings holds what is remembered', async (t) => {
  const { trunk } = await align([first], { ...short, width: 32, hidden: 48 });
  const memory = rememberSets(new Map(), [first], { seed: 1, rows: 200 });
  const drift = async (grown: Trunk, modality: string) => {
    const outputs = unseen.outputs[modality]!;
    const [before, now] = [await embed(trunk, modality, outputs), await embed(grown, modality, outputs)];
    return 1 - now.reduce((sum, value, i) => sum + value * before[i]!, 0) / 120;
  };
  const forgetful = (await grow(trunk, second, growth)).trunk;
  const mindful = (await grow(trunk, second, { ...growth, remembered: rememberedRows(memory) })).trunk;
  for (const modality of ['imu', 'skeleton']) {
    const [held, free] = [await drift(mindful, modality), await drift(forgetful, modality)];
    t.ok(held < 0.5 * free, `${modality}: mean 1 − cosine ${held}, without memory ${free}`);
  }
  const [before, kept, lost] = [
    await within5(trunk, 'imu', 'skeleton'),
    await within5(mindful, 'imu', 'skeleton'),
    await within5(forgetful, 'imu', 'skeleton'),
  ];
  t.ok(kept > before - 0.03, `${before} → ${kept}, without memory ${lost}`);
  t.same([...mindful.modules.keys()], ['imu', 'skeleton', 'depth']);
  t.same(mindful.history.at(-1)!.modalities, ['depth', 'skeleton']);
  t.same(mindful.history.at(-1)!.counts, [300], 'what is remembered is no pair');
  const unprotected = await grow(trunk, second, { ...growth, protect: false });
  const asked = await grow(trunk, second, { ...growth, protect: false, remembered: rememberedRows(memory) });
  t.same(asked.trunk.prototype, unprotected.trunk.prototype, 'without protection, nothing is held');
});

void t.test('rows that do not fit the trunk are refused', async (t) => {
  const { trunk } = await align([first], { ...short, width: 32, hidden: 48, epochs: 1 });
  const remembering = (modality: string, outputs: Float32Array) =>
    grow(trunk, second, { ...growth, remembered: [{ modality, outputs }] });
  await t.rejects(remembering('imu', new Float32Array(21)), /not rows of 20/);
  await t.rejects(remembering('imu', new Float32Array(20).fill(NaN)), /has a value NaN/);
  await t.rejects(remembering('wifi', new Float32Array(20)), /'wifi' is not in the trunk/);
  await t.rejects(remembering('imu', new Float32Array(0)), /0 remembered values are not rows/);
});

const set = (name: string, count: number, value: number, versions = 1) => ({
  ...{ count, versions, outputs: { [name]: new Float32Array(versions * count * 2).fill(value) } },
});
const rowsOf = (memory: Memory, name: string) => memory.get(name)!.map(({ length }) => length / 2);

void t.test('memory is bounded, and every growth has an equal share of it', (t) => {
  const options = { seed: 1, rows: 100 };
  const one = rememberSets(new Map(), [set('imu', 300, 1, 2)], options);
  t.same(rowsOf(one, 'imu'), [100]);
  const two = rememberSets(one, [set('imu', 30, 2)], options);
  t.same(rowsOf(two, 'imu'), [70, 30], 'a small part stays whole');
  t.same(rowsOf(one, 'imu'), [100], 'the one given stays as it was');
  const three = rememberSets(two, [set('imu', 500, 3), set('depth', 4, 9)], options);
  t.same(rowsOf(three, 'imu'), [35, 30, 35]);
  t.same(rowsOf(three, 'depth'), [4]);
  const [imu] = rememberedRows(three);
  t.same([imu!.outputs[0], imu!.outputs[80], imu!.outputs.at(-1)], [1, 2, 3]);
  t.same(rememberSets(two, [set('imu', 500, 3), set('depth', 4, 9)], options), three, 'the same seed, the same rows');
  t.end();
});

void t.test('rows are drawn whole, without repetition', (t) => {
  const outputs = Float32Array.from({ length: 400 }, (_, i) => i);
  const [part] = rememberSets(new Map(), [{ count: 200, outputs: { imu: outputs } }], { seed: 4, rows: 50 }).get(
    'imu',
  )!;
  const firsts = Array.from({ length: 50 }, (_, i) => part![2 * i]!);
  t.ok(firsts.every((value, i) => value % 2 === 0 && part![2 * i + 1] === value + 1));
  t.equal(new Set(firsts).size, 50);
  t.throws(
    () => rememberSets(new Map([['imu', [new Float32Array(3)]]]), [set('imu', 2, 1)], { seed: 1 }),
    /no rows of 2/,
  );
  t.end();
});
