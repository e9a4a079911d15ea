/**
 * The gradient of every operator, out of standard ONNX operators: one entry an operator, with its formula.
 * ∂v stands for the derivative of the loss by v. Sums over axes that broadcasting added are undone by `fit`.
 * What nobody needs of an entry's results is left out when the graph is exported, so entries give all of them.
 */
import type { Attributes, Inputs, Value } from '../models/operators.js';
import type { Graph } from '../models/graph.js';
import { axisOf, elementsOf, integer, integers, sizeOf, slidingGeometry } from '../models/operators.js';
import { attentionGradient } from './attention-gradient.js';
import { convolutionInput, convolutionWeights, poolingInput } from './convolution-gradient.js';
import { fit, spread, stretch } from './gradient-shapes.js';

export interface RuleContext {
  /** The operator's first output. */
  readonly y: Value;
  readonly outputs: readonly Value[];
  /** ∂ of every output; undefined where the loss does not depend on it. */
  readonly dys: readonly (Value | undefined)[];
  readonly attributes: Attributes;
}

/** Gives ∂ of each input; undefined where the operator has none. */
export type Rule = (g: Graph, inputs: Inputs, dy: Value, context: RuleContext) => (Value | undefined)[];

const flat = (g: Graph, x: Value): Value => g.reshape(x, [-1, x.shape.at(-1)!]);
const isReal = (x: Value): boolean => x.type === 'float32' || x.type === 'float64';

/** y = max(a, b) or min(a, b): ∂y goes to the one that was taken, to a where they are equal. */
const chosen =
  (takesFirst: 'greaterOrEqual' | 'less'): Rule =>
  (g, [a, b], dy) => {
    const first = takesFirst === 'less' ? g.not(g.greater(a, b)) : g.greaterOrEqual(a, b);
    return [fit(g, g.where(first, dy, 0), a.shape), fit(g, g.where(first, 0, dy), b.shape)];
  };

const sliding = (attributes: Attributes) => ({ ...attributes, group: integer(attributes, 'group', 1) });

