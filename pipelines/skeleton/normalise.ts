import { jointCount } from './joints.js';

/** Numbers of a joint: x, y, z, seen. */
export const jointChannels = 4;
/** Farther from the hip than any joint of a person is, trunk lengths: about 2 m of an adult. */
const reach = 4.5;

/**
 * Joints relative to the hip in trunk lengths, in the common axes.
 * @param joints [20, 3] metres, NaN where missing
 * @param hip [3] metres
 * @param size the trunk's length, metres
 * @param out [20, 4] x, y, z, and 1; all 0 where the joint is missing or lies over 4.5 trunk lengths from the hip
 * @returns joints that are there
 */
export function normaliseJoints(joints: Float64Array, hip: Float64Array, size: number, out: Float32Array): number {
  let seen = 0;
  for (let j = 0; j < jointCount; j++) {
    const x = (joints[3 * j]! - hip[0]!) / size;
    const y = (joints[3 * j + 1]! - hip[1]!) / size;
    const z = (joints[3 * j + 2]! - hip[2]!) / size;
    const isThere = x * x + y * y + z * z <= reach * reach; // false for NaN
    const at = jointChannels * j;
    out[at] = isThere ? x : 0;
    out[at + 1] = isThere ? y : 0;
    out[at + 2] = isThere ? z : 0;
    out[at + 3] = isThere ? 1 : 0;
    if (isThere) seen++;
  }
  return seen;
}
