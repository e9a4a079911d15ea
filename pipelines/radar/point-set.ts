/** A radar's own points as the fixed set of points that a tower reads.
 *
 *  frames ─▶ region ─▶ points of the last `span` seconds ─▶ the strongest ─▶ by height ─▶ [points, 8]
 *
 *    x y z      metres, to the right, away from the radar, up
 *    velocity   m/s, away is positive
 *    snr        20 dB
 *    range      metres
 *    age        seconds before the newest frame
 *    present    1; a row without a point is all 0
 *
 *  In these units a person in a room is of the order of 1. Rows go from the highest point down, so that a row is about the
 *  same part of the body from frame to frame; An and Ogras, MARS, ACM TECS 2021, section 4.2, order by coordinates likewise.
 *  Of more points than rows the strongest are kept, or evenly spaced ones where the device sends no SNR. A frame without
 *  points is an observation too: all rows are 0. */

import type { RadarFrame } from '../../drivers/frames.js';
import type { Fault, FrameFeatures } from '../features.js';
import {
  addPointFrame,
  createPointFrames,
  gatheredChannels,
  gatherInterval,
  type PointRegion,
} from './point-frames.js';

export const pointSetChannels = 8;

const decibels = 20;
/** So many points of one frame are taken, and the points of so many frames. */
const mostOfFrame = 256;
const mostFrames = 32;
const mostGathered = 1024;
/** The same points so many times again: the device repeats itself. Noise alone changes the SNR's last digit. */
const repeatsOfConstant = 8;
/** Seconds; so that the window that ends with the newest frame, which is half open, holds it. */
const justAfter = 1e-6;

export interface RadarPointOptions {
  /** Rows of the set. Default: 32. */
  readonly points?: number;
  /** Seconds before the newest frame from which on points are taken together. Default: 0, the newest frame alone. */
  readonly span?: number;
  /** Points outside are left out, metres in the radar's axes. Default: everything. */
  readonly region?: PointRegion;
}

/**
 * Faults: `absent` (no points' field, lengths that do not fit together, no time), `notANumber` (a position or a velocity; a
 * point of which only the SNR is none is left out), `constant` (the same points for the ninth time), `settingsChanged`: the
 * radar's range or velocity step is another than before, told once.
 * @throws RangeError for a number of rows that is none
 */
export function createRadarPointFeatures(options: RadarPointOptions = {}): FrameFeatures<RadarFrame> {
  const { points = 32, span = 0, region } = options;
  if (!(Number.isInteger(points) && points > 0)) throw new RangeError(`a set of ${points} points`);
  const state = createPointFrames(mostFrames, mostOfFrame, region);
  const gathered = new Float32Array(mostGathered * gatheredChannels);
  const spaced = new Float32Array(points * gatheredChannels);
  const chosen = new Int32Array(points);
  const settings = createSettings();
  const repetition = createRepetition();

  function problem(frame: RadarFrame): Fault | undefined {
    const { position, velocity, snr } = frame;
    if (position === undefined || position.length % 3 !== 0 || !Number.isFinite(frame.arrivalTime)) return 'absent';
    const count = position.length / 3;
    if ((velocity !== undefined && velocity.length !== count) || (snr !== undefined && snr.length !== count))
      return 'absent';
    if (!allFinite(position) || (velocity !== undefined && !allFinite(velocity))) return 'notANumber';
    if (settings.changed(frame)) return 'settingsChanged';
    return repetition.repeated(frame) ? 'constant' : undefined;
  }

  return {
    shape: [points, pointSetChannels],
    take(frame, out) {
      const fault = problem(frame);
      if (fault !== undefined) {
        if (fault === 'settingsChanged') state.times.fill(NaN);
        return fault;
      }
      addPointFrame(state, frame);
      state.interval[0] = frame.arrivalTime - span;
      state.interval[1] = frame.arrivalTime + justAfter;
      const from = frame.snr === undefined ? spaced : gathered;
      const count = gatherInterval(state, from);
      const kept = chooseStrongest(from, count, chosen);
      orderByHeight(from, chosen, kept);
      writeRows(from, chosen, kept, out);
      return undefined;
    },
    reset() {
      state.times.fill(NaN);
      repetition.reset();
    },
  };
}

