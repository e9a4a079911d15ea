import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { align } from '../../learning/align.js';
import { AlignmentError, createBatches, prepareSet, standardisation } from '../../learning/align-data.js';
import type { AlignmentSet } from '../../learning/align-data.js';
import { embed, ensemble } from '../../learning/embed.js';
import { pairByLabel } from '../../learning/label-pairs.js';
import { retrieval } from '../../learning/retrieval.js';
import { encodeTrunk } from '../../models/trunk.js';
import type { Trunk } from '../../models/trunk.js';
import { generated } from './generated-recordings.js';

const widths = { imu: 20, skeleton: 16, depth: 24 };
const learned = generated(300, widths, { seed: 1 });
const unseen = generated(120, widths, { seed: 2 });
const short = { seed: 3, threads: 1, epochs: 40, learningRate: 3e-3, width: 32, hidden: 48 };

const setOf = (names: readonly (keyof typeof widths)[], more: Partial<AlignmentSet> = {}): AlignmentSet => ({
  count: 300,
  outputs: Object.fromEntries(names.map((name) => [name, learned.outputs[name]!])),
  ...more,
});

async function found(trunk: Trunk, a: string, b: string) {
  const sides = [await embed(trunk, a, unseen.outputs[a]!), await embed(trunk, b, unseen.outputs[b]!)] as const;
  return retrieval({ width: trunk.width, a: sides[0], b: sides[1], labels: unseen.labels });
}

void t.test('two modalities find each other on recordings never seen; unaligned they do not', async (t) => {
  const { trunk, curves } = await align([setOf(['imu', 'skeleton'])], short);
  const { ab, ba } = await found(trunk, 'imu', 'skeleton');
  t.ok(ab.instance[4]! > 0.75 && ba.instance[4]! > 0.75, `within rank 5: ${ab.instance[4]}, ${ba.instance[4]}`);
  t.ok(ab.class1 > 0.85 && ba.class1 > 0.85, `same class at rank 1: ${ab.class1}, ${ba.class1}`);
  const { trunk: untrained } = await align([setOf(['imu', 'skeleton'])], { ...short, epochs: 1, learningRate: 1e-9 });
  const before = await found(untrained, 'imu', 'skeleton');
  t.ok(before.ab.instance[4]! < 0.2, `within rank 5 before: ${before.ab.instance[4]}`);

  const [curve] = curves;
  t.same(curve!.modalities, ['imu', 'skeleton']);
  t.equal(curve!.lossAb.length, 80, 'two batches of 256 an epoch');
  t.ok(curve!.lossAb.at(-1)! < 0.5 * curve!.lossAb[0]!);
  t.ok(curve!.weightAb.every((weight, i) => Math.abs(weight + curve!.weightBa[i]! - 1) < 1e-5));
  t.ok(
    curve!.weightAb.some((weight) => Math.abs(weight - 0.5) > 1e-3),
    'the weights do move',
  );
  t.same(trunk.history, [
    { kind: 'align', modalities: ['imu', 'skeleton'], counts: [300], pairings: ['time'], epochs: 40, seed: 3 },
  ]);
});

void t.test('several pairs side by side, and complete triples', async (t) => {
  const pairs = await align([setOf(['imu', 'skeleton']), setOf(['skeleton', 'depth'])], short);
  const triples = await align([setOf(['imu', 'skeleton', 'depth'])], short);
  t.equal(pairs.curves.length, 2);
  t.equal(triples.curves.length, 3);
  const across = await found(pairs.trunk, 'imu', 'depth');
  const jointly = await found(triples.trunk, 'imu', 'depth');
  t.ok(across.ab.instance[4]! > 0.4, `never paired, through skeleton: ${across.ab.instance[4]}`);
  t.ok(jointly.ab.instance[4]! > 0.7, `jointly: ${jointly.ab.instance[4]}`);
});

