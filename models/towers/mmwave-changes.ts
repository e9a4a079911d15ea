/**
 * A radar tower for sensors that give points, of what changes: each instant's points in numbers (`pointStatistics`), less their means over
 * the window, and convolutions along time.
 *
 *    window [batch, instants, statistics] ─ less the mean over time ─ batch normalisation ─▶ [batch, statistics, instants]
 *        ─ three convolutions along time, two maxima over neighbours ─ mean and maximum over time ─▶ embedding [batch, 192]
 *
 * Most points are the room's. They stand still: with the means they are gone, and so is where in the room the person stands.
 */
import { pointStatisticNames, pointStatisticsWidth } from '../../pipelines/radar/point-statistics.js';
import { batchNormalization, convolution } from '../layers.js';
import type { Encoder } from './encoder.js';

/** `halved`: a maximum over two neighbours in time follows. */
const stem = [
  { channels: 64, kernel: 5, halved: true },
  { channels: 96, kernel: 5, halved: true },
  { channels: 96, kernel: 3, halved: false },
] as const;
const width = stem[2].channels;

/** Instants are sets of `mmwaveChangesPoints` points of the newest `mmwaveChangesSpan` seconds. */
export const mmwaveChangesEncoder: Encoder = {
  name: 'mmwave-changes',
  title: 'encoder of radar points: how their statistics change, a CNN over time',
  modality: 'mmwave',
  window: { rate: 20, samples: 40, hop: 10, instant: [pointStatisticsWidth], channels: pointStatisticNames },
  width: 2 * width,
  embed(network, window, statistics) {
    const { g } = network;
    let y = g.transpose(window, [0, 2, 1]);
    y = batchNormalization(network, 'statistics', g.sub(y, g.reduceMean(y, [2], true)), statistics);
    for (const [i, { channels, kernel, halved }] of stem.entries()) {
      const name = `stem.${i}`;
      y = g.relu(batchNormalization(network, name, convolution(network, name, y, channels, kernel), statistics));
      if (halved) y = g.maxPool(y, [2], { strides: [2] });
    }
    return g.concat([g.reduceMean(y, [2]), g.reduceMax(y, [2])], 1);
  },
};
/** Of a set, and the seconds of frames that it holds. */
export const mmwaveChangesPoints = 128;
export const mmwaveChangesSpan = 0.1;
