/**
 * The skeleton tower, after ST-GCN (Yan, Xiong, Lin: 'Spatial Temporal Graph Convolutional Networks for Skeleton-Based Action
 * Recognition', AAAI 2018), sized for the edge.
 *
 *    window [batch, frames, 20, 4] ─ positions, velocities, bones, seen ─▶ [batch, 10, frames, 20]
 *        ─ blocks (graph convolution, convolution along time), time halved twice ─▶ [batch, channels, frames / 8, 20]
 *        ─ means of five body parts, over time ─┐
 *        ─ maxima over time, means of the parts ┴▶ embedding [batch, width]
 *
 * What differs from the paper, and what each change is worth, is in `docs/skeleton-tower.md`.
 */
import type { Value } from '../graph.js';
import { batchNormalization } from '../layers.js';
import type { BatchStatistics, Network } from '../layers.js';
import { shortcut, spatialConvolution } from '../residual.js';
import type { Encoder } from './encoder.js';
import { bodyParts, boneMatrix, joints, partitions, partMatrix } from './skeleton-graph.js';

const window = {
  rate: 25,
  samples: 76,
  hop: 12.5,
  instant: [joints, 4],
  channels: ['x, body sizes', 'y, body sizes', 'z, body sizes', 'seen'],
} as const;

/** Channels and temporal stride of each block. */
const blocks = [
  { channels: 32, stride: 2 },
  { channels: 48, stride: 2 },
  { channels: 64, stride: 2 },
  { channels: 64, stride: 1 },
] as const;
const temporalKernel = 7;
const width = blocks.at(-1)!.channels * bodyParts.length * 2;

/** Velocities are differences from frame to frame, which are small beside the positions. */
const velocityScale = 8;

/** [batch, frames, joints, 4] → [batch, 10, frames, joints]: what was not seen is 0 in all of them. */
function streams({ g }: Network, x: Value): Value {
  const [batch, frames] = x.shape as [number, number];
  const byChannel = g.transpose(x, [0, 3, 1, 2]);
  const [position, seen] = g.split(byChannel, [3, 1], 1) as [Value, Value];
  const times = (value: Value, from: number, to: number) => g.slice(value, 2, from, to);
  const both = g.mul(times(seen, 1, frames), times(seen, 0, frames - 1));
  const moved = g.mul(g.sub(times(position, 1, frames), times(position, 0, frames - 1)), g.mul(both, velocityScale));
  const velocity = g.pad(moved, [0, 0, 1, 0, 0, 0, 0, 0]);
  const flat = g.reshape(position, [batch * 3 * frames, joints]);
  const bones = g.matMul(flat, g.constant([joints, joints], boneMatrix()));
  const ends = boneMatrix().map((value) => Number(value !== 0));
  const count = g.matMul(g.reshape(seen, [batch * frames, joints]), g.constant([joints, joints], ends));
  // The spine has no bone; every other one has two ends.
  const whole = g.cast(g.greater(count, 1.5), x.type);
  const bone = g.mul(g.reshape(bones, position.shape), g.reshape(whole, seen.shape));
  return g.concat([position, velocity, bone, seen], 1);
}

/**
 * Every joint gathers its neighbours, each partition with weights of its own. The edges of the body are given; what is added to them is
 * learned, from nothing (Shi, Zhang, Cheng, Lu, 'Two-Stream Adaptive Graph Convolutional Networks', CVPR 2019, the part B).
 * [batch, channels, frames, joints] → [batch, outputs, frames, joints]
 */
function graphConvolution(network: Network, name: string, x: Value, outputs: number): Value {
  const { g, weights } = network;
  const [batch, channels, frames] = x.shape as [number, number, number];
  const gathered = partitions().map((edges, k) => {
    const shape = [joints, joints];
    const learned = g.parameter(`${name}.edges.${k}`, shape, weights(`${name}.edges.${k}`, shape, { fill: 0 }));
    return g.add(g.constant(shape, edges), learned);
  });
  const rows = g.reshape(x, [batch * channels * frames, joints]);
  const sides = g.reshape(g.matMul(rows, g.concat(gathered, 1)), [batch, channels, frames, gathered.length * joints]);
  // The partitions lie side by side along the joints: one convolution that reaches from each to the next adds them up.
  const kernel = [1, gathered.length];
  return spatialConvolution(network, name, sides, outputs, kernel, { dilations: [1, joints], pads: [0, 0, 0, 0] });
}

function block(
  network: Network,
  name: string,
  x: Value,
  { channels, stride }: { channels: number; stride: number },
  statistics?: BatchStatistics[],
): Value {
  const { g } = network;
  const gathered = graphConvolution(network, `${name}.graph`, x, channels);
  const spatial = g.relu(batchNormalization(network, `${name}.graphNorm`, gathered, statistics));
  const kernel = [temporalKernel, 1];
  const along = spatialConvolution(network, `${name}.time`, spatial, channels, kernel, { strides: [stride, 1] });
  const temporal = batchNormalization(network, `${name}.timeNorm`, along, statistics);
  return g.relu(g.add(temporal, shortcut(network, name, x, channels, [stride, 1], statistics)));
}

/** [batch, channels, frames, joints] → [batch, width]. */
function pooled({ g }: Network, x: Value): Value {
  const [batch, channels] = x.shape as [number, number];
  const byPart = (overTime: Value) => {
    const rows = g.reshape(overTime, [batch * channels, joints]);
    return g.reshape(g.matMul(rows, g.constant([joints, bodyParts.length], partMatrix())), [batch, -1]);
  };
  return g.concat([byPart(g.reduceMean(x, [2])), byPart(g.reduceMax(x, [2]))], 1);
}

export const skeletonEncoder: Encoder = {
  name: 'skeleton-st-gcn',
  title: 'skeleton: spatial temporal graph convolutions after ST-GCN',
  modality: 'skeleton',
  window,
  width,
  embed(network, x, statistics) {
    let y = streams(network, x);
    for (const [i, one] of blocks.entries()) y = block(network, `block.${i}`, y, one, statistics);
    return pooled(network, y);
  },
};
