/**
 * The LiDAR tower: Point Transformer layers over the points of every frame (Zhao, Jiang, Jia, Torr, Koltun, 'Point Transformer', ICCV
 * 2021), then a transformer over the frames. Not trained yet: there is no LiDAR among the recordings of people.
 *
 *    window [batch, frames, 128, 5], points of the person's crop in farthest-point order ─▶ [batch · frames · 128, 5]
 *        ─ 32 points, each the maximum over its neighbours ─ attention among neighbours ─ 8 points ─ attention
 *        ─ maximum over the points ─▶ [batch · frames, 64]
 *        ─ transformer over the frames ─ mean and maximum over time ─▶ embedding [batch, 128]
 */
import type { Value } from '../graph.js';
import { layerNormalization, linear, transformerLayer } from '../layers.js';
import type { Network } from '../layers.js';
import type { Encoder } from './encoder.js';

const points = 128;
const window = {
  rate: 6.25,
  samples: 19,
  hop: 3.125,
  instant: [points, 5],
  channels: ['x, m', 'y, m', 'z, m', 'intensity, 0 to 1', 'present'],
} as const;

const firstWidth = 32;
const secondWidth = 64;
/** In farthest-point order, the first points of a cloud are a thinner cloud of the same shape. */
const [thinned, thinnest] = [32, 8];
const neighbours = 8;
/** Square metres; beyond every distance in a crop. */
const farAway = 1e6;
const layers = 2;

interface Cloud {
  /** [clouds, points, 3] */
  readonly position: Value;
  /** [clouds · points, width] */
  readonly features: Value;
}

/** Rows of `from` [clouds · points, width] that are neighbours of each centre: [clouds · centres · neighbours, width]. */
function gatherRows({ g }: Network, from: Value, selection: Value): Value {
  const [clouds, rows, pointsInCloud] = selection.shape as [number, number, number];
  const width = from.shape[1]!;
  const chosen = g.matMul(selection, g.reshape(from, [clouds, pointsInCloud, width]));
  return g.reshape(chosen, [clouds * rows, width]);
}

/**
 * The points nearest to each centre, itself among them, the nearest first and of equals the first: [clouds, centres · neighbours,
 * points], each row 1 at one point and 0 elsewhere. (WebGPU has no TopK, and gathers by no places that a graph computes.)
 */
function nearest({ g }: Network, centres: Value, position: Value): Value {
  const [clouds, count] = centres.shape as [number, number];
  const pointsInCloud = position.shape[1]!;
  const square = (x: Value) => g.reduceSum(g.mul(x, x), [2], true);
  const across = g.mul(g.matMul(centres, g.transpose(position)), 2);
  let closeness = g.sub(g.sub(across, square(centres)), g.transpose(square(position)));
  const precedence = g.constant(
    [1, 1, pointsInCloud],
    Array.from({ length: pointsInCloud }, (_, point) => pointsInCloud - point),
  );
  const equal = (x: Value) => g.cast(g.equal(x, g.reduceMax(x, [2], true)), 'float32');
  const chosen: Value[] = [];
  for (let i = 0; i < neighbours; i++) {
    const one = equal(g.mul(equal(closeness), precedence));
    chosen.push(g.reshape(one, [clouds, count, 1, pointsInCloud]));
    closeness = g.sub(closeness, g.mul(one, farAway));
  }
  return g.reshape(g.concat(chosen, 2), [clouds, count * neighbours, pointsInCloud]);
}

/** From each neighbour to its centre: [clouds · centres · neighbours, 3]. */
function offsets(network: Network, centres: Value, position: Value, selection: Value): Value {
  const { g } = network;
  const [clouds, count] = centres.shape as [number, number];
  const cloudSize = position.shape[1]!;
  const around = gatherRows(network, g.reshape(position, [clouds * cloudSize, 3]), selection);
  const repeated = g.expand(g.reshape(centres, [clouds * count, 1, 3]), [clouds * count, neighbours, 3]);
  return g.sub(g.reshape(repeated, around.shape), around);
}

