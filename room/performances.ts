/** What the virtual body does: SIMULATED, nothing of it was measured. It performs the actions of arm-actions.ts in turn, with motionless rests.
 *
 *    joint angles = rest + Σ strokes           stroke: (10 τ³ − 15 τ⁴ + 6 τ⁵) of the way to the next posture, τ = 0 … 1
 *
 *  Strokes overlap: one begins before the one before it has ended, so that postures are passed and not stopped at.
 *  Minimum-jerk profile: Flash and Hogan, J. Neuroscience 5, 1985. Superposition: Flash and Henis, J. Cognitive Neuroscience 3, 1991. */
import type { ArmPosture } from './arm.js';
import { armActions, rest } from './arm-actions.js';
import type { Angles, Key } from './arm-actions.js';
import { createRandom } from './random.js';
import type { Random } from './random.js';

/** One rest and the action after it. Before 0 and after the end the arms are at rest. */
export interface Performance {
  readonly label: string;
  /** Seconds of rest at the beginning. */
  readonly rest: number;
  /** Seconds, the rest included. */
  readonly duration: number;
  /** @param time seconds from the rest's beginning */
  readonly right: (time: number) => ArmPosture;
  /** As the right arm's mirror image. */
  readonly left: (time: number) => ArmPosture;
}

/** An instant in the performances, one after the other. */
export interface Moment {
  /** Seconds from the beginning of all. */
  readonly time: number;
  /** `still` in rests. */
  readonly label: string;
  readonly performance: Performance;
  /** Seconds from the performance's beginning. */
  readonly within: number;
}

/** Longer than a window of three seconds and the hop to the next, so that some window holds nothing but rest. */
const [shortestRest, longestRest] = [4, 5]; // s
/** By which part of its own length a stroke begins early and ends late. */
const overlap = 0.2;
/** How performances differ: standard deviations of each joint in a whole action, and from posture to posture, degrees. */
const [actionSpread, postureSpread, restSpread] = [4, 2, 2];
const tempoSpread = 0.12; // at most, of the duration

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

/** Without end: every action once a round, each round in an order of its own. The same seed, the same performances. */
export function* performances(seed: number): Generator<Performance, never> {
  const random = createRandom(seed);
  const rightArm = createArm(random);
  const leftArm = createArm(createRandom(seed ^ 0x2545f491));
  for (;;) {
    for (const { label, keys, left: leftKeys = [], lowering } of shuffled(armActions, random)) {
      const resting = shortestRest + (longestRest - shortestRest) * random.uniform();
      const tempo = 1 + tempoSpread * (2 * random.uniform() - 1);
      const right = rightArm(keys, lowering, resting, tempo);
      const left = leftArm(leftKeys, lowering, resting, tempo);
      yield {
        ...{ label, rest: resting, duration: Math.max(right.end, left.end) },
        right: right.posture,
        left: left.posture,
      };
    }
  }
}

/** The performances at even distances, without end. @param rate instants a second */
export function* moments(seed: number, rate: number): Generator<Moment, never> {
  let start = 0;
  let n = 0;
  for (const performance of performances(seed)) {
    const end = start + performance.duration;
    for (; n / rate < end; n++) {
      const within = n / rate - start;
      yield { time: n / rate, label: within < performance.rest ? 'still' : performance.label, performance, within };
    }
    start = end;
  }
  throw new Error('performances have no end');
}

/** One arm, from rest to rest. */
function createArm(random: Random) {
  const around = (angles: Angles, spread: number) => mapAngles(angles, (angle) => angle + spread * random.normal());
  let from = around(rest, restSpread);

  /** @param keys none: it goes on resting */
  return (keys: readonly Key[], lowering: number, resting: number, tempo: number) => {
    const start = from;
    const last = keys.at(-1);
    if (!last) return { end: 0, posture: () => postureOf(start) };
    const difference = around([0, 0, 0, 0, 0], actionSpread);
    const postures = keys.map(([seconds, ...angles]): [number, Angles] => [
      seconds,
      around(
        mapAngles(angles, (angle, joint) => angle + difference[joint]!),
        postureSpread,
      ),
    ]);
    const to = around(rest, restSpread);
    from = to;
    const strokes = strokesBetween(start, [...postures, [last[0] + lowering, to]], resting, tempo);
    return {
      end: Math.max(...strokes.map((stroke) => stroke.start + stroke.duration)),
      posture: (time: number) => postureOf(mapAngles(start, (angle, joint) => angle + moved(strokes, joint, time))),
    };
  };
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
