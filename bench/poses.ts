/** A person of 1.75 m, 2.5 m before a Kinect v2, who raises an arm. */

/** Metres, x to the sensor's left, y up, z away, Kinect v2 order: spine base, spine mid, neck, head, left shoulder, elbow, … */
const standing = [
  [0, -0.1, 2.5], [0, 0.2, 2.5], [0, 0.48, 2.5], [0, 0.65, 2.5],
  [-0.18, 0.42, 2.5], [-0.22, 0.14, 2.5], [-0.23, -0.1, 2.5], [-0.23, -0.18, 2.5],
  [0.18, 0.42, 2.5], [0.22, 0.14, 2.5], [0.23, -0.1, 2.5], [0.23, -0.18, 2.5],
  [-0.1, -0.1, 2.5], [-0.11, -0.52, 2.5], [-0.11, -0.92, 2.5], [-0.12, -1, 2.4],
  [0.1, -0.1, 2.5], [0.11, -0.52, 2.5], [0.11, -0.92, 2.5], [0.12, -1, 2.4],
  [0, 0.42, 2.5], [-0.23, -0.24, 2.5], [-0.2, -0.16, 2.5], [0.23, -0.24, 2.5], [0.2, -0.16, 2.5],
] as const; // prettier-ignore

const rightArm = [9, 10, 11, 23, 24];

/** [25, 3]; `part`: 0 to 1 of one raising and lowering. */
export function kinectV2Pose(part: number): Float32Array {
  const pose = Float32Array.from(standing.flat());
  const lift = (1 - Math.cos(2 * Math.PI * part)) / 2;
  const [, shoulder] = standing[8];
  for (const joint of rightArm) pose[3 * joint + 1] = shoulder + (pose[3 * joint + 1]! - shoulder) * (1 - 2 * lift);
  return pose;
}
