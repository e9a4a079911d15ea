import t from 'tap';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { selfAttention } from '../../models/attention.js';
import { graph } from '../../models/graph.js';
import type { Graph, Value } from '../../models/graph.js';
import { decodeOnnx, encodeOnnx } from '../../models/onnx.js';
import { operators, sizeOf } from '../../models/operators.js';

/** What onnxruntime computes for a graph's outputs, fed and returned as plain numbers. */
async function run(bytes: Uint8Array, feeds: Record<string, ArrayLike<number>>) {
  const session = await InferenceSession.create(bytes, {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  const given = decodeOnnx(bytes).inputs.map(({ name, type, shape }) => {
    const data =
      type === 'int64' ? BigInt64Array.from(Array.from(feeds[name]!, BigInt)) : Float32Array.from(feeds[name]!);
    return [name, new Tensor(type as 'float32', data as Float32Array, shape as number[])] as const;
  });
  const results = await session.run(Object.fromEntries(given));
  await session.release();
  return Object.fromEntries(
    Object.entries(results).map(([name, { data, dims }]) => [
      name,
      { values: Array.from(data as Float32Array, Number), shape: [...dims] },
    ]),
  );
}

const ramp = (length: number, scale = 1, offset = 0) => Float32Array.from({ length }, (_, i) => offset + scale * i);

/** One case an operator: the value built from x [2, 3] = 0 … 5 / 4 − 1, and its elements worked out by hand or in plain code. */
const x = [...ramp(6, 0.25, -0.5)];
const each = (f: (v: number) => number) => x.map(f);
const erf = (v: number) => {
  // Maclaurin series; converges fast for |v| ≤ 1.
  let [term, sum] = [v, v];
  for (let n = 1; n < 30; n++) {
    term *= (-v * v) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
};
const softmaxOf = (row: number[]) => row.map((v) => Math.exp(v) / row.reduce((sum, other) => sum + Math.exp(other), 0));
const normalise = (row: number[]) => {
  const mean = row.reduce((a, b) => a + b) / row.length;
  const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / row.length;
  return row.map((v) => (v - mean) / Math.sqrt(variance + 1e-5));
};
const [top, bottom] = [x.slice(0, 3), x.slice(3)];

const cases: Record<string, [(g: Graph, x: Value) => Value, number[]]> = {
  Add: [(g, v) => g.add(v, g.constant([3], [1, 2, 3])), x.map((a, i) => a + (i % 3) + 1)],
  Sub: [(g, v) => g.sub(v, g.constant([2, 1], [1, 2])), x.map((a, i) => a - (i < 3 ? 1 : 2))],
  Mul: [(g, v) => g.mul(v, 3), each((a) => 3 * a)],
  Div: [(g, v) => g.div(1, g.add(v, 2)), each((a) => 1 / (a + 2))],
  Pow: [(g, v) => g.pow(v, 3), each((a) => a ** 3)],
  Min: [(g, v) => g.min(v, 0), each((a) => Math.min(a, 0))],
  Max: [(g, v) => g.max(v, 0.25), each((a) => Math.max(a, 0.25))],
  Neg: [(g, v) => g.neg(v), each((a) => -a)],
  Abs: [(g, v) => g.abs(v), each(Math.abs)],
  Sign: [(g, v) => g.sign(v), each(Math.sign)],
  Sqrt: [(g, v) => g.sqrt(g.add(v, 1)), each((a) => Math.sqrt(a + 1))],
  Reciprocal: [(g, v) => g.reciprocal(g.add(v, 1)), each((a) => 1 / (a + 1))],
  Exp: [(g, v) => g.exp(v), each(Math.exp)],
  Log: [(g, v) => g.log(g.add(v, 1)), each(Math.log1p)],
  Sin: [(g, v) => g.sin(v), each(Math.sin)],
  Cos: [(g, v) => g.cos(v), each(Math.cos)],
  Relu: [(g, v) => g.relu(v), each((a) => Math.max(a, 0))],
  Tanh: [(g, v) => g.tanh(v), each(Math.tanh)],
  Erf: [(g, v) => g.erf(v), each(erf)],
  Gelu: [(g, v) => g.gelu(v), each((a) => (a / 2) * (1 + erf(a / Math.SQRT2)))],
  Sigmoid: [(g, v) => g.sigmoid(v), each((a) => 1 / (1 + Math.exp(-a)))],
  Identity: [(g, v) => g.stopGradient(v), x],
  Not: [(g, v) => g.cast(g.not(g.less(v, 0)), 'float32'), each((a) => Number(!(a < 0)))],
  And: [
    (g, v) => g.cast(g.and(g.less(v, 0.3), g.greater(v, -0.3)), 'float32'),
    each((a) => Number(a < 0.3 && a > -0.3)),
  ],
  Equal: [(g, v) => g.cast(g.equal(v, 0.25), 'float32'), each((a) => Number(a === 0.25))],
  Greater: [(g, v) => g.cast(g.greater(v, 0.25), 'float32'), each((a) => Number(a > 0.25))],
  GreaterOrEqual: [(g, v) => g.cast(g.greaterOrEqual(v, 0.25), 'float32'), each((a) => Number(a >= 0.25))],
  Less: [(g, v) => g.cast(g.less(v, 0.25), 'float32'), each((a) => Number(a < 0.25))],
  Cast: [(g, v) => g.cast(g.cast(v, 'int64'), 'float32'), each(Math.trunc)],
  Where: [(g, v) => g.where(g.greater(v, 0), v, 9), each((a) => (a > 0 ? a : 9))],
  ArgMax: [(g, v) => g.cast(g.argMax(v, 1), 'float32'), [2, 2]],
  OneHot: [(g, v) => g.oneHot(g.argMax(v, 1), 4), [0, 0, 1, 0, 0, 0, 1, 0]],
  Softmax: [(g, v) => g.softmax(v), [...softmaxOf(top), ...softmaxOf(bottom)]],
  LogSoftmax: [(g, v) => g.logSoftmax(v), [...softmaxOf(top), ...softmaxOf(bottom)].map(Math.log)],
  LayerNormalization: [
    (g, v) => g.layerNormalization(v, g.filled([3], 2), g.filled([3], 1)),
    [...normalise(top), ...normalise(bottom)].map((a) => 2 * a + 1),
  ],
  ReduceSum: [(g, v) => g.reduceSum(v, [0]), top.map((a, i) => a + bottom[i]!)],
  ReduceMean: [(g, v) => g.reduceMean(v), [0.125]],
  ReduceMax: [(g, v) => g.reduceMax(v, [1], true), [0, 0.75]],
  MatMul: [(g, v) => g.matMul(v, g.constant([3, 1], [1, 10, 100])), [-2.5 - 0.5, 0.25 + 5 + 75]],
  Gemm: [
    (g, v) => g.gemm(v, g.constant([3, 1], [1, 10, 100]), g.constant([1], [1]), { transB: false, alpha: 2 }),
    [-5, 161.5],
  ],
  Reshape: [(g, v) => g.reshape(v, [3, -1]), x],
  Transpose: [(g, v) => g.transpose(v), [0, 3, 1, 4, 2, 5].map((i) => x[i]!)],
  Expand: [(g, v) => g.expand(v, [2, 2, 3]), [...x, ...x]],
  Concat: [(g, v) => g.concat([v, g.neg(v)], 1), [top, bottom].flatMap((row) => [...row, ...row.map((a) => -a)])],
  Split: [(g, v) => g.split(v, [1, 2], 1)[1]!, [x[1]!, x[2]!, x[4]!, x[5]!]],
  Slice: [(g, v) => g.slice(v, -1, 0, 3, 2), [x[0]!, x[2]!, x[3]!, x[5]!]],
  Pad: [(g, v) => g.pad(v, [0, 1, 0, 0]), [0, ...top, 0, ...bottom]],
  Gather: [(g, v) => g.gather(v, [2, 0], 1), [x[2]!, x[0]!, x[5]!, x[3]!]],
  ScatterElements: [
    (g, v) =>
      g.apply('ScatterElements', [v, g.constant([1, 1], [2], 'int64'), g.filled([1, 1], 7)], {
        axis: 1,
        reduction: 'add',
      })[0]!,
    x.with(2, x[2]! + 7),
  ],
  Conv: [
    (g, v) =>
      g.conv(g.reshape(v, [1, 2, 3]), g.constant([1, 2, 2], [1, 2, 3, 4]), g.constant([1], [1]), { pads: [0, 1] }),
    [0, 1, 2].map((i) => 1 + top[i]! + 2 * (top[i + 1] ?? 0) + 3 * bottom[i]! + 4 * (bottom[i + 1] ?? 0)),
  ],
  ConvTranspose: [
    (g, v) => g.apply('ConvTranspose', [g.reshape(v, [2, 1, 3]), g.constant([1, 1, 2], [1, 10])], { strides: [2] })[0]!,
    [top, bottom].flatMap((row) => row.flatMap((a) => [a, 10 * a])),
  ],
  TopK: [(g, v) => g.smallest(g.mul(v, -1), 2), [2, 1, 2, 1]],
  MaxPool: [(g, v) => g.maxPool(g.reshape(v, [1, 2, 3]), [2]), [top[1]!, top[2]!, bottom[1]!, bottom[2]!]],
  AveragePool: [
    (g, v) => g.averagePool(g.reshape(v, [1, 2, 3]), [3], { strides: [3] }),
    [top, bottom].map((row) => (row[0]! + row[1]! + row[2]!) / 3),
  ],
  GlobalAveragePool: [(g, v) => g.globalAveragePool(g.reshape(v, [2, 1, 3])), [-0.25, 0.5]],
};

void t.test('every operator gives the numbers and the shape that the builder foretells', async (t) => {
  for (const op of Object.keys(operators)) {
    const found = cases[op];
    if (!found) {
      t.fail(`${op} has no case`);
      continue;
    }
    const g = graph();
    const y = found[0](g, g.input('x', [2, 3]));
    t.ok(
      g.nodes.some((node) => node.op === op),
      `${op} is what its case uses`,
    );
    g.output('y', y);
    const { values, shape } = (await run(g.toOnnx({ parametersAs: 'initializers' }), { x }))['y']!;
    t.same(shape, y.shape, `${op}: shape`);
    t.equal(sizeOf(shape), found[1].length, `${op}: size`);
    const worst = Math.max(...values.map((value, i) => Math.abs(value - found[1][i]!)));
    t.ok(worst < 2e-6, `${op}: off by ${worst}`);
  }
});

void t.test('two-dimensional, strided and grouped convolution against plain loops', async (t) => {
  const [batch, channels, height, width, outputs, group, kernel] = [2, 4, 5, 6, 6, 2, 3];
  const g = graph();
  const image = g.input('x', [batch, channels, height, width]);
  const weights = Array.from({ length: outputs * (channels / group) * kernel * kernel }, (_, i) => Math.sin(i));
  const pixels = Array.from({ length: sizeOf(image.shape) }, (_, i) => Math.cos(i));
  const w = g.parameter('w', [outputs, channels / group, kernel, kernel], weights);
  const y = g.conv(image, w, undefined, { strides: [2, 1], pads: [1, 1, 1, 0], group });
  t.same(y.shape, [2, 6, 3, 5]);
  g.output('y', y);
  const { values } = (await run(g.toOnnx({ parametersAs: 'initializers' }), { x: pixels }))['y']!;
  let at = 0;
  let worst = 0;
  for (let n = 0; n < batch; n++)
    for (let o = 0; o < outputs; o++)
      for (let row = 0; row < 3; row++)
        for (let column = 0; column < 5; column++) {
          let sum = 0;
          for (let c = 0; c < channels / group; c++)
            for (let i = 0; i < kernel; i++)
              for (let j = 0; j < kernel; j++) {
                const [r, s] = [2 * row + i - 1, column + j - 1];
                if (r < 0 || s < 0 || r >= height || s >= width) continue;
                const channel = Math.floor(o / (outputs / group)) * (channels / group) + c;
                sum +=
                  pixels[((n * channels + channel) * height + r) * width + s]! *
                  weights[((o * (channels / group) + c) * kernel + i) * kernel + j]!;
              }
          worst = Math.max(worst, Math.abs(sum - values[at++]!));
        }
  t.ok(worst < 1e-5, `off by ${worst}`);
});

void t.test('batch normalisation of a batch has mean bias and deviation scale', async (t) => {
  const g = graph();
  const { y, mean, variance } = g.batchNormalization(
    g.input('x', [4, 2, 3]),
    g.constant([2], [1, 2]),
    g.constant([2], [0, 5]),
  );
  for (const [name, value] of Object.entries({ y, mean, variance })) g.output(name, value);
  const results = await run(g.toOnnx({ parametersAs: 'initializers' }), { x: ramp(24) });
  const channel = (k: number) => results['y']!.values.filter((_, i) => Math.floor(i / 3) % 2 === k);
  for (const [k, bias, scale] of [
    [0, 0, 1],
    [1, 5, 2],
  ] as const) {
    const values = channel(k);
    const average = values.reduce((a, b) => a + b) / 12;
    t.ok(Math.abs(average - bias) < 1e-4);
    t.ok(Math.abs(Math.sqrt(values.reduce((a, b) => a + (b - average) ** 2, 0) / 12) - scale) < 1e-4);
  }
  t.same(results['mean']!.values, [10, 13]);
});

void t.test('parameters leave as initializers, as inputs or as one vector, with the same result', async (t) => {
  const build = () => {
    const g = graph();
    const w = g.parameter('w', [3, 2], [1, 2, 3, 4, 5, 6]);
    const frozen = g.parameter('frozen', [2], [100, 200], { trainable: false });
    const b = g.parameter('b', [2], [0.5, -0.5]);
    g.output('y', g.add(g.add(g.matMul(g.input('x', [1, 3]), w), b), frozen));
    return g;
  };
  const g = build();
  const expected = [1 + 3 + 5 + 100.5, 2 + 4 + 6 + 199.5];
  const feeds = { x: [1, 1, 1], w: [1, 2, 3, 4, 5, 6], b: [0.5, -0.5], parameters: g.packed() };
  for (const [parametersAs, inputs] of [
    ['initializers', ['x']],
    ['inputs', ['x', 'w', 'b']],
    ['vector', ['x', 'parameters']],
  ] as const) {
    const bytes = g.toOnnx({ parametersAs });
    t.same(
      decodeOnnx(bytes).inputs.map(({ name }) => name),
      inputs,
    );
    t.same((await run(bytes, feeds))['y']!.values, expected, parametersAs);
  }
  t.same([...g.packed()], [1, 2, 3, 4, 5, 6, 0.5, -0.5]);
  t.same(g.packing(), [
    { name: 'w', shape: [3, 2], offset: 0, length: 6 },
    { name: 'b', shape: [2], offset: 6, length: 2 },
  ]);
});

void t.test('what no output needs is left out of the file', (t) => {
  const g = graph();
  const v = g.input('x', [2]);
  g.exp(g.input('unused', [2]));
  g.output('y', g.neg(v));
  const model = decodeOnnx(g.toOnnx({ parametersAs: 'initializers', metadata: { made: 'here' } }));
  t.same(
    model.nodes.map(({ op }) => op),
    ['Neg'],
  );
  t.same(
    model.nodes.map(({ outputs }) => outputs),
    [['y']],
    'the node gives the output itself',
  );
  t.same(model.inputs, [{ name: 'x', type: 'float32', shape: [2] }]);
  t.same(model.metadata, { made: 'here' });
  t.same(decodeOnnx(encodeOnnx(model)), model, 'and back again');
  t.end();
});

void t.test('outputs that are inputs, or given twice, are copies', async (t) => {
  const g = graph();
  const x = g.input('x', [2]);
  const y = g.neg(x);
  for (const [name, value] of Object.entries({ y, again: y, x2: x, z: g.exp(y) })) g.output(name, value);
  const session = await InferenceSession.create(g.toOnnx({ parametersAs: 'initializers' }), { logSeverityLevel: 3 });
  const results = await session.run({ x: new Tensor('float32', Float32Array.of(1, 0), [2]) });
  await session.release();
  t.same([...(results['y']!.data as Float32Array)], [-1, -0]);
  t.same([...(results['again']!.data as Float32Array)], [-1, -0]);
  t.same([...(results['x2']!.data as Float32Array)], [1, 0]);
  t.same([...(results['z']!.data as Float32Array)], [Math.fround(Math.exp(-1)), 1]);
});

void t.test('a mistake is told where it is made', (t) => {
  const g = graph();
  const a = g.input('a', [2, 3]);
  const b = g.input('b', [4, 5]);
  t.throws(() => g.matMul(a, b), /^MatMul\(a \[2, 3\], b \[4, 5\]\): the inner sizes differ/);
  t.throws(() => g.add(a, b), /Add\(a \[2, 3\], b \[4, 5\]\): \[2, 3\] and \[4, 5\] do not broadcast/);
  t.throws(() => g.reshape(a, [4, -1]), /Reshape.*does not fit/);
  t.throws(() => g.concat([a, b], 0), /Concat.*differ elsewhere/);
  t.throws(() => g.slice(a, 1, 2, 5), /Slice.*not within axis 1/);
  t.throws(() => g.transpose(a, [0, 0]), /Transpose.*no order/);
  t.throws(() => g.gather(a, [3], 1), /Gather.*index 3 is outside/);
  t.throws(() => g.softmax(g.constant([], [1])), /Softmax.*axis -1 is outside rank 0/);
  t.throws(() => g.conv(g.input('c', [1, 3, 8]), g.constant([2, 2, 3], new Float32Array(12))), /Conv.*3 channels/);
  t.throws(() => g.layerNormalization(a, g.filled([2], 1), g.filled([2], 0)), /LayerNormalization.*scale \[2\]/);
  t.throws(() => g.add(a, g.input('whole', [3], 'int64')), /element types float32 and int64 differ/);
  t.throws(() => g.parameter('w', [2, 2], [1]), /parameter 'w' \[2, 2\] needs 4 values, not 1/);
  t.throws(() => g.input('a', [1]), /name 'a' is taken/);
  t.throws(() => g.apply('Fft', [a]), /unknown operator 'Fft'/);
  t.throws(() => graph().toOnnx({ parametersAs: 'inputs' }), /no output/);
  t.end();
});

void t.test('bytes that are no ONNX file are refused', (t) => {
  t.throws(() => decodeOnnx(new Uint8Array([1, 2, 3, 4, 255])), /not an ONNX file/);
  t.throws(() => decodeOnnx(new Uint8Array()), /not an ONNX file/);
  t.end();
});

void t.test('self-attention gives what its definition in primitives gives, whole and in pieces', async (t) => {
  for (const [batch, tokens, heads, depth] of [
    [2, 5, 2, 3],
    [3, 300, 1, 2],
  ] as const) {
    const g = graph();
    const width = heads * depth;
    const projected = g.input('x', [batch, tokens, 3 * width]);
    const split = (v: Value) => g.transpose(g.reshape(v, [batch, tokens, heads, depth]), [0, 2, 1, 3]);
    const [q, k, v] = g.split(projected, [width, width, width], -1).map(split) as [Value, Value, Value];
    const weights = g.softmax(g.div(g.matMul(q, g.transpose(k)), Math.sqrt(depth)));
    const plain = g.reshape(g.transpose(g.matMul(weights, v), [0, 2, 1, 3]), [batch, tokens, width]);
    g.output('plain', plain);
    g.output('pieces', selfAttention(g, projected, heads));
    const feed = Array.from({ length: sizeOf(projected.shape) }, (_, i) => Math.sin(i * i));
    const results = await run(g.toOnnx({ parametersAs: 'initializers' }), { x: feed });
    t.same(results['pieces']!.shape, [batch, tokens, width]);
    const worst = Math.max(...results['plain']!.values.map((a, i) => Math.abs(a - results['pieces']!.values[i]!)));
    t.ok(worst < 2e-6, `off by ${worst}`);
  }
  const g = graph();
  t.throws(() => selfAttention(g, g.input('x', [2, 5, 7]), 2), /selfAttention: \[2, 5, 7\] is not/);
});
