/** The ground under the sensor, from one frame without people.
 *
 *     columns      0.5 m × 0.5 m, the lowest point of each; not those with a point 0.15 to 0.6 m above it: walls and furniture
 *     RANSAC       planes through three of them, tilted by at most 20°, 0.2 to 5 m below the sensor; the one with the most others
 *                  within 5 cm, less those below it: nothing is below the ground
 *     refinement   least squares over all points of such columns within 5 cm, three times
 *
 *  Fischler and Bolles, Random Sample Consensus, CACM 24 (1981). Random numbers are seeded: the same points, the same plane. */
import { addPoint, planeOf } from './plane.js';

const side = 64; // columns
const size = 0.5; // metres
const reach = (side / 2) * size;
const notFlat = { from: 0.15, to: 0.6 };
const steepest = Math.cos((20 * Math.PI) / 180);
const heights = { least: 0.2, most: 5 };
const within = 0.05;
const trials = 400;
const refinements = 3;
const fewestColumns = 24;
const leastShare = 0.15;
const leastSpread = 0.4; // metres, of the ground seen, across its longer axis

/** Scratch of `findGround`. */
export interface GroundFinder {
  /** [columns] */
  readonly lowest: Float32Array;
  readonly flat: Uint8Array;
  /** [columns, 3] lowest points of the flat ones */
  readonly candidates: Float32Array;
  readonly sums: Float64Array;
  readonly spread: Float64Array;
  readonly plane: Float64Array;
  readonly trial: Float64Array;
}

export const createGroundFinder = (): GroundFinder => ({
  lowest: new Float32Array(side * side),
  flat: new Uint8Array(side * side),
  candidates: new Float32Array(3 * side * side),
  sums: new Float64Array(10),
  spread: new Float64Array(3),
  plane: new Float64Array(4),
  trial: new Float64Array(4),
});

function columnOf(x: number, y: number): number {
  const i = Math.floor((x + reach) / size);
  const j = Math.floor((y + reach) / size);
  return i >= 0 && i < side && j >= 0 && j < side ? i * side + j : -1;
}

/**
 * @param position [points, 3] finite, metres; z points up, but for the tilt
 * @param out [n_x, n_y, n_z, height of the sensor], written only where ground is found
 * @returns false if none is seen: a 2-D LiDAR, a scanner whose lowest beam meets the walls
 */
export function findGround(position: Float32Array, points: number, finder: GroundFinder, out: Float64Array): boolean {
  const { lowest, flat, candidates, sums, spread, plane, trial } = finder;
  const count = flatColumns(position, points, finder);
  if (count < fewestColumns) return false;

  let seed = 0x2545f491;
  const next = () => {
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    return (seed >>> 0) % count;
  };
  let best = 0;
  for (let k = 0; k < trials; k++) {
    if (!planeThrough(candidates, next(), next(), next(), trial)) continue;
    const score = scoreOf(candidates, count, trial);
    if (score > best) {
      best = score;
      plane.set(trial);
    }
  }
  if (best < Math.max(fewestColumns, leastShare * count)) return false;

  for (let k = 0; k < refinements; k++) {
    const a = plane[0]!;
    const b = plane[1]!;
    const c = plane[2]!;
    const d = plane[3]!;
    sums.fill(0);
    for (let i = 0; i < points; i++) {
      const x = position[3 * i]!;
      const y = position[3 * i + 1]!;
      const z = position[3 * i + 2]!;
      if (!(Math.abs(a * x + b * y + c * z + d) <= within)) continue;
      const column = columnOf(x, y);
      if (column >= 0 && flat[column] === 1 && z <= lowest[column]! + notFlat.from) addPoint(sums, x, y, z);
    }
    if (!planeOf(sums, plane, spread) || spread[1]! < leastSpread || !plausible(plane)) return false;
  }
  out.set(plane);
  return true;
}

function flatColumns(position: Float32Array, points: number, { lowest, flat, candidates }: GroundFinder): number {
  lowest.fill(Infinity);
  flat.fill(1);
  for (let pass = 0; pass < 2; pass++) {
    for (let i = 0; i < points; i++) {
      const z = position[3 * i + 2]!;
      const column = columnOf(position[3 * i]!, position[3 * i + 1]!);
      if (column < 0) continue;
      const least = lowest[column]!;
      if (pass === 1) {
        if (z > least + notFlat.from && z < least + notFlat.to) flat[column] = 0;
      } else if (z < least) {
        lowest[column] = z;
      }
    }
  }
  let count = 0;
  for (let i = 0; i < points; i++) {
    const column = columnOf(position[3 * i]!, position[3 * i + 1]!);
    if (column < 0 || flat[column] === 0 || position[3 * i + 2] !== lowest[column]) continue;
    if (3 * count === candidates.length) break; // two points of one column may be equally low
    for (let k = 0; k < 3; k++) candidates[3 * count + k] = position[3 * i + k]!;
    count++;
  }
  return count;
}

const plausible = (plane: Float64Array) =>
  plane[2]! >= steepest && plane[3]! >= heights.least && plane[3]! <= heights.most;

function planeThrough(points: Float32Array, i: number, j: number, k: number, out: Float64Array): boolean {
  const x = points[3 * i]!;
  const y = points[3 * i + 1]!;
  const z = points[3 * i + 2]!;
  const ux = points[3 * j]! - x;
  const uy = points[3 * j + 1]! - y;
  const uz = points[3 * j + 2]! - z;
  const vx = points[3 * k]! - x;
  const vy = points[3 * k + 1]! - y;
  const vz = points[3 * k + 2]! - z;
  const nx = uy * vz - uz * vy;
  const ny = uz * vx - ux * vz;
  const nz = ux * vy - uy * vx;
  const length = (nz < 0 ? -1 : 1) * Math.sqrt(nx * nx + ny * ny + nz * nz);
  if (Math.abs(length) < 1e-3) return false; // on a line
  out[0] = nx / length;
  out[1] = ny / length;
  out[2] = nz / length;
  out[3] = -(out[0] * x + out[1] * y + out[2] * z);
  return plausible(out);
}

function scoreOf(points: Float32Array, count: number, plane: Float64Array): number {
  const a = plane[0]!;
  const b = plane[1]!;
  const c = plane[2]!;
  const d = plane[3]!;
  let score = 0;
  for (let i = 0; i < count; i++) {
    const above = a * points[3 * i]! + b * points[3 * i + 1]! + c * points[3 * i + 2]! + d;
    if (above < -2 * within) score--;
    else if (above <= within) score++;
  }
  return score;
}