void t.test('two encoders of one modality, aligned, are an ensemble', async (t) => {
  const { trunk } = await align([setOf(['imu', 'skeleton', 'depth'])], short);
  const of = async (name: string) => embed(trunk, name, unseen.outputs[name]!);
  const [query, one, other] = [await of('depth'), await of('imu'), await of('skeleton')];
  const within = (b: Float32Array) => retrieval({ width: 32, a: query, b }).ab.instance[0]!;
  const [both, best] = [within(ensemble([one, other], 32)), Math.max(within(one), within(other))];
  t.ok(both >= best, `together ${both}, the better one alone ${best}`);
});

void t.test('switches: even weights, no prototype network', async (t) => {
  const quick = { ...short, epochs: 2 };
  const even = await align([setOf(['imu', 'skeleton'])], { ...quick, adaptive: false });
  t.ok(even.curves[0]!.weightAb.every((weight) => weight === 0.5));
  const plain = await align([setOf(['imu', 'skeleton'])], { ...quick, prototype: false });
  t.equal(plain.trunk.prototype, undefined);
  t.equal((await embed(plain.trunk, 'imu', unseen.outputs['imu']!)).length, 120 * 32);
});

void t.test(
  'the same seed gives the same trunk, another seed another; an interrupted training goes on to the same',
  async (t) => {
    const quick = { ...short, epochs: 6 };
    const set = setOf(['imu', 'skeleton'], { groups: Array.from({ length: 300 }, (_, i) => i >> 1) });
    const bytes = async (options: Parameters<typeof align>[1]) =>
      Buffer.from(encodeTrunk((await align([set], options)).trunk));
    const whole = await bytes(quick);
    t.ok(whole.equals(await bytes(quick)));
    t.notOk(whole.equals(await bytes({ ...quick, seed: 4 })));

    const directory = mkdtempSync(join(tmpdir(), 'align-'));
    t.teardown(() => rmSync(directory, { recursive: true }));
    const checkpoint = join(directory, 'state');
    const abort = new AbortController();
    let steps = 0;
    const onProgress = () => {
      if (++steps === 5) abort.abort();
    };
    await t.rejects(bytes({ ...quick, checkpoint, signal: abort.signal, onProgress }), /goes on from the checkpoint/);
    t.ok(whole.equals(await bytes({ ...quick, checkpoint, onProgress })));
    t.equal(steps, 12, 'no step is done twice');
  },
);

void t.test('batches: one version a row for both sides, standardised, groups kept apart', (t) => {
  // Row r of version v holds 100 v + r on one side and its negative on the other.
  const [count, versions] = [4, 3];
  const side = (sign: number) =>
    Float32Array.from({ length: versions * count }, (_, i) => sign * (100 * Math.floor(i / count) + (i % count)));
  const set = prepareSet({ count, versions, outputs: { a: side(1), b: side(-1) }, groups: [0, 1, 0, 2] });
  const none = { mean: Float32Array.of(0), scale: Float32Array.of(2) };
  const standards = new Map(['a', 'b'].map((name) => [name, none]));
  const { feeds, stepsPerEpoch } = createBatches(set, 0, standards, { batch: 4, seed: 1 });
  t.equal(stepsPerEpoch, 1);
  const drawn = new Set<number>();
  for (let step = 0; step < 20; step++) {
    const fed = feeds(step);
    const [a, b] = [fed['set.0.a']!, fed['set.0.b']!];
    for (const [i, value] of a.entries()) {
      t.equal(b[i], -value, 'the same recording in the same version');
      drawn.add(Math.floor((2 * value) / 100));
    }
    const rows = [...a].map((value) => (2 * value) % 100);
    t.same(rows.toSorted(), [0, 1, 2, 3], 'each once an epoch');
    const [zero, two] = [rows.indexOf(0), rows.indexOf(2)];
    t.equal(fed['set.0.counted']![zero * 4 + two], 0);
    t.equal(fed['set.0.counted']!.filter((value) => value === 0).length, 2);
  }
  t.same([...drawn].toSorted(), [0, 1, 2]);
  t.end();
});

