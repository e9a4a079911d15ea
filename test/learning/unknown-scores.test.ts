import t from 'tap';
import { energies, familiarity, groupMeans, nearestCosines, toLengthOne } from '../../learning/unknown-scores.js';
import { fused } from '../../models/fusion.js';
import type { Familiar } from '../../learning/unknown-scores.js';

const near = (a: ArrayLike<number>, b: readonly number[]) =>
  a.length === b.length && b.every((value, i) => Math.abs(value - a[i]!) < 1e-6);

void t.test('energies: log Σ exp, also of large logits', (t) => {
  t.ok(near(energies(Float32Array.of(0, 0, 1000, 1000), 2), [Math.log(2), 1000 + Math.log(2)]));
  t.end();
});

void t.test('means by group, and the nearest of them', (t) => {
  const means = groupMeans(Float32Array.of(2, 0, 4, 0, 0, -1), 2, [0, 0, 2], 3);
  t.ok(near(means, [3, 0, 0, 0, 0, -1]), 'a group of nothing is zero');
  const rows = toLengthOne(Float32Array.of(3, 4, 0, -2), 2);
  t.ok(near(rows, [0.6, 0.8, 0, -1]));
  t.ok(near(nearestCosines(rows, toLengthOne(means, 2), 2), [0.6, 1]));
  t.end();
});

void t.test('of two towers: sure and alike, sure and at odds, unsure', (t) => {
  const embeddings = toLengthOne(Float32Array.of(1, 0, 1, 0, 1, 1), 2);
  const [one, other] = [
    { logits: Float32Array.of(9, 0, 9, 0, 0.1, 0), embeddings },
    { logits: Float32Array.of(9, 0, 0, 9, 0, 0.1), embeddings },
  ];
  const familiar: Familiar = { temperature: 1, means: Float32Array.of(1, 0, 0, 1), energy: 1, cosine: 0.5 };
  const scores = familiarity([one, other], [familiar, familiar], 2);
  const [sure, odds, unsure] = scores['highest probability']!;
  t.ok(sure! > 0.999 && Math.abs(odds! - 0.5) < 1e-6 && Math.abs(unsure! - 0.5) < 1e-6);
  const both = { logits: Float32Array.of(1, 0), embeddings: Float32Array.of(1, 0) };
  const opinion = { labels: ['a', 'b'], probabilities: [1 / (1 + Math.exp(-1)), 1 / (1 + Math.exp(1))] };
  const pair = familiarity([both, both], [familiar, familiar], 2);
  t.ok(near(pair['highest probability']!, [fused([opinion, opinion]).get('a')!]), 'as the gateway fuses');
  t.ok(near(pair.product!, [1 / (1 + Math.exp(-2))]), 'their product is surer');
  t.ok(scores.agreement![0]! > 0.999_99 && scores.agreement![1]! < 0.05 && scores.agreement![2]! > 0.99);
  t.ok(Math.abs(scores.softmax![1]! - 0.5) < 1e-6);
  t.ok(near(scores['nearest mean']!, [4, 4, 4 * Math.SQRT1_2]), 'two cosines over 0.5');
  t.ok(near(scores.energy!.subarray(0, 1), [2 * Math.log(Math.exp(9) + 1)]));

  const alone = familiarity([one], [{ ...familiar, temperature: 3 }], 2);
  t.equal(alone.agreement, undefined, 'one tower agrees with nobody');
  t.equal(alone.product, undefined);
  t.ok(Math.abs(alone['highest probability']![0]! - 1 / (1 + Math.exp(-3))) < 1e-6, 'its temperature counts');
  t.ok(Math.abs(alone.softmax![0]! - 1 / (1 + Math.exp(-9))) < 1e-6, 'here it does not');
  t.end();
});
