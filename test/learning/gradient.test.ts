import t from 'tap';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { gradient } from '../../learning/gradient.js';
import { rules, stops } from '../../learning/gradient-rules.js';
import { selfAttention } from '../../models/attention.js';
import { graph } from '../../models/graph.js';
import type { Graph, Shape, Value } from '../../models/graph.js';
import { operators, sizeOf } from '../../models/operators.js';

interface Case {
  /** What is differentiated by. */
  readonly shapes: readonly Shape[];
  readonly build: (g: Graph, inputs: [Value, Value, Value]) => Value;
  /** onnxruntime's CPU provider has no float64 kernel of some operators; those are checked in float32. */
  readonly type?: 'float32' | 'float64';
  /** Where the elements lie, default −1 to 1. */
  readonly range?: readonly [number, number];
  /** Linear in each input, so that any step of the differences is exact. */
  readonly linear?: boolean;
  /** How many elements of each input are checked, evenly spread; default all. */
  readonly sample?: number;
}

const pair: readonly Shape[] = [
  [2, 3],
  [2, 3],
];
const one: readonly Shape[] = [[2, 3]];
const positive = { range: [0.4, 2] } as const;
const single = { type: 'float32' } as const;
const product = { type: 'float32', linear: true } as const;

/** One or more cases for each rule. */
const cases: Record<string, Case[]> = {
  Add: [
    { shapes: pair, build: (g, [a, b]) => g.add(a, b) },
    { shapes: [[2, 3], [3]], build: (g, [a, b]) => g.add(a, b) },
    {
      shapes: [
        [4, 1, 3],
        [2, 1],
      ],
      build: (g, [a, b]) => g.add(a, b),
    },
    { shapes: [[], [2, 3]], build: (g, [a, b]) => g.add(a, b) },
  ],
  Sub: [
    { shapes: pair, build: (g, [a, b]) => g.sub(a, b) },
    { shapes: [[3], [2, 3]], build: (g, [a, b]) => g.sub(a, b) },
    {
      shapes: [
        [2, 3],
        [2, 1],
      ],
      build: (g, [a, b]) => g.sub(a, b),
    },
  ],
  Mul: [
    { shapes: pair, build: (g, [a, b]) => g.mul(a, b) },
    {
      shapes: [
        [2, 1, 3],
        [4, 1],
      ],
      build: (g, [a, b]) => g.mul(a, b),
    },
    { shapes: one, build: (g, [a]) => g.mul(a, a) },
  ],
  Div: [
    { shapes: pair, build: (g, [a, b]) => g.div(a, b), ...positive },
    { shapes: [[3], [2, 3]], build: (g, [a, b]) => g.div(a, b), ...positive },
    { shapes: [[2, 3], []], build: (g, [a, b]) => g.div(a, b), ...positive },
  ],
  Pow: [
    { shapes: one, build: (g, [x]) => g.pow(x, 2) },
    { shapes: one, build: (g, [x]) => g.pow(x, -1.5), ...positive },
  ],
  Min: [{ shapes: [[2, 3], [3]], build: (g, [a, b]) => g.min(a, b) }],
  Max: [{ shapes: [[2, 3], [3]], build: (g, [a, b]) => g.max(a, b) }],
  Neg: [{ shapes: one, build: (g, [x]) => g.neg(x) }],
  Abs: [{ shapes: one, build: (g, [x]) => g.abs(x) }],
  Sqrt: [{ shapes: one, build: (g, [x]) => g.sqrt(x), ...positive }],
  Reciprocal: [{ shapes: one, build: (g, [x]) => g.reciprocal(x), ...positive }],
  Exp: [{ shapes: one, build: (g, [x]) => g.exp(x) }],
  Log: [{ shapes: one, build: (g, [x]) => g.log(x), ...positive }],
  Sin: [{ shapes: one, build: (g, [x]) => g.sin(x) }],
  Cos: [{ shapes: one, build: (g, [x]) => g.cos(x) }],
  Relu: [{ shapes: one, build: (g, [x]) => g.relu(x) }],
  Tanh: [{ shapes: one, build: (g, [x]) => g.tanh(x) }],
  Erf: [{ shapes: one, build: (g, [x]) => g.erf(x), ...single }],
  Gelu: [{ shapes: one, build: (g, [x]) => g.gelu(x), range: [-3, 3], ...single }],
  Sigmoid: [{ shapes: one, build: (g, [x]) => g.sigmoid(x) }],
  Cast: [{ shapes: one, build: (g, [x]) => g.cast(g.cast(x, 'float64'), 'float32'), ...product }],
  Where: [
    {
      shapes: [[2, 3], [3]],
      build: (g, [a, b]) => g.where(g.greater(g.constant([2, 3], [1, -1, 1, 1, -1, -1]), 0), a, b),
    },
  ],
  MatMul: [
    {
      shapes: [
        [2, 3],
        [3, 4],
      ],
      build: (g, [x, w]) => g.matMul(x, w),
    },
    {
      shapes: [
        [2, 2, 3],
        [3, 4],
      ],
      build: (g, [x, w]) => g.matMul(x, w),
    },
    {
      shapes: [
        [2, 2, 3],
        [2, 3, 2],
      ],
      build: (g, [x, w]) => g.matMul(x, w),
    },
    {
      shapes: [
        [2, 3],
        [2, 3, 2],
      ],
      build: (g, [x, w]) => g.matMul(x, w),
    },
    {
      shapes: [
        [2, 1, 2, 3],
        [3, 3, 2],
      ],
      build: (g, [x, w]) => g.matMul(x, w),
    },
  ],
  Gemm: [false, true].flatMap((transA) =>
    [false, true].map((transB) => ({
      shapes: [transA ? [3, 2] : [2, 3], transB ? [4, 3] : [3, 4], [4]],
      build: (g: Graph, [a, b, c]: [Value, Value, Value]) => g.gemm(a, b, c, { transA, transB, alpha: 0.7 }),
    })),
  ),
  Softmax: [{ shapes: [[2, 2, 3]], build: (g, [x]) => g.softmax(x) }],
  LogSoftmax: [{ shapes: [[2, 2, 3]], build: (g, [x]) => g.logSoftmax(x) }],
  LayerNormalization: [
    {
      shapes: [[2, 2, 5], [5], [5]],
      build: (g, [x, scale, bias]) => g.layerNormalization(x, scale, bias, 0.1),
      ...single,
    },
    { shapes: [[3, 5], [5], [5]], build: (g, [x, scale, bias]) => g.layerNormalization(x, scale, bias), ...single },
  ],
  SelfAttention: [
    { shapes: [[2, 3, 12]], build: (g, [x]) => selfAttention(g, x, 2) },
    // Long enough to be worked through in two pieces of unequal size.
    { shapes: [[3, 300, 3]], build: (g, [x]) => selfAttention(g, x, 1), sample: 20 },
  ],
  ReduceSum: [
    { shapes: one, build: (g, [x]) => g.reduceSum(x) },
    { shapes: [[2, 3, 2]], build: (g, [x]) => g.reduceSum(x, [0, 2]) },
    { shapes: [[2, 3, 2]], build: (g, [x]) => g.reduceSum(x, [-2], true) },
  ],
  ReduceMean: [
    { shapes: one, build: (g, [x]) => g.reduceMean(x) },
    { shapes: [[2, 3, 2]], build: (g, [x]) => g.reduceMean(x, [1]) },
    { shapes: [[2, 3, 2]], build: (g, [x]) => g.reduceMean(x, [0, -1], true) },
  ],
  ReduceMax: [
    { shapes: one, build: (g, [x]) => g.reduceMax(x, [1]) },
    { shapes: [[2, 3, 2]], build: (g, [x]) => g.reduceMax(x, [0, 2], true) },
  ],
  Reshape: [{ shapes: one, build: (g, [x]) => g.reshape(x, [3, -1]) }],
  Transpose: [
    { shapes: one, build: (g, [x]) => g.transpose(x) },
    { shapes: [[2, 3, 4, 2]], build: (g, [x]) => g.transpose(x, [2, 0, 3, 1]) },
  ],
  Expand: [{ shapes: [[2, 1, 3]], build: (g, [x]) => g.expand(x, [2, 2, 4, 3]) }],
  Concat: [
    {
      shapes: [
        [2, 3],
        [2, 1],
        [2, 2],
      ],
      build: (g, [a, b, c]) => g.concat([a, b, c, a], 1),
    },
  ],
  Split: [
    { shapes: [[2, 6]], build: (g, [x]) => g.mul(g.split(x, [2, 2, 2], -1)[0]!, g.split(x, [2, 2, 2], 1)[2]!) },
    { shapes: [[4, 2]], build: (g, [x]) => g.split(x, [1, 3], 0)[1]! },
  ],
  Slice: [
    { shapes: [[4, 5]], build: (g, [x]) => g.slice(x, 1, 1, 4) },
    { shapes: [[7, 2]], build: (g, [x]) => g.slice(x, 0, 1, 7, 3) },
    { shapes: [[3, 6]], build: (g, [x]) => g.slice(x, -1, 0, 6, 2) },
  ],
  Pad: [{ shapes: one, build: (g, [x]) => g.pad(x, [1, 0, 2, 3]) }],
  Gather: [
    { shapes: [[4, 3]], build: (g, [x]) => g.gather(x, [2, 0, 2]) },
    { shapes: [[2, 3, 2]], build: (g, [x]) => g.gather(x, g.constant([2, 2], [0, 1, 1, 2], 'int64'), 1) },
  ],
  Conv: [
    { shapes: [[2, 3, 7], [4, 3, 3], [4]], build: (g, [x, w, b]) => g.conv(x, w, b, { pads: [1, 1] }), ...product },
    {
      shapes: [
        [2, 3, 8],
        [2, 3, 3],
      ],
      build: (g, [x, w]) => g.conv(x, w, undefined, { strides: [2] }),
      ...product,
    },
    {
      shapes: [
        [1, 2, 9],
        [3, 2, 3],
      ],
      build: (g, [x, w]) => g.conv(x, w, undefined, { strides: [3], dilations: [2], pads: [2, 1] }),
      ...product,
    },
    {
      shapes: [
        [2, 4, 5],
        [4, 1, 3],
      ],
      build: (g, [x, w]) => g.conv(x, w, undefined, { group: 4 }),
      ...product,
    },
    {
      shapes: [
        [2, 3, 5],
        [2, 3, 1],
      ],
      build: (g, [x, w]) => g.conv(x, w),
      ...product,
    },
    {
      shapes: [[2, 4, 5, 6], [6, 2, 3, 2], [6]],
      build: (g, [x, w, b]) => g.conv(x, w, b, { group: 2, strides: [2, 1], pads: [1, 0, 1, 1] }),
      ...product,
    },
    {
      shapes: [
        [1, 2, 6, 5],
        [2, 2, 2, 2],
      ],
      build: (g, [x, w]) => g.conv(x, w, undefined, { strides: [1, 2], dilations: [2, 1] }),
      ...product,
    },
    {
      shapes: [
        [2, 2, 3, 4, 5],
        [3, 2, 2, 3, 3],
      ],
      build: (g, [x, w]) => g.conv(x, w, undefined, { strides: [1, 2, 2], pads: [1, 1, 1, 0, 1, 1] }),
      ...product,
    },
  ],
  ConvTranspose: [
    {
      shapes: [
        [2, 3, 4],
        [3, 2, 3],
      ],
      build: (g, [x, w]) => g.apply('ConvTranspose', [x, w], { strides: [2], pads: [1, 0], kernel_shape: [3] })[0]!,
      ...product,
    },
  ],
  MaxPool: [
    { shapes: [[2, 2, 6]], build: (g, [x]) => g.maxPool(x, [2], { strides: [2] }) },
    { shapes: [[1, 2, 5, 4]], build: (g, [x]) => g.maxPool(x, [3, 2], { strides: [1, 2], pads: [1, 0, 1, 0] }) },
  ],
  AveragePool: [
    { shapes: [[2, 2, 7]], build: (g, [x]) => g.averagePool(x, [3], { strides: [2], pads: [1, 0] }), ...product },
    { shapes: [[1, 2, 4, 4]], build: (g, [x]) => g.averagePool(x, [2, 2], { strides: [2, 2] }), ...product },
  ],
  GlobalAveragePool: [{ shapes: [[2, 2, 3]], build: (g, [x]) => g.globalAveragePool(x), ...product }],
};

