import t from 'tap';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { embed, ensemble } from '../../learning/embed.js';
import { initialWeights } from '../../learning/imu-tower.js';
import { createRandom } from '../../learning/random.js';
import { alignedEmbedding, ensembleEmbedding, exportAlignment } from '../../models/alignment.js';
import { graph } from '../../models/graph.js';
import { decodeTrunk, encodeTrunk } from '../../models/trunk.js';
import type { Trunk } from '../../models/trunk.js';

const [width, hidden, inputs] = [6, 5, 4];

function someTrunk(): Trunk {
  const random = createRandom(4);
  const source = initialWeights(random);
  const layers = (sizes: readonly number[]) =>
    new Map(
      sizes
        .slice(1)
        .flatMap((outputs, i) => [
          [`${i}.weight`, Float32Array.from(source('', [sizes[i]!, outputs], { uniform: 0.7 }))] as const,
          [`${i}.bias`, Float32Array.from(source('', [outputs], { uniform: 0.7 }))] as const,
        ]),
    );
  return {
    width,
    hidden,
    prototype: layers([width, hidden, width]),
    modules: new Map([
      [
        'imu',
        {
          inputs,
          mean: Float32Array.of(1, -2, 30, 0),
          scale: Float32Array.of(0.5, 3, 10, 1),
          weights: layers([inputs, hidden, hidden, width]),
        },
      ],
    ]),
    history: [{ kind: 'align', modalities: ['imu'], counts: [3], pairings: ['time'], epochs: 1, seed: 0 }],
  };
}

/** The tail written out, in float64. */
function reference(trunk: Trunk, x: Float32Array): number[] {
  const { mean, scale, weights } = trunk.modules.get('imu')!;
  const layer = (from: ReadonlyMap<string, Float32Array>, name: number, row: number[], relu: boolean) => {
    const [w, b] = [from.get(`${name}.weight`)!, from.get(`${name}.bias`)!];
    const y = [...b].map((bias, j) => row.reduce((sum, value, i) => sum + value * w[i * b.length + j]!, bias));
    return relu ? y.map((value) => Math.max(0, value)) : y;
  };
  let row = [...x].map((value, i) => (value - mean[i]!) / scale[i]!);
  row = layer(weights, 2, layer(weights, 1, layer(weights, 0, row, true), true), false);
  if (trunk.prototype) row = layer(trunk.prototype, 1, layer(trunk.prototype, 0, row, true), false);
  const length = Math.hypot(...row);
  return row.map((value) => value / length);
}

const sample = () => {
  const random = createRandom(9);
  return Float32Array.from({ length: 300 * inputs }, (_, i) => (i % inputs === 2 ? 30 : 0) + 3 * random.normal());
};
const worst = (got: Float32Array, wanted: readonly number[]) =>
  wanted.reduce((most, value, i) => Math.max(most, Math.abs(value - got[i]!)), 0);

void t.test('an embedding is module, prototype network and normalisation, standardisation folded in', async (t) => {
  const x = sample();
  for (const trunk of [someTrunk(), { ...someTrunk(), prototype: undefined }]) {
    const found = await embed(trunk, 'imu', x, { threads: 1 });
    for (const row of [0, 1, 255, 256, 299]) {
      const off = worst(
        found.subarray(row * width, (row + 1) * width),
        reference(trunk, x.subarray(row * inputs, (row + 1) * inputs)),
      );
      t.ok(off < 1e-5, `row ${row}: off by ${off}`);
    }
  }
});

void t.test('appended to an encoder, it is one file with nothing to train', async (t) => {
  const trunk = someTrunk();
  const g = graph();
  const encoder = g.mul(g.input('window', [1, inputs]), 2);
  g.output('embedding', alignedEmbedding(g, trunk, 'imu', encoder));
  t.same(g.packing(), []);
  const session = await InferenceSession.create(g.toOnnx({ parametersAs: 'initializers' }), { logSeverityLevel: 3 });
  const x = sample().subarray(0, inputs);
  const { embedding } = await session.run({ window: new Tensor('float32', x, [1, inputs]) });
  await session.release();
  const off = worst(
    embedding!.data as Float32Array,
    reference(
      trunk,
      x.map((value) => 2 * value),
    ),
  );
  t.ok(off < 1e-5, `off by ${off}`);
  t.throws(() => alignedEmbedding(graph(), trunk, 'imu', { ...encoder, shape: [1, 9] }), /\[1, 9\] is not \[rows, 4\]/);
  t.throws(() => exportAlignment(trunk, 'depth'), /'depth' is not in the trunk, which has imu/);
});

void t.test('an ensemble is the mean of its members at length 1', async (t) => {
  const [a, b] = [Float32Array.of(1, 0, 0.6, 0.8), Float32Array.of(0, 1, 0.6, 0.8)];
  const wanted = [Math.SQRT1_2, Math.SQRT1_2, 0.6, 0.8];
  t.ok(worst(ensemble([a, b], 2), wanted) < 1e-6);
  const g = graph();
  g.output('y', ensembleEmbedding(g, [g.constant([2, 2], a), g.constant([2, 2], b)]));
  const session = await InferenceSession.create(g.toOnnx({ parametersAs: 'initializers' }), { logSeverityLevel: 3 });
  const { y } = await session.run({});
  await session.release();
  t.ok(worst(y!.data as Float32Array, wanted) < 1e-6);
  t.throws(() => ensemble([a, a.subarray(2)], 2), /different lengths/);
});

void t.test('a trunk is kept as bytes and comes back the same', (t) => {
  for (const trunk of [someTrunk(), { ...someTrunk(), prototype: undefined }]) {
    const bytes = encodeTrunk(trunk);
    // Read from the middle of a larger buffer, where floats do not lie on their boundaries.
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    t.same(decodeTrunk(shifted.subarray(3)), trunk);
    t.throws(() => decodeTrunk(bytes.subarray(0, bytes.length - 1)), /cut off/);
  }
  t.throws(() => decodeTrunk(new Uint8Array(100)), /no file of an aligned trunk/);
  t.end();
});

void t.test('what is no encoder output is refused', async (t) => {
  const trunk = someTrunk();
  await t.rejects(embed(trunk, 'imu', new Float32Array(7)), /7 values are not rows of 4/);
  await t.rejects(embed(trunk, 'imu', Float32Array.of(0, 0, 0, 0, 0, NaN, 0, 0)), /row 1 \(imu\) has a value NaN/);
  await t.rejects(embed(trunk, 'wifi', new Float32Array(4)), /'wifi' is not in the trunk/);
  t.equal((await embed(trunk, 'imu', new Float32Array(0))).length, 0);
});
