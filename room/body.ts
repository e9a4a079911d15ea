/** The virtual body, standing before a camera that it faces: 20 joints as a Kinect v1 tells them.
 *
 *    body      forward, left, up; metres from the hip centre
 *    camera    x = hip x − left, y = hip y + up, z = hip z − forward        x to the camera's left, y up, z away from it
 *
 *  Only the arms move. The rest stands as the subjects 1, 3, 5 and 7 of UTD-MHAD do before they begin, in the mean and made
 *  symmetric, larger by as much (1.09) as the arm of arm.ts is longer than theirs; also where they stand is UTD-MHAD's. */
import { wristPose } from './arm.js';
import type { ArmPosture, Vector } from './arm.js';

/** In UTD-MHAD's order. */
export const bodyJoints = [
  ...(['head', 'shoulder centre', 'spine', 'hip centre'] as const),
  ...(['left shoulder', 'left elbow', 'left wrist', 'left hand'] as const),
  ...(['right shoulder', 'right elbow', 'right wrist', 'right hand'] as const),
  ...(['left hip', 'left knee', 'left ankle', 'left foot'] as const),
  ...(['right hip', 'right knee', 'right ankle', 'right foot'] as const),
] as const;
export type BodyJoint = (typeof bodyJoints)[number];

/** Where the hip centre is in the camera's axes, metres. */
const hip: Vector = [-0.09, -0.12, 2.85];
/** From the wrist to the hand's middle, metres. */
const hand = 0.07;

/** Joints that stand: forward, left, up. */
const trunk = {
  head: [0, 0, 0.64],
  'shoulder centre': [-0.03, 0, 0.44],
  spine: [-0.045, 0, 0.07],
  'hip centre': [0, 0, 0],
} satisfies Partial<Record<BodyJoint, Vector>>;
/** Of the left side; the right side is its mirror image. */
const side = {
  shoulder: [-0.03, 0.178, 0.32],
  hip: [0.01, 0.08, -0.08],
  knee: [-0.07, 0.075, -0.577],
  ankle: [-0.1, 0.053, -0.957],
  foot: [-0.06, 0.06, -1.02],
} satisfies Record<string, Vector>;

/** @param mirrored 1: as it is; −1: left and right exchanged */
function place(joint: string, [forward, left, up]: Vector, mirrored: 1 | -1, out: Float64Array): void {
  const at = 3 * bodyJoints.indexOf(joint as BodyJoint);
  out[at] = hip[0] - mirrored * left;
  out[at + 1] = hip[1] + up;
  out[at + 2] = hip[2] - forward;
}

const standing = new Float64Array(3 * bodyJoints.length);
for (const [joint, at] of Object.entries(trunk)) place(joint, at, 1, standing);
for (const [part, at] of Object.entries(side)) {
  place(`left ${part}`, at, 1, standing);
  place(`right ${part}`, at, -1, standing);
}

/**
 * @param left as the right arm's mirror image
 * @param out [20, 3] metres, in the camera's axes
 */
export function placeBody(right: ArmPosture, left: ArmPosture, out: Float64Array): void {
  out.set(standing);
  placeArm('right', right, -1, out);
  placeArm('left', left, 1, out);
}

/** The model is of a right arm, with its shoulder to the body's right. */
function placeArm(name: 'left' | 'right', posture: ArmPosture, mirrored: 1 | -1, out: Float64Array): void {
  const { elbow, position, orientation } = wristPose(posture);
  const [forward, across, up] = side.shoulder;
  const from = ([x, y, z]: Vector): Vector => [forward + x, across - y, up + z];
  // The sensor's x axis goes along the forearm to the hand.
  const beyond = (row: 0 | 1 | 2) => position[row] + hand * orientation[row][0];
  place(`${name} elbow`, from(elbow), mirrored, out);
  place(`${name} wrist`, from(position), mirrored, out);
  place(`${name} hand`, from([beyond(0), beyond(1), beyond(2)]), mirrored, out);
}