/** Numbers that look random and are the same at every run (mulberry32). */
function random(seed: number) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const sessionOptions = { executionProviders: ['cpu'], intraOpNumThreads: 1, logSeverityLevel: 3 } as const;

/**
 * The largest difference between the graph's gradients and differences of the loss Σ y · c, c fixed and random, relative to 1 or the
 * gradient. Differences are central, of fourth order: (8 (f(h) − f(−h)) − f(2h) + f(−2h)) / 12h.
 */
async function worstError({ shapes, build, type = 'float64', range: [low, high] = [-1, 1], linear, sample }: Case) {
  const draw = random(7);
  const g = graph({ type });
  const inputs = shapes.map((shape, index) => g.input(`x${index}`, shape));
  const y = build(g, inputs as [Value, Value, Value]);
  const weights = Array.from({ length: sizeOf(y.shape) }, () => draw() * 2 - 1);
  const loss = g.reduceSum(g.mul(y, g.constant(y.shape, weights)));
  g.output('loss', loss);
  for (const [index, value] of gradient(g, loss, inputs).entries()) g.output(`d${index}`, value);

  const array = type === 'float64' ? Float64Array : Float32Array;
  const feeds = shapes.map(
    (shape) => new array(Array.from({ length: sizeOf(shape) }, () => low + (high - low) * draw())),
  );
  const session = await InferenceSession.create(g.toOnnx({ parametersAs: 'inputs' }), sessionOptions);
  const run = async (outputs: string[]) => {
    const tensors = feeds.map((data, i) => [`x${i}`, new Tensor(type, data as Float64Array, shapes[i])] as const);
    return session.run(Object.fromEntries(tensors), outputs);
  };
  const lossNow = async () => Number((await run(['loss']))['loss']!.data[0]);
  const found = await run(shapes.map((_, i) => `d${i}`));

  const step = linear ? 0.25 : type === 'float64' ? 1e-3 : 0.03;
  let worst = 0;
  for (const [i, feed] of feeds.entries()) {
    const derivative = found[`d${i}`]!;
    if (derivative.dims.join() !== shapes[i]!.join()) throw new Error(`input ${i}: shape [${derivative.dims.join()}]`);
    const stride = Math.max(1, Math.floor(feed.length / (sample ?? feed.length)));
    for (const [at, centre] of [...feed].entries()) {
      if (at % stride !== 0) continue;
      const near = async (steps: number) => {
        feed[at] = centre + steps * step;
        return lossNow();
      };
      const difference = (8 * ((await near(1)) - (await near(-1))) - (await near(2)) + (await near(-2))) / (12 * step);
      feed[at] = centre;
      worst = Math.max(worst, Math.abs(difference - Number(derivative.data[at])) / Math.max(1, Math.abs(difference)));
    }
  }
  await session.release();
  return worst;
}

