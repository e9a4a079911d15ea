/** The windows of a place: all its sensors' windows number k cover [origin + k · hop, origin + k · hop + length).
 *
 *      wrist    ├───────────┤                   origin: the first sample after a time in which no sensor gave any,
 *      camera   ·├──────────┤                   so that a short performance lies whole in the first window
 *      wrist        ├───────────┤
 *      camera       ├───────────┤
 *
 *  A sensor that begins up to a quarter of a second after a window's start still has that window: its first sample is held. */

/** How much of a window's start a sensor may miss, seconds. */
export const lateStart = 0.25;

/** A performance shorter than a window: so long after the window's end, seconds, no more samples of it are waited for. */
export const endPatience = 0.1;

export interface WindowGrid {
  /** Seconds. */
  readonly length: number;
  /** Seconds from one window's start to the next one's. */
  readonly hop: number;
  /**
   * A sensor's samples begin.
   * @param time of the first one, seconds on the host's monotonic clock
   * @returns number of the first window that it can fill
   */
  open(sensor: string, time: number): number;
  /** A sensor's samples are over; its windows must have been given out. */
  close(sensor: string): void;
  /** Start of a window, seconds; the same number for every sensor. */
  startOf(index: number): number;
  /** Sensors whose samples come. */
  readonly sensors: ReadonlySet<string>;
}

/**
 * The first window from number `from` on that still lasts at `now` and that a sensor which begins anew then could not fill: of it can
 * be said, in time, why the sensor is not in it.
 * @returns undefined where that window has hardly begun
 */
export function lastingWindow(grid: WindowGrid, from: number, now: number): { start: number; end: number } | undefined {
  const over = Math.floor((now - grid.startOf(from) - grid.length) / grid.hop) + 1;
  const start = grid.startOf(from + Math.max(0, over));
  return now - start > lateStart ? { start, end: start + grid.length } : undefined;
}

/** @param length @param hop seconds */
export function createWindowGrid({ length, hop }: { length: number; hop: number }): WindowGrid {
  const sensors = new Set<string>();
  let origin = NaN;
  return {
    length,
    hop,
    open(sensor, time) {
      if (sensors.size === 0) origin = time;
      sensors.add(sensor);
      return Math.max(0, Math.ceil((time - origin - lateStart) / hop));
    },
    close: (sensor) => void sensors.delete(sensor),
    startOf: (index) => origin + index * hop,
    sensors,
  };
}
