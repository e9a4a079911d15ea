/** An inertial sensor on the virtual body's right wrist: SIMULATED, nothing of it was measured.
 *
 *  It adds a constant bias and gain error of its own, one draw a seed, and white noise, as MEMS sensors do. */
import { sensedMotion, wristPose } from './arm.js';
import type { SensedMotion } from './arm.js';
import { moments } from './performances.js';
import { createRandom } from './random.js';
import type { Random } from './random.js';

export interface WristSample extends SensedMotion {
  /** Seconds from the beginning. */
  readonly time: number;
  /** `still` in rests. */
  readonly label: string;
}

/** Sensor errors: standard deviations, but for the gain's limit. */
const noise = { acceleration: 0.05, angularRate: 0.005 }; // m/s², rad/s, a sample
const bias = { acceleration: 0.1, angularRate: 0.01 };
const largestGainError = 0.01;

/**
 * The sensor's samples without end; the same seed gives the same ones.
 * @param rate samples a second
 */
export function* virtualWrist(seed: number, rate: number): Generator<WristSample> {
  // Not the performance's numbers, or the noise would follow the motion.
  const random = createRandom(seed ^ 0x5bd1e995);
  const axes = (draw: () => number) => [draw(), draw(), draw()];
  const gain = () => 1 + largestGainError * (2 * random.uniform() - 1);
  const accelerationGain = axes(gain);
  const angularRateGain = axes(gain);
  const accelerationBias = axes(() => bias.acceleration * random.normal());
  const angularRateBias = axes(() => bias.angularRate * random.normal());

  for (const { time, label, performance, within } of moments(seed, rate)) {
    const { acceleration, angularRate } = sensedMotion((at) => wristPose(performance.right(at)), within);
    yield {
      ...{ time, label },
      acceleration: measured(acceleration, accelerationGain, accelerationBias, noise.acceleration, random),
      angularRate: measured(angularRate, angularRateGain, angularRateBias, noise.angularRate, random),
    };
  }
}

function measured(
  [x, y, z]: SensedMotion['acceleration'],
  gain: readonly number[],
  offset: readonly number[],
  deviation: number,
  random: Random,
): SensedMotion['acceleration'] {
  const axis = (value: number, i: number) => value * gain[i]! + offset[i]! + deviation * random.normal();
  return [axis(x, 0), axis(y, 1), axis(z, 2)];
}