/** float64: what the differences' own error leaves; float32: rounding of the loss over the step. */
const tolerances = { float64: 1e-8, float32: 2e-4, linear: 2e-5 };
const toleranceOf = ({ type = 'float64', linear }: Case) => tolerances[linear ? 'linear' : type];

void t.test('every rule agrees with central differences', async (t) => {
  for (const op of Object.keys(rules)) {
    t.ok(cases[op]?.length, `${op} has a check`);
    for (const [index, one] of (cases[op] ?? []).entries()) {
      const g = graph();
      one.build(g, one.shapes.map((shape, i) => g.input(`x${i}`, shape)) as [Value, Value, Value]);
      t.ok(
        g.nodes.some((node) => node.op === op),
        `${op} is what its check uses`,
      );
      const worst = await worstError(one);
      t.ok(worst < toleranceOf(one), `${op} ${index}: off by ${worst.toExponential(1)}`);
    }
  }
});

void t.test('every operator of the builder has a rule, stops gradients or is known to have none', (t) => {
  const without = Object.keys(operators).filter((op) => !rules[op] && !stops.has(op));
  t.same(without, ['ScatterElements'], 'only made by gradients themselves');
  t.same(
    Object.keys(rules).filter((op) => stops.has(op)),
    [],
  );
  t.end();
});

