/** When each frame was captured, seconds on the recording's clock. */
import type { Frame } from '../../drivers/frames.js';
import { createDeviceClock } from '../../pipelines/clock.js';

/** Devices send what waited in another queue later. Seconds. */
const mostLate = 1;

/** How a frame's time came about. */
export type TimeSource = 'device' | 'arrival' | 'rate';

export interface FrameTimes {
  /**
   * @returns the frame with its arrival, where the file has none, and its time of capture; undefined: no time, or one that
   * lies before that of a frame before by more than a queue on the way explains
   */
  timed<F extends Frame>(frame: F): { frame: F; time: number } | undefined;
  readonly source: TimeSource;
}

/**
 * @param arrivals whether the file says when bytes arrived
 * @param rate nominal frames a second, for a device without a clock in a file without times
 */
export function createFrameTimes(arrivals: boolean, rate: number): FrameTimes {
  let clock = createDeviceClock();
  let source: TimeSource = arrivals ? 'arrival' : 'rate';
  let counted = 0;
  let latest = -Infinity;

  /** Host time of a device time; a clock that was set is another clock. */
  function hostTime(deviceTime: number, arrivalTime: number): number | undefined {
    const found = clock.observe(deviceTime, arrivalTime);
    if (found === 'jumped') {
      clock = createDeviceClock();
      clock.observe(deviceTime, arrivalTime);
    } else if (found !== 'used') return undefined;
    return clock.hostTime(deviceTime);
  }

  function follows(time: number): boolean {
    if (!Number.isFinite(time) || time < latest - mostLate) return false;
    latest = Math.max(latest, time);
    return true;
  }

  return {
    timed(frame) {
      const { deviceTime } = frame;
      if (arrivals) {
        const time = deviceTime === undefined ? frame.arrivalTime : hostTime(deviceTime, frame.arrivalTime);
        if (deviceTime !== undefined) source = 'device';
        if (time === undefined || !follows(time)) return undefined;
        return { frame, time };
      }
      if (deviceTime !== undefined) source = 'device';
      const time = deviceTime ?? counted / rate;
      counted++;
      if (!follows(time)) return undefined;
      return { frame: { ...frame, arrivalTime: time }, time };
    },
    get source() {
      return source;
    },
  };
}
