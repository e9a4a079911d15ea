import fc from 'fast-check';
import t from 'tap';
import { createRandom } from '../../learning/random.js';
import { auroc, shareKept, standardErrorOfArea, thresholdKeeping } from '../../learning/roc.js';

void t.test('area under the curve: by hand', (t) => {
  t.equal(auroc([3, 4, 5], [0, 1, 2]), 1);
  t.equal(auroc([0, 1], [2, 3]), 0);
  t.equal(auroc([1, 3], [0, 2]), 0.75, 'three of four pairs');
  t.equal(auroc([1, 1], [1, 1, 1]), 0.5, 'ties count half');
  t.equal(auroc([2, 1], [1]), 0.75, 'one pair won, one tied');
  t.equal(auroc([Infinity], [-Infinity, 0]), 1);
  t.ok(Number.isNaN(auroc([], [1])));
  t.ok(Number.isNaN(auroc([1], [])));
  t.throws(() => auroc([NaN], [1]), RangeError);
  t.throws(() => auroc([1], [NaN]), RangeError);
  t.end();
});

void t.test('area under the curve: the share of pairs that are in order, whatever the scores', (t) => {
  const scores = fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(scores, scores, (known, unknown) => {
      const pairs = known.flatMap((a) => unknown.map((b) => (a > b ? 1 : a === b ? 0.5 : 0)));
      const expected = pairs.reduce<number>((sum, pair) => sum + pair, 0) / pairs.length;
      return Math.abs(auroc(known, unknown) - expected) < 1e-12;
    }),
  );
  t.end();
});

void t.test('standard error: as areas of exponential scores spread, for which the formula is exact', (t) => {
  const random = createRandom(1);
  const draw = (count: number, mean: number) =>
    Float64Array.from({ length: count }, () => -mean * Math.log(1 - random.uniform()));
  // One of mean 4 is above one of mean 1 four times in five.
  const areas = Array.from({ length: 4000 }, () => auroc(draw(30, 4), draw(20, 1)));
  const mean = areas.reduce((sum, area) => sum + area, 0) / areas.length;
  const spread = Math.sqrt(areas.reduce((sum, area) => sum + (area - mean) ** 2, 0) / areas.length);
  t.ok(Math.abs(mean - 0.8) < 0.005, `${mean}`);
  t.ok(Math.abs(standardErrorOfArea(0.8, 30, 20) / spread - 1) < 0.05, `${spread}`);
  t.equal(standardErrorOfArea(1, 20, 30), 0);
  t.end();
});

void t.test('a threshold lets so many pass, and the next higher score would not', (t) => {
  const scores = Float64Array.from({ length: 20 }, (_, i) => i);
  t.equal(thresholdKeeping(scores, 0.95), 1, '19 of 20');
  t.equal(shareKept(scores, 1), 0.95);
  t.equal(thresholdKeeping(scores, 1), 0);
  t.equal(thresholdKeeping(scores, 0), 19, 'one passes its own score');
  t.equal(thresholdKeeping([0.5, 0.5, 0.5], 0.5), 0.5, 'equal scores pass together');
  t.ok(Number.isNaN(thresholdKeeping([], 0.95)));
  t.throws(() => thresholdKeeping([NaN], 0.95), RangeError);
  t.ok(Number.isNaN(shareKept(Float64Array.of(), 0.5)));
  const some = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(some, fc.double({ min: 0, max: 1, noNaN: true }), (all, share) => {
      const threshold = thresholdKeeping(all, share);
      const higher = all.filter((score) => score > threshold);
      const kept = shareKept(Float64Array.from(all), threshold);
      if (kept < share - 1e-6) throw new Error(`${kept} of ${share} pass`);
      if (higher.length > 0 && higher.length / all.length > share + 1e-6)
        throw new Error(`a higher threshold would let ${higher.length / all.length} pass`);
    }),
  );
  t.end();
});
