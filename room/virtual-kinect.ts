/** A Kinect v1 before the virtual body: SIMULATED, nothing of it was measured. */
import { bodyJoints, placeBody } from './body.js';
import { measureDepth, pictureHeight, pictureWidth, renderBody } from './depth-picture.js';
import { moments } from './performances.js';
import { createRandom } from './random.js';

interface Picture {
  /** Seconds from the beginning. */
  readonly time: number;
  /** `still` in rests. */
  readonly label: string;
}

/** White noise of a joint's coordinates, metres: UTD-MHAD's skeletons have about 0.1 mm where nothing moves, 5 mm where a hand does. */
const jointNoise = 0.002;

/**
 * Skeletons without end; the same seed gives the same ones.
 * @param rate pictures a second
 * @returns joints [20, 3] metres, overwritten by the next picture's
 */
export function* virtualSkeletons(seed: number, rate: number): Generator<Picture & { joints: Float32Array }> {
  const random = createRandom(seed ^ 0x1b873593);
  const body = new Float64Array(3 * bodyJoints.length);
  const joints = new Float32Array(3 * bodyJoints.length);
  for (const { time, label, performance, within } of moments(seed, rate)) {
    placeBody(performance.right(within), performance.left(within), body);
    for (let i = 0; i < joints.length; i++) joints[i] = body[i]! + jointNoise * random.normal();
    yield { time, label, joints };
  }
}

/**
 * Depth pictures without end; the same seed gives the same ones.
 * @param rate pictures a second
 * @returns depth [240, 320] millimetres, 0: no return; overwritten by the next picture's
 */
export function* virtualDepths(seed: number, rate: number): Generator<Picture & { depth: Uint16Array }> {
  const random = createRandom(seed ^ 0x38b34ae5);
  const body = new Float64Array(3 * bodyJoints.length);
  const metres = new Float32Array(pictureWidth * pictureHeight);
  const depth = new Uint16Array(pictureWidth * pictureHeight);
  for (const { time, label, performance, within } of moments(seed, rate)) {
    placeBody(performance.right(within), performance.left(within), body);
    renderBody(body, metres);
    measureDepth(metres, random, depth);
    yield { time, label, depth };
  }
}
