/** The ONNX operators that graphs are made of: for each, the shape and element type of what it gives. Static shapes only. */
import type { Attribute, ElementType, TensorData } from './onnx.js';

export type Shape = readonly number[];

/** One tensor of a graph under construction. */
export interface Value {
  readonly name: string;
  readonly shape: Shape;
  readonly type: ElementType;
  /** The elements, where they are known when the graph is built. */
  readonly constant?: TensorData;
}

export type Attributes = Readonly<Record<string, Attribute>>;

/** As many as the operator has; indexing beyond them is the operator's own mistake. */
export type Inputs = readonly [Value, Value, Value, ...Value[]];

interface Outline {
  readonly shape: Shape;
  readonly type: ElementType;
}
type Inference = (inputs: Inputs, attributes: Attributes, outputs: number) => Outline | Outline[];

export const sizeOf = (shape: Shape): number => shape.reduce((product, size) => product * size, 1);
export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((size, axis) => size === b[axis]);
export const text = (shape: Shape): string => `[${shape.join(', ')}]`;

/** An axis counted from the front; negative ones count from the back. */
export function axisOf(axis: number, rank: number): number {
  const found = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(found) || found < 0 || found >= rank) throw new Error(`axis ${axis} is outside rank ${rank}`);
  return found;
}

/** The shape that both broadcast to, by NumPy's rule. */
export function broadcast(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1) throw new Error(`${text(a)} and ${text(b)} do not broadcast`);
    return left === 1 ? right : left;
  });
}

/** An attribute that is one whole number. */
export function integer(attributes: Attributes, name: string, fallback: number): number {
  const value = attributes[name];
  return typeof value === 'number' ? value : fallback;
}

/** An attribute that is a list of whole numbers. */
export function integers(attributes: Attributes, name: string, fallback: Shape): Shape {
  const value = attributes[name];
  return Array.isArray(value) ? (value as number[]) : fallback;
}

/** The elements of a constant, row by row. */
export function elementsOf(value: Value | undefined, what = 'it'): number[] {
  if (!value?.constant) throw new Error(`${what} must be constant`);
  return Array.from(value.constant as ArrayLike<number>, Number);
}

function mustBe(condition: boolean, message: string): void {
  if (!condition) throw new Error(message);
}

function sameType(a: Value, b: Value): ElementType {
  mustBe(a.type === b.type, `element types ${a.type} and ${b.type} differ`);
  return a.type;
}

const same: Inference = ([x]) => ({ shape: x.shape, type: x.type });
const real: Inference = ([x]) => {
  mustBe(x.type === 'float32' || x.type === 'float64', `needs float32 or float64, not ${x.type}`);
  return { shape: x.shape, type: x.type };
};
const binary: Inference = ([a, b]) => ({ shape: broadcast(a.shape, b.shape), type: sameType(a, b) });
const comparison: Inference = ([a, b]) => (sameType(a, b), { shape: broadcast(a.shape, b.shape), type: 'bool' });

const onAxis: Inference = ([x], attributes) => {
  axisOf(integer(attributes, 'axis', -1), x.shape.length);
  return { shape: x.shape, type: x.type };
};

const reduction: Inference = ([x, axes], attributes) => {
  const reduced = new Set(elementsOf(axes, 'axes').map((axis) => axisOf(axis, x.shape.length)));
  const shape = integer(attributes, 'keepdims', 1)
    ? x.shape.map((size, axis) => (reduced.has(axis) ? 1 : size))
    : x.shape.filter((_, axis) => !reduced.has(axis));
  return { shape, type: x.type };
};

/** Strides, dilations and pads (all begins, then all ends) of a convolution or pooling. */
export function slidingGeometry(attributes: Attributes, kernel: Shape) {
  return {
    strides: integers(
      attributes,
      'strides',
      kernel.map(() => 1),
    ),
    dilations: integers(
      attributes,
      'dilations',
      kernel.map(() => 1),
    ),
    pads: integers(
      attributes,
      'pads',
      [...kernel, ...kernel].map(() => 0),
    ),
  };
}

function slide(spatial: Shape, kernel: Shape, attributes: Attributes): Shape {
  const { strides, dilations, pads } = slidingGeometry(attributes, kernel);
  mustBe(spatial.length === kernel.length, `kernel ${text(kernel)} does not fit the spatial shape ${text(spatial)}`);
  return spatial.map((size, axis) => {
    const reach = (kernel[axis]! - 1) * dilations[axis]! + 1;
    const padded = size + pads[axis]! + pads[axis + kernel.length]!;
    mustBe(padded >= reach, `kernel ${text(kernel)} is longer than the padded input ${padded}`);
    return Math.floor((padded - reach) / strides[axis]!) + 1;
  });
}

const pooling: Inference = ([x], attributes) => {
  const spatial = slide(x.shape.slice(2), integers(attributes, 'kernel_shape', []), attributes);
  return { shape: [...x.shape.slice(0, 2), ...spatial], type: x.type };
};

