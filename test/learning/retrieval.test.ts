import t from 'tap';
import { retrieval } from '../../learning/retrieval.js';

const rows = (...angles: number[]) =>
  Float32Array.from(
    angles.flatMap((degrees) => [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)]),
  );

void t.test('ranks and classes by hand, both ways', (t) => {
  // From each query of a at 0°, 10°, 90°, 180°, the order of b at 2°, 95°, 88°, 170°.
  const [a, b] = [rows(0, 10, 90, 180), rows(2, 95, 88, 170)];
  const { ab, ba } = retrieval({ width: 2, a, b, labels: ['x', 'x', 'y', 'z'] }, 3);
  // 0°: own first. 10°: 2°, 88°, then its own 95°. 90°: own 88° before 95°. 180°: own first.
  t.same(ab.instance, [3 / 4, 3 / 4, 1]);
  t.equal(ab.class1, 1, '10° finds 2°, another recording of its own class, which counts');
  t.equal(ab.otherClass1, 1 / 4, 'only 10° has another of its class nearest');
  t.equal(ab.medianRank, 1);
  // 2°: own 0°. 95°: 90°, then 10° and 180° as far apart, 85° each. 88°: own. 170°: own.
  t.equal(ba.instance[0], 3 / 4);
  t.equal(ba.instance[2], 1);
  t.equal(ba.class1, 3 / 4);
  t.end();
});

void t.test('windows of the query’s own execution are no rivals', (t) => {
  const [a, b] = [rows(0, 0, 90), rows(10, 2, 90)];
  t.same(retrieval({ width: 2, a, b }, 2).ab.instance, [2 / 3, 1]);
  t.same(retrieval({ width: 2, a, b, groups: [0, 0, 1] }, 2).ab.instance, [1, 1]);
  t.end();
});

void t.test('embeddings that are all alike retrieve nothing', (t) => {
  const all = rows(5, 5, 5, 5);
  const { ab } = retrieval({ width: 2, a: all, b: all }, 4);
  t.same(ab.instance, [0, 0, 0, 1]);
  t.ok(Number.isNaN(ab.class1));
  t.end();
});

void t.test('what is not rows of the same recordings is refused', (t) => {
  const four = rows(0, 1, 2, 3);
  t.throws(() => retrieval({ width: 2, a: four, b: rows(0) }), /not rows of width 2 of the same recordings/);
  t.throws(() => retrieval({ width: 3, a: four, b: four }), /not rows of width 3/);
  t.throws(() => retrieval({ width: 2, a: four, b: four, labels: [1] }), /same recordings/);
  t.throws(() => retrieval({ width: 2, a: new Float32Array(), b: new Float32Array() }), /same recordings/);
  t.end();
});
