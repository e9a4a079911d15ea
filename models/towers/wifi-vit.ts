/**
 * The Wi-Fi tower with attention, after the Vision Transformer (Dosovitskiy et al., ICLR 2021): a patch is one link's whole band over eight
 * samples. A link's patches are cut by convolutions whose weights all links share, and its place among the links is not told, so that what
 * the tower says does not depend on the order of the antennas.
 *
 *    window [batch, 192, 3, 30] ─ moving part ─▶ [batch · 3, 30, 192] ─ 3 × (convolution, batch norm, ReLU, max pooling) ─▶ 72 patches
 *        ─ 3 × the same transformer layer ─▶ mean and maximum over the patches ─▶ embedding [batch, 144]
 */
import type { Value } from '../graph.js';
import { batchNormalization, convolution, sharingWeights, transformerLayer } from '../layers.js';
import type { BatchStatistics, Network } from '../layers.js';
import type { Encoder } from './encoder.js';
import { movingPart, wifiWindow } from './wifi-gru.js';

const [links, subcarriers] = wifiWindow.instant;
const width = 72;
const stem = [
  { channels: 48, kernel: 7 },
  { channels: 72, kernel: 5 },
  { channels: width, kernel: 5 },
] as const;
const patches = wifiWindow.samples / 2 ** stem.length;
const heads = 4;
const feedForward = 144;
const layers = 3;

function embed(network: Network, window: Value, statistics?: BatchStatistics[]): Value {
  const { g } = network;
  const [batch, samples] = window.shape as [number, number];
  const byLink = g.transpose(movingPart(network, window), [0, 2, 3, 1]);
  let y = g.reshape(byLink, [batch * links, subcarriers, samples]);
  for (const [i, { channels, kernel }] of stem.entries()) {
    const name = `stem.${i}`;
    y = g.relu(batchNormalization(network, name, convolution(network, name, y, channels, kernel), statistics));
    y = g.maxPool(y, [2], { strides: [2] });
  }
  const place = [patches, width];
  const position = g.parameter('position', place, network.weights('position', place, { deviation: 0.02 }));
  const tokens = links * patches;
  y = g.reshape(g.add(g.transpose(y), position), [batch * tokens, width]);
  const shared = sharingWeights(network);
  for (let i = 0; i < layers; i++) y = transformerLayer(shared, 'layer', y, { tokens, heads, feedForward });
  const sequence = g.reshape(y, [batch, tokens, width]);
  return g.concat([g.reduceMean(sequence, [1]), g.reduceMax(sequence, [1])], 1);
}

export const wifiVitEncoder: Encoder = {
  name: 'wifi-vit',
  title: "Wi-Fi: Vision Transformer over the links' bands",
  modality: 'wifi',
  window: wifiWindow,
  width: 2 * width,
  embed,
};