/** Convolutional stem, attention with one head, layer normalisation, feed-forward with GELU, cross-entropy, on four windows. */
const network: Case = {
  shapes: [
    [3, 2, 3],
    [3, 9],
    [3, 4],
  ],
  type: 'float32',
  build: (g, [kernel, projections, classes]) => {
    const draw = random(3);
    const numbers = (shape: Shape) =>
      g.constant(
        shape,
        Array.from({ length: sizeOf(shape) }, () => draw() * 2 - 1),
      );
    const stem = g.gelu(g.conv(numbers([4, 2, 6]), kernel, numbers([3]), { pads: [1, 1], strides: [2] }));
    const tokens = g.layerNormalization(g.transpose(stem), numbers([3]), numbers([3]));
    const [q, k, v] = g.split(g.matMul(tokens, projections), [3, 3, 3], -1) as [Value, Value, Value];
    const attention = g.softmax(g.mul(g.matMul(q, g.transpose(k)), 1 / Math.sqrt(3)));
    const mixed = g.layerNormalization(g.add(tokens, g.matMul(attention, v)), numbers([3]), numbers([3]), 0.1);
    const logits = g.matMul(g.reduceMean(mixed, [1]), classes);
    const labels = g.oneHot(g.constant([4], [0, 3, 1, 1], 'int64'), 4);
    return g.neg(g.reduceMean(g.reduceSum(g.mul(g.logSoftmax(logits), labels), [-1])));
  },
};

