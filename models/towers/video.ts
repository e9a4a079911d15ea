/**
 * The video tower: a 3-D ResNet (Hara, Kataoka, Satoh, 'Can Spatiotemporal 3D CNNs Retrace the History of 2D CNNs and ImageNet?', CVPR
 * 2018), sized for the edge. Not trained yet: there is no video among the recordings.
 *
 *    window [batch, frames, 48, 48, 3], red, green, blue, 0 to 1 ─▶ [batch, 3, frames, 48, 48]
 *        ─ stem, residual blocks over time, height, width ─ mean over all of them ─▶ embedding [batch, 96]
 */
import type { Encoder } from './encoder.js';
import { convolutionLayer, residualBlock } from '../residual.js';

const size = 48;
const window = {
  rate: 6.25,
  samples: 19,
  hop: 3.125,
  instant: [size, size, 3],
  channels: ['red, 0 to 1', 'green, 0 to 1', 'blue, 0 to 1'],
} as const;

const stem = 16;
/** Channels and strides (time, height, width) of each block. */
const blocks = [
  { channels: 24, strides: [1, 2, 2] },
  { channels: 48, strides: [2, 2, 2] },
  { channels: 80, strides: [2, 2, 2] },
  { channels: 96, strides: [2, 2, 2] },
] as const;

export const videoEncoder: Encoder = {
  name: 'video-resnet-3d',
  title: 'video: 3-D ResNet',
  modality: 'video',
  window,
  width: blocks.at(-1)!.channels,
  embed(network, x, statistics) {
    const { g } = network;
    const centred = g.mul(g.sub(g.transpose(x, [0, 4, 1, 2, 3]), 0.5), 4);
    let y = convolutionLayer(network, 'stem', centred, stem, [1, 5, 5], [1, 2, 2], statistics);
    for (const [i, { channels, strides }] of blocks.entries())
      y = residualBlock(network, `block.${i}`, y, channels, strides, statistics);
    return g.reduceMean(y, [2, 3, 4]);
  },
};
