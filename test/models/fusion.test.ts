import t from 'tap';
import { fused, opinionWeights } from '../../models/fusion.js';

const labels = ['wave', 'clap', 'throw'];
const near = (a: number | undefined, b: number) => Math.abs(a! - b) < 1e-9;
const most = (map: Map<string, number>) => [...map].sort((a, b) => b[1] - a[1])[0]![0];
const of = (...probabilities: number[]) => ({ labels, probabilities });

void t.test('one opinion stays what it is; several multiply', (t) => {
  t.ok([...fused([of(0.2, 0.5, 0.3)]).values()].every((value, i) => near(value, [0.2, 0.5, 0.3][i]!)));
  const both = fused([of(0.2, 0.5, 0.3), of(0.5, 0.4, 0.1)]);
  const products = [0.1, 0.2, 0.03].map((p) => p ** Math.SQRT1_2);
  t.ok(near(both.get('clap'), products[1]! / products.reduce((sum, value) => sum + value, 0)));
  t.ok(
    near(
      [...both.values()].reduce((sum, value) => sum + value, 0),
      1,
    ),
  );
  t.end();
});

void t.test(
  'a sensor that is vague changes little; one that is sure and alone cannot rule out what all others see',
  (t) => {
    const sure = of(0.9, 0.05, 0.05);
    const withVague = fused([sure, of(1 / 3, 1 / 3, 1 / 3)]);
    t.equal(most(withVague), 'wave');
    t.ok(withVague.get('wave')! > 0.75 && withVague.get('wave')! < 0.9);
    const broken = of(0, 0, 1);
    const others = of(1 - 2e-6, 1e-6, 1e-6);
    t.equal(most(fused([others, others, broken])), 'wave');
    t.end();
  },
);

void t.test('who errs less counts more; alone or unmeasured, each counts fully', (t) => {
  t.same(opinionWeights([0.1, 0.4, undefined]), [1, 0.5, 1]);
  t.same(opinionWeights([0, 0.04]), [1, 0.5], 'no loss is below 0.01');
  t.same(opinionWeights([3]), [1]);
  t.same(opinionWeights([undefined, 0.4]), [1, 1]);
  const good = { ...of(0.7, 0.2, 0.1), loss: 0.02 };
  const poor = { ...of(0.02, 0.97, 0.01), loss: 0.32 };
  t.equal(most(fused([of(0.7, 0.2, 0.1), of(0.02, 0.97, 0.01)])), 'clap');
  const both = fused([good, poor]);
  t.equal(most(both), 'wave', 'a poor one that is sure does not overrule a good one');
  const parts = [0.7 * 0.02 ** 0.25, 0.2 * 0.97 ** 0.25, 0.1 * 0.01 ** 0.25].map((p) => p ** (1 / Math.sqrt(1.25)));
  t.ok(near(both.get('wave'), parts[0]! / parts.reduce((sum, part) => sum + part, 0)));
  t.same([...fused([poor])], [...fused([of(0.02, 0.97, 0.01)])]);
  t.end();
});

void t.test('a label that only one tower knows is judged by that one', (t) => {
  const taught = { labels: [...labels, 'brushing teeth'], probabilities: [0.05, 0.03, 0.02, 0.9] };
  t.equal(most(fused([taught, of(0.4, 0.3, 0.3)])), 'brushing teeth');
  t.equal(most(fused([{ ...taught, probabilities: [0.9, 0.03, 0.02, 0.05] }, of(0.4, 0.3, 0.3)])), 'wave');
  t.end();
});

void t.test('what is no number wins nothing', (t) => {
  t.equal(fused([]).size, 0);
  t.equal(fused([of(NaN, NaN, NaN)]).size, 0);
  t.ok(near(fused([of(NaN, NaN, NaN), of(0.2, 0.5, 0.3)]).get('clap'), 0.5));
  t.ok(fused([of(NaN, 0.5, 0.5)]).get('wave')! < 1e-5);
  t.ok(fused([of(Infinity, 0.5, 0.5)]).get('wave')! < 1e-5);
  t.end();
});
