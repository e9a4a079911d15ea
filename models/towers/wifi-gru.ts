/**
 * The Wi-Fi tower with a recurrent layer: convolutions over time and over the spectra, and a gated recurrent unit in both directions.
 *
 *    window [batch, 192, 3, 30] ─ moving part ─┬▶ [batch, 90, 192] ─ 3 × (convolution, batch norm, ReLU, max pooling) ─▶ [batch, 96, 24] ─┐
 *                                              └▶ spectra [batch, 36, 24] ─ 2 × (convolution, batch norm, ReLU) ─▶ [batch, 64, 24] ────────┤
 *        ┌──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────┘
 *        └▶ GRU forward and backward ─▶ [batch, 24, 128] ─ mean and maximum over time ─▶ embedding [batch, 256]
 */
import type { Value } from '../graph.js';
import { batchNormalization, convolution } from '../layers.js';
import type { BatchStatistics, Network } from '../layers.js';
import { gatedRecurrent } from '../recurrent.js';
import type { Encoder } from './encoder.js';
import { movementSpectrum } from './wifi-spectrum.js';

/** What both Wi-Fi towers read: 6.4 s of relative amplitudes as `createWifiFeatures` gives them. */
export const wifiWindow = {
  rate: 30,
  samples: 192,
  hop: 30,
  instant: [3, 30],
  channels: Array.from({ length: 30 }, (_, i) => `amplitude at ${i + 1} of 30 places of the band, relative`),
} as const;
const [links, subcarriers] = wifiWindow.instant;

/**
 * What moves: each channel without its mean over the window, which is the room's, in units of the whole window's deviation, which hangs on
 * how far away the person is.
 * @param window [batch, samples, links, subcarriers]
 */
export function movingPart({ g }: Network, window: Value): Value {
  const moving = g.sub(window, g.reduceMean(window, [1], true));
  const variance = g.reduceMean(g.mul(moving, moving), [1, 2, 3], true);
  return g.div(moving, g.sqrt(g.add(variance, 1e-6)));
}

/** Channels and kernel of the convolutions; each is followed by a maximum over two neighbours in time. */
const stem = [
  { channels: 64, kernel: 7 },
  { channels: 96, kernel: 5 },
  { channels: 96, kernel: 5 },
] as const;
const spectrumLayers = [
  { channels: 64, kernel: 3 },
  { channels: 64, kernel: 3 },
] as const;
const state = 64;

function embed(network: Network, window: Value, statistics?: BatchStatistics[]): Value {
  const { g } = network;
  const [batch, samples] = window.shape as [number, number];
  const layer = (name: string, x: Value, channels: number, kernel: number) =>
    g.relu(batchNormalization(network, name, convolution(network, name, x, channels, kernel), statistics));
  const moving = movingPart(network, window);
  let swings = g.transpose(g.reshape(moving, [batch, samples, links * subcarriers]));
  for (const [i, { channels, kernel }] of stem.entries())
    swings = g.maxPool(layer(`stem.${i}`, swings, channels, kernel), [2], { strides: [2] });
  let spectra = movementSpectrum(network, moving);
  for (const [i, { channels, kernel }] of spectrumLayers.entries())
    spectra = layer(`spectrum.${i}`, spectra, channels, kernel);
  const steps = g.transpose(g.concat([swings, spectra], 1));
  const states = g.concat(
    [gatedRecurrent(network, 'forward', steps, state), gatedRecurrent(network, 'backward', steps, state, true)],
    2,
  );
  return g.concat([g.reduceMean(states, [1]), g.reduceMax(states, [1])], 1);
}

export const wifiGruEncoder: Encoder = {
  name: 'wifi-cnn-gru',
  title: 'Wi-Fi: convolutions and a gated recurrent unit',
  modality: 'wifi',
  window: wifiWindow,
  width: 4 * state,
  embed,
};