function allFinite(values: Float32Array): boolean {
  let sum = 0;
  for (let i = 0; i < values.length;) sum += Math.abs(values[i++]!); // an iterator may be allocated
  return Number.isFinite(sum); // float32 values cannot overflow a double
}

/** Steps of the radar's grid, which its configuration gives. */
function createSettings() {
  const steps = new Float64Array(2).fill(NaN); // range, velocity; NaN: not told yet
  return {
    changed({ rangeStep, velocityStep }: RadarFrame): boolean {
      const range = rangeStep !== undefined && steps[0] === steps[0] && rangeStep !== steps[0];
      const velocity = velocityStep !== undefined && steps[1] === steps[1] && velocityStep !== steps[1];
      if (rangeStep !== undefined) steps[0] = rangeStep;
      if (velocityStep !== undefined) steps[1] = velocityStep;
      return range || velocity;
    },
  };
}

/** Whether a frame's points, if it has any, are those of the eight frames before. */
function createRepetition() {
  const last = [
    new Float32Array(3 * mostOfFrame),
    new Float32Array(mostOfFrame),
    new Float32Array(mostOfFrame),
  ] as const;
  const lengths = new Int32Array(3);
  let repeats = 0;
  function same(slot: 0 | 1 | 2, values: Float32Array | undefined): boolean {
    const before = last[slot];
    const length = values === undefined ? 0 : Math.min(values.length, before.length);
    let equal = length === lengths[slot];
    for (let i = 0; i < length; i++) {
      if (before[i] !== values![i]) equal = false;
      before[i] = values![i]!;
    }
    lengths[slot] = length;
    return equal;
  }
  return {
    repeated({ position, velocity, snr }: RadarFrame): boolean {
      const samePosition = same(0, position);
      const sameVelocity = same(1, velocity);
      const sameSnr = same(2, snr);
      const none = lengths[0] === 0;
      repeats = !none && samePosition && sameVelocity && sameSnr ? repeats + 1 : 0;
      return repeats >= repeatsOfConstant;
    },
    reset() {
      repeats = 0;
      lengths.fill(-1);
    },
  };
}

/** The rows with the highest SNR, of equals the first. @returns how many */
function chooseStrongest(gathered: Float32Array, count: number, chosen: Int32Array): number {
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const snr = gathered[i * gatheredChannels + 4]!;
    let at = kept < chosen.length ? kept++ : kept;
    for (; at > 0 && gathered[chosen[at - 1]! * gatheredChannels + 4]! < snr; at--) {
      if (at < chosen.length) chosen[at] = chosen[at - 1]!;
    }
    if (at < chosen.length) chosen[at] = i;
  }
  return kept;
}

/** Highest first. */
function orderByHeight(gathered: Float32Array, chosen: Int32Array, kept: number): void {
  for (let i = 1; i < kept; i++) {
    const row = chosen[i]!;
    const z = gathered[row * gatheredChannels + 2]!;
    let at = i;
    for (; at > 0 && gathered[chosen[at - 1]! * gatheredChannels + 2]! < z; at--) chosen[at] = chosen[at - 1]!;
    chosen[at] = row;
  }
}

function writeRows(gathered: Float32Array, chosen: Int32Array, kept: number, out: Float32Array): void {
  out.fill(0);
  for (let i = 0; i < kept; i++) {
    const from = chosen[i]! * gatheredChannels;
    const to = i * pointSetChannels;
    for (let c = 0; c < 4; c++) out[to + c] = gathered[from + c]!;
    out[to + 4] = gathered[from + 4]! / decibels;
    out[to + 5] = gathered[from + 5]!;
    out[to + 6] = Math.max(0, gathered[from + 8]! - justAfter);
    out[to + 7] = 1;
  }
}
