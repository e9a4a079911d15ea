/**
 * The radar tower for heatmaps: ResNet-18's four stages of two basic blocks (He, Zhang, Ren, Sun, CVPR 2016, table 1), a sixth as wide, over
 * each instant's pictures, and a gated recurrent unit over the instants.
 *
 *    window [batch, 20, 2, 32, 32] ─▶ pictures [batch · 20, 2, 32, 32] ─ stem 16 ─ stages of 16, 24, 32, 48 channels, each but the first half the
 *        size ─▶ [batch · 20, 48, 4, 4] ─ mean ─▶ instants [batch, 20, 48] ─ GRU, both directions ─▶ mean and maximum ─▶ embedding [batch, 192]
 *
 * The stem keeps the size: ResNet-18's own halves it twice, for pictures of 224 × 224.
 */
import type { Value } from '../graph.js';
import type { BatchStatistics, Network } from '../layers.js';
import { gatedRecurrent } from '../recurrent.js';
import { convolutionLayer, residualBlock } from '../residual.js';
import type { Encoder } from './encoder.js';

const window = {
  rate: 10,
  samples: 20,
  hop: 5,
  instant: [2, 32, 32],
  channels: ['range × velocity and range × sin(azimuth): 0 the noise, 1 the strongest echo'],
} as const;

const stem = 16;
const stages = [16, 24, 32, 48] as const;
const blocks = 2;
const state = 48;

/** [batch · instants, 2, 32, 32] → [batch · instants, 48]. */
function pictures(network: Network, x: Value, statistics?: BatchStatistics[]): Value {
  let y = convolutionLayer(network, 'stem', x, stem, [3, 3], [1, 1], statistics);
  for (const [stage, channels] of stages.entries())
    for (let block = 0; block < blocks; block++) {
      const stride = stage > 0 && block === 0 ? 2 : 1;
      y = residualBlock(network, `stage.${stage}.${block}`, y, channels, [stride, stride], statistics);
    }
  return network.g.reduceMean(y, [2, 3]);
}

function embed(network: Network, x: Value, statistics?: BatchStatistics[]): Value {
  const { g } = network;
  const [batch, instants, ...picture] = x.shape as [number, number, ...number[]];
  const vectors = pictures(network, g.reshape(x, [batch * instants, ...picture]), statistics);
  const steps = g.reshape(vectors, [batch, instants, stages.at(-1)!]);
  const directions = [false, true].map((backward) =>
    gatedRecurrent(network, backward ? 'backward' : 'forward', steps, state, backward),
  );
  const states = g.concat(directions, 2);
  return g.concat([g.reduceMean(states, [1]), g.reduceMax(states, [1])], 1);
}

export const mmwaveHeatmapsEncoder: Encoder = {
  name: 'mmwave-heatmaps',
  title: "encoder of radar heatmaps: ResNet-18's shape, a gated recurrent unit over time",
  modality: 'mmwave',
  window,
  width: 4 * state,
  embed,
};
