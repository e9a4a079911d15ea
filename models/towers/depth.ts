/**
 * The depth tower: a small 2-D ResNet over every frame (He, Zhang, Ren, Sun, CVPR 2016), then residual convolutions along time.
 *
 *    window [batch, frames, 48, 48] ─ the frame, its change since the one before ─▶ [batch · frames, 2, 48, 48]
 *        ─ ResNet ─▶ [batch · frames, 48, 6, 6] ─ one vector a frame ─▶ [batch, 128, frames]
 *        ─ residual blocks along time ─ mean and maximum over time ─▶ embedding [batch, 256]
 *        frames ─ joints ─▶ [batch · frames, 60]: where the joints are, learned beside the labels (training only)
 */
import type { Value } from '../graph.js';
import { batchNormalization, linear } from '../layers.js';
import type { BatchStatistics, Network } from '../layers.js';
import { convolutionLayer, residualBlock } from '../residual.js';
import type { Encoder } from './encoder.js';

const size = 48;
const window = {
  rate: 6.25,
  samples: 19,
  hop: 3.125,
  instant: [size, size],
  channels: ['distance from the person’s median; 0: no body'],
} as const;

/** Channels of the ResNet's stem, which makes 12 × 12 of the picture, and of its stages; the second halves that again. */
const stem = 24;
const stages = [24, 48] as const;
/** Channels of what is left of a picture before it becomes one vector. */
const squeezed = 16;
const frameWidth = 128;
const temporalBlocks = 2;

/** [batch, frames, 48, 48] → [batch · frames, 2, 48, 48]: the picture, and its change since the one before. */
function pictures({ g }: Network, x: Value): Value {
  const [batch, frames] = x.shape as [number, number];
  const times = (from: number, to: number) => g.slice(x, 1, from, to);
  const moved = g.pad(g.sub(times(1, frames), times(0, frames - 1)), [0, 1, 0, 0, 0, 0, 0, 0]);
  const single = (value: Value) => g.reshape(value, [batch * frames, 1, size, size]);
  return g.concat([single(x), single(moved)], 1);
}

/** What each frame shows: [batch, frames, 48, 48] → [batch · frames, frameWidth]. */
export function depthFrames(network: Network, x: Value, statistics?: BatchStatistics[]): Value {
  const { g } = network;
  let y = convolutionLayer(network, 'stem', pictures(network, x), stem, [7, 7], [4, 4], statistics);
  for (const [i, channels] of stages.entries())
    y = residualBlock(network, `stage.${i}`, y, channels, i === 0 ? [1, 1] : [2, 2], statistics);
  // Where something is in the picture matters, so it is not averaged away.
  y = convolutionLayer(network, 'squeeze', y, squeezed, [1, 1], [1, 1], statistics);
  const flat = g.reshape(y, [y.shape[0]!, -1]);
  const vector = linear(network, 'frame', flat, frameWidth);
  return g.relu(batchNormalization(network, 'frameNorm', vector, statistics));
}

/** Frames [batch · frames, frameWidth] → embedding [batch, 2 · frameWidth]. */
export function depthEmbedding(network: Network, frames: Value, statistics?: BatchStatistics[]): Value {
  const { g } = network;
  let y = g.transpose(g.reshape(frames, [-1, window.samples, frameWidth]), [0, 2, 1]);
  for (let i = 0; i < temporalBlocks; i++) y = residualBlock(network, `time.${i}`, y, frameWidth, [1], statistics);
  return g.concat([g.reduceMean(y, [2]), g.reduceMax(y, [2])], 1);
}

/** Training's second task: frames [batch · frames, frameWidth] → joints, [batch, frames, joints · 3]. */
export function depthJoints(network: Network, frames: Value, coordinates: number): Value {
  const joints = linear(network, 'joints', frames, coordinates);
  return network.g.reshape(joints, [-1, window.samples, coordinates]);
}

export const depthEncoder: Encoder = {
  name: 'depth-resnet',
  title: 'depth: 2-D ResNet over frames, convolutions along time',
  modality: 'depth',
  window,
  width: 2 * frameWidth,
  embed: (network, x, statistics) => depthEmbedding(network, depthFrames(network, x, statistics), statistics),
};
