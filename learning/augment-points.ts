/** Augmentation of radar windows: the same movement a little faster or slower, by another body, elsewhere, seen less well. */
import type { Random } from './random.js';

export interface PointAugmentation {
  /** Speed factor e^±warp, uniform in its logarithm. */
  readonly warp: number;
  /** Standard deviation of a turn about the vertical through the points' middle, rad: how the person faces the radar. */
  readonly rotation: number;
  /** Body size factor e^±size, uniform in its logarithm, about the middle. */
  readonly size: number;
  /** Standard deviation of a shift up or down, metres: how high the radar stands. */
  readonly height: number;
  /** Standard deviation of white noise on each coordinate, metres. */
  readonly noise: number;
  /** Standard deviation of the factor on all velocities. */
  readonly gain: number;
  /** Most of the share of points that are lost; each window's is uniform between 0 and it. */
  readonly loss: number;
  /** Most of the share of instants that are lost, likewise. */
  readonly instantLoss: number;
}

/**
 * Writes one augmented window of a recording. A recording shorter than the window is held at its ends.
 * @param recording [count, points, channels] as `createRadarPointFeatures` gives them: x y z velocity snr range age present
 * @param begin first instant, may lie between two
 * @param mirrored left to right
 * @param out [instants, points, channels], written anew
 */
export function augmentedPoints(
  recording: Float32Array,
  points: number,
  channels: number,
  begin: number,
  mirrored: boolean,
  { warp, rotation, size, height, noise, gain, loss, instantLoss }: PointAugmentation,
  random: Random,
  out: Float32Array,
): void {
  const row = points * channels;
  const count = recording.length / row;
  const instants = out.length / row;
  const between = (limit: number) => limit * (2 * random.uniform() - 1);
  const jitter = () => (noise === 0 ? 0 : noise * random.normal());
  const speed = Math.exp(between(warp));
  const first = begin + ((1 - speed) * (instants - 1)) / 2;
  const angle = rotation * random.normal();
  const scale = Math.exp(between(size));
  const [cos, sin] = [Math.cos(angle) * scale, Math.sin(angle) * scale];
  const side = mirrored ? -1 : 1;
  const up = height * random.normal();
  const velocityFactor = speed * (1 + gain * random.normal());
  const lost = loss * random.uniform();
  const lostInstants = instantLoss * random.uniform();
  const taken = Array.from({ length: instants }, (_, i) =>
    Math.min(Math.max(Math.round(first + i * speed), 0), count - 1),
  );

  let middleX = 0;
  let middleY = 0;
  let present = 0;
  for (const instant of taken)
    for (let at = instant * row; at < (instant + 1) * row; at += channels)
      if (recording[at + 7] === 1) {
        middleX += recording[at]!;
        middleY += recording[at + 1]!;
        present++;
      }
  middleX /= Math.max(present, 1);
  middleY /= Math.max(present, 1);

  out.fill(0);
  for (const [i, instant] of taken.entries()) {
    if (random.uniform() < lostInstants) continue;
    let to = i * row;
    for (let at = instant * row; at < (instant + 1) * row; at += channels) {
      if (recording[at + 7] !== 1 || random.uniform() < lost) continue;
      const dx = recording[at]! - middleX;
      const dy = recording[at + 1]! - middleY;
      const x = side * (middleX + cos * dx - sin * dy + jitter());
      const y = middleY + sin * dx + cos * dy + jitter();
      const z = recording[at + 2]! * scale + up + jitter();
      out[to] = x;
      out[to + 1] = y;
      out[to + 2] = z;
      out[to + 3] = recording[at + 3]! * velocityFactor;
      out[to + 4] = recording[at + 4]!;
      out[to + 5] = Math.sqrt(x * x + y * y + z * z);
      out[to + 6] = recording[at + 6]!;
      out[to + 7] = 1;
      to += channels;
    }
  }
}
