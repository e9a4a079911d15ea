import t from 'tap';
import { classScores } from '../../learning/few-shot.js';
import { applyHead, decisions, probabilities } from '../../learning/heads/head.js';
import { createRandom } from '../../learning/random.js';
import { extendedHead, fewShotHead, linearHeadOf, somethingElse } from '../../learning/teach.js';
import type { Example, NamedHead } from '../../learning/teach.js';
import { model } from '../models/towers.js';

const width = 8;
const random = createRandom(5);

/** Around one corner of the unit sphere. */
function near(axis: number, spread = 0.2): Float32Array {
  const x = Float32Array.from({ length: width }, (_, k) => (k === axis ? 1 : 0) + spread * random.normal());
  const length = Math.hypot(...x);
  return x.map((value) => value / length);
}
const examples = (label: string | null, axis: number, count: number): Example[] =>
  Array.from({ length: count }, () => ({ label, embedding: near(axis) }));
const decided = ({ classes, head }: NamedHead, x: Float32Array) =>
  classes[decisions(applyHead(head, x), classes.length)[0]!];

void t.test('a head of nothing but what was taught', (t) => {
  for (const [count, method] of [
    [1, 'nearest class mean'],
    [3, 'nearest class mean'],
    [6, 'logistic regression'],
  ] as const) {
    const taught = fewShotHead(
      [...examples('brushing', 0, count), ...examples('combing', 1, count), ...examples(null, 2, count)],
      width,
    );
    t.equal(taught.method, method);
    t.strictSame(taught.classes, ['brushing', 'combing', somethingElse]);
    for (const [axis, name] of taught.classes.entries()) t.equal(decided(taught, near(axis, 0.1)), name);
    const p = probabilities(applyHead(taught.head, near(0, 0.05)), 3, taught.head.temperature);
    t.ok(p[0]! > 0.5 && p[0]! < 1, `${count} shots: ${p[0]}`);
  }
  t.throws(() => fewShotHead(examples('brushing', 0, 3), width), /only 'brushing' is known/);
  t.throws(() => fewShotHead([], width), /nothing is known/);
  t.throws(
    () => fewShotHead([{ label: 'a', embedding: near(0).fill(NaN) }, ...examples('b', 1, 1)], width),
    /no finite/,
  );
  t.throws(
    () => fewShotHead([{ label: 'a', embedding: new Float32Array(3) }, ...examples('b', 1, 1)], width),
    /3 values/,
  );
  t.end();
});

void t.test('a new column beside trained ones: those stay, and what they know is not lost', (t) => {
  const weights = new Float32Array(width * 3);
  for (let j = 0; j < 3; j++) weights[j * 3 + j] = 6;
  const base = { width, classes: 3, weights, bias: new Float32Array(3) };
  const names = ['wave', 'clap', 'walk'];
  const shots = examples('brushing', 4, 2);
  const rest = [...examples(null, 0, 6), ...examples(null, 1, 6), ...examples('walk', 2, 6)];
  for (const temperature of [1, 1.7]) {
    const taught = extendedHead(base, names, [...shots, ...rest], temperature);
    t.strictSame(taught.classes, [...names, 'brushing']);
    const x = near(1);
    const [before, after] = [classScores(base, x), applyHead(taught.head, x)];
    for (let j = 0; j < 3; j++) t.ok(Math.abs(before[j]! - after[j]!) < 1e-5);
    let right = 0;
    for (let i = 0; i < 40; i++) {
      const axis = [0, 1, 2, 4][i % 4]!;
      if (decided(taught, near(axis)) === taught.classes[i % 4]) right++;
    }
    t.ok(right >= 38, `${right} of 40`);
  }
  t.throws(() => extendedHead(base, names, shots, 1), /nothing that is not 'brushing'/);
  t.end();
});

void t.test('a linear head is read out of its file; another one is refused', async (t) => {
  const values = Float32Array.from({ length: 6 }, (_, i) => Math.sin(i));
  const linear = model([3], (g, x) => g.gemm(x, g.parameter('w', [3, 2], values), g.parameter('b', [2], [0.5, -1])));
  const found = await linearHeadOf(linear, 3, 2);
  for (const [i, value] of values.entries()) t.ok(Math.abs(found.weights[i]! - value) < 1e-6);
  t.strictSame([...found.bias], [0.5, -1]);
  const bent = model([3], (g, x) => g.relu(g.gemm(x, g.parameter('w', [3, 2], values))));
  await t.rejects(linearHeadOf(bent, 3, 2), /not linear/);
});
