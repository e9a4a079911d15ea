import type { Modality } from '../drivers/frames.js';
import type { Fault } from './features.js';

interface WindowPlace {
  readonly modality: Modality;
  /** Name of the sensor that it came from. */
  readonly sensor: string;
  /** `[start, end)`, seconds on the host's monotonic clock; the same for all sensors of a place (see `WindowGrid`). */
  readonly start: number;
  readonly end: number;
  /** Arrival of the last byte that the window needed, seconds on the host's monotonic clock; latency is measured from it. */
  readonly completedAt: number;
}

/** One modality's fixed-shape tensor over `[start, end)` on the gateway's clock. */
export interface Window extends WindowPlace {
  /** Shape without the batch axis; IMU: [samples, 6] = acceleration x y z in m/s², angular rate x y z in rad/s. */
  readonly shape: readonly number[];
  readonly data: Float32Array;
  /** True where the motion gate found the sensor at rest in the whole window. */
  readonly still: boolean;
  /** Samples that repeat a neighbour, at the start or the end, because the recording does not fill the window; 0 as a rule. */
  readonly heldSamples: number;
  /** How far, seconds, its instants are thought to lie from where they should be (one standard deviation): see `createDeviceClock`. */
  readonly alignmentError: number;
  /** What is wrong with some of its samples, too few to refuse it, and with how many. */
  readonly marks: Readonly<Partial<Record<Fault, number>>>;
}

/** `clockSet`: the device's clock was set while the window lasted, so its samples do not lie on one line of time. */
export type RefusedReason = Fault | 'clockSet';

/** A window that no model must see. */
export interface RefusedWindow extends WindowPlace {
  readonly reason: RefusedReason;
}

/** A window in which fewer of the samples are sound is refused. */
export const leastSound = 0.5;
