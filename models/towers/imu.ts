/**
 * The IMU tower, after LIMU-BERT (Xu, Zhou, Li, Kumar, Shen: 'LIMU-BERT: Unleashing the Potential of Unlabeled Data for IMU Sensing
 * Applications', SenSys 2021): a transformer encoder of width 72 with feed-forward 144, 4 heads and 4 layers that share their
 * weights, pre-trained by reconstructing masked spans.
 *
 *    window [batch, samples, 6] ─ stem ─▶ tokens [batch · tokens, 72] ─ 4 × the same layer ─▶ tokens
 *        tokens ─ mean and maximum over time ─▶ embedding [batch, 144] ─ head ─▶ logits [batch, classes]
 *        tokens ─ decoder ─▶ the window's masked samples (pre-training only)
 *
 * The tower that is exported has `imuMembers` such encoders side by side, each trained by itself from another seed: their embeddings
 * are joined, their logits averaged.
 *
 * What differs from the paper, and what each change is worth, is in `docs/imu-tower.md`.
 */
import type { Value } from '../graph.js';
import {
  batchNormalization,
  convolution,
  layerNormalization,
  linear,
  sharingWeights,
  transformerLayer,
} from '../layers.js';
import type { BatchStatistics, Network } from '../layers.js';
import type { Encoder } from './encoder.js';

/** What the IMU tower reads: 50 Hz is UTD-MHAD's rate; the window holds most of its recordings whole. */
export const imuWindow = { rate: 50, samples: 152, hop: 25, channels: 6 } as const;

const width = 72;
const feedForward = 144;
const heads = 4;
const layers = 4;
/** Channels and kernel of the stem's convolutions; each is followed by a maximum over two neighbours in time. */
const stem = [
  { channels: 64, kernel: 7 },
  { channels: 96, kernel: 5 },
  { channels: width, kernel: 5 },
] as const;
const samplesPerToken = 2 ** stem.length;
/** Tokens of a window of so many samples, a multiple of 8. */
const tokensOf = (samples: number) => samples / samplesPerToken;
export const imuTokens = tokensOf(imuWindow.samples);
/** Of one encoder. */
export const imuEmbeddingWidth = 2 * width;
/** What the window's channels are. */
export const imuChannelNames = [
  'acceleration x, m/s²',
  'acceleration y, m/s²',
  'acceleration z, m/s²',
  'angular rate x, rad/s',
  'angular rate y, rad/s',
  'angular rate z, rad/s',
];
/** Encoders of a tower. */
export const imuMembers = 4;

/** Brings the channels to the order of 1: m/s² in units of gravity, rad/s in units of 200 °/s. */
const channelScale = [...Array<number>(3).fill(1 / 9.80665), ...Array<number>(3).fill(180 / (Math.PI * 200))];

/** [batch, samples, 6] in m/s² and rad/s → the same, of the order of 1; what the decoder reconstructs. */
export function normalisedWindow({ g }: Network, window: Value): Value {
  return g.mul(window, g.constant([6], channelScale));
}

/** Adds the lengths of both vectors, which do not depend on how the sensor is worn: [batch, samples, 6] → [batch, samples, 8]. */
function withLengths({ g }: Network, x: Value): Value {
  const length = (first: number) => {
    const vector = g.slice(x, 2, first, first + 3);
    // The root's slope at 0 has no bound.
    return g.sqrt(g.add(g.reduceSum(g.mul(vector, vector), [2], true), 1e-4));
  };
  return g.concat([x, length(0), length(3)], 2);
}

/**
 * @param x normalised window [batch, samples, 6]; the tower's own are `imuWindow.samples` long
 * @param statistics collects the batch's statistics while training; absent: the averages that training kept
 * @returns tokens [batch · tokens, width]
 */
export function imuEncoder(network: Network, x: Value, statistics?: BatchStatistics[]): Value {
  const { g } = network;
  const [batch, samples] = x.shape as [number, number];
  const count = tokensOf(samples);
  let y = g.transpose(withLengths(network, x), [0, 2, 1]);
  for (const [i, { channels, kernel }] of stem.entries()) {
    const name = `stem.${i}`;
    y = g.relu(batchNormalization(network, name, convolution(network, name, y, channels, kernel), statistics));
    y = g.maxPool(y, [2], { strides: [2] });
  }
  const tokens = g.transpose(y, [0, 2, 1]);
  const place = [count, width];
  const position = g.parameter('position', place, network.weights('position', place, { deviation: 0.02 }));
  y = g.reshape(g.add(tokens, position), [batch * count, width]);
  // LIMU-BERT shares one layer's weights over all its layers.
  const shared = sharingWeights(network);
  for (let i = 0; i < layers; i++) y = transformerLayer(shared, 'layer', y, { tokens: count, heads, feedForward });
  return y;
}

/** Mean and maximum over time: tokens [batch · count, width] → embedding [batch, 2 · width]. */
export function imuEmbedding({ g }: Network, tokens: Value, count = imuTokens): Value {
  const sequence = g.reshape(tokens, [tokens.shape[0]! / count, count, width]);
  return g.concat([g.reduceMean(sequence, [1]), g.reduceMax(sequence, [1])], 1);
}

/** All of it, as training and export take it. */
export const limuBert: Encoder = {
  name: 'imu-limu-bert',
  title: 'encoders after LIMU-BERT with convolutional stems',
  modality: 'imu',
  window: { ...imuWindow, instant: [imuWindow.channels], channels: imuChannelNames },
  width: imuEmbeddingWidth,
  embed: (network, window, statistics) =>
    imuEmbedding(network, imuEncoder(network, normalisedWindow(network, window), statistics)),
};

/** Pre-training's decoder: tokens [batch · tokens, width] → normalised window [batch, samples, 6]. */
export function imuDecoder(network: Network, tokens: Value): Value {
  const { g } = network;
  const hidden = g.gelu(linear(network, 'decoder.hidden', tokens, width));
  const normalised = layerNormalization(network, 'decoder.norm', hidden);
  const samples = linear(network, 'decoder.out', normalised, samplesPerToken * imuWindow.channels);
  return g.reshape(samples, [tokens.shape[0]! / imuTokens, imuWindow.samples, imuWindow.channels]);
}
