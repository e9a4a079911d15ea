import { jointIndex, type Joint } from './layouts.js';

/** Bones, and their lengths as a share of the trunk's, by the lengths of body segments of Drillis and Contini (as in Winter,
 * Biomechanics and Motor Control of Human Movement, figure 4.1): trunk 0.288 of the stature, upper arm 0.186, forearm 0.146,
 * thigh 0.245, shank 0.246. */
const bones = (
  [
    ['hip centre', 'shoulder centre', 0.288],
    ['left shoulder', 'left elbow', 0.186],
    ['left elbow', 'left wrist', 0.146],
    ['right shoulder', 'right elbow', 0.186],
    ['right elbow', 'right wrist', 0.146],
    ['left hip', 'left knee', 0.245],
    ['left knee', 'left ankle', 0.246],
    ['right hip', 'right knee', 0.245],
    ['right knee', 'right ankle', 0.246],
  ] satisfies [Joint, Joint, number][]
).map(([from, to, share]) => ({ from: jointIndex[from], to: jointIndex[to], ratio: share / 0.288 }));

/** Trunks that people have, metres, with some room: from a small child's to a giant's. */
const [shortest, longest] = [0.12, 0.9];

export interface BodySize {
  /**
   * Takes the next frame's joints of one person.
   *
   *      s_t     median over the bones that are seen of length / ratio
   *      size    median of s over the frames since `reset`, the last 128 at most
   *
   *  A bone that bends, shortens before the camera or is tracked wrongly moves neither median much.
   * @param joints [20, 3] metres, NaN where missing
   * @returns length of the trunk, metres; NaN while none is known or if this frame's bones are no person's
   */
  next(joints: Float64Array): number;
  reset(): void;
}

const history = 128;

export function createBodySize(): BodySize {
  const ofBones = new Float64Array(bones.length);
  const ring = new Float64Array(history);
  const sorted = new Float64Array(history);
  let taken = 0;

  return {
    next(joints) {
      let count = 0;
      for (const { from, to, ratio } of bones) {
        const length = Math.sqrt(
          (joints[3 * from]! - joints[3 * to]!) ** 2 +
            (joints[3 * from + 1]! - joints[3 * to + 1]!) ** 2 +
            (joints[3 * from + 2]! - joints[3 * to + 2]!) ** 2,
        );
        if (length > 0) insert(ofBones, count++, length / ratio);
      }
      if (count > 0) {
        const size = middle(ofBones, count);
        if (!(size >= shortest && size <= longest)) return NaN;
        let kept = Math.min(taken, history);
        if (kept === history) remove(sorted, kept--, ring[taken % history]!);
        ring[taken % history] = size;
        insert(sorted, kept, size);
        taken++;
      }
      return taken === 0 ? NaN : middle(sorted, Math.min(taken, history));
    },
    reset() {
      taken = 0;
    },
  };
}

function middle(sorted: Float64Array, count: number): number {
  return (sorted[(count - 1) >> 1]! + sorted[count >> 1]!) / 2;
}

function insert(sorted: Float64Array, count: number, value: number): void {
  let i = count;
  for (; i > 0 && sorted[i - 1]! > value; i--) sorted[i] = sorted[i - 1]!;
  sorted[i] = value;
}

function remove(sorted: Float64Array, count: number, value: number): void {
  let i = 0;
  while (sorted[i] !== value) i++;
  for (; i < count - 1; i++) sorted[i] = sorted[i + 1]!;
}
