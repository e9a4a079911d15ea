/** A right arm as two rigid links, and what an inertial sensor on its wrist feels.
 *
 *    world    x forward, y left, z up; origin in the shoulder
 *    sensor   x along the forearm to the hand, z out of the palm, y = z × x; arm hanging, thumb forward: x down, z left, y back
 *
 *    R = Rz(azimuth) · Ry(−elevation) · Rz(twist) · Ry(−elbow) · Rest · Rx(−pronation)        columns: sensor axes in the world
 *    p = Rz(azimuth) · Ry(−elevation) · Rz(twist) · (−upperArm ẑ − Ry(−elbow) · forearm ẑ)
 *
 *    acceleration  f = Rᵀ (p̈ − g)        angular rate  [ω]× = Rᵀ Ṙ
 *
 *  Titterton and Weston, Strapdown Inertial Navigation Technology, 2004, chapter 3 (for a world that does not turn). */

/** Joint angles, rad. */
export interface ArmPosture {
  /** Upper arm from hanging to forward. */
  readonly elevation: number;
  /** Raised arm to the left. */
  readonly azimuth: number;
  /** Upper arm about its own axis: with a bent elbow, the hand goes to the left. */
  readonly twist: number;
  /** 0 = straight. */
  readonly elbow: number;
  /** Forearm about its own axis from thumb up to palm down. */
  readonly pronation: number;
}

export type Vector = readonly [number, number, number];
/** Rows of a rotation matrix. */
export type Rotation = readonly [Vector, Vector, Vector];

export interface WristPose {
  /** m, from the shoulder. */
  readonly position: Vector;
  /** The elbow, m, from the shoulder. */
  readonly elbow: Vector;
  /** Sensor to world. */
  readonly orientation: Rotation;
}

/** What the sensor's axes feel. */
export interface SensedMotion {
  /** Specific force with gravity, m/s². */
  readonly acceleration: Vector;
  /** rad/s. */
  readonly angularRate: Vector;
}

export const standardGravity = 9.80665; // m/s²
const upperArm = 0.29; // m
const forearm = 0.25; // m, elbow to sensor

function about(axis: 'x' | 'y' | 'z', angle: number): Rotation {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  if (axis === 'x') return [[1, 0, 0], [0, c, -s], [0, s, c]]; // prettier-ignore
  if (axis === 'y') return [[c, 0, s], [0, 1, 0], [-s, 0, c]]; // prettier-ignore
  return [[c, -s, 0], [s, c, 0], [0, 0, 1]]; // prettier-ignore
}

const dot = (a: Vector, b: Vector) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const turned = (r: Rotation, v: Vector): Vector => [dot(r[0], v), dot(r[1], v), dot(r[2], v)];
const transposed = ([a, b, c]: Rotation): Rotation => [
  [a[0], b[0], c[0]],
  [a[1], b[1], c[1]],
  [a[2], b[2], c[2]],
];
function product(a: Rotation, b: Rotation): Rotation {
  const columns = transposed(b);
  return [turned(columns, a[0]), turned(columns, a[1]), turned(columns, a[2])];
}

/** Sensor to world, arm hanging with the thumb forward. */
const hanging: Rotation = [
  [0, -1, 0],
  [0, 0, 1],
  [-1, 0, 0],
];

export function wristPose({ elevation, azimuth, twist, elbow, pronation }: ArmPosture): WristPose {
  const shoulder = product(product(about('z', azimuth), about('y', -elevation)), about('z', twist));
  const lower = product(shoulder, about('y', -elbow));
  const elbowAt = turned(shoulder, [0, 0, -upperArm]);
  const beyond = turned(lower, [0, 0, -forearm]);
  return {
    position: [elbowAt[0] + beyond[0], elbowAt[1] + beyond[1], elbowAt[2] + beyond[2]],
    elbow: elbowAt,
    orientation: product(product(lower, hanging), about('x', -pronation)),
  };
}

/** Half the span of the differences, seconds: short against any motion, long against rounding. */
const step = 5e-4;

/** What the sensor feels at a time of a motion, by central differences. @param pose of any time, seconds */
export function sensedMotion(pose: (time: number) => WristPose, time: number): SensedMotion {
  const [before, here, after] = [pose(time - step), pose(time), pose(time + step)];
  const along = (i: 0 | 1 | 2) => (before.position[i] - 2 * here.position[i] + after.position[i]) / step ** 2;
  const force: Vector = [along(0), along(1), along(2) + standardGravity];

  // The rotation from `before` to `after`, seen from the sensor, is a vector of length sin(angle).
  const [x, y, z] = product(transposed(before.orientation), after.orientation);
  const axis: Vector = [(z[1] - y[2]) / 2, (x[2] - z[0]) / 2, (y[0] - x[1]) / 2];
  const sine = Math.sqrt(dot(axis, axis));
  const angle = Math.atan2(sine, (x[0] + y[1] + z[2] - 1) / 2);
  const scale = sine === 0 ? 0 : angle / sine / (2 * step);
  return {
    acceleration: turned(transposed(here.orientation), force),
    angularRate: [axis[0] * scale, axis[1] * scale, axis[2] * scale],
  };
}
