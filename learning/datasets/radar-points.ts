/** Rows of points, as files keep them, to frames. */
import type { Frame } from '../../drivers/frames.js';
import type { RadarPointFrame } from './dataset.js';

export interface PointRows {
  /** [rows] seconds of the point's frame or arrival; a frame has its first point's. */
  readonly times: Float64Array;
  /** [rows] metres: to the right, away from the radar, up. */
  readonly right: Float64Array;
  readonly away: Float64Array;
  readonly up: Float64Array;
  /** [rows] m/s, away is positive. */
  readonly velocity: Float64Array;
  /** [rows] */
  readonly intensity: Float64Array;
}

/**
 * Peaks of the detection matrix in dB, as the ROS driver of RadHAR keeps them (there every intensity is 10 lg(n + 1) of a whole
 * number n, as MARS keeps the n).
 */
export const peakDecibels = (peaks: Float64Array): Float64Array =>
  peaks.map((peak) => 10 * Math.log10(Math.max(0, peak) + 1));

/** Leaves out frames that are not later than the one before. */
export function ascending<F extends Frame>(frames: readonly F[]): { frames: F[]; dropped: number } {
  let latest = -Infinity;
  const kept = frames.filter(({ arrivalTime }) => {
    if (arrivalTime <= latest) return false;
    latest = arrivalTime;
    return true;
  });
  return { frames: kept, dropped: frames.length - kept.length };
}

/**
 * @param starts rows at which a frame begins, ascending, the first one first; rows before it are left out
 * @param numbers [starts] each frame's number
 */
export function framesOfPoints(
  rows: PointRows,
  starts: readonly number[],
  numbers: ArrayLike<number>,
): RadarPointFrame[] {
  return starts.map((start, f) => {
    const count = (starts[f + 1] ?? rows.times.length) - start;
    const position = new Float32Array(3 * count);
    for (let i = 0; i < count; i++) {
      position[3 * i] = rows.right[start + i]!;
      position[3 * i + 1] = rows.away[start + i]!;
      position[3 * i + 2] = rows.up[start + i]!;
    }
    const time = rows.times[start]!;
    return {
      kind: 'mmwave',
      arrivalTime: time,
      deviceTime: time,
      frameNumber: numbers[f]!,
      position,
      velocity: Float32Array.from(rows.velocity.subarray(start, start + count)),
      intensity: Float32Array.from(rows.intensity.subarray(start, start + count)),
    };
  });
}
