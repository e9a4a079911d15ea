/** A body at rest is `still`, not an action: what the motion gate is to a wrist, for the skeletons of a window.
 *
 *  still = every joint but hands and feet, which cameras guess, stays where it is: the standard deviation of its place around
 *      the hip, the square root of the sum of three axes' variances over the instants that saw it, is below 0.08 trunk lengths
 *      (4 cm of a grown person)
 *
 *  Chosen on UTD-MHAD (subjects 1, 3, 5, 7: 431 actions). Called still:
 *      windows of 3.04 s, and any 2 s of an action           0 % (the largest joint of a window: at least 0.18)
 *      any 1.5 s, any second                                 0.2 %, 1.5 % (an action's start and end are rests)
 *      the first and last 0.4 s                              81 %
 *  So the gate errs towards motion. Someone who is carried along without moving a limb counts as still.
 */
import { jointChannels } from './normalise.js';
import { jointCount } from './joints.js';
import { jointIndex, type Joint } from './layouts.js';

/** Trunk lengths. */
export const skeletonStillness = 0.08;

/** Of the joints that are looked at, so many must be seen in half of the instants to say that nothing moves. */
const leastJoints = 6;

const guessed: ReadonlySet<number> = new Set(
  (['left hand', 'right hand', 'left foot', 'right foot'] satisfies Joint[]).map((name) => jointIndex[name]),
);

/** @param window [instants, 20, 4] x, y, z in trunk lengths from the hip, and whether it was seen */
export function skeletonIsStill(window: Float32Array): boolean {
  const row = jointCount * jointChannels;
  const instants = window.length / row;
  let judged = 0;
  for (let joint = 0; joint < jointCount; joint++) {
    if (guessed.has(joint)) continue;
    let seen = 0;
    for (let i = 0; i < instants; i++) if (window[i * row + joint * jointChannels + 3] !== 0) seen++;
    if (seen < instants / 2) continue;
    judged++;
    let variance = 0;
    for (let axis = 0; axis < 3; axis++) {
      let sum = 0;
      let squares = 0;
      for (let i = 0; i < instants; i++) {
        const at = i * row + joint * jointChannels;
        if (window[at + 3] === 0) continue;
        sum += window[at + axis]!;
        squares += window[at + axis]! ** 2;
      }
      variance += Math.max(0, squares / seen - (sum / seen) ** 2);
    }
    if (variance >= skeletonStillness ** 2) return false;
  }
  return judged >= leastJoints;
}