export const operators: Readonly<Record<string, Inference>> = {
  Add: binary,
  Sub: binary,
  Mul: binary,
  Div: binary,
  Pow: binary,
  Min: binary,
  Max: binary,
  Neg: same,
  Abs: same,
  Sign: same,
  Sqrt: real,
  Reciprocal: real,
  Exp: real,
  Log: real,
  Sin: real,
  Cos: real,
  Relu: same,
  Tanh: real,
  Erf: real,
  Gelu: real,
  Sigmoid: real,
  Identity: same,
  Not: same,
  And: comparison,
  Equal: comparison,
  Greater: comparison,
  GreaterOrEqual: comparison,
  Less: comparison,
  Softmax: onAxis,
  LogSoftmax: onAxis,
  ReduceSum: reduction,
  ReduceMean: reduction,
  ReduceMax: reduction,

  Cast: ([x], { to }) => ({
    shape: x.shape,
    type: ({ 1: 'float32', 6: 'int32', 7: 'int64', 9: 'bool', 11: 'float64' } as const)[to as 1],
  }),

  Where: ([condition, a, b]) => {
    mustBe(condition.type === 'bool', `the condition is ${condition.type}, not bool`);
    return { shape: broadcast(condition.shape, broadcast(a.shape, b.shape)), type: sameType(a, b) };
  },

  ArgMax: ([x], attributes) => {
    const axis = axisOf(integer(attributes, 'axis', 0), x.shape.length);
    const shape = integer(attributes, 'keepdims', 1) ? x.shape.with(axis, 1) : x.shape.toSpliced(axis, 1);
    return { shape, type: 'int64' };
  },

  MatMul: ([a, b]) => {
    mustBe(a.shape.length >= 2 && b.shape.length >= 2, 'both sides need two axes or more');
    mustBe(a.shape.at(-1) === b.shape.at(-2), 'the inner sizes differ');
    const batch = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2));
    return { shape: [...batch, a.shape.at(-2)!, b.shape.at(-1)!], type: sameType(a, b) };
  },

  Gemm: ([a, b, c], attributes) => {
    mustBe(a.shape.length === 2 && b.shape.length === 2, 'both sides need two axes');
    const [rows, inner] = integer(attributes, 'transA', 0) ? a.shape.toReversed() : a.shape;
    const [other, columns] = integer(attributes, 'transB', 0) ? b.shape.toReversed() : b.shape;
    mustBe(inner === other, 'the inner sizes differ');
    const shape = [rows!, columns!];
    // Without the optional third input, `c` is undefined, whatever its type says.
    const added = c as Value | undefined;
    if (added) mustBe(sameShape(broadcast(added.shape, shape), shape), `${text(added.shape)} does not fit the product`);
    return { shape, type: sameType(a, b) };
  },

  LayerNormalization: ([x, scale, bias], attributes, outputs) => {
    const axis = axisOf(integer(attributes, 'axis', -1), x.shape.length);
    mustBe(
      sameShape(scale.shape, x.shape.slice(axis)),
      `scale ${text(scale.shape)} is not ${text(x.shape.slice(axis))}`,
    );
    mustBe(sameShape(bias.shape, scale.shape), `bias ${text(bias.shape)} is not ${text(scale.shape)}`);
    const statistic = { shape: x.shape.map((size, index) => (index < axis ? size : 1)), type: 'float32' as const };
    return [
      { shape: x.shape, type: x.type },
      { ...statistic, type: x.type },
      { ...statistic, type: x.type },
    ].slice(0, outputs);
  },

  Reshape: ([x, to]) => {
    const wanted = elementsOf(to, 'the shape');
    mustBe(sizeOf(wanted) === sizeOf(x.shape), `${text(x.shape)} does not fit into ${text(wanted)}`);
    return { shape: wanted, type: x.type };
  },

  Transpose: ([x], attributes) => {
    const order = integers(attributes, 'perm', []);
    mustBe(
      sameShape(
        order.toSorted((a, b) => a - b),
        [...x.shape.keys()],
      ),
      `${text(order)} is no order of its axes`,
    );
    return { shape: order.map((axis) => x.shape[axis]!), type: x.type };
  },

  Expand: ([x, to]) => {
    const wanted = elementsOf(to, 'the shape');
    mustBe(sameShape(broadcast(x.shape, wanted), wanted), `${text(x.shape)} does not expand to ${text(wanted)}`);
    return { shape: wanted, type: x.type };
  },

  Concat: (inputs, attributes) => {
    const [first] = inputs;
    const axis = axisOf(integer(attributes, 'axis', 0), first.shape.length);
    for (const { shape } of inputs)
      mustBe(
        sameShape(shape.with(axis, 0), first.shape.with(axis, 0)),
        `the shapes differ elsewhere than on axis ${axis}`,
      );
    const length = inputs.reduce((sum, { shape }) => sum + shape[axis]!, 0);
    return { shape: first.shape.with(axis, length), type: inputs.reduce((a, b) => (sameType(a, b), a)).type };
  },

  Split: ([x, sizes], attributes) => {
    const axis = axisOf(integer(attributes, 'axis', 0), x.shape.length);
    const lengths = elementsOf(sizes, 'the sizes');
    const sum = lengths.reduce((total, length) => total + length, 0);
    mustBe(sum === x.shape[axis], `sizes ${text(lengths)} do not add up to ${x.shape[axis]!}`);
    return lengths.map((length) => ({ shape: x.shape.with(axis, length), type: x.type }));
  },

  Slice: ([x, starts, ends, axes, steps]) => {
    const [from, to] = [elementsOf(starts, 'starts'), elementsOf(ends, 'ends')];
    const stride = elementsOf(steps, 'steps');
    let shape = x.shape;
    for (const [index, given] of elementsOf(axes, 'axes').entries()) {
      const axis = axisOf(given, shape.length);
      const [start, end, step] = [from[index]!, to[index]!, stride[index]!];
      mustBe(
        step >= 1 && start >= 0 && start < end && end <= shape[axis]!,
        `${start} to ${end} is not within axis ${axis}`,
      );
      shape = shape.with(axis, Math.ceil((end - start) / step));
    }
    return { shape, type: x.type };
  },

  Pad: ([x, pads]) => {
    const amounts = elementsOf(pads, 'pads');
    mustBe(amounts.length === 2 * x.shape.length, 'needs a begin and an end for every axis');
    const shape = x.shape.map((size, axis) => size + amounts[axis]! + amounts[axis + x.shape.length]!);
    mustBe(
      shape.every((size) => size > 0),
      `pads ${text(amounts)} leave nothing`,
    );
    return { shape, type: x.type };
  },

  Gather: ([x, indices], attributes) => {
    const axis = axisOf(integer(attributes, 'axis', 0), x.shape.length);
    mustBe(indices.type === 'int64', `indices are ${indices.type}, not int64`);
    for (const index of indices.constant ?? [])
      mustBe(index >= 0 && index < x.shape[axis]!, `index ${index} is outside axis ${axis}`);
    return { shape: x.shape.toSpliced(axis, 1, ...indices.shape), type: x.type };
  },

  ScatterElements: ([x, indices, updates], attributes) => {
    axisOf(integer(attributes, 'axis', 0), x.shape.length);
    mustBe(sameShape(indices.shape, updates.shape), 'indices and updates have different shapes');
    return { shape: x.shape, type: sameType(x, updates) };
  },

  /** Values and, int64, their places. */
  TopK: ([x, k], attributes, outputs) => {
    const axis = axisOf(integer(attributes, 'axis', -1), x.shape.length);
    const [wanted] = elementsOf(k, 'the count') as [number];
    mustBe(wanted >= 1 && wanted <= x.shape[axis]!, `${wanted} of the ${x.shape[axis]!} along axis ${axis}`);
    const shape = x.shape.with(axis, wanted);
    return [
      { shape, type: x.type },
      { shape, type: 'int64' as const },
    ].slice(0, outputs);
  },

  OneHot: ([indices, depth, values]) => ({
    shape: [...indices.shape, elementsOf(depth, 'the depth')[0]!],
    type: values.type,
  }),

  Conv: ([x, w, b], attributes) => {
    const group = integer(attributes, 'group', 1);
    mustBe(x.shape.length >= 3 && x.shape.length === w.shape.length, 'input and kernel need the same rank, 3 or more');
    mustBe(x.shape[1] === w.shape[1]! * group, `${x.shape[1]!} channels are not ${group} groups of ${w.shape[1]!}`);
    mustBe(w.shape[0]! % group === 0, `${w.shape[0]!} output channels do not divide into ${group} groups`);
    const bias = b as Value | undefined;
    if (bias) mustBe(sameShape(bias.shape, [w.shape[0]!]), `bias ${text(bias.shape)} is not [${w.shape[0]!}]`);
    const spatial = slide(x.shape.slice(2), w.shape.slice(2), attributes);
    return { shape: [x.shape[0]!, w.shape[0]!, ...spatial], type: sameType(x, w) };
  },

  ConvTranspose: ([x, w], attributes) => {
    const group = integer(attributes, 'group', 1);
    mustBe(x.shape[1] === w.shape[0], `${x.shape[1]!} channels, but the kernel has ${w.shape[0]!}`);
    const kernel = w.shape.slice(2);
    const { strides, dilations, pads } = slidingGeometry(attributes, kernel);
    const extra = integers(
      attributes,
      'output_padding',
      kernel.map(() => 0),
    );
    const spatial = kernel.map((size, axis) => {
      const reach = (size - 1) * dilations[axis]! + 1;
      return (
        (x.shape[axis + 2]! - 1) * strides[axis]! + extra[axis]! + reach - pads[axis]! - pads[axis + kernel.length]!
      );
    });
    return { shape: [x.shape[0]!, w.shape[1]! * group, ...spatial], type: sameType(x, w) };
  },

  MaxPool: (inputs, attributes, outputs) => {
    const [pooled] = [pooling(inputs, attributes, 1)].flat() as [Outline];
    const places = { shape: pooled.shape, type: 'int64' as const };
    return outputs > 1 ? [pooled, places] : pooled;
  },
  AveragePool: pooling,
  GlobalAveragePool: ([x]) => ({ shape: x.shape.map((size, axis) => (axis < 2 ? size : 1)), type: x.type }),
};
