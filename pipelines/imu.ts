/** Inertial frames to windows.
 *
 *    frames ─▶ clock ─▶ resample ─┬▶ sliding windows ─▶ windows [samples, 6]
 *                                 └▶ motion gate ──────▶ still
 *
 *  Channels: acceleration x y z in m/s², angular rate x y z in rad/s, in the sensor's own axes. */

import type { ImuFrame } from '../drivers/frames.js';
import { createDeviceClock, createSampleCounter, type ClockStatistics } from './clock.js';
import { createImuInspector } from './imu-quality.js';
import { createMotionGate } from './motion-gate.js';
import { createResampler, defaultMaxGap, type ResamplerStatistics } from './resample.js';
import { createSlidingWindows } from './sliding-windows.js';
import { createWindowGrid, endPatience, lastingWindow, type WindowGrid } from './window-grid.js';
import { leastSound, type RefusedReason, type RefusedWindow, type Window } from './window.js';

const channels = 6;
/** A device's first samples wait for so long, seconds, while the clock learns how late each was, so that it need not
 * bend the sampling grid afterwards. Windows that last longer are not later for it. */
const learning = 1;
/** A silence that ends a segment before the next sample tells: the longest bridged gap and the largest delay seen, which
 * counts as no less and no more than this, seconds. */
const [leastPatience, mostPatience] = [0.5, 1];

/** The windows that a tower reads. */
export interface ImuWindowShape {
  /** Samples a second. */
  rate: number;
  /** Samples of a window. */
  samples: number;
  /** Samples from one window's start to the next one's. */
  hop: number;
  /** A stretch shorter than a window gives one window, its last sample held, from so many samples on. Default: half. */
  minimumSamples?: number;
}

function gridOf({ rate, samples, hop }: ImuWindowShape): WindowGrid {
  return createWindowGrid({ length: samples / rate, hop: hop / rate });
}

interface Stretch {
  start: number;
  end: number;
  data: Float32Array;
  still: boolean;
  heldSamples: number;
  completedAt: number;
}

/** The part that live and recorded samples share: time on one clock and values in, windows out. */
function createImuWindows(
  shape: ImuWindowShape,
  inputRate: number,
  sensor: string,
  grid: WindowGrid,
  onWindow: (window: Stretch) => void,
) {
  let firstWindow = 0;
  let nextWindow = 0;
  let given = true; // the first window of the segment
  let heldAtStart = 0;
  let usedArrival = 0;
  const gate = createMotionGate(shape.samples);
  const sliding = createSlidingWindows({ ...shape, channels }, (data, first, heldSamples) => {
    const start = grid.startOf(firstWindow + first / shape.hop);
    nextWindow = firstWindow + first / shape.hop + 1;
    given = true;
    onWindow({
      start,
      end: start + grid.length,
      data: data.slice(),
      still: gate.still(),
      heldSamples: heldSamples + Math.max(0, heldAtStart - first),
      completedAt: usedArrival,
    });
  });
  const resampler = createResampler(
    { channels, inputRate, outputRate: shape.rate },
    {
      segmentStart(time) {
        gate.reset();
        firstWindow = nextWindow = grid.open(sensor, time);
        given = false;
        const start = grid.startOf(firstWindow);
        heldAtStart = Math.max(0, Math.floor((time - start) * shape.rate));
        return start;
      },
      sample(values) {
        gate.push(values);
        sliding.push(values);
      },
      segmentEnd() {
        sliding.end();
        grid.close(sensor);
      },
    },
  );
  return {
    push(time: number, values: ArrayLike<number>, arrivalTime: number): void {
      if (resampler.endsAt(time)) resampler.end(); // while `usedArrival` is still the one before
      usedArrival = arrivalTime;
      resampler.push(time, values);
    },
    end: () => resampler.end(),
    /** The segment's window that lasts now, if it was not given out. */
    lasting: (now: number) => lastingWindow(grid, nextWindow, now),
    /** End of the segment's first window while it is not full. */
    firstEnd: () => (given ? Infinity : grid.startOf(firstWindow) + grid.length),
    statistics: () => resampler.statistics(),
  };
}

export interface ImuPipelineOptions extends ImuWindowShape {
  /** Name of the sensor, for its windows. */
  sensor: string;
  /** Nominal samples a second of the device. */
  inputRate: number;
  /** The place's windows; absent: the sensor is alone. */
  grid?: WindowGrid;
  /** Called with each window; the window is the receiver's own. */
  onWindow: (window: Window) => void;
  onRefused?: (window: RefusedWindow) => void;
}

export interface ImuPipelineStatistics extends ResamplerStatistics {
  frames: number;
  windows: number;
  stillWindows: number;
  refusedWindows: number;
  /** Samples of a device without a clock that must be missing, by the arrivals. */
  lost: number;
  clock: ClockStatistics;
}

export interface ImuPipeline {
  push(frame: ImuFrame): void;
  /** To be called a few times a second: a device that fell silent ends its segment though no sample comes. */
  tick(now: number): void;
  /** The device is gone: what can become a window does, and the next frame is taken for a new device's. */
  end(): void;
  statistics(): ImuPipelineStatistics;
}

/**
 * The live pipeline of one sensor. Memory is bounded: one window and half a second of frames. The first window comes when
 * its last sample has, as do all later ones; after a silence, or when the device's clock was set, windows start anew.
 */
