/**
 * The depth tower: a small 2-D ResNet over every two frames (He, Zhang, Ren, Sun, CVPR 2016), then residual convolutions along time.
 *
 *    window [batch, frames, 48, 48] ─ two frames in a row as two channels ─▶ [batch · pairs, 2, 48, 48]
 *        ─ ResNet ─▶ [batch · pairs, 48, 6, 6] ─ one vector a pair ─▶ [batch, 128, pairs]
 *        ─ residual blocks along time ─ mean and maximum over time ─▶ embedding [batch, 256]
 *        pairs ─ joints ─▶ [batch, frames, 60]: where the joints are, learned beside the labels (training only)
 *
 * A pair costs no more than a frame would, and shows which way things move.
 */
import type { Value } from '../graph.js';
import { batchNormalization, linear } from '../layers.js';
import type { BatchStatistics, Network } from '../layers.js';
import { convolutionLayer, residualBlock } from '../residual.js';
import type { Encoder } from './encoder.js';

const size = 48;
const window = {
  rate: 12.5,
  samples: 38,
  hop: 6.25,
  instant: [size, size],
  channels: ['distance from the person’s median; 0: no body'],
} as const;

/** Channels of the ResNet's stem, which makes 12 × 12 of a picture, and of its stages; the second halves that again. */
const stem = 24;
const stages = [24, 48] as const;
/** Channels of what is left of two pictures before it becomes one vector. */
const squeezed = 16;
const pairWidth = 128;
const temporalBlocks = 2;

/** What every two frames show: [batch, frames, 48, 48] → [batch · pairs, pairWidth]. */
export function depthPairs(network: Network, x: Value, statistics?: BatchStatistics[]): Value {
  const { g } = network;
  let y = convolutionLayer(network, 'stem', g.reshape(x, [-1, 2, size, size]), stem, [7, 7], [4, 4], statistics);
  for (const [i, channels] of stages.entries())
    y = residualBlock(network, `stage.${i}`, y, channels, i === 0 ? [1, 1] : [2, 2], statistics);
  // Where something is in the picture matters, so it is not averaged away.
  y = convolutionLayer(network, 'squeeze', y, squeezed, [1, 1], [1, 1], statistics);
  const flat = g.reshape(y, [y.shape[0]!, -1]);
  const vector = linear(network, 'pair', flat, pairWidth);
  return g.relu(batchNormalization(network, 'pairNorm', vector, statistics));
}

/** Pairs [batch · pairs, pairWidth] → embedding [batch, 2 · pairWidth]. */
export function depthEmbedding(network: Network, pairs: Value, statistics?: BatchStatistics[]): Value {
  const { g } = network;
  let y = g.transpose(g.reshape(pairs, [-1, window.samples / 2, pairWidth]), [0, 2, 1]);
  for (let i = 0; i < temporalBlocks; i++) y = residualBlock(network, `time.${i}`, y, pairWidth, [1], statistics);
  return g.concat([g.reduceMean(y, [2]), g.reduceMax(y, [2])], 1);
}

/** Training's second task: pairs [batch · pairs, pairWidth] → joints of each frame, [batch, frames, coordinates]. */
export function depthJoints(network: Network, pairs: Value, coordinates: number): Value {
  const joints = linear(network, 'joints', pairs, 2 * coordinates);
  return network.g.reshape(joints, [-1, window.samples, coordinates]);
}

export const depthEncoder: Encoder = {
  name: 'depth-resnet',
  title: 'depth: 2-D ResNet over pairs of frames, convolutions along time',
  modality: 'depth',
  window,
  width: 2 * pairWidth,
  embed: (network, x, statistics) => depthEmbedding(network, depthPairs(network, x, statistics), statistics),
};
