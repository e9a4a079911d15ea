/** Layers that towers share. Sequences are [batch · tokens, width], so that every product is one matrix product. */
import type { Graph, Value } from './graph.js';
import type { Initial, WeightSource } from './weights.js';

/** A network under construction: its graph, and where its weights come from. */
export interface Network {
  readonly g: Graph;
  readonly weights: WeightSource;
  /** What the names of its weights begin with. Default: nothing. */
  readonly prefix?: string;
}

/** Uniform in ±1/√fan-in: He et al. 2015 with a = √5, the usual default of linear and convolution layers. */
const fanIn = (size: number) => ({ uniform: 1 / Math.sqrt(size) });

function weight({ g, weights }: Network, name: string, shape: readonly number[], initial: Initial) {
  return g.parameter(name, shape, weights(name, shape, initial));
}

/** y = x · w + b: [rows, inputs] → [rows, outputs]. */
export function linear(network: Network, name: string, x: Value, outputs: number, initial?: Initial): Value {
  const inputs = x.shape[1]!;
  const w = weight(network, `${name}.weight`, [inputs, outputs], initial ?? fanIn(inputs));
  return network.g.gemm(x, w, weight(network, `${name}.bias`, [outputs], { fill: 0 }));
}

/** [rows, width] → the same. */
export function layerNormalization(network: Network, name: string, x: Value): Value {
  const width = x.shape.at(-1)!;
  return network.g.layerNormalization(
    x,
    weight(network, `${name}.scale`, [width], { fill: 1 }),
    weight(network, `${name}.bias`, [width], { fill: 0 }),
  );
}

/** Convolution along time, same length: [batch, channels, samples] → [batch, outputs, samples]. */
export function convolution(network: Network, name: string, x: Value, outputs: number, kernel: number): Value {
  const channels = x.shape[1]!;
  const w = weight(network, `${name}.weight`, [outputs, channels, kernel], fanIn(channels * kernel));
  return network.g.conv(x, w, undefined, { pads: [kernel >> 1, kernel >> 1] });
}

/** Batch statistics of one normalisation layer, outputs of a training graph. */
export interface BatchStatistics {
  readonly name: string;
  readonly mean: Value;
  readonly variance: Value;
}

/**
 * Batch normalisation: by the batch's own statistics while training (they are added to `statistics`, for running averages), by the
 * averages that training kept, as fixed weights, when `statistics` is absent.
 */
export function batchNormalization(network: Network, name: string, x: Value, statistics?: BatchStatistics[]): Value {
  const { g, weights } = network;
  const channels = x.shape[1]!;
  const scale = weight(network, `${name}.scale`, [channels], { fill: 1 });
  const bias = weight(network, `${name}.bias`, [channels], { fill: 0 });
  if (statistics) {
    const { y, mean, variance } = g.batchNormalization(x, scale, bias);
    statistics.push({ name: `${network.prefix ?? ''}${name}`, mean, variance });
    return y;
  }
  const perChannel = [channels, ...x.shape.slice(2).map(() => 1)];
  const fixed = (kind: string, fill: number) =>
    g.parameter(`${name}.${kind}`, [channels], weights(`${name}.${kind}`, [channels], { fill }), { trainable: false });
  const gain = g.div(scale, g.sqrt(g.add(fixed('variance', 1), 1e-5)));
  const shift = g.sub(bias, g.mul(fixed('mean', 0), gain));
  return g.add(g.mul(x, g.reshape(gain, perChannel)), g.reshape(shift, perChannel));
}

/** Starts a residual branch as nothing, so that what it adds is learned from there (Zhang, Dauphin & Ma, 'Fixup', ICLR 2019). */
const fromNothing: Initial = { fill: 0 };

/** Self-attention over the tokens of each sequence (Vaswani et al. 2017): [batch · tokens, width] → the same. */
function selfAttention(network: Network, name: string, x: Value, tokens: number, heads: number): Value {
  const { g } = network;
  const [rows, width] = x.shape as [number, number];
  const batch = rows / tokens;
  const perHead = width / heads;
  const joint = g.reshape(linear(network, `${name}.qkv`, x, 3 * width), [batch, tokens, 3, heads, perHead]);
  // [3, batch, heads, tokens, perHead]: one transposition for queries, keys and values.
  const [q, k, v] = g
    .split(g.transpose(joint, [2, 0, 3, 1, 4]), [1, 1, 1], 0)
    .map((value) => g.reshape(value, [batch * heads, tokens, perHead])) as [Value, Value, Value];
  const scores = g.matMul(g.mul(q, 1 / Math.sqrt(perHead)), g.transpose(k));
  const mixed = g.reshape(g.matMul(g.softmax(scores), v), [batch, heads, tokens, perHead]);
  const joined = g.reshape(g.transpose(mixed, [0, 2, 1, 3]), [rows, width]);
  return linear(network, `${name}.out`, joined, width, fromNothing);
}

export interface TransformerOptions {
  readonly tokens: number;
  readonly heads: number;
  readonly feedForward: number;
}

/**
 * One transformer layer, normalised before each branch (Xiong et al., 'On Layer Normalization in the Transformer Architecture', ICML
 * 2020): [batch · tokens, width] → the same. The same name again applies the same weights, if the network shares them.
 */
export function transformerLayer(network: Network, name: string, x: Value, options: TransformerOptions): Value {
  const { g } = network;
  const { tokens, heads, feedForward } = options;
  const normalised = layerNormalization(network, `${name}.attention.norm`, x);
  const attended = g.add(x, selfAttention(network, `${name}.attention`, normalised, tokens, heads));
  const inner = layerNormalization(network, `${name}.feedForward.norm`, attended);
  const hidden = g.gelu(linear(network, `${name}.feedForward.in`, inner, feedForward));
  return g.add(attended, linear(network, `${name}.feedForward.out`, hidden, x.shape[1]!, fromNothing));
}

/** The same network, but a second use of a parameter's name gives the parameter that is there. */
export function sharingWeights({ g, ...rest }: Network): Network {
  const made = new Map<string, Value>();
  const parameter: typeof g.parameter = (name, shape, values, options) => {
    const value = made.get(name) ?? g.parameter(name, shape, values, options);
    made.set(name, value);
    return value;
  };
  return { ...rest, g: { ...g, parameter } };
}

/** The same network, but every weight's name begins with `prefix` and a dot: for parts that are built alike. */
export function prefixed({ g, weights, prefix: before = '' }: Network, prefix: string): Network {
  const parameter: typeof g.parameter = (name, ...rest) => g.parameter(`${prefix}.${name}`, ...rest);
  return {
    g: { ...g, parameter },
    weights: (name, ...rest) => weights(`${prefix}.${name}`, ...rest),
    prefix: `${before}${prefix}.`,
  };
}