void t.test('dropped values are zeros, and the others make up for them', (t) => {
  const ones = new Float32Array(4000).fill(3);
  const set = prepareSet({ count: 40, outputs: { a: ones, b: ones } });
  const none = { mean: new Float32Array(100), scale: new Float32Array(100).fill(1) };
  const standards = new Map(['a', 'b'].map((name) => [name, none]));
  const { feeds } = createBatches(set, 0, standards, { batch: 40, seed: 1, dropout: 0.25 });
  const fed = feeds(0)['set.0.a']!;
  const dropped = fed.filter((value) => value === 0).length / fed.length;
  t.ok(Math.abs(dropped - 0.25) < 0.03, `${dropped}`);
  t.ok(fed.every((value) => value === 0 || Math.abs(value - 4) < 1e-6));
  t.end();
});

void t.test('pairs by label: same label, another partner in each version, said in the history', async (t) => {
  const a = {
    modality: 'imu',
    width: 1,
    labels: ['wave', 'clap', 'jump', 'clap'],
    outputs: Float32Array.of(1, 2, 3, 4),
  };
  const b = {
    ...{ modality: 'wifi', width: 2, labels: ['clap', 'wave', 'clap', 'sit'] },
    outputs: Float32Array.of(10, 0, 11, 0, 12, 0, 13, 0),
  };
  const set = pairByLabel(a, b, { versions: 20, seed: 1 });
  t.same(set.labels, ['wave', 'clap', 'clap']);
  t.same(set.groups, [0, 1, 1]);
  const partners = new Set<number>();
  for (let version = 0; version < 20; version++) {
    t.same([...set.outputs['imu']!.subarray(3 * version, 3 * version + 3)], [1, 2, 4]);
    const [wave, first] = [0, 1].map((i) => set.outputs['wifi']![(3 * version + i) * 2]!);
    t.equal(wave, 11);
    partners.add(first!);
  }
  t.same([...partners].toSorted(), [10, 12]);
  const { trunk } = await align([set], { ...short, epochs: 1 });
  t.same(trunk.history[0]!.pairings, ['label']);
  t.throws(() => pairByLabel({ ...a, labels: ['wave', 'run', 'run', 'run'] }, b, { seed: 1 }), /1 labels in common/);
});

void t.test('standardisation is that of the rows; what never changes is left', (t) => {
  const { mean, scale } = standardisation(3, [Float32Array.of(1, 5, 0, 3, 5, 8)]);
  t.same([...mean], [2, 5, 4]);
  t.same([...scale], [1, 1, 4]);
  t.end();
});

void t.test('what cannot be aligned is refused with the reason', async (t) => {
  const [a, b] = [new Float32Array(12), new Float32Array(6)];
  const refused = async (set: AlignmentSet, reason: RegExp) => {
    const error: unknown = await align([set], short).catch((thrown: unknown) => thrown);
    t.ok(error instanceof AlignmentError && reason.test(error.message), String(error));
  };
  await refused({ count: 3, outputs: { a } }, /only a: two or more modalities/);
  await refused({ count: 1, outputs: { a, b } }, /1 recordings: two or more/);
  await refused({ count: 5, outputs: { a, b } }, /a: 12 values are not \[1, 5, width\]/);
  await refused({ count: 3, outputs: { a, b: b.map(() => NaN) } }, /b: recording 0 has a value NaN/);
  await refused({ count: 3, outputs: { a, b }, groups: [1] }, /1 groups for 3 recordings/);
  await refused({ count: 3, outputs: { a, 'b.c': b } }, /'b\.c' is no name of a modality/);
  await t.rejects(align([], short), /nothing to align/);
  const { trunk } = await align([setOf(['imu', 'skeleton'])], { ...short, epochs: 1 });
  await t.rejects(
    align([{ count: 3, outputs: { imu: a, depth: b } }], { ...short, from: trunk }),
    /imu: encoder outputs 4 wide, but 20 elsewhere/,
  );
});
