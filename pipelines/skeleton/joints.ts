import type { SkeletonFrame } from '../../drivers/frames.js';
import { jointIndex, kinectV1Joints, type SkeletonLayout } from './layouts.js';

export const jointCount = kinectV1Joints.length;
/** Farther from the sensor than any camera tells joints, metres. */
const farthest = 50;

/**
 * The axes of the device's joints.
 *
 *      kinect    x to the sensor's left, y up, z away from it: the common axes
 *      image     x to its right, y down, z away from it: optical axes, as of RealSense, MediaPipe and most pose estimators
 *      radar     x to its right, y away from it, z up: joints given in a radar's axes, as in MARS
 */
export type SkeletonAxes = 'kinect' | 'image' | 'radar';

/**
 * The common joints of one person of a frame, in the common axes. A joint is missing (NaN) where the device does not send it,
 * a coordinate is not finite or beyond 50 m, all are 0 (how some devices say 'not seen'), or its confidence is too low or no
 * number; a middle is missing where either joint is. A missing hip or shoulder centre is the middle of both hips or shoulders.
 * @param out [20, 3] metres
 * @returns joints that are not missing
 */
export function takeJoints(
  frame: SkeletonFrame,
  person: number,
  layout: SkeletonLayout,
  axes: SkeletonAxes,
  leastConfidence: number,
  out: Float64Array,
): number {
  const { joints, confidence } = frame;
  const { sources } = layout;
  const first = person * layout.joints;
  let seen = 0;
  for (let j = 0, at = 0; j < jointCount; j++, at += 3) {
    const [a, b] = [first + sources[2 * j]!, first + sources[2 * j + 1]!];
    out[at] = NaN;
    out[at + 1] = NaN;
    out[at + 2] = NaN;
    if (sources[2 * j]! < 0 || !isSeen(joints, confidence, a, leastConfidence)) continue;
    if (b !== a && !isSeen(joints, confidence, b, leastConfidence)) continue;
    const x = (joints[3 * a]! + joints[3 * b]!) / 2;
    const y = (joints[3 * a + 1]! + joints[3 * b + 1]!) / 2;
    const z = (joints[3 * a + 2]! + joints[3 * b + 2]!) / 2;
    out[at] = axes === 'kinect' ? x : -x;
    out[at + 1] = axes === 'kinect' ? y : axes === 'image' ? -y : z;
    out[at + 2] = axes === 'radar' ? y : z;
    seen++;
  }
  if (fillMiddle(out, jointIndex['hip centre'], jointIndex['left hip'], jointIndex['right hip'])) seen++;
  if (fillMiddle(out, jointIndex['shoulder centre'], jointIndex['left shoulder'], jointIndex['right shoulder'])) seen++;
  return seen;
}

function isSeen(
  joints: Float32Array,
  confidence: Float32Array | undefined,
  joint: number,
  leastConfidence: number,
): boolean {
  if (confidence !== undefined && !(confidence[joint]! >= leastConfidence)) return false;
  const [x, y, z] = [joints[3 * joint]!, joints[3 * joint + 1]!, joints[3 * joint + 2]!];
  if (x === 0 && y === 0 && z === 0) return false;
  // Comparisons with NaN are false.
  return Math.abs(x) <= farthest && Math.abs(y) <= farthest && Math.abs(z) <= farthest;
}

function fillMiddle(joints: Float64Array, middle: number, a: number, b: number): boolean {
  if (!Number.isNaN(joints[3 * middle]!)) return false;
  const filled = !Number.isNaN(joints[3 * a]! + joints[3 * b]!);
  for (let axis = 0; axis < 3; axis++) {
    joints[3 * middle + axis] = (joints[3 * a + axis]! + joints[3 * b + axis]!) / 2;
  }
  return filled;
}
