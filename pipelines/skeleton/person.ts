import { jointIndex } from './layouts.js';
import { jointCount } from './joints.js';

const hip = jointIndex['hip centre'];
/** A person is not farther from where they were, in the frame before or before a short loss, metres. */
const reach = 0.8;

/** The person whose joints are taken: the one of before, by the device's number, else by the place; else the nearest. */
export interface Follower {
  /** The next frame. */
  begin(): void;
  /**
   * One of the frame's people.
   * @param joints [20, 3] metres, NaN where missing; one at least is not
   * @param id the device's number, or −1
   */
  consider(person: number, joints: Float64Array, id: number): void;
  /** @returns the chosen person's index, −1 if there is none */
  chosen(): number;
  /** Whether the chosen one is the person of before. */
  readonly same: boolean;
  reset(): void;
}

export function createFollower(): Follower {
  const place = new Float64Array(3);
  const here = new Float64Array(3);
  const best = new Float64Array(3);
  let followed = -1;
  let known = false;
  let bestPerson = -1;
  let bestId = -1;
  // 2: the number of before, 1: near the place of before, 0: anybody.
  let bestRank = -1;
  let bestDistance = Infinity;
  let same = false;

  return {
    begin() {
      bestPerson = -1;
      bestRank = -1;
      bestDistance = Infinity;
    },
    consider(person, joints, id) {
      centre(joints, here);
      const moved = Math.hypot(here[0]! - place[0]!, here[1]! - place[1]!, here[2]! - place[2]!);
      const rank = known && id >= 0 && id === followed ? 2 : known && moved <= reach ? 1 : 0;
      const distance = rank === 0 ? Math.hypot(here[0]!, here[1]!, here[2]!) : moved;
      if (rank < bestRank || (rank === bestRank && distance >= bestDistance)) return;
      bestPerson = person;
      bestId = id;
      bestRank = rank;
      bestDistance = distance;
      best.set(here);
    },
    chosen() {
      if (bestPerson < 0) return -1;
      same = bestRank > 0;
      followed = bestId;
      known = true;
      place.set(best);
      return bestPerson;
    },
    get same() {
      return same;
    },
    reset() {
      known = false;
      followed = -1;
    },
  };
}

/** The hip's centre, or the mean of the joints that are seen. */
function centre(joints: Float64Array, out: Float64Array): void {
  if (!Number.isNaN(joints[3 * hip]!)) {
    for (let axis = 0; axis < 3; axis++) out[axis] = joints[3 * hip + axis]!;
    return;
  }
  out.fill(0);
  let count = 0;
  for (let j = 0; j < jointCount; j++) {
    if (Number.isNaN(joints[3 * j]!)) continue;
    for (let axis = 0; axis < 3; axis++) out[axis]! += joints[3 * j + axis]!;
    count++;
  }
  for (let axis = 0; axis < 3; axis++) out[axis]! /= count;
}