const perceptron = (network: Network, name: string, x: Value, width: number): Value =>
  linear(network, `${name}.out`, network.g.relu(linear(network, `${name}.in`, x, width)), width);

/**
 * Section 3.2: yᵢ = Σⱼ softmaxⱼ(γ(φ(xᵢ) − ψ(xⱼ) + δ)) ⊙ (α(xⱼ) + δ), δ = θ(pᵢ − pⱼ), over the neighbours j of i, channel by channel;
 * added to xᵢ.
 */
function pointAttention(network: Network, name: string, { position, features }: Cloud): Value {
  const { g } = network;
  const [clouds, count] = position.shape as [number, number];
  const [rows, width] = features.shape as [number, number];
  const selection = nearest(network, position, position);
  const x = layerNormalization(network, `${name}.norm`, features);
  const of = (kind: string) => linear(network, `${name}.${kind}`, x, width);
  const around = (value: Value) => gatherRows(network, value, selection);
  const place = perceptron(network, `${name}.place`, offsets(network, position, position, selection), width);
  const query = g.reshape(g.expand(g.reshape(of('query'), [rows, 1, width]), [rows, neighbours, width]), [
    clouds * count * neighbours,
    width,
  ]);
  const relation = g.add(g.sub(query, around(of('key'))), place);
  const byChannel = (value: Value) => g.transpose(g.reshape(value, [rows, neighbours, width]));
  const weights = g.softmax(byChannel(perceptron(network, `${name}.weight`, relation, width)));
  const mixed = g.reduceSum(g.mul(weights, byChannel(g.add(around(of('value')), place))), [2]);
  return g.add(features, linear(network, `${name}.out`, mixed, width));
}

/** Section 3.4, 'transition down': fewer points, each the maximum over its neighbours. */
function thinner(network: Network, name: string, { position, features }: Cloud, kept: number, width: number): Cloud {
  const { g } = network;
  const [clouds] = position.shape as [number, number];
  const centres = g.slice(position, 1, 0, kept);
  const selection = nearest(network, centres, position);
  const around = gatherRows(network, g.relu(linear(network, name, features, width)), selection);
  const largest = g.reduceMax(g.reshape(around, [clouds * kept, neighbours, width]), [1]);
  return { position: centres, features: largest };
}

export const lidarEncoder: Encoder = {
  name: 'lidar-point-transformer',
  title: 'LiDAR: Point Transformer over frames, transformer along time',
  modality: 'lidar',
  window,
  width: 2 * secondWidth,
  embed(network, x) {
    const { g } = network;
    const [batch, frames] = x.shape as [number, number];
    const clouds = g.reshape(x, [batch * frames, points, 5]);
    const position = g.slice(clouds, 2, 0, 3);
    const start = g.relu(linear(network, 'points', g.reshape(clouds, [-1, 5]), firstWidth));
    const some = thinner(network, 'thinner.0', { position, features: start }, thinned, firstWidth);
    const fine = { ...some, features: pointAttention(network, 'fine', some) };
    const few = thinner(network, 'thinner.1', fine, thinnest, secondWidth);
    const seen = pointAttention(network, 'coarse', few);
    const perFrame = g.reduceMax(g.reshape(seen, [batch * frames, thinnest, secondWidth]), [1]);
    const place = [frames, secondWidth];
    const when = g.parameter('time', place, network.weights('time', place, { deviation: 0.02 }));
    let y = g.reshape(g.add(g.reshape(perFrame, [batch, frames, secondWidth]), when), [-1, secondWidth]);
    for (let i = 0; i < layers; i++)
      y = transformerLayer(network, `layer.${i}`, y, { tokens: frames, heads: 4, feedForward: 2 * secondWidth });
    const sequence = g.reshape(y, [batch, frames, secondWidth]);
    return g.concat([g.reduceMean(sequence, [1]), g.reduceMax(sequence, [1])], 1);
  },
};
