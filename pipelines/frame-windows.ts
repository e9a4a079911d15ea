/** Frames of any sensor but an inertial one to windows.
 *
 *      frames ─▶ clock ─▶ features, once a frame ─▶ ring ─▶ a window's instants, start + i / rate ─▶ window [instants, …shape]
 *
 *  Frames come at their own pace, so each instant takes the frame nearest in time (or blends two neighbours, or the mean of all that
 *  lie nearest to it). Times are read from the clock when the window is full, not when the frame came: by then the clock
 *  knows better how late each was. */

import type { Frame, Modality } from '../drivers/frames.js';
import { createDeviceClock } from './clock.js';
import { faults, type Fault, type FrameFeatures } from './features.js';
import { defaultMaxGap } from './resample.js';
import { endPatience, lastingWindow, lateStart, type WindowGrid } from './window-grid.js';
import { leastSound, type RefusedReason, type RefusedWindow, type Window } from './window.js';

/** A silence after which the sensor counts as gone, seconds. */
const longestSilence = 1;
/** An instant without a frame this near has none, in the longer of the two periods. */
const reach = 1.5;

/**
 * The numbers of an instant between two frames.
 * @param part how far it lies from a to b, 0 to 1
 */
export type Blend = (a: Float32Array, b: Float32Array, part: number, out: Float32Array) => void;

export const linear: Blend = (a, b, part, out) => {
  for (let i = 0; i < out.length; i++) out[i] = a[i]! + part * (b[i]! - a[i]!);
};

export interface FrameWindowOptions<F extends Frame> {
  readonly modality: Modality;
  readonly sensor: string;
  readonly features: FrameFeatures<F>;
  /** Instants a second of a window; grid.length · rate of them. */
  readonly rate: number;
  /** Nominal frames a second. */
  readonly inputRate: number;
  readonly grid: WindowGrid;
  /** `nearest`: the nearest frame; `mean`: of all that are nearest to the instant, against aliasing where many come; or a blend. */
  readonly sampling: 'nearest' | 'mean' | Blend;
  /** Whether who is seen rests in a whole window [instants, …shape]. Default: nobody can tell. */
  readonly isStill?: ((data: Float32Array) => boolean) | undefined;
  /** Called with each window; it is the receiver's own. */
  readonly onWindow: (window: Window) => void;
  readonly onRefused?: (window: RefusedWindow) => void;
}

export interface FrameWindowStatistics {
  frames: number;
  windows: number;
  refusedWindows: number;
  /** Frames whose time was no time, or not after the one before. */
  badTimes: number;
  /** Frames that gave no numbers, by the reason. */
  faults: Record<Fault, number>;
}

export interface FrameWindows<F extends Frame> {
  push(frame: F): void;
  /** To be called a few times a second: a silence tells itself by nothing else. */
  tick(now: number): void;
  /** The device is gone: what can become a window does. */
  end(): void;
  statistics(): FrameWindowStatistics;
}

const sound = 0;