void t.test('a whole network: stem, attention, normalisation, cross-entropy', async (t) => {
  const worst = await worstError(network);
  t.ok(worst < 2e-4, `off by ${worst.toExponential(1)}`);
});

void t.test('the same value used twice gets both gradients; frozen parameters and stopped paths none', async (t) => {
  const g = graph({ type: 'float64' });
  const w = g.parameter('w', [2], [3, 5]);
  g.parameter('frozen', [2], [1, 1], { trainable: false });
  const loss = g.reduceSum(g.add(g.mul(w, w), g.mul(w, g.stopGradient(g.exp(w)))));
  const [dw, ...rest] = gradient(g, loss);
  t.same(rest, []);
  g.output('dw', dw!);
  const session = await InferenceSession.create(g.toOnnx({ parametersAs: 'initializers' }), sessionOptions);
  const { data } = (await session.run({}))['dw']!;
  t.same([...(data as Float64Array)], [6 + Math.exp(3), 10 + Math.exp(5)]);
});

void t.test('what has no gradient is refused with the reason', (t) => {
  const g = graph();
  const w = g.parameter('w', [2, 3], new Float32Array(6));
  t.throws(() => gradient(g, w), /loss has shape \[2, 3\]/);
  t.throws(() => gradient(g, g.reduceSum(g.sign(w))), /does not depend on 'w'/);
  const places = g.constant([1, 1], [0], 'int64');
  const scattered = g.apply('ScatterElements', [w, places, g.filled([1, 1], 1)], { axis: 1 })[0]!;
  t.throws(() => gradient(g, g.reduceSum(scattered)), /ScatterElements has no rule/);
  const whole = g.cast(g.cast(w, 'int64'), 'float32');
  t.throws(() => gradient(g, g.reduceSum(whole)), /no gradient/);
  const free = g.apply('Pow', [g.scalar(2), w])[0]!;
  t.throws(() => gradient(g, g.reduceSum(free)), /exponent must be constant/);
  t.end();
});
