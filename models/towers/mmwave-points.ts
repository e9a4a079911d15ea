/**
 * The radar tower for sensors that give points: a set encoder over each instant's points (Qi, Su, Mo, Guibas: 'PointNet', CVPR 2017),
 * and a temporal model over the instants.
 *
 *    window [batch, instants, points, 8] ─ seen from the points' middle ─▶ rows [batch · instants · points, 8]
 *        rows ─ the same two layers for each point ─ maximum and mean over an instant's points ─┐
 *        points counted on three planes ──────────────────────────────────────────────────────┴▶ instants [batch · instants, 96]
 *        instants ─ two convolutions along time ─ transformer ─ mean and maximum over time ─▶ embedding [batch, 192]
 *
 * A point is a row as `createRadarPointFeatures` gives it: x y z in metres, radial velocity in m/s, SNR in 20 dB, range in metres, age in
 * seconds, and 1; a row of zeros is no point.
 */
import type { Value } from '../graph.js';
import { batchNormalization, convolution, linear, sharingWeights, transformerLayer } from '../layers.js';
import type { BatchStatistics, Network } from '../layers.js';
import type { Encoder } from './encoder.js';

const window = {
  rate: 10,
  samples: 20,
  hop: 5,
  instant: [48, 8],
  channels: ['x, m', 'y, m', 'z, m', 'velocity, m/s', 'SNR, 20 dB', 'range, m', 'age, s', 'present'],
} as const;

const instants = window.samples;
const points = window.instant[0];
/** What `centred` makes of a point's channels. */
const centredChannels = 6;
/** Cells of the planes, metres and m/s from the first cell's middle to the last one's; what lies beyond counts for the outermost. */
const axes = {
  side: { low: -1.5, high: 1.5, cells: 9 },
  distance: { low: 0.2, high: 4, cells: 9 },
  height: { low: -1.5, high: 1.5, cells: 10 },
  velocity: { low: -2.4, high: 2.4, cells: 9 },
} as const;
/** An instant has some tens of points. */
const planeScale = 0.1;
const pointWidths = [32, 64] as const;
const width = 96;
const temporalKernel = 3;
const heads = 4;
const feedForward = 192;
const layers = 2;

type Row = [x: Value, y: Value, z: Value, velocity: Value, snr: Value, range: Value, age: Value, present: Value];

/**
 * Points as the body has them rather than the room: x and y from the middle of all the window's points, SNR by its own mean and deviation,
 * since devices scale it differently.
 * @param window [batch, instants, points, 8]
 * @param present [batch, instants, points, 1] 1 where there is a point
 */
function centred({ g }: Network, window: Value, present: Value): Value {
  const [x, y, z, velocity, snr, , age] = g.split(window, [1, 1, 1, 1, 1, 1, 1, 1], 3) as Row;
  const count = g.max(g.reduceSum(present, [1, 2], true), 1);
  const mean = (value: Value) => g.div(g.reduceSum(g.mul(value, present), [1, 2], true), count);
  const fromMean = (value: Value) => g.sub(value, mean(value));
  const level = fromMean(snr);
  const deviation = g.sqrt(g.add(mean(g.mul(level, level)), 1e-3));
  return g.concat([fromMean(x), fromMean(y), z, velocity, g.div(level, deviation), g.mul(age, 10)], 3);
}

/**
 * How many points of an instant lie where, seen from three sides: height by velocity, distance by velocity, side by height. A point counts for
 * the two cells on either side of it in each direction, by its nearness, so that the counts follow it without a step.
 * @returns [batch · instants, cells]
 */
function planes({ g }: Network, window: Value, present: Value): Value {
  const rows = window.shape[0]! * instants;
  const axis = (channel: number, { low, high, cells }: (typeof axes)[keyof typeof axes]) => {
    const step = (high - low) / (cells - 1);
    const centres = Array.from({ length: cells }, (_, i) => low + i * step);
    const value = g.max(g.min(g.slice(window, 3, channel, channel + 1), high), low);
    const near = g.relu(g.sub(1, g.div(g.abs(g.sub(value, g.constant([cells], centres))), step)));
    return g.reshape(g.mul(near, present), [rows, points, cells]);
  };
  const [side, distance, height] = [axis(0, axes.side), axis(1, axes.distance), axis(2, axes.height)];
  const velocity = axis(3, axes.velocity);
  const plane = (a: Value, b: Value) => g.reshape(g.matMul(g.transpose(a), b), [rows, a.shape[2]! * b.shape[2]!]);
  const all = [plane(height, velocity), plane(distance, velocity), plane(side, height)];
  return g.mul(g.concat(all, 1), planeScale);
}

/** The window [batch, instants, points, 8] → what each instant's points say together [batch · instants, width]. */
function pointSets(network: Network, window: Value, statistics?: BatchStatistics[]): Value {
  const { g } = network;
  const batch = window.shape[0]!;
  const present = g.slice(window, 3, 7, 8);
  let rows = g.reshape(centred(network, window, present), [batch * instants * points, centredChannels]);
  for (const [i, outputs] of pointWidths.entries()) rows = g.relu(linear(network, `point.${i}`, rows, outputs));
  // After a ReLU nothing is below 0, so that a point that is not there, set to 0, changes no maximum.
  const sets = g.mul(
    g.reshape(rows, [batch * instants, points, pointWidths[1]]),
    g.reshape(present, [batch * instants, points, 1]),
  );
  const count = g.reduceSum(g.reshape(present, [batch * instants, points]), [1], true);
  const mean = g.div(g.reduceSum(sets, [1]), g.max(count, 1));
  const all = g.concat([g.reduceMax(sets, [1]), mean, g.div(count, points)], 1);
  const seen = batchNormalization(network, 'planes', planes(network, window, present), statistics);
  return linear(network, 'set', g.concat([all, seen], 1), width);
}

function embed(network: Network, x: Value, statistics?: BatchStatistics[]): Value {
  const { g } = network;
  const batch = x.shape[0]!;
  let y = g.transpose(g.reshape(pointSets(network, x, statistics), [batch, instants, width]));
  for (const name of ['temporal.0', 'temporal.1'])
    y = g.relu(batchNormalization(network, name, convolution(network, name, y, width, temporalKernel), statistics));
  const position = g.parameter(
    'position',
    [instants, width],
    network.weights('position', [instants, width], { deviation: 0.02 }),
  );
  y = g.reshape(g.add(g.transpose(y), position), [batch * instants, width]);
  const shared = sharingWeights(network);
  for (let i = 0; i < layers; i++) y = transformerLayer(shared, 'layer', y, { tokens: instants, heads, feedForward });
  const sequence = g.reshape(y, [batch, instants, width]);
  return g.concat([g.reduceMean(sequence, [1]), g.reduceMax(sequence, [1])], 1);
}

/** Frames are to be gathered over `mmwavePointsSpan`: see `createRadarPointFeatures`. */
export const mmwavePointsEncoder: Encoder = {
  name: 'mmwave-points',
  title: "encoder of radar points: PointNet's sets, a transformer over time",
  modality: 'mmwave',
  window,
  width: 2 * width,
  embed,
};
/** Seconds of frames that an instant holds. */
export const mmwavePointsSpan = 0.1;
