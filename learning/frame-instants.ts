/** A recording's frames as the instants that windows are cut from, by the same features as the running gateway's. */
import type { Frame } from '../drivers/frames.js';
import { faults } from '../pipelines/features.js';
import type { Fault, FrameFeatures } from '../pipelines/features.js';
import type { Blend } from '../pipelines/frame-windows.js';

export interface FrameInstants {
  /** [count, …shape]; zeros where no frame is near. */
  readonly data: Float32Array;
  readonly count: number;
  /** Frames that gave no numbers, by the reason. */
  readonly faults: Readonly<Record<Fault, number>>;
}

/** An instant without a frame this near has none, in the longer of the two periods: as in `createFrameWindows`. */
const reach = 1.5;

/**
 * @param frames ascending in time
 * @param rate instants a second
 * @param sampling `nearest`, or a blend of the two frames around an instant
 */
export function instantsOfRecording<F extends Frame>(
  frames: readonly F[],
  features: FrameFeatures<F>,
  rate: number,
  sampling: 'nearest' | Blend,
): FrameInstants {
  const width = features.shape.reduce((product, size) => product * size, 1);
  const found = Object.fromEntries(faults.map((fault) => [fault, 0])) as Record<Fault, number>;
  const rows = new Float32Array(frames.length * width);
  const times: number[] = [];
  for (const frame of frames) {
    const fault = features.take(frame, rows.subarray(times.length * width, (times.length + 1) * width));
    if (fault === undefined) times.push(frame.deviceTime ?? frame.arrivalTime);
    else found[fault]++;
  }
  if (times.length === 0) return { data: new Float32Array(), count: 0, faults: found };

  const [first, last] = [times[0]!, times.at(-1)!];
  // (A thousandth of a period: a recording's end lies on the grid in spite of rounding.)
  const count = Math.floor((last - first) * rate + 1e-3) + 1;
  const period = reach * Math.max(1 / rate, (last - first) / Math.max(times.length - 1, 1));
  const data = new Float32Array(count * width);
  let after = 0;
  for (let i = 0; i < count; i++) {
    const time = first + i / rate;
    while (after < times.length - 1 && times[after]! < time) after++;
    const before = Math.max(after - 1, 0);
    const [gapBefore, gapAfter] = [Math.abs(time - times[before]!), Math.abs(times[after]! - time)];
    const row = (frame: number) => rows.subarray(frame * width, (frame + 1) * width);
    const out = data.subarray(i * width, (i + 1) * width);
    if (Math.min(gapBefore, gapAfter) > period) continue;
    if (sampling === 'nearest' || after === before || gapBefore + gapAfter > 2 * period)
      out.set(row(gapAfter < gapBefore ? after : before));
    else sampling(row(before), row(after), gapBefore / (gapBefore + gapAfter), out);
  }
  return { data, count, faults: found };
}
