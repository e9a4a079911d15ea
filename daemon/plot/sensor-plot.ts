/** What each modality's file in this folder gives: it takes frames, keeps a bounded amount of them, and draws. */
import type { Driver } from '../../drivers/driver.js';
import type { Frame } from '../../drivers/frames.js';

export interface PlottedSensor {
  readonly name: string;
  readonly driver: Driver;
  readonly settings: unknown;
  /** Text of the files that the settings name. */
  readonly files: Readonly<Record<string, string>>;
  /** Arrival of the recording's first byte, seconds: the pictures' zero. */
  readonly origin: number;
  /** Whether the file says when bytes arrived. */
  readonly arrivals: boolean;
}

export interface Drawing {
  /** Last part of the file's name, for instance `range-doppler`. */
  readonly what: string;
  readonly title: string;
  /** What this picture shows of the sensor's frames; stands in the second line. */
  readonly note?: string | undefined;
  /** @returns the bytes of a PNG file */
  draw(text: { title: string; subtitle: string }): Promise<Uint8Array>;
}

export interface SensorPlot<F extends Frame = Frame> {
  /** @param time seconds from the recording's beginning; rises, but for frames that were late */
  push(frame: F, time: number): void;
  /** Frames, or parts of them, that were not drawn, by the reason. */
  readonly faults: Readonly<Record<string, number>>;
  /** No frame comes any more. */
  drawings(): Drawing[];
  /** Pictures that are not there, and why; after `drawings`. */
  readonly remarks?: readonly string[];
}

/** Adds one to a reason's count. */
export function count(faults: Record<string, number>, reason: string, by = 1): void {
  if (by > 0) faults[reason] = (faults[reason] ?? 0) + by;
}

/** A hundredth of a second is enough for a caption. */
export const seconds = (time: number): string => `${time.toFixed(2)} s`;
