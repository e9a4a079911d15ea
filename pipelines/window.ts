import type { Modality } from '../drivers/frames.js';

/** One modality's fixed-shape tensor over `[start, end)` on the gateway's clock. */
export interface Window {
  readonly modality: Modality;
  /** Name of the sensor that it came from. */
  readonly sensor: string;
  /** Seconds on the host's monotonic clock. */
  readonly start: number;
  readonly end: number;
  /** Shape without the batch axis; IMU: [samples, 6] = acceleration x y z in m/s², angular rate x y z in rad/s. */
  readonly shape: readonly number[];
  readonly data: Float32Array;
  /** True where the motion gate found the sensor at rest in the whole window. */
  readonly still: boolean;
  /** Samples held at the end because the recording ended before the window was full; 0 as a rule. */
  readonly heldSamples: number;
  /** Arrival of the last byte that the window needed, seconds on the host's monotonic clock; latency is measured from it. */
  readonly completedAt: number;
}
