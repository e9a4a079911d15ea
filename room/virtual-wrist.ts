/** A SIMULATED right wrist: nothing of it was measured. It performs the actions of arm-actions.ts in turn, with motionless rests.
 *
 *    joint angles = rest + Σ strokes           stroke: (10 τ³ − 15 τ⁴ + 6 τ⁵) of the way to the next posture, τ = 0 … 1
 *
 *  Strokes overlap: one begins before the one before it has ended, so that postures are passed and not stopped at.
 *  Minimum-jerk profile: Flash and Hogan, J. Neuroscience 5, 1985. Superposition: Flash and Henis, J. Cognitive Neuroscience 3, 1991.
 *
 *  The sensor adds a constant bias and gain error of its own, one draw a seed, and white noise, as MEMS sensors do. */
import { sensedMotion, wristPose } from './arm.js';
import type { ArmPosture, SensedMotion, WristPose } from './arm.js';
import { armActions, rest } from './arm-actions.js';
import type { Angles } from './arm-actions.js';

/** One rest and the action after it. */
export interface Performance {
  readonly label: string;
  /** Seconds of rest at the beginning. */
  readonly rest: number;
  /** Seconds, the rest included. */
  readonly duration: number;
  /** @param time seconds from the rest's beginning; before 0 and after the end the arm is at rest */
  readonly pose: (time: number) => WristPose;
}

export interface WristSample extends SensedMotion {
  /** Seconds from the beginning. */
  readonly time: number;
  /** `still` in rests. */
  readonly label: string;
}

/** Longer than a window of three seconds and the hop to the next, so that some window holds nothing but rest. */
const [shortestRest, longestRest] = [4, 5]; // s
/** By which part of its own length a stroke begins early and ends late. */
const overlap = 0.2;
/** How performances differ: standard deviations of each joint in a whole action, and from posture to posture, degrees. */
const [actionSpread, postureSpread, restSpread] = [4, 2, 2];
const tempoSpread = 0.12; // at most, of the duration

/** Sensor errors: standard deviations, but for the gain's limit. */
const noise = { acceleration: 0.05, angularRate: 0.005 }; // m/s², rad/s, a sample
const bias = { acceleration: 0.1, angularRate: 0.01 };
const largestGainError = 0.01;

/** The generator 'mulberry32' (Tommy Ettinger, public domain). */
function createRandom(seed: number) {
  let state = seed >>> 0;
  function uniform(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  }
  return {
    uniform,
    /** Box and Muller, 1958. */
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  };
}
type Random = ReturnType<typeof createRandom>;

interface Stroke {
  readonly start: number;
  readonly duration: number;
  /** Degrees. */
  readonly by: Angles;
}

function mapAngles(angles: Angles, change: (angle: number, joint: number) => number): Angles {
  return angles.map(change) as unknown as Angles;
}

const radians = (degrees: number) => (degrees * Math.PI) / 180;

function postureOf([elevation, azimuth, twist, elbow, pronation]: Angles): ArmPosture {
  return {
    elevation: radians(elevation),
    azimuth: radians(azimuth),
    twist: radians(twist),
    elbow: radians(elbow),
    pronation: radians(pronation),
  };
}

/** Part of the way after part τ of the time. */
function minimumJerk(tau: number): number {
  if (tau <= 0) return 0;
  return tau >= 1 ? 1 : tau ** 3 * (10 - 15 * tau + 6 * tau ** 2);
}

/** Without end: every action once a round, each round in an order of its own. */
export function* performances(seed: number): Generator<Performance, never> {
  const random = createRandom(seed);
  const around = (angles: Angles, spread: number) => mapAngles(angles, (angle) => angle + spread * random.normal());
  let from = around(rest, restSpread);
  for (;;) {
    for (const { label, keys, lowering } of shuffled(armActions, random)) {
      const resting = shortestRest + (longestRest - shortestRest) * random.uniform();
      const tempo = 1 + tempoSpread * (2 * random.uniform() - 1);
      const difference = around([0, 0, 0, 0, 0], actionSpread);
      const postures = keys.map(([seconds, ...angles]): [number, Angles] => [
        seconds,
        around(
          mapAngles(angles, (angle, joint) => angle + difference[joint]!),
          postureSpread,
        ),
      ]);
      const to = around(rest, restSpread);
      const strokes = strokesBetween(from, [...postures, [keys.at(-1)![0] + lowering, to]], resting, tempo);
      const start = from;
      yield {
        label,
        rest: resting,
        duration: Math.max(...strokes.map((stroke) => stroke.start + stroke.duration)),
        pose: (time) => wristPose(postureOf(mapAngles(start, (angle, joint) => angle + moved(strokes, joint, time)))),
      };
      from = to;
    }
  }
}

function strokesBetween(
  from: Angles,
  postures: readonly (readonly [number, Angles])[],
  resting: number,
  tempo: number,
): Stroke[] {
  const strokes: Stroke[] = [];
  let [seconds, angles] = [0, from];
  for (const [until, target] of postures) {
    const margin = overlap * (until - seconds);
    // The first one has nothing to overlap with, and must not begin in the rest.
    const begin = strokes.length === 0 ? seconds : seconds - margin;
    strokes.push({
      start: resting + tempo * begin,
      duration: tempo * (until + margin - begin),
      by: mapAngles(target, (angle, joint) => angle - angles[joint]!),
    });
    [seconds, angles] = [until, target];
  }
  return strokes;
}

function moved(strokes: readonly Stroke[], joint: number, time: number): number {
  return strokes.reduce((sum, { start, duration, by }) => sum + by[joint]! * minimumJerk((time - start) / duration), 0);
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  const places = list.map((item) => ({ item, place: random.uniform() }));
  return places.sort((a, b) => a.place - b.place).map(({ item }) => item);
}

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

  let start = 0;
  let n = 0;
  for (const { label, rest: resting, duration, pose } of performances(seed)) {
    for (; n / rate < start + duration; n++) {
      const time = n / rate;
      const { acceleration, angularRate } = sensedMotion(pose, time - start);
      yield {
        time,
        label: time - start < resting ? 'still' : label,
        acceleration: measured(acceleration, accelerationGain, accelerationBias, noise.acceleration, random),
        angularRate: measured(angularRate, angularRateGain, angularRateBias, noise.angularRate, random),
      };
    }
    start += duration;
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