export const rules: Readonly<Record<string, Rule>> = {
  /** y = a + b.   ∂a = ∂y   ∂b = ∂y */
  Add: (g, [a, b], dy) => [fit(g, dy, a.shape), fit(g, dy, b.shape)],

  /** y = a − b.   ∂a = ∂y   ∂b = −∂y */
  Sub: (g, [a, b], dy) => [fit(g, dy, a.shape), g.neg(fit(g, dy, b.shape))],

  /** y = a · b, element by element.   ∂a = ∂y · b   ∂b = ∂y · a */
  Mul: (g, [a, b], dy) => [fit(g, g.mul(dy, b), a.shape), fit(g, g.mul(dy, a), b.shape)],

  /** y = a / b.   ∂a = ∂y / b   ∂b = −∂y · y / b */
  Div: (g, [a, b], dy, { y }) => {
    const da = g.div(dy, b);
    return [fit(g, da, a.shape), g.neg(fit(g, g.mul(da, y), b.shape))];
  },

  /** y = xᶜ, c constant.   ∂x = ∂y · c · xᶜ⁻¹ */
  Pow: (g, [x, exponent], dy) => {
    const [c] = elementsOf(exponent, 'the exponent') as [number];
    return [g.mul(dy, c === 2 ? g.mul(x, 2) : g.mul(g.pow(x, c - 1), c))];
  },

  Min: chosen('less'),
  Max: chosen('greaterOrEqual'),

  /** y = −x.   ∂x = −∂y */
  Neg: (g, _, dy) => [g.neg(dy)],

  /** y = |x|.   ∂x = ∂y · sign x */
  Abs: (g, [x], dy) => [g.mul(dy, g.sign(x))],

  /** y = √x.   ∂x = ∂y / 2y */
  Sqrt: (g, _, dy, { y }) => [g.div(g.mul(dy, 0.5), y)],

  /** y = 1 / x.   ∂x = −∂y · y² */
  Reciprocal: (g, _, dy, { y }) => [g.neg(g.mul(dy, g.mul(y, y)))],

  /** y = eˣ.   ∂x = ∂y · y */
  Exp: (g, _, dy, { y }) => [g.mul(dy, y)],

  /** y = ln x.   ∂x = ∂y / x */
  Log: (g, [x], dy) => [g.div(dy, x)],

  /** y = sin x.   ∂x = ∂y · cos x */
  Sin: (g, [x], dy) => [g.mul(dy, g.cos(x))],

  /** y = cos x.   ∂x = −∂y · sin x */
  Cos: (g, [x], dy) => [g.neg(g.mul(dy, g.sin(x)))],

  /** y = max(x, 0).   ∂x = ∂y where x > 0 */
  Relu: (g, [x], dy) => [g.where(g.greater(x, 0), dy, 0)],

  /** y = tanh x.   ∂x = ∂y · (1 − y²) */
  Tanh: (g, _, dy, { y }) => [g.mul(dy, g.sub(1, g.mul(y, y)))],

  /** y = erf x.   ∂x = ∂y · 2/√π · e^(−x²) */
  Erf: (g, [x], dy) => [g.mul(dy, g.mul(g.exp(g.neg(g.mul(x, x))), 2 / Math.sqrt(Math.PI)))],

  /** y = x · Φ(x), Φ = (1 + erf(x/√2)) / 2, φ = e^(−x²/2) / √2π.   ∂x = ∂y · (Φ(x) + x · φ(x)) */
  Gelu: (g, [x], dy) => {
    const cumulative = g.add(g.mul(g.erf(g.mul(x, Math.SQRT1_2)), 0.5), 0.5);
    const density = g.mul(g.exp(g.mul(g.mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return [g.mul(dy, g.add(cumulative, g.mul(x, density)))];
  },

  /** y = 1 / (1 + e⁻ˣ).   ∂x = ∂y · y · (1 − y) */
  Sigmoid: (g, _, dy, { y }) => [g.mul(dy, g.mul(y, g.sub(1, y)))],

  /** The same number in another type: ∂x = ∂y in the type of x. */
  Cast: (g, [x], dy) => [isReal(x) ? g.cast(dy, x.type) : undefined],

  /** y = a where the condition holds, else b. */
  Where: (g, [condition, a, b], dy) => [
    undefined,
    fit(g, g.where(condition, dy, 0), a.shape),
    fit(g, g.where(condition, 0, dy), b.shape),
  ],

  /**
   * y = x · w.   ∂x = ∂y · wᵀ   ∂w = xᵀ · ∂y
   * With one w for a whole batch, its gradient is one product over all rows, not a sum of the batch's products.
   */
  MatMul: (g, [x, w], dy) => {
    if (w.shape.length > 2)
      return [fit(g, g.matMul(dy, g.transpose(w)), x.shape), fit(g, g.matMul(g.transpose(x), dy), w.shape)];
    const rows = flat(g, dy);
    return [
      g.reshape(g.gemm(rows, w, undefined, { transB: true }), x.shape),
      g.gemm(flat(g, x), rows, undefined, { transA: true }),
    ];
  },

  /** y = α · a′ · b′ + c, a′ = a or aᵀ, b′ likewise.   ∂a′ = α · ∂y · b′ᵀ   ∂b′ = α · a′ᵀ · ∂y   ∂c = ∂y */
  Gemm: (g, [a, b, c], dy, { attributes }) => {
    const [transA, transB] = [integer(attributes, 'transA', 0) === 1, integer(attributes, 'transB', 0) === 1];
    const { alpha: given = { float: 1 } } = attributes;
    const alpha = (given as { float: number }).float;
    const da = transA
      ? g.gemm(b, dy, undefined, { transA: transB, transB: true, alpha })
      : g.gemm(dy, b, undefined, { transB: !transB, alpha });
    const db = transB
      ? g.gemm(dy, a, undefined, { transA: true, transB: transA, alpha })
      : g.gemm(a, dy, undefined, { transA: !transA, alpha });
    return (c as Value | undefined) ? [da, db, fit(g, dy, c.shape)] : [da, db];
  },

  /** yᵢ = eˣⁱ / Σeˣ.   ∂x = y · (∂y − Σ ∂y · y) */
  Softmax: (g, _, dy, { y }) => [g.mul(y, g.sub(dy, g.reduceSum(g.mul(dy, y), [-1], true)))],

  /** y = x − ln Σeˣ.   ∂x = ∂y − eʸ · Σ ∂y */
  LogSoftmax: (g, _, dy, { y }) => [g.sub(dy, g.mul(g.exp(y), g.reduceSum(dy, [-1], true)))],

  /**
   * y = n · scale + bias, n = (x − mean) · r, r = 1 / deviation.   With h = ∂y · scale:
   * ∂x = r · (h − mean(h) − n · mean(h · n))   ∂scale = Σ ∂y · n   ∂bias = Σ ∂y
   */
  LayerNormalization: (g, [x, scale, bias], dy, { outputs: [, mean, r] }) => {
    const n = g.mul(g.sub(x, mean!), r!);
    const h = g.mul(dy, scale);
    const along = g.mul(n, g.reduceMean(g.mul(h, n), [-1], true));
    const dx = g.mul(g.sub(g.sub(h, g.reduceMean(h, [-1], true)), along), r!);
    return [dx, fit(g, g.mul(dy, n), scale.shape), fit(g, dy, bias.shape)];
  },

  SelfAttention: (g, _, dy, { outputs }) => [attentionGradient(g, dy, outputs)],

  /** y = Σ x over axes.   ∂x = ∂y, repeated along them */
  ReduceSum: (g, [x, axes], dy) => [spread(g, dy, x.shape, axes)],

  /** y = Σ x / n over axes.   ∂x = ∂y / n, repeated along them */
  ReduceMean: (g, [x, axes], dy, { y }) => [spread(g, g.mul(dy, sizeOf(y.shape) / sizeOf(x.shape)), x.shape, axes)],

  /** y = max x over axes.   ∂x = ∂y where x is the largest, shared out among equals */
  ReduceMax: (g, [x, axes], dy, { y }) => {
    const largest = g.cast(g.equal(x, spread(g, y, x.shape, axes)), dy.type);
    const equals = g.reduceSum(largest, elementsOf(axes), true);
    return [g.div(g.mul(largest, spread(g, dy, x.shape, axes)), equals)];
  },

  Reshape: (g, [x], dy) => [g.reshape(dy, x.shape)],

  Transpose: (g, [x], dy, { attributes }) => {
    const order = integers(attributes, 'perm', []);
    return [
      g.transpose(
        dy,
        [...x.shape.keys()].map((axis) => order.indexOf(axis)),
      ),
    ];
  },

  Expand: (g, [x], dy) => [fit(g, dy, x.shape)],

  /** ∂ of each piece is its piece of ∂y. */
  Concat: (g, inputs, dy, { attributes }) => {
    const axis = axisOf(integer(attributes, 'axis', 0), dy.shape.length);
    return [
      ...g.split(
        dy,
        inputs.map(({ shape }) => shape[axis]!),
        axis,
      ),
    ];
  },

  /** ∂x is the pieces' ∂y side by side, zeros for a piece that the loss does not see. */
  Split: (g, _, _dy, { outputs, dys, attributes }) => [
    g.concat(
      outputs.map(({ shape }, piece) => dys[piece] ?? g.filled(shape, 0)),
      integer(attributes, 'axis', 0),
    ),
  ],

  /** ∂x is ∂y with zeros where x was left out. */
  Slice: (g, [x, starts, , ...rest], dy) => {
    const [axes, steps] = rest.map((value) => elementsOf(value));
    const before = x.shape.map(() => 0);
    let dx = dy;
    for (const [index, axis] of axes!.entries()) {
      before[axis] = elementsOf(starts)[index]!;
      dx = stretch(g, dx, axis, steps![index]!);
    }
    const after = x.shape.map((size, axis) => size - before[axis]! - dx.shape[axis]!);
    return [g.pad(dx, [...before, ...after])];
  },

  /** ∂x is ∂y without what was added. */
  Pad: (g, [x, pads], dy) => [
    x.shape.reduce((dx, size, axis) => {
      const start = elementsOf(pads)[axis]!;
      return size === dx.shape[axis] ? dx : g.slice(dx, axis, start, start + size);
    }, dy),
  ],

  /** ∂x is zeros to which each ∂y is added at its index. */
  Gather: (g, [x, indices], dy, { attributes }) => {
    const axis = integer(attributes, 'axis', 0);
    const shape = x.shape.with(axis, sizeOf(indices.shape));
    const places = g.expand(
      g.reshape(
        indices,
        shape.map((size, at) => (at === axis ? size : 1)),
      ),
      shape,
    );
    const added = [g.filled(x.shape, 0), places, g.reshape(dy, shape)];
    return [g.apply('ScatterElements', added, { axis, reduction: 'add' })[0]];
  },

  /** y = x ⋆ w + b.   ∂x = ∂y ⋆ᵀ w   ∂w = x ⋆ ∂y   ∂b = Σ ∂y over all but the channels */
  Conv: (g, [x, w, b], dy, { attributes }) => {
    const both = [
      convolutionInput(g, x.shape, w, dy, sliding(attributes)),
      convolutionWeights(g, x, w.shape, dy, sliding(attributes)),
    ];
    const others = [...dy.shape.keys()].filter((axis) => axis !== 1);
    return (b as Value | undefined) ? [...both, g.reduceSum(dy, others)] : both;
  },

  /** y = x ⋆ᵀ w, the transpose of Conv.   ∂x = ∂y ⋆ w   ∂w = ∂y ⋆ x */
  ConvTranspose: (g, [x, w], dy, { attributes }) => {
    const options = { ...slidingGeometry(attributes, w.shape.slice(2)), group: integer(attributes, 'group', 1) };
    return [g.conv(dy, w, undefined, options), convolutionWeights(g, dy, w.shape, x, options)];
  },

  /** ∂x is zeros to which each ∂y is added where its maximum was. */
  MaxPool: (g, [x], dy, { attributes }) => {
    const places = g.apply('MaxPool', [x], attributes, 2)[1]!;
    const size = sizeOf(x.shape);
    const added = [g.filled([size], 0), g.reshape(places, [-1]), g.reshape(dy, [-1])];
    return [g.reshape(g.apply('ScatterElements', added, { axis: 0, reduction: 'add' })[0]!, x.shape)];
  },

  /** y = Σ x / k over each window of k.   ∂x = ∂y / k, added up over the windows that saw it */
  AveragePool: (g, [x], dy, { attributes }) => [poolingInput(g, x.shape, dy, attributes)],

  /** y = Σ x / n over all but batch and channels.   ∂x = ∂y / n */
  GlobalAveragePool: (g, [x], dy, { y }) => [g.expand(g.mul(dy, sizeOf(y.shape) / sizeOf(x.shape)), x.shape)],
};

/** Operators that no gradient flows through, by their nature or (Identity, as `stopGradient` writes it) by intent. */
export const stops: ReadonlySet<string> = new Set([
  'Identity',
  'Sign',
  'Not',
  'And',
  'Equal',
  'Greater',
  'GreaterOrEqual',
  'Less',
  'ArgMax',
  'TopK',
  'OneHot',
]);
