/** Residual convolutions over any number of spatial axes: He, Zhang, Ren, Sun, 'Deep Residual Learning', CVPR 2016, figure 5 left. */
import type { Shape, SlidingOptions, Value } from './graph.js';
import { batchNormalization } from './layers.js';
import type { BatchStatistics, Network } from './layers.js';
import { sizeOf } from './operators.js';

/** Zeros around every axis so that a stride of 1 keeps its length. */
export const samePads = (kernel: Shape): Shape => [...kernel, ...kernel].map((size) => size >> 1);

/** Without bias: [batch, channels, …spatial] → [batch, outputs, …spatial / strides]; lengths are kept where strides are 1. */
export function spatialConvolution(
  { g, weights }: Network,
  name: string,
  x: Value,
  outputs: number,
  kernel: Shape,
  options: SlidingOptions = {},
): Value {
  const shape = [outputs, x.shape[1]!, ...kernel];
  const initial = { deviation: Math.sqrt(2 / sizeOf(shape.slice(1))) };
  const w = g.parameter(`${name}.weight`, shape, weights(`${name}.weight`, shape, initial));
  return g.conv(x, w, undefined, { pads: samePads(kernel), ...options });
}

/** Convolution, batch normalisation, ReLU. */
export function convolutionLayer(
  network: Network,
  name: string,
  x: Value,
  outputs: number,
  kernel: Shape,
  strides: Shape,
  statistics?: BatchStatistics[],
): Value {
  const y = spatialConvolution(network, `${name}.convolution`, x, outputs, kernel, { strides });
  return network.g.relu(batchNormalization(network, `${name}.norm`, y, statistics));
}

/** x itself where its shape fits the branch, else a convolution of one element a position. */
export function shortcut(
  network: Network,
  name: string,
  x: Value,
  outputs: number,
  strides: Shape,
  statistics?: BatchStatistics[],
): Value {
  if (x.shape[1] === outputs && strides.every((stride) => stride === 1)) return x;
  const kernel = strides.map(() => 1);
  const y = spatialConvolution(network, `${name}.shortcut`, x, outputs, kernel, { strides });
  return batchNormalization(network, `${name}.shortcutNorm`, y, statistics);
}

/** The basic block, two convolutions of 3 along every axis: [batch, channels, …] → [batch, outputs, … / strides]. */
export function residualBlock(
  network: Network,
  name: string,
  x: Value,
  outputs: number,
  strides: Shape,
  statistics?: BatchStatistics[],
): Value {
  const { g } = network;
  const kernel = strides.map(() => 3);
  const inner = convolutionLayer(network, `${name}.0`, x, outputs, kernel, strides, statistics);
  const outer = spatialConvolution(network, `${name}.1.convolution`, inner, outputs, kernel);
  const branch = batchNormalization(network, `${name}.1.norm`, outer, statistics);
  return g.relu(g.add(branch, shortcut(network, name, x, outputs, strides, statistics)));
}
