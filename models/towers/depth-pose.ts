/**
 * Where a body's joints are in depth pictures, and what it does by them: the second half of the depth tower.
 *
 *    picture [n, 48, 48] ─ body or not, distance ─▶ [n, 2, 48, 48] ─ convolutions, the last ones dilated ─▶ [n, 32, 12, 12]
 *        ─ a map of each joint, softmax over its cells ─ mean place under it, mean distance ─▶ x, y, z
 *        ─ from the hip, times a size that the whole picture tells ─▶ joints [n, 20, 3] in trunk lengths
 *    joints of a window's pictures [batch, 19, 20, 4] ─ the skeleton tower's graph convolutions ─▶ embedding [batch, 640]
 *
 * The mean place under a map is Luvizon, Tabia and Picard's soft-argmax ('Human pose regression by combining indirect part detection and contextual
 * information', 2019) and Sun et al.'s integral regression (ECCV 2018): as exact as a number, as local as a map.
 */
import type { Value } from '../graph.js';
import { batchNormalization, linear, prefixed } from '../layers.js';
import type { BatchStatistics, Network } from '../layers.js';
import { convolutionLayer, residualBlock, samePads, spatialConvolution } from '../residual.js';
import { depthEncoder } from './depth.js';
import type { Encoder } from './encoder.js';
import { joints } from './skeleton-graph.js';
import { skeletonEncoder } from './skeleton.js';

const size = depthEncoder.window.instant[0]!;
/** Rows and columns of the maps. */
const side = 12;
const cells = side * side;
const stem = 16;
const channels = 32;
/** How far apart the cells are that a block looks at: a hand is found by what lies around it. */
const dilations = [1, 2, 3] as const;
/** A body is some three trunk lengths high; it and its reach fill the picture. */
const cellsPerUnit = 3;
const usualSize = 2;
/** Row of the hip's centre among the joints. */
const hip = 3;
/** Of the distances, which are small beside the body's mask. */
const distanceScale = 2;

/** Centre of each cell, [cells, 2]: x to the right, y upwards. */
function places(): Float32Array {
  const middle = (side - 1) / 2;
  return Float32Array.from({ length: 2 * cells }, (_, i) => {
    const cell = i >> 1;
    return (i % 2 === 0 ? (cell % side) - middle : middle - Math.floor(cell / side)) / cellsPerUnit;
  });
}

function dilatedBlock(network: Network, name: string, x: Value, dilation: number, statistics?: BatchStatistics[]) {
  const { g } = network;
  const options = { dilations: [dilation, dilation], pads: samePads([2 * dilation, 2 * dilation]) };
  const layer = (part: number, from: Value) => {
    const y = spatialConvolution(network, `${name}.${part}.convolution`, from, channels, [3, 3], options);
    return batchNormalization(network, `${name}.${part}.norm`, y, statistics);
  };
  return g.relu(g.add(layer(1, g.relu(layer(0, x))), x));
}

/** Pictures [n, 48, 48] as pipelines give them → joints from the hip, trunk lengths: [n, 20, 3]. */
export function depthPose(network: Network, pictures: Value, statistics?: BatchStatistics[]): Value {
  const { g } = network;
  const count = pictures.shape[0]!;
  const body = g.cast(g.greater(pictures, 0.1), pictures.type);
  const nearer = g.mul(g.sub(pictures, body), distanceScale);
  const single = (x: Value) => g.reshape(x, [count, 1, size, size]);
  let y = g.concat([single(body), single(nearer)], 1);
  y = convolutionLayer(network, 'stem', y, stem, [5, 5], [2, 2], statistics);
  y = residualBlock(network, 'halved', y, channels, [2, 2], statistics);
  for (const [i, dilation] of dilations.entries()) y = dilatedBlock(network, `around.${i}`, y, dilation, statistics);

  const maps = spatialConvolution(network, 'maps', y, 2 * joints, [1, 1], { pads: [0, 0, 0, 0] });
  const [where, distance] = g.split(g.reshape(maps, [count, 2 * joints, cells]), [joints, joints], 1) as [Value, Value];
  const share = g.softmax(where);
  const across = g.matMul(g.reshape(share, [count * joints, cells]), g.constant([cells, 2], places()));
  const away = g.reduceSum(g.mul(share, distance), [2]);
  const found = g.concat([g.reshape(across, [count, joints, 2]), g.reshape(away, [count, joints, 1])], 2);

  const whole = g.reshape(g.globalAveragePool(y), [count, channels]);
  const scale = g.reshape(g.add(linear(network, 'scale', whole, 3), usualSize), [count, 1, 3]);
  const rest = g.reshape(linear(network, 'rest', whole, 3 * joints), [count, joints, 3]);
  return g.add(g.mul(g.sub(found, g.slice(found, 1, hip, hip + 1)), scale), rest);
}

const { rate, samples, hop } = depthEncoder.window;

/** The skeleton tower's encoder, for the joints that depth pictures show: it reads [batch, 19, 20, 4]. */
export const depthMovementEncoder: Encoder = {
  ...skeletonEncoder,
  name: 'depth-movement',
  title: 'depth: graph convolutions over the joints that the pictures show',
  window: { ...skeletonEncoder.window, rate, samples, hop },
};

/** Each is trained by itself; its weights' names begin with it. */
export type DepthPart = 'appearance' | 'pose' | 'movement';

/** What the pictures look like beside how the joints move: [batch, 19, 48, 48] → [batch, 256 + 640]. */
export const depthPoseEncoder: Encoder = {
  ...depthEncoder,
  name: 'depth-resnet-pose',
  title: 'depth: 2-D ResNet over frames beside graph convolutions over the joints that they show',
  width: depthEncoder.width + depthMovementEncoder.width,
  embed(network, x, statistics) {
    const { g } = network;
    const part = (name: DepthPart) => prefixed(network, name);
    const batch = x.shape[0]!;
    const found = depthPose(part('pose'), g.reshape(x, [batch * samples, size, size]), statistics);
    const seen = g.filled([batch * samples, joints, 1], 1);
    const sequence = g.reshape(g.concat([found, seen], 2), [batch, samples, joints, 4]);
    const appearance = depthEncoder.embed(part('appearance'), x, statistics);
    return g.concat([appearance, depthMovementEncoder.embed(part('movement'), sequence, statistics)], 1);
  },
};
