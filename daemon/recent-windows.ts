/** What the sensors of a place showed of late, as `teach` needs it: embeddings, not the windows themselves. Pure logic. */
import type { Modality } from '../drivers/frames.js';

export interface RecentWindow {
  readonly sensor: string;
  readonly modality: Modality;
  /** Seconds on the host's monotonic clock: [start, end). */
  readonly start: number;
  readonly end: number;
  /** The motion gate found the sensor at rest: no tower was asked. */
  readonly embedding: Float32Array | 'still';
  /** SHA-256 of the encoder that gave the embedding: those of another one mean nothing beside it. */
  readonly encoder: string;
}

export interface RecentWindows {
  add(window: RecentWindow): void;
  readonly all: readonly RecentWindow[];
}

/** Windows that ended so long before the newest are forgotten, seconds: three sensors' embeddings are 4 MB. */
export const keptFor = 120;

export function createRecentWindows(): RecentWindows {
  const all: RecentWindow[] = [];
  return {
    add(window) {
      all.push(window);
      const old = all.findIndex(({ end }) => end > window.end - keptFor);
      all.splice(0, old);
    },
    all,
  };
}
