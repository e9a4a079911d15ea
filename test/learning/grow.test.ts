import t from 'tap';
import { align } from '../../learning/align.js';
import { embed } from '../../learning/embed.js';
import { grow } from '../../learning/grow.js';
import { retrieval } from '../../learning/retrieval.js';
import { encodeTrunk } from '../../models/trunk.js';
import type { Trunk } from '../../models/trunk.js';
import { generated } from './generated-recordings.js';

const first = generated(300, { imu: 20, skeleton: 16 }, { seed: 1 });
/** Other recordings: the branch and the connecting modality only. */
const second = generated(300, { skeleton: 16, depth: 24 }, { seed: 5 });
const unseen = generated(120, { imu: 20, skeleton: 16, depth: 24 }, { seed: 2 });
const short = { seed: 3, threads: 1, epochs: 40, learningRate: 3e-3 };
const branch = { ...short, branch: 'depth', via: 'skeleton' };
const set = { count: 300, outputs: second.outputs };

async function within5(trunk: Trunk, a: string, b: string): Promise<number> {
  const [x, y] = [await embed(trunk, a, unseen.outputs[a]!), await embed(trunk, b, unseen.outputs[b]!)];
  return retrieval({ width: trunk.width, a: x, b: y }).ab.instance[4]!;
}

async function alignedPair(): Promise<Trunk> {
  const start = { count: 300, outputs: first.outputs };
  return (await align([start], { ...short, width: 32, hidden: 48 })).trunk;
}

void t.test('growth brings the branch in, keeps what was aligned, and reaches what was never paired', async (t) => {
  const trunk = await alignedPair();
  const before = Buffer.from(encodeTrunk(trunk));
  const kept = await within5(trunk, 'imu', 'skeleton');
  const { trunk: grown } = await grow(trunk, set, branch);
  t.ok(before.equals(Buffer.from(encodeTrunk(trunk))), 'the trunk given stays as it was');
  t.same([...grown.modules.keys()], ['imu', 'skeleton', 'depth']);
  t.same(grown.history.at(-1), {
    kind: 'grow',
    modalities: ['depth', 'skeleton'],
    counts: [300],
    pairings: ['time'],
    epochs: 40,
    seed: 3,
  });
  t.equal(grown.modules.get('imu'), trunk.modules.get('imu'), 'modules that take no part do not change');
  t.same(grown.modules.get('skeleton')!.mean, trunk.modules.get('skeleton')!.mean, 'nor does a standardisation');

  const [pair, after, across] = [
    await within5(grown, 'depth', 'skeleton'),
    await within5(grown, 'imu', 'skeleton'),
    await within5(grown, 'imu', 'depth'),
  ];
  t.ok(pair > 0.75, `the new pair ${pair}`);
  t.ok(after > kept - 0.04, `the earlier pair ${kept} → ${after}`);
  t.ok(across > 0.6, `never paired ${across}`);

  const { trunk: exposed } = await grow(trunk, set, { ...branch, protect: false });
  const lost = await within5(exposed, 'imu', 'skeleton');
  t.ok(lost < after - 0.05, `without moving average and distillation ${lost}`);
});

void t.test('the prototype network is a moving average; distillation holds the connecting modality', async (t) => {
  const trunk = await alignedPair();
  const distance = (grown: Trunk) =>
    Math.hypot(
      ...[...grown.prototype!].flatMap(([name, values]) =>
        [...values].map((v, i) => v - trunk.prototype!.get(name)![i]!),
      ),
    );
  const quick = { ...branch, epochs: 3 };
  const slow = await grow(trunk, set, { ...quick, momentum: 0.99 });
  const fast = await grow(trunk, set, { ...quick, protect: false });
  t.ok(distance(slow.trunk) < 0.05 * distance(fast.trunk), `${distance(slow.trunk)}, ${distance(fast.trunk)}`);
  const still = await grow(trunk, set, { ...quick, momentum: 1 });
  t.equal(distance(still.trunk), 0);

  const outputs = unseen.outputs['skeleton']!;
  const start = await embed(trunk, 'skeleton', outputs);
  const drift = async ({ trunk: grown }: { trunk: Trunk }) => {
    const now = await embed(grown, 'skeleton', outputs);
    return 1 - now.reduce((sum, value, i) => sum + value * start[i]!, 0) / 120;
  };
  const [held, free] = [
    await drift(await grow(trunk, set, { ...quick, distillation: 20 })),
    await drift(await grow(trunk, set, { ...quick, distillation: 0 })),
  ];
  t.ok(held < 0.5 * free, `mean 1 − cosine ${held}, without distillation ${free}`);
});

void t.test('a modality may be grown again, on other recordings', async (t) => {
  const trunk = await alignedPair();
  const { trunk: once } = await grow(trunk, set, branch);
  const more = generated(300, { imu: 20, depth: 24 }, { seed: 6 });
  const { trunk: twice } = await grow(once, { count: 300, outputs: more.outputs }, { ...branch, via: 'imu' });
  const [before, after] = [await within5(once, 'imu', 'depth'), await within5(twice, 'imu', 'depth')];
  t.ok(after >= before, `imu → depth ${before} → ${after}`);
  t.equal(twice.history.length, 3);
});

void t.test('a growth without a prototype network, with even weights', async (t) => {
  const start = { count: 300, outputs: first.outputs };
  const { trunk } = await align([start], { ...short, width: 32, hidden: 48, prototype: false, epochs: 2 });
  const { trunk: grown, curves } = await grow(trunk, set, { ...branch, adaptive: false, epochs: 2 });
  t.equal(grown.prototype, undefined);
  t.ok(curves[0]!.weightAb.every((weight) => weight === 0.5));
});

void t.test('what is no growth is refused', async (t) => {
  const trunk = await alignedPair();
  await t.rejects(grow(trunk, set, { ...branch, via: 'imu' }), /needs just these two, not skeleton, depth/);
  await t.rejects(grow(trunk, set, { ...branch, branch: 'skeleton' }), /needs just these two/);
  await t.rejects(grow(trunk, set, { ...branch, branch: 'skeleton', via: 'depth' }), /'depth' is not in the trunk/);
});
