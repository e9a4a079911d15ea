/**
 * The typed graph builder: a network is written once, as a graph, and leaves as ONNX.
 *
 *     const g = graph();
 *     const x = g.input('x', [32, 128, 6]);
 *     const y = g.add(g.matMul(x, g.parameter('w', [6, 72], w)), g.parameter('b', [72], b));
 *     g.output('y', y);
 *     const bytes = g.toOnnx({ parametersAs: 'initializers' });
 *
 * Shapes are static: a function that builds a network for a batch of n is called again for another n. A mistake in shapes throws
 * where it is made. Operators are those of ONNX (operator set 20) under their names there; see https://onnx.ai/onnx/operators/.
 */
import { elementTypes, encodeOnnx } from './onnx.js';
import type { Attribute, ElementType, OnnxNode, OnnxTensor, OnnxValue, TensorData } from './onnx.js';
import { axisOf, operators, sameShape, sizeOf, text } from './operators.js';
import type { Attributes, Inputs, Shape, Value } from './operators.js';

export type { Attribute, ElementType, Shape, TensorData, Value };

export interface Node {
  readonly op: string;
  readonly inputs: Inputs;
  readonly outputs: readonly Value[];
  readonly attributes: Attributes;
  /** The nodes that make up a composite, which is one operator to gradients. */
  readonly body?: readonly Node[];
}

const flatten = (nodes: readonly Node[]): Node[] => nodes.flatMap((node) => (node.body ? flatten(node.body) : [node]));

export interface Parameter {
  readonly value: Value;
  readonly data: Float32Array | Float64Array;
  /** Fixed ones (a frozen encoder's) get no gradient and stay initializers in every file. */
  readonly trainable: boolean;
}

/** Where one parameter lies in the vector of all trainable parameters. */
export interface PackedParameter {
  readonly name: string;
  readonly shape: Shape;
  readonly offset: number;
  readonly length: number;
}

export interface ExportOptions {
  /**
   * `initializers`: trained values inside the file, for inference. `inputs`: one input a trainable parameter.
   * `vector`: one input `parameters` that holds all trainable ones, laid out as `packing()` says, for training.
   */
  readonly parametersAs: 'initializers' | 'inputs' | 'vector';
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface SlidingOptions {
  readonly strides?: Shape;
  readonly dilations?: Shape;
  /** All begins, then all ends. */
  readonly pads?: Shape;
}

const arrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array, bool: Uint8Array } as const;

function tensorData(type: ElementType, values: ArrayLike<number>): TensorData {
  return type === 'int64' ? BigInt64Array.from(Array.from(values, BigInt)) : arrays[type].from(values);
}

/** The name of the input that holds all trainable parameters where they are exported as a `vector`. */
export const packedName = 'parameters';

export type Graph = ReturnType<typeof graph>;

