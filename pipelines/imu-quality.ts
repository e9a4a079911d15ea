/** What is wrong with an inertial sensor's samples.
 *
 *      clipped     a channel gives the end of a converter's scale, the same value twice and more on end
 *      constant    all six channels give the same values for a whole window: no real sensor is so quiet, its noise is more than
 *                  the converter's smallest step (0.5 mg at ± 16 g) */

/** Ends of scale that makers use: g and °/s. */
const gravities = [2, 4, 6, 8, 12, 16, 24, 32];
const degrees = [125, 250, 500, 1000, 2000, 4000];
const scales = [
  Float64Array.from(gravities, (value) => value * 9.80665),
  Float64Array.from(degrees, (value) => (value * Math.PI) / 180),
];
/** Relative: the largest positive number of a 16-bit converter is 32767/32768 of the scale. */
const nearEnd = 1e-4;
/** Clipped samples that are remembered: more than a window's share that is refused. */
const remembered = 4096;

function atEnd(value: number, ends: Float64Array): boolean {
  const size = Math.abs(value);
  for (const end of ends) if (Math.abs(size - end) <= nearEnd * end) return true;
  return false;
}

export interface ImuInspector {
  /** The next sample, [ax ay az gx gy gz] in m/s² and rad/s, with its time, seconds. */
  push(time: number, values: ArrayLike<number>): void;
  /** Clipped samples in [start, end). */
  clipped(start: number, end: number): number;
  /** Whether all samples since `start` were the same. */
  constant(start: number): boolean;
}

export function createImuInspector(): ImuInspector {
  const last = new Float64Array(6).fill(NaN);
  const times = new Float64Array(remembered).fill(NaN);
  let count = 0;
  let changed = -Infinity;
  return {
    push(time, values) {
      let [same, clipped] = [true, false];
      for (let c = 0; c < 6; c++) {
        const value = values[c]!;
        if (value !== last[c]) same = false;
        else if (atEnd(value, scales[c < 3 ? 0 : 1]!)) clipped = true;
        last[c] = value;
      }
      if (!same) changed = time;
      if (clipped) times[count++ % remembered] = time;
    },
    clipped(start, end) {
      let found = 0;
      for (let i = 0; i < Math.min(count, remembered); i++) if (times[i]! >= start && times[i]! < end) found++;
      return found;
    },
    constant: (start) => changed < start,
  };
}
