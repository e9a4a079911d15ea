/**
 * Pairs of windows out of recordings of one's own sensors: what two of them saw of the same time, without silence and empty rooms.
 *
 *      left out      why
 *      absent        one of the two gave no window (its reason is counted beside it: nobody, absent, notANumber, late, …)
 *      still         the motion gate found a sensor at rest
 *      held          much of the window repeats its first or last sample
 *      little motion motion changes less in it than in a tenth of what the sensor sees when there is much of it
 */
import { createLagEstimator, motionEnergy } from '../pipelines/lag.js';
import type { Lag } from '../pipelines/lag.js';
import type { PlaceWindow } from '../pipelines/place-windows.js';
import type { Window } from '../pipelines/window.js';

/** A window that repeats more of its samples than this share shows too little. */
const mostHeld = 0.5;
/** Below this share of the motion of the busiest tenth of the windows nobody moves. */
export const leastMotion = 0.1;

export interface CandidatePair {
  /** Seconds on the recording's clock. */
  readonly start: number;
  readonly end: number;
  readonly windows: readonly [Window, Window];
  /** How much each one's motion changes, in the sensor's own unit. */
  readonly motion: readonly [number, number];
}

export interface PairCollector {
  /** @returns the pair, or undefined where the two did not see this time */
  add(window: PlaceWindow): CandidatePair | undefined;
  readonly leftOut: Readonly<Record<string, number>>;
  /** Whether the two saw the same motion, and how far their clocks are apart; undefined until something moved. */
  lag(): Lag | undefined;
}

/** Root mean square of the change of motion within a window: 0 for a sensor that sees nothing but its own even noise. */
export function motionOf(window: Window): number {
  const energy = motionEnergy(window);
  let squares = 0;
  for (const value of energy) squares += value * value;
  return Math.sqrt(squares / Math.max(1, energy.length));
}

/** @param names of the two sensors, as `nameOf` gives them */
export function createPairCollector(
  names: readonly [string, string],
  nameOf: (part: { readonly sensor: string }) => string | undefined,
): PairCollector {
  const leftOut: Record<string, number> = {};
  const count = (reason: string) => (leftOut[reason] = (leftOut[reason] ?? 0) + 1);
  const estimator = createLagEstimator();

  function partOf(window: PlaceWindow, name: string): Window | undefined {
    const part = window.windows.find((one) => nameOf(one) === name);
    if (part) return part;
    const reason = window.absent.find((one) => nameOf(one) === name)?.reason ?? 'absent';
    count(`${name}: ${reason}`);
    return undefined;
  }

  return {
    leftOut,
    lag: () => estimator.estimate(),
    add(window) {
      const first = partOf(window, names[0]);
      const second = first && partOf(window, names[1]);
      if (!first || !second) return undefined;
      for (const [i, { still, heldSamples, shape }] of [first, second].entries()) {
        if (still) count(`${names[i]!}: still`);
        else if (heldSamples > mostHeld * shape[0]!) count(`${names[i]!}: held`);
        else continue;
        return undefined;
      }
      const motion: [number, number] = [motionOf(first), motionOf(second)];
      if (!motion.every(Number.isFinite)) {
        count('notANumber');
        return undefined;
      }
      estimator.add(first, second);
      return { start: window.start, end: window.end, windows: [first, second], motion };
    },
  };
}

/**
 * Which of the pairs show somebody who moves: both sensors see more than `share` of the motion that they see in their busiest tenth.
 * @returns places of those that do
 */
export function movingPairs(pairs: readonly Pick<CandidatePair, 'motion'>[], share = leastMotion): number[] {
  const least = [0, 1].map((side) => {
    const sorted = pairs.map(({ motion }) => motion[side]!).toSorted((a, b) => a - b);
    return share * (sorted[Math.floor(0.9 * (sorted.length - 1))] ?? 0);
  });
  return [...pairs.keys()].filter((i) => pairs[i]!.motion.every((value, side) => value > 0 && value >= least[side]!));
}

/** Neighbouring windows overlap and are no negatives of each other: the same number for what begins within one window's length. */
export function groupsOf(pairs: readonly Pick<CandidatePair, 'start' | 'end'>[], first = 0): number[] {
  let [group, begin] = [first - 1, -Infinity];
  return pairs.map(({ start, end }) => {
    if (start - begin >= end - start || start < begin) [group, begin] = [group + 1, start];
    return group;
  });
}
