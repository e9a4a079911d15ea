/** One sensor's samples in time, read between them. */

export interface Sample {
  /** Seconds. */
  time: number;
  x: number;
  y: number;
  z: number;
}

export interface Track {
  /** Takes the next samples, sorted by time. What lies before them is forgotten but for the newest sample. */
  add(samples: readonly Sample[]): void;
  /** The value at that time, linear between the two samples around it; `later`: it may yet come; `never`: it will not. */
  at(time: number): Float32Array | 'later' | 'never';
  /** Time of the newest sample, or −Infinity. */
  newest(): number;
  clear(): void;
}

/** @param longestGap seconds between two samples that are still interpolated */
export function createTrack(longestGap: number): Track {
  let samples: readonly Sample[] = [];
  let next = 0; // where `at` found the last one: times are mostly asked for in order

  return {
    add(added) {
      const first = added[0];
      if (first === undefined) return;
      const last = samples.at(-1);
      // A sample that the following ones contradict has a wrong time, or came out of its turn.
      samples = last !== undefined && last.time < first.time ? [last, ...added] : added;
      next = 0;
    },
    at(time) {
      if (samples.length === 0 || samples.at(-1)!.time < time) return 'later';
      if (next > 0 && samples[next - 1]!.time >= time) next = 0;
      while (samples[next]!.time < time) next++;
      const after = samples[next]!;
      if (after.time === time) return Float32Array.of(after.x, after.y, after.z);
      const before = samples[next - 1];
      if (before === undefined || after.time - before.time > longestGap) return 'never';
      const part = (time - before.time) / (after.time - before.time);
      return Float32Array.of(
        before.x + part * (after.x - before.x),
        before.y + part * (after.y - before.y),
        before.z + part * (after.z - before.z),
      );
    },
    newest: () => samples.at(-1)?.time ?? -Infinity,
    clear() {
      samples = [];
      next = 0;
    },
  };
}
