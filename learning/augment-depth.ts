/** Augmentation of depth pictures: the same movement faster or slower, of another body, seen from a little elsewhere, partly hidden. */
import { recordedTime } from './augment-timing.js';
import type { Timing } from './augment-timing.js';
import { depthScale, depthSize, nearestPicture } from './depth-clip.js';
import type { DepthClip } from './depth-clip.js';
import type { Random } from './random.js';

export interface DepthAugmentation {
  /** Largest shift of the pictures along each axis, cells. */
  readonly shift: number;
  /** Standard deviation of the body's size in the picture, around 1; half of it for each axis alone. */
  readonly size: number;
  /** Largest turn in the picture's plane, rad. */
  readonly turn: number;
  /** Standard deviation of the slope that the distance gets across the picture, metres from side to side: seen from elsewhere. */
  readonly slope: number;
  /** Standard deviation of the factor on distances from the median, around 1. */
  readonly gain: number;
  /** Standard deviation of the median's error, metres. */
  readonly offset: number;
  /** Standard deviation of each cell's error, metres. */
  readonly noise: number;
  /** Probability that a rectangle, up to half of the picture wide and high, is hidden in the whole window. */
  readonly hidden: number;
}

const cells = depthSize * depthSize;
const middle = (depthSize - 1) / 2;
/** A body's cell stays within what pipelines give. */
const [least, most] = [0.25, 1.75];

/**
 * Writes one random, augmented window of a recording, which is held at its ends.
 * @param out [pictures, 48, 48] at `rate`; 0: no body
 */
export function augmentedDepth(
  clip: DepthClip,
  rate: number,
  timing: Timing,
  { shift, size, turn, slope, gain, offset, noise, hidden }: DepthAugmentation,
  random: Random,
  out: Float32Array,
): void {
  const samples = out.length / cells;
  const symmetric = (limit: number) => (2 * random.uniform() - 1) * limit;
  const whole = Math.exp(size * random.normal());
  const [scaleX, scaleY] = [
    whole * Math.exp(0.5 * size * random.normal()),
    whole * Math.exp(0.5 * size * random.normal()),
  ];
  const angle = symmetric(turn);
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const [shiftX, shiftY] = [symmetric(shift), symmetric(shift)];
  const [slopeX, slopeY] = [(slope * random.normal()) / depthSize, (slope * random.normal()) / depthSize];
  const [factor, error] = [1 + gain * random.normal(), offset * random.normal()];
  const isHidden = random.uniform() < hidden;
  const [left, top] = [random.uniform() * depthSize, random.uniform() * depthSize];
  const [right, bottom] = [left + (random.uniform() * depthSize) / 2, top + (random.uniform() * depthSize) / 2];

  // Where each cell comes from, and what its distance gets, are the same in all pictures.
  const from = new Int32Array(cells).fill(-1);
  const added = new Float32Array(cells);
  for (let row = 0; row < depthSize; row++)
    for (let column = 0; column < depthSize; column++) {
      if (isHidden && column >= left && column < right && row >= top && row < bottom) continue;
      const [x, y] = [column - middle - shiftX, row - middle - shiftY];
      const sourceColumn = Math.round((c * x + s * y) / scaleX + middle);
      const sourceRow = Math.round((c * y - s * x) / scaleY + middle);
      if (sourceColumn < 0 || sourceRow < 0 || sourceColumn >= depthSize || sourceRow >= depthSize) continue;
      from[row * depthSize + column] = sourceRow * depthSize + sourceColumn;
      added[row * depthSize + column] = 1 + error + slopeX * x + slopeY * y;
    }
  for (let sample = 0; sample < samples; sample++) {
    const time = recordedTime(timing, sample / rate, samples / rate);
    const picture = nearestPicture(clip, time) * cells;
    const to = sample * cells;
    for (let cell = 0; cell < cells; cell++) {
      const value = from[cell]! < 0 ? 0 : clip.pictures[picture + from[cell]!]! / depthScale;
      const seen = value === 0 ? 0 : added[cell]! + factor * (value - 1) + noise * (random.uniform() - 0.5) * 3.46;
      out[to + cell] = value === 0 ? 0 : Math.min(most, Math.max(least, seen));
    }
  }
}
