import t from 'tap';
import { calibrate } from '../../learning/heads/calibration.js';
import { cautiousTemperature } from '../../learning/heads/cautious-temperature.js';

const rows = (count: number, row: readonly number[]) =>
  Float32Array.from(Array.from({ length: count }, () => row).flat());

void t.test('where all are right the temperature stays finite, and more examples make surer', (t) => {
  const of = (count: number) => cautiousTemperature(rows(count, [4, 0]), Array<number>(count).fill(0), 2);
  t.ok(calibrate(rows(99, [4, 0]), Array<number>(99).fill(0), 2) < 0.2, 'the plain one is as sure as can be');
  // 99 right and one wrong of two classes 4 apart: e^(4/T) = 99.
  t.ok(Math.abs(of(99) - 4 / Math.log(99)) < 2e-3);
  t.ok(of(9) > of(99) && of(99) > of(999));
  t.end();
});

void t.test('many examples with errors of their own are calibrated as they would be', (t) => {
  const labels = Array.from({ length: 1000 }, (_, i) => (i % 5 === 0 ? 2 : 1));
  const logits = rows(1000, [0, 3, 1]);
  t.ok(Math.abs(cautiousTemperature(logits, labels, 3) / calibrate(logits, labels, 3) - 1) < 0.02);
  t.equal(cautiousTemperature(new Float32Array(), [], 3), 1);
  t.end();
});
