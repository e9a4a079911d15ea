/** Augmentation of inertial recordings: the same movement faster or slower, worn a little differently, by a slightly different sensor. */
import type { Random } from './random.js';

export interface Augmentation {
  /** Speed factor e^±warp, uniform in its logarithm. */
  readonly warp: number;
  /** Standard deviation of each component of a random rotation vector, rad: how differently the sensor is worn. */
  readonly rotation: number;
  /** Standard deviation of each channel's gain around 1. */
  readonly gain: number;
  /** Standard deviation of white noise, in parts of g for acceleration and of 200 °/s for angular rate. */
  readonly noise: number;
}

const noiseScale = [9.80665, 9.80665, 9.80665, 3.49066, 3.49066, 3.49066];

/** Rotation matrix of a rotation vector (Rodrigues' formula), row by row. */
export function rotationMatrix([x, y, z]: readonly [number, number, number]): number[] {
  const angle = Math.hypot(x, y, z);
  const [kx, ky, kz] = angle === 0 ? [0, 0, 0] : [x / angle, y / angle, z / angle];
  const s = Math.sin(angle);
  const c = 1 - Math.cos(angle);
  return [
    [1 - c * (ky * ky + kz * kz), c * kx * ky - s * kz, c * kx * kz + s * ky],
    [c * kx * ky + s * kz, 1 - c * (kx * kx + kz * kz), c * ky * kz - s * kx],
    [c * kx * kz - s * ky, c * ky * kz + s * kx, 1 - c * (kx * kx + ky * ky)],
  ].flat();
}

/**
 * Writes one random, augmented window of a recording. A recording shorter than the window is held at its ends.
 * @param samples [count, 6] in m/s² and rad/s at the tower's rate
 * @param out [window samples, 6], same units
 */
export function augmentedWindow(
  samples: Float32Array,
  augmentation: Augmentation,
  random: Random,
  out: Float32Array,
): void {
  const count = samples.length / 6;
  const length = out.length / 6;
  const between = (low: number, high: number) => low + (high - low) * random.uniform();
  const speed = Math.exp(between(-augmentation.warp, augmentation.warp));
  const slack = count - 1 - (length - 1) * speed;
  const begin = slack > 0 ? between(0, slack) : between(slack / 2, 0);
  augmentedStretch(samples, (i) => begin + i * speed, speed, augmentation, random, out);
}

/**
 * Writes an augmented window of a given stretch of a recording, which is held at its ends.
 * @param placeOf place among the recording's samples of each of the window's
 * @param speed how much faster than recorded it is; turning goes with it
 */
export function augmentedStretch(
  samples: Float32Array,
  placeOf: (i: number) => number,
  speed: number,
  { rotation, gain, noise }: Omit<Augmentation, 'warp'>,
  random: Random,
  out: Float32Array,
): void {
  const count = samples.length / 6;
  const length = out.length / 6;
  const turn = rotationMatrix([random.normal() * rotation, random.normal() * rotation, random.normal() * rotation]);
  const gains = Array.from({ length: 6 }, (_, channel) => (1 + gain * random.normal()) * (channel < 3 ? 1 : speed));
  const sample = new Float64Array(6);

  for (let i = 0; i < length; i++) {
    const at = Math.min(Math.max(placeOf(i), 0), count - 1);
    const left = Math.min(Math.floor(at), Math.max(count - 2, 0));
    const part = Math.min(at - left, 1);
    const right = Math.min(left + 1, count - 1);
    for (let channel = 0; channel < 6; channel++)
      sample[channel] = (1 - part) * samples[left * 6 + channel]! + part * samples[right * 6 + channel]!;
    for (let row = 0; row < 6; row++) {
      const first = row < 3 ? 0 : 3;
      const axis = (row % 3) * 3;
      const turned =
        turn[axis]! * sample[first]! + turn[axis + 1]! * sample[first + 1]! + turn[axis + 2]! * sample[first + 2]!;
      out[i * 6 + row] = turned * gains[row]! + noise * noiseScale[row]! * random.normal();
    }
  }
}
