/** A depth picture of the virtual body, as a Kinect v1 would take it with the background removed.
 *
 *    pixel (u, v)     looks along d = ((u + ½ − 160) / f, (120 − v − ½) / f, 1): distances along z are multiples of d
 *    body             capsules: all points within a radius of the straight line between two joints
 *    measured         disparity step n = round(1 / (k z) + noise), z = 1 / (k n)
 *
 *  Neighbouring steps are k z² apart, and the error's standard deviation is half of it: 2.85 and 1.425 mm · z² (z in metres;
 *  Khoshelham and Oude Elberink, Sensors 12 (2012), 1437, sections 3.3 and 4). f: nominal focal length of the depth camera at 320 × 240 in
 *  Kinect for Windows SDK 1 (NuiImageCamera.h). Like the camera's pictures, it is mirrored: the body's right is on the right. */
import { bodyJoints } from './body.js';
import type { BodyJoint } from './body.js';
import type { Random } from './random.js';

export const [pictureWidth, pictureHeight] = [320, 240] as const;
export const focalLength = 285.63; // pixels
const step = 2.85e-3; // k, 1/m
const disparityNoise = 0.5; // standard deviation, steps

/** Joints that the capsule lies between, and its radius, metres. */
export const capsules = (
  [
    ['head', 'head', 0.1],
    ['head', 'shoulder centre', 0.055],
    ['shoulder centre', 'hip centre', 0.11],
    ['left shoulder', 'right shoulder', 0.075],
    ['left shoulder', 'left hip', 0.09],
    ['right shoulder', 'right hip', 0.09],
    ['left hip', 'right hip', 0.1],
    ...(['left', 'right'] as const).flatMap((side): [BodyJoint, BodyJoint, number][] => [
      [`${side} shoulder`, `${side} elbow`, 0.05],
      [`${side} elbow`, `${side} wrist`, 0.04],
      [`${side} wrist`, `${side} hand`, 0.045],
      [`${side} hip`, `${side} knee`, 0.08],
      [`${side} knee`, `${side} ankle`, 0.06],
      [`${side} ankle`, `${side} foot`, 0.045],
    ]),
  ] satisfies [BodyJoint, BodyJoint, number][]
).map(([from, to, radius]) => ({ from: bodyJoints.indexOf(from), to: bodyJoints.indexOf(to), radius }));

/**
 * @param joints [20, 3] metres, in the camera's axes; all of them before it
 * @param out [240, 320] metres; infinity: nothing
 */
export function renderBody(joints: Float64Array, out: Float32Array): void {
  out.fill(Infinity);
  for (const { from, to, radius } of capsules) renderCapsule(joints, 3 * from, 3 * to, radius, out);
}

/** @param a place of the one end in `joints` */
function renderCapsule(joints: Float64Array, a: number, b: number, radius: number, out: Float32Array): void {
  const [ax, ay, az] = [joints[a]!, joints[a + 1]!, joints[a + 2]!];
  const [bx, by, bz] = [joints[b]!, joints[b + 1]!, joints[b + 2]!];
  const length = Math.hypot(bx - ax, by - ay, bz - az);
  // Unit vector from a to b; of a sphere 0, which leaves the cylinder's equation with the sphere's.
  const [nx, ny, nz] = length > 0 ? [(bx - ax) / length, (by - ay) / length, (bz - az) / length] : [0, 0, 0];
  const an = ax * nx + ay * ny + az * nz;
  const aa = ax * ax + ay * ay + az * az;
  const bb = bx * bx + by * by + bz * bz;
  const r2 = radius * radius;

  // A little more than the sphere's picture, which is no circle beside the middle.
  const spanA = (1.1 * focalLength * radius) / az;
  const spanB = (1.1 * focalLength * radius) / bz;
  const [uA, uB] = [pictureWidth / 2 + (focalLength * ax) / az, pictureWidth / 2 + (focalLength * bx) / bz];
  const [vA, vB] = [pictureHeight / 2 - (focalLength * ay) / az, pictureHeight / 2 - (focalLength * by) / bz];
  const left = Math.max(0, Math.floor(Math.min(uA - spanA, uB - spanB)));
  const right = Math.min(pictureWidth, Math.ceil(Math.max(uA + spanA, uB + spanB)));
  const top = Math.max(0, Math.floor(Math.min(vA - spanA, vB - spanB)));
  const bottom = Math.min(pictureHeight, Math.ceil(Math.max(vA + spanA, vB + spanB)));

  for (let v = top; v < bottom; v++) {
    const dy = (pictureHeight / 2 - v - 0.5) / focalLength;
    for (let u = left; u < right; u++) {
      const dx = (u + 0.5 - pictureWidth / 2) / focalLength;
      const dd = dx * dx + dy * dy + 1;
      const dn = dx * nx + dy * ny + nz;
      const da = dx * ax + dy * ay + az;
      // The cylinder without ends: |z d⊥ − a⊥|² = r², where ⊥ is what is left of a vector across the axis.
      const across = dd - dn * dn;
      const half = da - dn * an;
      const root = half * half - across * (aa - an * an - r2);
      if (root < 0) continue;
      let z = (half - Math.sqrt(root)) / across;
      const along = z * dn - an;
      if (along < 0) z = sphere(dd, da, aa - r2);
      else if (!(along <= length)) z = sphere(dd, dx * bx + dy * by + bz, bb - r2);
      const at = v * pictureWidth + u;
      if (z < out[at]!) out[at] = z;
    }
  }
}

/** Where the ray enters; NaN: nowhere. @param dc d · centre @param cr |centre|² − r² */
function sphere(dd: number, dc: number, cr: number): number {
  return (dc - Math.sqrt(dc * dc - dd * cr)) / dd;
}

/**
 * What the camera makes of the true distances.
 * @param metres [240, 320] infinity: nothing
 * @param out [240, 320] millimetres; 0: no return
 */
export function measureDepth(metres: Float32Array, random: Random, out: Uint16Array): void {
  for (let i = 0; i < metres.length; i++) {
    const z = metres[i]!;
    out[i] =
      z < Infinity ? Math.round(1000 / (step * Math.round(1 / (step * z) + disparityNoise * random.normal()))) : 0;
  }
}
