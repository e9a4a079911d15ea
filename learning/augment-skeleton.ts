/** Augmentation of skeletons: the same movement faster or slower, by another body, seen from elsewhere, by a camera that errs. */
import { recordedTime } from './augment-timing.js';
import type { Timing } from './augment-timing.js';
import type { Random } from './random.js';

export interface SkeletonAugmentation {
  /** Largest angle that the camera is moved around the person by, rad. */
  readonly turn: number;
  /** Largest angle that the camera is tilted by, rad. */
  readonly tilt: number;
  /** Standard deviation of the body's size, and of the length that each coordinate is stretched by, around 1. */
  readonly size: number;
  /** Standard deviation of where each joint is taken to be, for a whole window, body sizes. */
  readonly offset: number;
  /** Standard deviation of each joint's jitter from frame to frame, body sizes. */
  readonly noise: number;
  /** Probability that a joint is not seen for a part of the window. */
  readonly hidden: number;
  /** Probability that the joints of one body part are not seen in the whole window. */
  readonly hiddenPart: number;
}

const values = 4;

/**
 * Writes one random, augmented window of a recording, which is held at its ends.
 * @param samples [count, joints, 4] at `rate`: x, y (upwards), z, seen
 * @param parts joints of each part of the body
 * @param out [frames, joints, 4]
 */
export function augmentedSkeleton(
  samples: Float32Array,
  rate: number,
  joints: number,
  parts: readonly (readonly number[])[],
  timing: Timing,
  { turn, tilt, size, offset, noise, hidden, hiddenPart }: SkeletonAugmentation,
  random: Random,
  out: Float32Array,
): void {
  const row = joints * values;
  const count = samples.length / row;
  const frames = out.length / row;
  const symmetric = (limit: number) => (2 * random.uniform() - 1) * limit;
  const [around, up] = [symmetric(turn), symmetric(tilt)];
  const [c, s, cu, su] = [Math.cos(around), Math.sin(around), Math.cos(up), Math.sin(up)];
  const whole = 1 + size * random.normal();
  const stretch = [0, 1, 2].map(() => whole * (1 + 0.5 * size * random.normal()));
  const offsets = Float32Array.from({ length: joints * 3 }, () => offset * random.normal());

  /** First and last frame in which each joint is hidden. */
  const hiddenFrom = new Int32Array(joints).fill(frames);
  const hiddenTo = new Int32Array(joints);
  for (let joint = 0; joint < joints; joint++)
    if (random.uniform() < hidden) {
      const length = 1 + random.integer(frames);
      hiddenFrom[joint] = random.integer(frames) - (length >> 1);
      hiddenTo[joint] = hiddenFrom[joint]! + length;
    }
  if (random.uniform() < hiddenPart)
    for (const joint of parts[random.integer(parts.length)]!) [hiddenFrom[joint], hiddenTo[joint]] = [0, frames];

  for (let frame = 0; frame < frames; frame++) {
    const time = recordedTime(timing, frame / rate, frames / rate);
    const at = Math.min(Math.max(time * rate, 0), count - 1);
    const left = Math.min(Math.floor(at), Math.max(count - 2, 0));
    const right = Math.min(left + 1, count - 1);
    const part = at - left;
    for (let joint = 0; joint < joints; joint++) {
      const [a, b, to] = [left * row + joint * values, right * row + joint * values, frame * row + joint * values];
      const seen = samples[a + 3]! > 0.5 && samples[b + 3]! > 0.5;
      if (!seen || (frame >= hiddenFrom[joint]! && frame < hiddenTo[joint]!)) {
        out.fill(0, to, to + values);
        continue;
      }
      const value = (axis: number) =>
        ((1 - part) * samples[a + axis]! + part * samples[b + axis]! + offsets[joint * 3 + axis]!) * stretch[axis]!;
      const [x, y, z] = [value(0), value(1), value(2)];
      const [turnedX, turnedZ] = [c * x + s * z, c * z - s * x];
      out[to] = turnedX + noise * random.normal();
      out[to + 1] = cu * y - su * turnedZ + noise * random.normal();
      out[to + 2] = su * y + cu * turnedZ + noise * random.normal();
      out[to + 3] = 1;
    }
  }
}
