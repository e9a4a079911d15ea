/** Points of a radar's own processing, gathered over the newest frames.
 *
 *  One frame of a radar sees a person as a few points; half a second of them has the body's shape. A ring of `frames`
 *  frames of at most `points` points each; a point is a row of channels:
 *
 *    x y z        metres, to the right, away from the radar, up
 *    velocity     m/s, away is positive; 0 if the device sends none
 *    snr          dB; 0 if the device sends none */

import type { RadarFrame } from '../../drivers/frames.js';

export const pointChannels = 5;

/** A box in the radar's axes, lowest and highest of each, metres. */
export type PointRegion = Readonly<Record<'x' | 'y' | 'z', readonly [low: number, high: number]>>;

export interface PointFrames {
  readonly frames: number;
  readonly points: number;
  readonly region: PointRegion;
  /** [frames, points, 5] */
  readonly data: Float32Array;
  /** [frames] points of each */
  readonly counts: Int32Array;
  /** [frames] arrival, seconds; NaN: not written yet. */
  readonly times: Float64Array;
  /** [start, end) of the frames that `gatherInterval` takes, seconds. */
  readonly interval: Float64Array;
  /** Frames written so far. */
  written: number;
  /** Points left out because a frame had too many, or a value that is no number. */
  dropped: number;
}

const everywhere: readonly [number, number] = [-Infinity, Infinity];

/** @param region what lies outside is not kept */
export const createPointFrames = (
  frames: number,
  points: number,
  region: PointRegion = { x: everywhere, y: everywhere, z: everywhere },
): PointFrames => ({
  frames,
  points,
  region,
  data: new Float32Array(frames * points * pointChannels),
  counts: new Int32Array(frames),
  times: new Float64Array(frames).fill(NaN),
  interval: new Float64Array(2),
  written: 0,
  dropped: 0,
});

/** The next frame takes the oldest one's place; a frame without points is one too. Of too many points the first are kept. */
export function addPointFrame(state: PointFrames, frame: RadarFrame): void {
  const { position, velocity, snr, arrivalTime } = frame;
  const { data, points, region } = state;
  const slot = state.written++ % state.frames;
  const sent = position ? position.length / 3 : 0;
  let kept = 0;
  for (let i = 0; i < sent; i++) {
    const x = position![3 * i]!;
    const y = position![3 * i + 1]!;
    const z = position![3 * i + 2]!;
    // (With `?.` and `??` the engine would allocate each number.)
    const v = velocity === undefined ? 0 : velocity[i]!;
    const s = snr === undefined ? 0 : snr[i]!;
    if (!isWithin(x, region.x) || !isWithin(y, region.y) || !isWithin(z, region.z)) continue;
    if (kept === points || !Number.isFinite(x + y + z + v + s)) {
      state.dropped++;
      continue;
    }
    const at = (slot * points + kept++) * pointChannels;
    data[at] = x;
    data[at + 1] = y;
    data[at + 2] = z;
    data[at + 3] = v;
    data[at + 4] = s;
  }
  state.counts[slot] = kept;
  state.times[slot] = arrivalTime;
}

const isWithin = (value: number, range: readonly [number, number]) => !(value < range[0] || value > range[1]);

/** Channels of a gathered point. */
export const gatheredChannels = 9;

/**
 * The points of the frames that arrived in [start, end), oldest frame first, each as a row of
 *
 *    x y z velocity snr   range (m)   azimuth (rad, to the right)   elevation (rad, up)   age (s before `end`)
 *
 * Of more points than fit, evenly spaced ones are taken. What is left of `out` is 0.
 * @param out [most points, 9], written anew
 * @returns number of points in `out`
 */
export function gatherPoints(state: PointFrames, start: number, end: number, out: Float32Array): number {
  state.interval[0] = start;
  state.interval[1] = end;
  return gatherInterval(state, out);
}

/** The same of the state's `interval`: a number that goes into a function may be allocated. */
export function gatherInterval(state: PointFrames, out: Float32Array): number {
  const { frames, points, data, counts, times, written } = state;
  const start = state.interval[0]!;
  const end = state.interval[1]!;
  const most = out.length / gatheredChannels;
  let total = 0;
  for (let slot = 0; slot < frames; slot++) if (times[slot]! >= start && times[slot]! < end) total += counts[slot]!;
  out.fill(0);
  const kept = Math.min(total, most);
  let seen = 0;
  let row = 0;
  for (let f = 0; f < frames; f++) {
    const slot = (written + f) % frames;
    if (!(times[slot]! >= start && times[slot]! < end)) continue;
    for (let i = 0; i < counts[slot]!; i++, seen++) {
      if (seen < Math.floor((row * total) / kept)) continue;
      const from = (slot * points + i) * pointChannels;
      const to = row++ * gatheredChannels;
      const x = data[from]!;
      const y = data[from + 1]!;
      const z = data[from + 2]!;
      for (let c = 0; c < pointChannels; c++) out[to + c] = data[from + c]!;
      out[to + 5] = Math.sqrt(x * x + y * y + z * z);
      out[to + 6] = Math.atan2(x, y);
      out[to + 7] = Math.atan2(z, Math.sqrt(x * x + y * y));
      out[to + 8] = end - times[slot]!;
    }
  }
  return row;
}