export function createFrameWindows<F extends Frame>(options: FrameWindowOptions<F>): FrameWindows<F> {
  const { modality, sensor, features, rate, inputRate, grid, sampling, isStill, onWindow, onRefused } = options;
  const width = features.shape.reduce((product, size) => product * size, 1);
  const instants = Math.round(grid.length * rate);
  const period = reach * Math.max(1 / rate, 1 / inputRate);
  // A window and a hop, at twice the nominal rate; of a faster device the oldest frames are lost to late windows.
  const capacity = Math.ceil(2 * inputRate * (grid.length + grid.hop + longestSilence)) + 2;
  const deviceTimes = new Float64Array(capacity);
  const arrivals = new Float64Array(capacity);
  const verdicts = new Uint8Array(capacity); // 0: sound; else 1 + the place in `faults`
  const ring = new Float32Array(capacity * width);
  const rows = Array.from({ length: capacity }, (_, i) => ring.subarray(i * width, (i + 1) * width));
  const counts = new Int32Array(faults.length);
  const sum = new Float64Array(width);
  const clock = createDeviceClock();
  const statistics = { frames: 0, windows: 0, refusedWindows: 0, badTimes: 0 };
  const faultCounts = new Int32Array(faults.length);
  let written = 0; // frames of this segment
  let changed = -1; // the newest of them with other settings than the ones before
  let firstWindow = 0; // of this segment
  let nextWindow = 0;
  let hasDeviceTime: boolean | undefined;
  // Numbers that change with each frame: a variable of the closure would be allocated anew each time.
  const arriving = {
    jitter: 0, // of devices without a clock: how irregularly their frames arrive
    meanInterval: 0,
    last: NaN,
    repeats: 0, // frames since then whose time was not after it
  };

  const timeOf = (frame: number) => {
    const slot = frame % capacity;
    return hasDeviceTime ? clock.estimate(deviceTimes[slot]!) : arrivals[slot]!;
  };
  /** The first frame at or after `time`, from `from` on. */
  function firstFrom(time: number, from: number): number {
    let frame = from;
    while (frame < written && timeOf(frame) < time) frame++;
    return frame;
  }

  function addMean(from: number, to: number, out: Float32Array): boolean {
    sum.fill(0);
    let used = 0;
    for (let frame = from; frame < to; frame++) {
      if (verdicts[frame % capacity] !== sound) continue;
      const row = rows[frame % capacity]!;
      for (let c = 0; c < width; c++) sum[c]! += row[c]!;
      used++;
    }
    for (let c = 0; c < width && used > 0; c++) out[c] = sum[c]! / used;
    return used > 0;
  }

  /**
   * One instant.
   * @param after the first frame at or after it
   * @param ending no more frames come: the last one is held
   * @returns 0, or what is wrong with it (see `verdicts`)
   */
  function fill(time: number, after: number, oldest: number, ending: boolean, out: Float32Array): number {
    const before = after - 1;
    const gapBefore = before >= oldest ? time - timeOf(before) : Infinity;
    const gapAfter = after < written ? timeOf(after) - time : Infinity;
    const nearest = gapAfter < gapBefore ? after : before;
    const held = (before < oldest && gapAfter <= lateStart) || (after === written && ending);
    if (!held && !(Math.min(gapBefore, gapAfter) <= period)) return 1 + faults.indexOf('absent');
    if (sampling === 'mean') {
      const half = 0.5 / rate;
      let from = after;
      while (from > oldest && timeOf(from - 1) >= time - half) from--;
      if (addMean(from, firstFrom(time + half, from), out)) return sound;
    } else if (sampling !== 'nearest' && gapBefore + gapAfter <= 2 * period) {
      const [a, b] = [before % capacity, after % capacity];
      if (verdicts[a] === sound && verdicts[b] === sound) {
        sampling(rows[a]!, rows[b]!, gapBefore / (gapBefore + gapAfter), out);
        return sound;
      }
    }
    const slot = nearest % capacity;
    if (verdicts[slot] === sound) out.set(rows[slot]!);
    return verdicts[slot]!;
  }

  function alignmentError(): number {
    return hasDeviceTime ? clock.statistics().uncertainty : arriving.jitter;
  }

  /** Gives out the next window; instants that no frame covers stay 0. Two settings of a device are not mixed in one. */
  function emit(ending: boolean): void {
    const start = grid.startOf(nextWindow++);
    const data = new Float32Array(instants * width);
    const oldest = Math.max(0, written - capacity);
    counts.fill(0);
    let good = 0;
    let held = 0;
    let at = oldest;
    const [first, newest] = [timeOf(oldest), timeOf(written - 1)];
    for (let i = 0; i < instants; i++) {
      const time = start + i / rate;
      at = firstFrom(time, at);
      const verdict = fill(time, at, oldest, ending, data.subarray(i * width, (i + 1) * width));
      if (verdict === sound) good++;
      else counts[verdict - 1]!++;
      if (verdict === sound && (time > newest + period || time < first - period)) held++;
    }
    const place = {
      modality,
      sensor,
      start,
      end: start + grid.length,
      completedAt: arrivals[(written - 1) % capacity]!,
    };
    const mixed = changed >= oldest && timeOf(changed) >= start;
    if (mixed || good < leastSound * instants) {
      statistics.refusedWindows++;
      onRefused?.({ ...place, reason: mixed ? 'settingsChanged' : faults[counts.indexOf(Math.max(...counts))]! });
      return;
    }
    statistics.windows++;
    const marks: Partial<Record<Fault, number>> = {};
    for (const [i, fault] of faults.entries()) if (counts[i]! > 0) marks[fault] = counts[i]!;
    const shape = [instants, ...features.shape];
    const still = isStill?.(data) ?? false;
    onWindow({ ...place, shape, data, still, heldSamples: held, alignmentError: alignmentError(), marks });
  }

  function emitFull(newest: number): void {
    while (newest >= grid.startOf(nextWindow) + (instants - 1) / rate) emit(false);
  }

  /** @param why the window that lasts now will not be whole, where that is known */
  function endSegment(why?: { reason: RefusedReason; now: number }): void {
    if (written === 0) return;
    // A performance shorter than a window gives one, if it fills half of it.
    const covered = timeOf(written - 1) + 1 / inputRate - grid.startOf(nextWindow);
    if (nextWindow === firstWindow && covered >= leastSound * grid.length) emit(true);
    const lost = why && lastingWindow(grid, nextWindow, why.now);
    if (lost) {
      statistics.refusedWindows++;
      const completedAt = arrivals[(written - 1) % capacity]!;
      onRefused?.({ modality, sensor, ...lost, completedAt, reason: why.reason });
    }
    grid.close(sensor);
    written = 0;
    arriving.jitter = arriving.meanInterval = 0;
    features.reset();
  }

  return {
    push(frame) {
      statistics.frames++;
      const { arrivalTime } = frame;
      const has = frame.deviceTime !== undefined;
      if (hasDeviceTime !== undefined && hasDeviceTime !== has) {
        endSegment();
        clock.reset();
      }
      hasDeviceTime = has;
      clock.sample.deviceTime = arrivalTime;
      if (frame.deviceTime !== undefined) clock.sample.deviceTime = frame.deviceTime;
      clock.sample.arrivalTime = arrivalTime;
      let observation = clock.observeSample();
      if (observation === 'jumped') {
        endSegment({ reason: 'clockSet', now: arrivalTime });
        clock.reset();
        observation = clock.observeSample();
      }
      if (observation !== 'used') {
        statistics.badTimes++;
        if (observation === 'late') arriving.repeats++;
        return;
      }
      arriving.repeats = 0;
      const { deviceTime } = clock.sample;
      const time = has ? clock.estimate(deviceTime) : arrivalTime;
      if (written > 0 && time - timeOf(written - 1) > longestSilence) endSegment();
      if (written > 0) {
        const interval = arrivalTime - arriving.last;
        arriving.meanInterval += (interval - arriving.meanInterval) / Math.min(written, 100);
        arriving.jitter += (Math.abs(interval - arriving.meanInterval) - arriving.jitter) / Math.min(written, 100);
      }
      arriving.last = arrivalTime;
      const slot = written % capacity;
      const fault = features.take(frame, rows[slot]!);
      if (fault !== undefined) faultCounts[faults.indexOf(fault)]!++;
      verdicts[slot] = fault === undefined ? sound : 1 + faults.indexOf(fault);
      deviceTimes[slot] = deviceTime;
      arrivals[slot] = arrivalTime;
      if (fault === 'settingsChanged') changed = written;
      written++;
      if (written === 1) firstWindow = nextWindow = grid.open(sensor, time);
      emitFull(time);
    },

    tick(now) {
      if (written === 0) return;
      const silent = now - arriving.last;
      // In time for the other sensors' parts of the same window.
      const due = nextWindow === firstWindow && now > grid.startOf(firstWindow) + grid.length + endPatience;
      if (silent > longestSilence || (due && silent > defaultMaxGap))
        // A device that hangs may send its last message again and again.
        endSegment(arriving.repeats > 1 ? { reason: 'constant', now } : undefined);
    },

    end() {
      endSegment();
      clock.reset();
      hasDeviceTime = undefined;
    },

    statistics: () => ({
      ...statistics,
      faults: Object.fromEntries(faults.map((fault, i) => [fault, faultCounts[i]])) as Record<Fault, number>,
    }),
  };
}
