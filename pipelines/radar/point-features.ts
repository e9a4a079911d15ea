import { gatheredChannels } from './point-frames.js';

/** What `pointFeatures` writes, in order. */
export const pointFeatureNames = [
  'points',
  'x mean',
  'y mean',
  'z mean',
  'x deviation',
  'y deviation',
  'z deviation',
  'z lowest',
  'z highest',
  'velocity mean',
  'velocity deviation',
  'velocity lowest',
  'velocity highest',
  'speed mean',
  'snr mean',
  'snr highest',
] as const;

/**
 * One frame's or window's points in 16 numbers, in metres, m/s and dB; deviations are of the points themselves (divided by
 * their number). All 0 without points.
 * @param points [count, 9] as `gatherPoints` writes them
 * @param sums [6] scratch
 * @param out [16]
 */
export function pointFeatures(points: Float32Array, count: number, sums: Float64Array, out: Float32Array): void {
  out.fill(0);
  if (count === 0) return;
  // Channels 0 to 4; 5: speed.
  sums.fill(0);
  let lowest = Infinity;
  let highest = -Infinity;
  let slowest = Infinity;
  let fastest = -Infinity;
  let loudest = -Infinity;
  for (let i = 0, at = 0; i < count; i++, at += gatheredChannels) {
    for (let c = 0; c < 5; c++) sums[c]! += points[at + c]!;
    const z = points[at + 2]!;
    const velocity = points[at + 3]!;
    const snr = points[at + 4]!;
    sums[5]! += Math.abs(velocity);
    lowest = Math.min(lowest, z);
    highest = Math.max(highest, z);
    slowest = Math.min(slowest, velocity);
    fastest = Math.max(fastest, velocity);
    loudest = Math.max(loudest, snr);
  }
  for (let k = 0; k < 6; k++) sums[k]! /= count;
  let xx = 0;
  let yy = 0;
  let zz = 0;
  let vv = 0;
  for (let i = 0, at = 0; i < count; i++, at += gatheredChannels) {
    xx += (points[at]! - sums[0]!) ** 2;
    yy += (points[at + 1]! - sums[1]!) ** 2;
    zz += (points[at + 2]! - sums[2]!) ** 2;
    vv += (points[at + 3]! - sums[3]!) ** 2;
  }
  out[0] = count;
  out[1] = sums[0]!;
  out[2] = sums[1]!;
  out[3] = sums[2]!;
  out[4] = Math.sqrt(xx / count);
  out[5] = Math.sqrt(yy / count);
  out[6] = Math.sqrt(zz / count);
  out[7] = lowest;
  out[8] = highest;
  out[9] = sums[3]!;
  out[10] = Math.sqrt(vv / count);
  out[11] = slowest;
  out[12] = fastest;
  out[13] = sums[5]!;
  out[14] = sums[4]!;
  out[15] = loudest;
}
