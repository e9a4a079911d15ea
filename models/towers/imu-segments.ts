/**
 * An IMU network for windows that may hold more than one activity: it tells each stretch of a window apart, and the window's probabilities
 * are the stretches' mean.
 *
 *    window [batch, samples, 6] ─ along and across gravity, lengths ─▶ [batch, 6, samples]
 *        ─ five convolutions along time, three maxima over neighbours ─▶ tokens [batch · samples / 8, 96]
 *        tokens ─ linear, softmax, mean over the window, logarithm ─▶ logits [batch, classes]
 *
 * Trained on the labels' shares of a window, it learns which stretch has which label without being told.
 */
import type { Value } from '../graph.js';
import { batchNormalization, convolution, linear } from '../layers.js';
import type { BatchStatistics, Network } from '../layers.js';
import { normalisedWindow } from './imu.js';

/** `halved`: a maximum over two neighbours in time follows. */
const stem = [
  { channels: 64, kernel: 7, halved: true },
  { channels: 96, kernel: 5, halved: true },
  { channels: 96, kernel: 5, halved: true },
  { channels: 96, kernel: 3, halved: false },
  { channels: 96, kernel: 3, halved: false },
] as const;
/** The logarithm's slope at 0 has no bound. */
const least = 1e-4;

/** [batch, samples, 3] → [batch, samples, 1]; the root's slope at 0 has no bound either. */
const length = ({ g }: Network, vector: Value) => g.sqrt(g.add(g.reduceSum(g.mul(vector, vector), [2], true), 1e-4));

/**
 * What does not depend on how the sensor is worn: lengths of acceleration and angular rate, and of each the part along gravity and the length
 * of the part across it. Gravity's direction is that of the window's mean acceleration (Mizell, 'Using gravity to estimate accelerometer
 * orientation', ISWC 2003).
 * @param x normalised window [batch, samples, 6]
 * @returns [batch, samples, 6]
 */
export function gravityAligned(network: Network, x: Value): Value {
  const { g } = network;
  const acceleration = g.slice(x, 2, 0, 3);
  const mean = g.reduceMean(acceleration, [1], true);
  const up = g.div(mean, length(network, mean));
  const parts = [acceleration, g.slice(x, 2, 3, 6)].flatMap((vector) => {
    const along = g.reduceSum(g.mul(vector, up), [2], true);
    return [length(network, vector), along, length(network, g.sub(vector, g.mul(along, up)))];
  });
  return g.concat(parts, 2);
}

/**
 * @param window [batch, samples, 6] in m/s² and rad/s, samples a multiple of 8
 * @param asWorn the six values as they are beside those that do not depend on how the sensor is worn
 * @returns tokens [batch · samples / 8, 96]
 */
export function imuSegments(
  network: Network,
  window: Value,
  { asWorn }: { readonly asWorn: boolean },
  statistics?: BatchStatistics[],
): Value {
  const { g } = network;
  const x = normalisedWindow(network, window);
  const aligned = gravityAligned(network, x);
  let y = g.transpose(asWorn ? g.concat([x, aligned], 2) : aligned, [0, 2, 1]);
  y = batchNormalization(network, 'window', y, statistics);
  for (const [i, { channels, kernel, halved }] of stem.entries()) {
    const name = `stem.${i}`;
    y = g.relu(batchNormalization(network, name, convolution(network, name, y, channels, kernel), statistics));
    if (halved) y = g.maxPool(y, [2], { strides: [2] });
  }
  const [batch, channels, tokens] = y.shape as [number, number, number];
  return g.reshape(g.transpose(y, [0, 2, 1]), [batch * tokens, channels]);
}

/** Tokens [batch · tokens, width] → logits [batch, classes] of which the softmax is the mean of the tokens' softmax. */
export function segmentsHead(network: Network, name: string, tokens: Value, batch: number, classes: number): Value {
  const { g } = network;
  const each = g.softmax(linear(network, name, tokens, classes));
  const mean = g.reduceMean(g.reshape(each, [batch, tokens.shape[0]! / batch, classes]), [1]);
  return g.log(g.add(mean, least));
}
