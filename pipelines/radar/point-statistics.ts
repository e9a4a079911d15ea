/** What an instant's points say together, in numbers of a fixed place: moments of all points and of those that move, and counts along axes. */
import { pointSetChannels } from './point-set.js';

/** A point this slow does not move, m/s: less than a step of velocity of the demo configurations. */
const still = 0.05;
/** Counts are of some tens of points. */
const countScale = 0.1;
/** In 20 dB: beyond it the power would be no number. */
const mostDecibels = 15;
const moments = ['mean', 'deviation', 'lowest', 'highest'] as const;

/**
 * Axes that points are counted along, from the first cell's middle to the last one's; what lies beyond counts for the outermost. `channel` is
 * the point's.
 */
const axes = [
  { name: 'side', channel: 0, low: -1.5, high: 1.5, cells: 9, moving: false },
  { name: 'distance', channel: 1, low: 0.2, high: 5, cells: 13, moving: false },
  { name: 'height', channel: 2, low: -1.5, high: 1.5, cells: 13, moving: false },
  { name: 'velocity', channel: 3, low: -2.4, high: 2.4, cells: 13, moving: false },
  { name: 'side of moving points', channel: 0, low: -1.5, high: 1.5, cells: 7, moving: true },
  { name: 'height of moving points', channel: 2, low: -1.5, high: 1.5, cells: 9, moving: true },
] as const;

/** Of all points: x, y, z, velocity, SNR, speed. Of those that move: the first four. */
const quantities = ['x', 'y', 'z', 'velocity', 'SNR', 'speed'] as const;
const movingQuantities = quantities.slice(0, 4);

/** What `pointStatistics` writes, in order. */
export const pointStatisticNames: readonly string[] = [
  'points',
  'moving points',
  'share of moving points',
  ...quantities.flatMap((name) => moments.map((moment) => `${name} ${moment}`)),
  ...movingQuantities.flatMap((name) => moments.map((moment) => `${name} ${moment}, moving`)),
  'x by power',
  'y by power',
  'z by power',
  ...axes.flatMap(({ name, cells }) => Array.from({ length: cells }, (_, i) => `${name} ${i}`)),
];
export const pointStatisticsWidth = pointStatisticNames.length;

/** Numbers of scratch: sum, sum of squares, lowest and highest of each quantity, of all and of moving points. */
export const pointStatisticsScratch = 4 * (quantities.length + movingQuantities.length);

/**
 * @param points [count, 8] finite, as `createRadarPointFeatures` writes them; rows of which the last channel is 0 are none
 * @param scratch [pointStatisticsScratch]
 * @param out [pointStatisticsWidth], metres, m/s and 20 dB; all 0 without points
 */
export function pointStatistics(points: Float32Array, scratch: Float64Array, out: Float32Array): void {
  out.fill(0);
  const all = quantities.length;
  for (let q = 0; q < scratch.length; q += 4) {
    scratch[q] = scratch[q + 1] = 0;
    scratch[q + 2] = Infinity;
    scratch[q + 3] = -Infinity;
  }
  let count = 0;
  let moving = 0;
  let power = 0;
  let px = 0;
  let py = 0;
  let pz = 0;
  const firstCell = out.length - cellsOfAll;
  for (let at = 0; at < points.length; at += pointSetChannels) {
    if (points[at + 7] === 0) continue;
    const velocity = points[at + 3]!;
    const moves = Math.abs(velocity) > still;
    count++;
    if (moves) moving++;
    for (let q = 0; q < all; q++) {
      const value = q < 5 ? points[at + q]! : Math.abs(velocity);
      gather(scratch, q, value);
      if (moves && q < movingQuantities.length) gather(scratch, all + q, value);
    }
    // 20 dB are a factor of 100 in power.
    const weight = 100 ** Math.min(Math.max(points[at + 4]!, -mostDecibels), mostDecibels);
    power += weight;
    px += weight * points[at]!;
    py += weight * points[at + 1]!;
    pz += weight * points[at + 2]!;
    let cell = firstCell;
    for (const { channel, low, high, cells, moving: onlyMoving } of axes) {
      if (moves || !onlyMoving) {
        const place = ((Math.min(Math.max(points[at + channel]!, low), high) - low) / (high - low)) * (cells - 1);
        const left = Math.min(Math.floor(place), cells - 2);
        out[cell + left]! += countScale * (1 - (place - left));
        out[cell + left + 1]! += countScale * (place - left);
      }
      cell += cells;
    }
  }
  if (count === 0) return;
  out[0] = countScale * count;
  out[1] = countScale * moving;
  out[2] = moving / count;
  let to = 3;
  for (let q = 0; q < scratch.length / 4; q++, to += moments.length) {
    const of = q < all ? count : moving;
    if (of === 0) continue;
    const mean = scratch[4 * q]! / of;
    out[to] = mean;
    out[to + 1] = Math.sqrt(Math.max(0, scratch[4 * q + 1]! / of - mean * mean));
    out[to + 2] = scratch[4 * q + 2]!;
    out[to + 3] = scratch[4 * q + 3]!;
  }
  out[to] = px / power;
  out[to + 1] = py / power;
  out[to + 2] = pz / power;
}

const cellsOfAll = axes.reduce((sum, { cells }) => sum + cells, 0);

function gather(scratch: Float64Array, quantity: number, value: number): void {
  const at = 4 * quantity;
  scratch[at]! += value;
  scratch[at + 1]! += value * value;
  if (value < scratch[at + 2]!) scratch[at + 2] = value;
  if (value > scratch[at + 3]!) scratch[at + 3] = value;
}
