import { jointIndex, kinectV1Joints, type Joint } from './layouts.js';

const hip = jointIndex['hip centre'];
/** Joints that move as the hip does. */
const trunk = (
  ['spine', 'shoulder centre', 'left hip', 'right hip', 'left shoulder', 'right shoulder'] satisfies Joint[]
).map((name) => jointIndex[name]);
/** Frames that a hip may be carried on without being seen. */
const longestCarried = 25;

export interface Hip {
  /**
   * Where the hip's centre is: as seen (or the middle of both hips), else the place of the frame before moved on by the mean
   * movement of the trunk's joints that are seen in both frames, for 25 frames at most.
   * @param joints [20, 3] metres, NaN where missing
   * @param out [3] metres
   * @returns false if it is not known: not seen, and not carried on
   */
  next(joints: Float64Array, out: Float64Array): boolean;
  reset(): void;
}

export function createHip(): Hip {
  const before = new Float64Array(3 * kinectV1Joints.length);
  const place = new Float64Array(3);
  let carried = Infinity;

  return {
    next(joints, out) {
      if (!Number.isNaN(joints[3 * hip]!)) {
        for (let axis = 0; axis < 3; axis++) place[axis] = joints[3 * hip + axis]!;
        carried = 0;
      } else {
        carried++;
        let count = 0;
        let [x, y, z] = [0, 0, 0];
        for (const joint of trunk) {
          const at = 3 * joint;
          if (Number.isNaN(joints[at]! + before[at]!)) continue;
          x += joints[at]! - before[at]!;
          y += joints[at + 1]! - before[at + 1]!;
          z += joints[at + 2]! - before[at + 2]!;
          count++;
        }
        if (count === 0) carried = Infinity;
        else {
          place[0]! += x / count;
          place[1]! += y / count;
          place[2]! += z / count;
        }
      }
      before.set(joints);
      if (carried > longestCarried) return false;
      out.set(place);
      return true;
    },
    reset() {
      carried = Infinity;
    },
  };
}