/** An empty graph; `type` is the element type of its parameters and constants (float64 serves checks of gradients). */
export function graph({ type = 'float32' }: { type?: 'float32' | 'float64' } = {}) {
  const inputs: Value[] = [];
  const parameters: Parameter[] = [];
  const constants = new Map<string, Value>();
  const nodes: Node[] = [];
  const outputs: { name: string; value: Value }[] = [];
  const names = new Set<string>([packedName]);
  let count = 0;

  function claim(name: string): string {
    if (!name || names.has(name)) throw new Error(`graph: the name '${name}' is taken or empty`);
    names.add(name);
    return name;
  }

  /** Any operator of the table in `operators.ts`; its `outputs` outputs. The functions below are the usual way. */
  function apply(op: string, given: readonly Value[], attributes: Attributes = {}, wanted = 1): readonly Value[] {
    const infer = operators[op];
    if (!infer) throw new Error(`graph: unknown operator '${op}'; models/operators.ts lists the known ones`);
    let outlines;
    try {
      outlines = [infer(given as unknown as Inputs, attributes, wanted)].flat();
    } catch (error) {
      const shapes = given.map(({ name, shape }) => `${name} ${text(shape)}`).join(', ');
      throw new Error(`${op}(${shapes}): ${(error as Error).message}`, { cause: error });
    }
    const results = outlines.map((outline): Value => ({ name: claim(`${op}:${count++}`), ...outline }));
    nodes.push({ op, inputs: given as unknown as Inputs, outputs: results, attributes });
    return results;
  }
  const one = (op: string, given: readonly Value[], attributes?: Attributes): Value => apply(op, given, attributes)[0]!;

  /**
   * Makes the nodes that `build` adds count as one operator, so that `learning/gradient-rules.ts` can have one rule for all of them.
   * The rule sees the outputs; those beyond the first are for it alone. In the file there are only the nodes themselves.
   */
  function composite(op: string, given: readonly Value[], build: () => readonly Value[]): readonly Value[] {
    const start = nodes.length;
    const results = build();
    nodes.push({ op, inputs: given as unknown as Inputs, outputs: results, attributes: {}, body: nodes.splice(start) });
    return results;
  }

  /** A tensor fed at each run. */
  function input(name: string, shape: Shape, elements: ElementType = type): Value {
    const value = { name: claim(name), shape, type: elements };
    inputs.push(value);
    return value;
  }

  /** A named tensor of weights; `values` are copied. */
  function parameter(name: string, shape: Shape, values: ArrayLike<number>, { trainable = true } = {}): Value {
    if (values.length !== sizeOf(shape))
      throw new Error(`parameter '${name}' ${text(shape)} needs ${sizeOf(shape)} values, not ${values.length}`);
    const value = { name: claim(name), shape, type };
    parameters.push({ value, data: arrays[type].from(values), trainable });
    return value;
  }

  /** A tensor whose elements are known now. */
  function constant(shape: Shape, values: ArrayLike<number>, elements: ElementType = type): Value {
    if (values.length !== sizeOf(shape))
      throw new Error(`constant ${text(shape)} needs ${sizeOf(shape)} values, not ${values.length}`);
    const key = values.length <= 16 ? `${elements} ${text(shape)} ${Array.from(values).join()}` : `constant:${count}`;
    const found = constants.get(key);
    if (found) return found;
    const value = { name: claim(`constant:${count++}`), shape, type: elements, constant: tensorData(elements, values) };
    constants.set(key, value);
    return value;
  }
  const scalar = (value: number, elements: ElementType = type): Value => constant([], [value], elements);
  const list = (values: readonly number[]): Value => constant([values.length], values, 'int64');
  /** Names what the graph gives. */
  function output(name: string, value: Value): Value {
    const result = { name: claim(name), shape: value.shape, type: value.type };
    outputs.push({ name, value });
    return result;
  }

  const expand = (x: Value, shape: Shape): Value => (sameShape(x.shape, shape) ? x : one('Expand', [x, list(shape)]));
  /** All elements alike, without taking room in the file. */
  const filled = (shape: Shape, value: number): Value => expand(scalar(value), shape);

  type Operand = Value | number;
  const operand = (x: Operand, beside: Operand): Value =>
    typeof x !== 'number' ? x : scalar(x, typeof beside === 'number' ? type : beside.type);
  const binary = (op: string) => (a: Operand, b: Operand) => one(op, [operand(a, b), operand(b, a)]);
  const unary = (op: string) => (x: Value) => one(op, [x]);
  const onAxis = (op: string) => (x: Value) => one(op, [x], { axis: -1 });
  const everyAxis = (x: Value) => [...x.shape.keys()];
  const reduction =
    (op: string) =>
    (x: Value, axes: readonly number[] = everyAxis(x), keepDimensions = false) =>
      one(op, [x, list(axes)], { keepdims: Number(keepDimensions) });

  /** Same elements in the same order, another shape; one size may be -1 and is found. No copy in onnxruntime. */
  function reshape(x: Value, shape: Shape): Value {
    const rest = sizeOf(shape.filter((size) => size !== -1));
    const wanted = shape.map((size) => (size === -1 ? Math.floor(sizeOf(x.shape) / rest) : size));
    return sameShape(wanted, x.shape) ? x : one('Reshape', [x, list(wanted)]);
  }

  /** `axes[i]` of x becomes axis i; the last two are exchanged if none are named. */
  function transpose(x: Value, axes?: readonly number[]): Value {
    const usual = () =>
      everyAxis(x)
        .with(-1, x.shape.length - 2)
        .with(-2, x.shape.length - 1);
    return one('Transpose', [x], { perm: (axes ?? usual()).map((axis) => axisOf(axis, x.shape.length)) });
  }

  /** Elements `start` to before `end` of one axis. */
  function slice(x: Value, axis: number, start: number, end: number, step = 1): Value {
    return one('Slice', [x, list([start]), list([end]), list([axisOf(axis, x.shape.length)]), list([step])]);
  }

  /** [batch, channels, …spatial] ⋆ [outputs, channels / group, …kernel] (+ [outputs]). */
  function conv(x: Value, w: Value, b?: Value, { group = 1, ...options }: SlidingOptions & { group?: number } = {}) {
    return one('Conv', b ? [x, w, b] : [x, w], { ...options, group, kernel_shape: w.shape.slice(2) });
  }

  /** Gemm: alpha · a' · b' (+ c), a' and b' transposed where asked; two axes each. */
  function gemm(a: Value, b: Value, c?: Value, { transA = false, transB = false, alpha = 1 } = {}): Value {
    const attributes = { transA: Number(transA), transB: Number(transB), alpha: { float: alpha } };
    return one('Gemm', c ? [a, b, c] : [a, b], attributes);
  }

  /**
   * Batch normalisation with the statistics of this batch (Ioffe & Szegedy 2015), made of primitives: over every axis but 1.
   * @returns y, and the batch's mean and variance [channels] for running averages
   */
  function batchNormalization(x: Value, scale: Value, bias: Value, epsilon = 1e-5) {
    const axes = everyAxis(x).filter((axis) => axis !== 1);
    const perChannel = x.shape.map((size, axis) => (axis === 1 ? size : 1));
    const mean = reduction('ReduceMean')(x, axes, true);
    const centred = binary('Sub')(x, mean);
    const variance = reduction('ReduceMean')(binary('Mul')(centred, centred), axes, true);
    const deviation = unary('Sqrt')(binary('Add')(variance, epsilon));
    const gain = binary('Div')(reshape(scale, perChannel), deviation);
    const y = binary('Add')(binary('Mul')(centred, gain), reshape(bias, perChannel));
    return { y, mean: reshape(mean, scale.shape), variance: reshape(variance, scale.shape) };
  }

  const trainable = () => parameters.filter((parameter) => parameter.trainable);

  /** Where each trainable parameter lies in the vector of all. */
  function packing(): PackedParameter[] {
    let offset = 0;
    return trainable().map(({ value: { name, shape } }) => {
      const length = sizeOf(shape);
      offset += length;
      return { name, shape, offset: offset - length, length };
    });
  }

  /** All trainable parameters as one value; only files with `parametersAs: 'vector'` have it. Defined after the last parameter. */
  const vector = (): Value => ({
    name: packedName,
    shape: [packing().reduce((sum, { length }) => sum + length, 0)],
    type,
  });

  /** All trainable parameters' present values, laid out as `packing()` says. */
  function packed(): Float32Array | Float64Array {
    const all = new arrays[type](trainable().reduce((sum, { data }) => sum + data.length, 0));
    for (const { name, offset } of packing())
      all.set(parameters.find(({ value }) => value.name === name)!.data, offset);
    return all;
  }

  /** The nodes that the outputs need, in order. */
  function needed(): Node[] {
    const wanted = new Set(outputs.map(({ value }) => value));
    const kept: Node[] = [];
    for (const node of flatten(nodes).reverse()) {
      if (!node.outputs.some((value) => wanted.has(value))) continue;
      kept.push(node);
      for (const value of node.inputs) wanted.add(value);
    }
    return kept.reverse();
  }

  /** The graph as an ONNX file, with what the outputs need and no more. */
  function toOnnx({ parametersAs, metadata = {} }: ExportOptions): Uint8Array {
    if (outputs.length === 0) throw new Error('graph: nothing to export, it has no output');
    const kept = needed();
    const used = new Set([...kept.flatMap(({ inputs: all }) => all), ...outputs.map(({ value }) => value)]);
    const fed: OnnxValue[] = inputs.filter((value) => used.has(value));
    const initializers: OnnxTensor[] = [];
    const written: OnnxNode[] = [];
    const initialise = ({ name, shape }: Value, elements: ElementType, data: TensorData) =>
      initializers.push({ name, shape, type: elements, data });

    for (const value of constants.values()) if (used.has(value)) initialise(value, value.type, value.constant!);
    for (const { value, data, trainable: trained } of parameters) {
      if (!trained || parametersAs === 'initializers') {
        if (used.has(value)) initialise(value, type, data);
      } else if (parametersAs === 'inputs') fed.push(value);
    }
    if (parametersAs === 'vector') {
      const layout = packing();
      fed.push(vector());
      const sizes = layout.map(({ length }) => BigInt(length));
      initializers.push({ name: 'packing', shape: [sizes.length], type: 'int64', data: BigInt64Array.from(sizes) });
      const flat = layout.map(({ name }) => `${name}:flat`);
      written.push({ op: 'Split', inputs: [packedName, 'packing'], outputs: flat, attributes: { axis: 0 } });
      for (const { name, shape } of layout) {
        const data = BigInt64Array.from(shape, BigInt);
        initializers.push({ name: `${name}:shape`, shape: [shape.length], type: 'int64', data });
        written.push({ op: 'Reshape', inputs: [`${name}:flat`, `${name}:shape`], outputs: [name], attributes: {} });
      }
    }
    // What a node makes takes the output's name; a copy is only needed of inputs, weights and what is given twice.
    const made = new Set(kept.flatMap(({ outputs: to }) => to));
    const renamed = new Map<Value, string>();
    for (const { name, value } of outputs) if (made.has(value) && !renamed.has(value)) renamed.set(value, name);
    const nameOf = (value: Value) => renamed.get(value) ?? value.name;
    for (const { op, inputs: from, outputs: to, attributes } of kept)
      written.push({ op, inputs: from.map(nameOf), outputs: to.map(nameOf), attributes });
    for (const { name, value } of outputs)
      if (renamed.get(value) !== name)
        written.push({ op: 'Identity', inputs: [nameOf(value)], outputs: [name], attributes: {} });

    const given = outputs.map(({ name, value: { shape, type: elements } }) => ({ name, shape, type: elements }));
    return encodeOnnx({ name: 'graph', inputs: fed, outputs: given, initializers, nodes: written, metadata });
  }

  return {
    type,
    inputs: inputs as readonly Value[],
    parameters: parameters as readonly Parameter[],
    nodes: nodes as readonly Node[],
    apply,
    composite,
    input,
    parameter,
    constant,
    scalar,
    filled,
    output,
    packing,
    packed,
    vector,
    toOnnx,

    // Element by element, broadcasting as NumPy does; a number stands for a scalar.
    add: binary('Add'),
    sub: binary('Sub'),
    mul: binary('Mul'),
    div: binary('Div'),
    pow: (x: Value, exponent: number) => one('Pow', [x, scalar(exponent, x.type)]),
    min: binary('Min'),
    max: binary('Max'),
    neg: unary('Neg'),
    abs: unary('Abs'),
    sign: unary('Sign'),
    sqrt: unary('Sqrt'),
    reciprocal: unary('Reciprocal'),
    exp: unary('Exp'),
    log: unary('Log'),
    sin: unary('Sin'),
    cos: unary('Cos'),
    relu: unary('Relu'),
    tanh: unary('Tanh'),
    erf: unary('Erf'),
    /** x · Φ(x), exact (Hendrycks & Gimpel 2016). */
    gelu: unary('Gelu'),
    sigmoid: unary('Sigmoid'),
    /** The same values; no gradient flows through. */
    stopGradient: unary('Identity'),
    /** x · mask; the mask holds 0 or 1 / (1 − rate) and is fed, so that a seed of the caller's decides it. */
    dropout: binary('Mul') as (x: Value, mask: Value) => Value,

    // Without gradients.
    equal: binary('Equal'),
    greater: binary('Greater'),
    greaterOrEqual: binary('GreaterOrEqual'),
    less: binary('Less'),
    and: binary('And'),
    not: unary('Not'),
    cast: (x: Value, to: ElementType) => one('Cast', [x], { to: elementTypes[to] }),
    argMax: (x: Value, axis = -1, keepDimensions = false) =>
      one('ArgMax', [x], { axis, keepdims: Number(keepDimensions) }),
    /** int64 places of the `count` smallest elements along the last axis, smallest first. */
    smallest: (x: Value, count: number) =>
      apply('TopK', [x, list([count])], { axis: -1, largest: 0, sorted: 1 }, 2)[1]!,
    /** int64 indices […] → […, depth]. */
    oneHot: (indices: Value, depth: number) =>
      one('OneHot', [indices, constant([1], [depth], 'int64'), constant([2], [0, 1])], { axis: -1 }),

    where: (condition: Value, a: Operand, b: Operand) => one('Where', [condition, operand(a, b), operand(b, a)]),
    matMul: (a: Value, b: Value) => one('MatMul', [a, b]),
    gemm,
    /** Over the last axis. */
    softmax: onAxis('Softmax'),
    /** Over the last axis. */
    logSoftmax: onAxis('LogSoftmax'),
    /** Over the last axis (Ba et al. 2016): (x − mean) / √(variance + epsilon) · scale + bias. */
    layerNormalization: (x: Value, scale: Value, bias: Value, epsilon = 1e-5) =>
      apply('LayerNormalization', [x, scale, bias], { axis: -1, epsilon: { float: epsilon } }, 3)[0]!,
    batchNormalization,
    reduceSum: reduction('ReduceSum'),
    reduceMean: reduction('ReduceMean'),
    reduceMax: reduction('ReduceMax'),

    reshape,
    transpose,
    slice,
    expand,
    concat: (values: readonly Value[], axis: number) => one('Concat', values, { axis }),
    /** Consecutive pieces of one axis. */
    split: (x: Value, sizes: readonly number[], axis: number) =>
      apply('Split', [x, list(sizes)], { axis: axisOf(axis, x.shape.length) }, sizes.length),
    /** Zeros before and after: all begins, then all ends. */
    pad: (x: Value, pads: readonly number[]) => one('Pad', [x, list(pads)]),
    /** Elements of one axis by index (a list, or int64 of any shape). */
    gather: (x: Value, indices: Value | readonly number[], axis = 0) =>
      one('Gather', [x, 'shape' in indices ? indices : list(indices)], { axis: axisOf(axis, x.shape.length) }),

    conv,
    maxPool: (x: Value, kernel: Shape, options: SlidingOptions = {}) =>
      one('MaxPool', [x], { ...options, kernel_shape: kernel }),
    /** Padding counts as zeros. */
    averagePool: (x: Value, kernel: Shape, options: Omit<SlidingOptions, 'dilations'> = {}) =>
      one('AveragePool', [x], { ...options, kernel_shape: kernel, count_include_pad: 1 }),
    globalAveragePool: unary('GlobalAveragePool'),
  };
}
