/** The windows of all sensors of a place over the same `[start, end)`, together.
 *
 *  A window is given out when every wanted sensor has given its part or said why not, in the order of time. A part that comes later
 *  than `patience` after the window's end is left out: its sensor is absent from that window. While it would be left out for nothing,
 *  because no other wanted part has come either, it is waited for longer. */

import type { Modality } from '../drivers/frames.js';
import type { WindowGrid } from './window-grid.js';
import type { RefusedReason, RefusedWindow, Window } from './window.js';

/** Seconds after a window's end that its parts are waited for: more than cameras and radios delay, less than a hop as a rule. */
export const defaultPatience = 0.4;
/** The same where without it there would be no window. */
const longestPatience = 2;

export interface AbsentSensor {
  readonly sensor: string;
  readonly modality: Modality;
  /** `late`: its part had not come in time. */
  readonly reason: RefusedReason | 'late';
}

export interface PlaceWindow {
  readonly start: number;
  readonly end: number;
  /** At least one, in the order in which they came. */
  readonly windows: readonly Window[];
  readonly absent: readonly AbsentSensor[];
}

export interface PlaceWindowOptions {
  readonly grid: WindowGrid;
  /** Modality of each sensor that may give windows. */
  readonly modalities: ReadonlyMap<string, Modality>;
  readonly patience?: number;
  /** Whether sensors of a modality are waited for, asked anew each time. Parts of the others are given out too, if they are there. */
  readonly wanted?: (modality: Modality) => boolean;
  readonly onWindow: (window: PlaceWindow) => void;
}

export interface PlaceWindows {
  add(part: Window | RefusedWindow): void;
  /** Gives out what was waited for long enough; to be called with each frame's arrival, and a few times a second. */
  advance(now: number): void;
  /** A sensor fell silent: nothing more of it is waited for. */
  gone(sensor: string): void;
  /** Gives out all that waits. */
  end(): void;
  /** Parts that came too late, by sensor. */
  readonly late: ReadonlyMap<string, number>;
}

interface Waiting {
  readonly start: number;
  readonly end: number;
  readonly windows: Window[];
  readonly absent: AbsentSensor[];
  /** Sensors whose part was still to come when it began, and has not. */
  readonly missing: Set<string>;
}

export function createPlaceWindows(options: PlaceWindowOptions): PlaceWindows {
  const { grid, modalities, patience = defaultPatience, wanted = () => true, onWindow } = options;
  /** In the order of time. */
  let waiting: Waiting[] = [];
  let given = -Infinity; // start of the newest window given out
  const late = new Map<string, number>();
  /** Start of the newest part of each sensor: those before it do not come any more. */
  const newest = new Map<string, number>();

  function give({ start, end, windows, absent, missing }: Waiting): void {
    given = start;
    for (const sensor of missing) absent.push({ sensor, modality: modalities.get(sensor)!, reason: 'late' });
    if (windows.length > 0) onWindow({ start, end, windows, absent });
  }

  function giveWhile(isReady: (one: Waiting) => boolean): void {
    while (waiting.length > 0 && isReady(waiting[0]!)) give(waiting.shift()!);
  }

  const wantedOf = ({ missing }: Waiting) => [...missing].filter((sensor) => wanted(modalities.get(sensor)!));

  function isOverdue(one: Waiting, now: number): boolean {
    const overdue = now - one.end;
    if (overdue <= patience) return false;
    if (overdue > longestPatience || one.windows.some(({ modality }) => wanted(modality))) return true;
    return wantedOf(one).every((sensor) => (newest.get(sensor) ?? -Infinity) > one.start);
  }

  const isComplete = (one: Waiting) => wantedOf(one).length === 0;
  const giveComplete = () => giveWhile(isComplete);

  return {
    late,
    add(part) {
      const { start, end, sensor, modality } = part;
      if (start <= given) {
        if (wanted(modality)) late.set(sensor, (late.get(sensor) ?? 0) + 1);
        return;
      }
      newest.set(sensor, start);
      let one = waiting.find((other) => other.start === start);
      if (one === undefined) {
        one = { start, end, windows: [], absent: [], missing: new Set(grid.sensors) };
        waiting.push(one);
        waiting = waiting.sort((a, b) => a.start - b.start);
      }
      one.missing.delete(sensor);
      if ('reason' in part) one.absent.push({ sensor, modality, reason: part.reason });
      else one.windows.push(part);
      giveComplete();
    },
    advance: (now) => giveWhile((one) => isComplete(one) || isOverdue(one, now)),
    gone(sensor) {
      newest.delete(sensor);
      for (const { missing } of waiting) missing.delete(sensor);
      giveComplete();
    },
    end: () => giveWhile(() => true),
  };
}