export function createImuPipeline(options: ImuPipelineOptions): ImuPipeline {
  const { sensor, inputRate, samples, onWindow, onRefused, grid = gridOf(options) } = options;
  const values = new Float64Array(channels);
  const clock = createDeviceClock();
  const inspector = createImuInspector();
  let counter = createSampleCounter(inputRate);
  let hasDeviceTime: boolean | undefined;
  let lost = 0;
  let frames = 0;
  let windowCount = 0;
  let stillWindows = 0;
  let refusedWindows = 0;
  let badTimes = 0;
  let lateTimes = 0;
  let repeats = 0; // samples since the last one whose time was not after it
  let lastArrival = NaN;
  let learningSince = NaN;
  let silent = true;
  // Frames that wait until the clock has learnt, with their device times; undefined once it has.
  const mostWaiting = Math.ceil(4 * learning * inputRate);
  let waiting: { frame: ImuFrame; deviceTime: number }[] | undefined = [];

  const windows = createImuWindows(options, inputRate, sensor, grid, (stretch) => {
    const { start, end, completedAt } = stretch;
    const clipped = inspector.clipped(start, end);
    const reason = inspector.constant(start)
      ? 'constant'
      : clipped > (1 - leastSound) * grid.length * inputRate
        ? 'clipped'
        : undefined;
    if (reason !== undefined) {
      refuse({ start, end }, completedAt, reason);
      return;
    }
    windowCount++;
    if (stretch.still) stillWindows++;
    onWindow({
      modality: 'imu',
      sensor,
      shape: [samples, channels],
      ...stretch,
      alignmentError: clock.statistics().uncertainty,
      marks: clipped > 0 ? { clipped } : {},
    });
  });

  function take(frame: ImuFrame, deviceTime: number): void {
    values.set(frame.acceleration, 0);
    values.set(frame.angularRate, 3);
    const time = clock.hostTime(deviceTime);
    inspector.push(time, values);
    windows.push(time, values, frame.arrivalTime);
  }

  function stopLearning(): void {
    for (const { frame, deviceTime } of waiting ?? []) take(frame, deviceTime);
    waiting = undefined;
  }

  /** @param why the window that lasts now will not be whole, where that is known */
  function endSegment(why?: { reason: RefusedReason; now: number }): void {
    stopLearning();
    windows.end();
    const lost = why && windows.lasting(why.now);
    if (lost) refuse(lost, lastArrival, why.reason);
  }

  function refuse(place: { start: number; end: number }, completedAt: number, reason: RefusedReason): void {
    refusedWindows++;
    onRefused?.({ modality: 'imu', sensor, ...place, completedAt, reason });
  }

  function startAnew(why?: { reason: RefusedReason; now: number }): void {
    endSegment(why);
    waiting = [];
    clock.reset();
  }

  function forgetDevice(): void {
    startAnew();
    lost += counter.lost;
    counter = createSampleCounter(inputRate);
    hasDeviceTime = undefined;
  }

  return {
    push(frame) {
      frames++;
      if (hasDeviceTime !== undefined && hasDeviceTime !== (frame.deviceTime !== undefined)) forgetDevice();
      hasDeviceTime = frame.deviceTime !== undefined;
      const deviceTime = frame.deviceTime ?? counter.next(frame.arrivalTime);
      const observation = clock.observe(deviceTime, frame.arrivalTime);
      if (observation === 'invalid' || observation === 'late') {
        if (observation === 'late') {
          lateTimes++;
          repeats++;
        } else badTimes++;
        return;
      }
      if (observation === 'jumped') {
        startAnew({ reason: 'clockSet', now: frame.arrivalTime });
        clock.observe(deviceTime, frame.arrivalTime);
      }
      lastArrival = frame.arrivalTime;
      repeats = 0;
      silent = false;
      if (waiting === undefined) {
        take(frame, deviceTime);
        return;
      }
      if (waiting.length === 0) learningSince = frame.arrivalTime;
      waiting.push({ frame, deviceTime });
      if (frame.arrivalTime - learningSince >= learning || waiting.length >= mostWaiting) stopLearning();
    },

    tick(now) {
      const patience = Math.max(leastPatience, Math.min(mostPatience, clock.statistics().largestDelay));
      // In time for the other sensors' parts of the same window.
      const due = now > windows.firstEnd() + endPatience;
      if (silent || !(now - lastArrival > defaultMaxGap + (due ? 0 : patience))) return;
      silent = true;
      // A device that hangs may send its last sample again and again.
      endSegment(repeats > 1 ? { reason: 'constant', now } : undefined);
    },

    end: forgetDevice,

    statistics() {
      const resampled = windows.statistics();
      return {
        ...resampled,
        backwards: resampled.backwards + lateTimes,
        invalid: resampled.invalid + badTimes,
        frames,
        windows: windowCount,
        stillWindows,
        refusedWindows,
        lost: lost + counter.lost,
        clock: clock.statistics(),
      };
    },
  };
}

/** A window of a recording. */
export interface ImuWindow {
  /** Seconds from the recording's first sample. */
  start: number;
  /** [samples, 6] */
  data: Float32Array;
  still: boolean;
  heldSamples: number;
}

/**
 * The windows that the live pipeline gives of the same recording, for training and evaluation.
 * @param recording [samples, 6]: acceleration x y z in m/s², angular rate x y z in rad/s, evenly spaced
 * @param inputRate samples a second of the recording
 */
export function imuWindowsOfRecording(
  recording: Float32Array | Float64Array,
  inputRate: number,
  shape: ImuWindowShape,
): ImuWindow[] {
  const found: ImuWindow[] = [];
  const windows = createImuWindows(shape, inputRate, '', gridOf(shape), ({ start, data, still, heldSamples }) =>
    found.push({ start, data, still, heldSamples }),
  );
  for (let i = 0; (i + 1) * channels <= recording.length; i++) {
    windows.push(i / inputRate, recording.subarray(i * channels, (i + 1) * channels), 0);
  }
  windows.end();
  return found;
}
