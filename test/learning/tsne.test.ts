import t from 'tap';
import { createRandom } from '../../learning/random.js';
import { affinities, squaredDistances, tsne } from '../../learning/tsne.js';

const width = 5;
function clusters(count: number, centres: number, spread: number): Float32Array {
  const random = createRandom(3);
  const means = Float32Array.from({ length: centres * width }, () => 4 * random.normal());
  return Float32Array.from(
    { length: count * width },
    (_, i) => means[(Math.floor(i / width) % centres) * width + (i % width)]! + spread * random.normal(),
  );
}

void t.test('affinities: symmetric, of sum 1, each row before symmetry of the wanted entropy', (t) => {
  const n = 40;
  const p = affinities(squaredDistances(clusters(n, 1, 1), width), n, 10);
  let sum = 0;
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      sum += p[i * n + j]!;
      if (p[i * n + j] !== p[j * n + i]) t.fail(`${i}, ${j}`);
    }
  t.ok(Math.abs(sum - 1) < 1e-9);
  // Three points on a line at 0, 1, 3, perplexity 1.5: of the middle one exp(−β) and exp(−4β) have the entropy ln 1.5 for one β.
  const q = affinities(Float64Array.from([0, 1, 9, 1, 0, 4, 9, 4, 0]), 3, 1.5);
  const entropy = (share: number) => -share * Math.log(share) - (1 - share) * Math.log(1 - share);
  const near = (distances: readonly [number, number]) => {
    let [low, high] = [1e-9, 50];
    for (let i = 0; i < 200; i++) {
      const middle = (low + high) / 2;
      const share = 1 / (1 + Math.exp(-(distances[1] - distances[0]) * middle));
      if (entropy(share) > Math.log(1.5)) low = middle;
      else high = middle;
    }
    return 1 / (1 + Math.exp(-(distances[1] - distances[0]) * low));
  };
  const [first, middle, last] = [near([1, 9]), near([1, 4]), near([4, 9])];
  t.ok(Math.abs(q[1]! - (first + middle) / 6) < 1e-4, 'first and middle');
  t.ok(Math.abs(q[5]! - (1 - middle + last) / 6) < 1e-4, 'middle and last');
  t.end();
});

void t.test('groups of points are groups on the plane; the same seed gives the same picture', (t) => {
  const [n, centres] = [90, 3];
  const rows = clusters(n, centres, 0.3);
  const { points, divergence } = tsne(rows, width, { seed: 1, iterations: 300, perplexity: 10 });
  t.ok(divergence > 0 && divergence < 1, `${divergence}`);
  let nearestIsOwn = 0;
  for (let i = 0; i < n; i++) {
    let best = -1;
    const distance = (j: number) =>
      Math.hypot(points[2 * i]! - points[2 * j]!, points[2 * i + 1]! - points[2 * j + 1]!);
    for (let j = 0; j < n; j++) if (j !== i && (best < 0 || distance(j) < distance(best))) best = j;
    if (best % centres === i % centres) nearestIsOwn++;
  }
  t.equal(nearestIsOwn, n);
  t.strictSame(tsne(rows, width, { seed: 1, iterations: 300, perplexity: 10 }).points, points);
  t.end();
});

void t.test('hostile: equal points, few points, values that are none', (t) => {
  const { points } = tsne(new Float32Array(10 * width).fill(2), width, { seed: 1, iterations: 50 });
  t.ok(points.every(Number.isFinite), 'ten times the same point');
  t.throws(() => tsne(new Float32Array(3 * width), width, { seed: 1 }), /not 4 to/);
  t.throws(() => tsne(new Float32Array(), width, { seed: 1 }), /not 4 to/);
  t.throws(
    () =>
      tsne(
        Float32Array.from({ length: 5 * width }, (_, i) => (i === 7 ? NaN : i)),
        width,
        { seed: 1 },
      ),
    /row 1 has a value NaN/,
  );
  t.end();
});
