/** Skeleton frames to numbers of one instant.
 *
 *    frame ─▶ common joints, in the common axes ─▶ the followed person ─┬▶ hip ──▶ normalise ─▶ [20, 4] x, y, z in trunk lengths, seen
 *                                                                       └▶ size ─────┘
 *
 *  The hip's own row is 0, 0, 0 and whether it was seen: where a person is does not matter, how the limbs lie to the hip does. */

import type { SkeletonFrame } from '../../drivers/frames.js';
import type { FrameFeatures } from '../features.js';
import { createBodySize } from './body-size.js';
import { createHip } from './hip.js';
import { jointCount, takeJoints, type SkeletonAxes } from './joints.js';
import { skeletonLayouts, type SkeletonLayout } from './layouts.js';
import { jointChannels, normaliseJoints } from './normalise.js';
import { createFollower } from './person.js';

export interface SkeletonFeatureOptions {
  /** Axes of the device's joints. Default: `kinect`. */
  axes?: SkeletonAxes;
  /** A joint with less is missing. Default: 0.3. */
  leastConfidence?: number;
  /** A person of whom fewer common joints are seen is not taken. Default: 6. */
  leastJoints?: number;
  /** The same frame so often again is a fault. Default: 15. */
  mostRepeats?: number;
  /** Layouts by name, besides the known ones. */
  layouts?: ReadonlyMap<string, SkeletonLayout>;
}

export interface SkeletonFeatures extends FrameFeatures<SkeletonFrame> {
  /** [3] where the hip of the last taken frame is, metres, in the common axes. */
  readonly hip: Float64Array;
  /** Length of the followed person's trunk, metres; NaN before the first. */
  readonly size: number;
}

/** No camera tells more people. */
const mostPeople = 64;

/**
 *      absent            unknown layout, lengths that do not fit, too few joints, hip unknown, bones of no person's length
 *      nobody            no people, or none with a joint of enough confidence
 *      notANumber        people, but not one finite joint
 *      constant          the same joints as in 15 frames before, bit by bit
 *      settingsChanged   the layout is another; the frame after is taken as the first
 */
export function createSkeletonFeatures(options: SkeletonFeatureOptions = {}): SkeletonFeatures {
  const { axes = 'kinect', leastConfidence = 0.3, leastJoints = 6, mostRepeats = 15, layouts } = options;
  const joints = new Float64Array(3 * jointCount);
  const normalised = new Float32Array(jointCount * jointChannels);
  const hip = new Float64Array(3);
  const follower = createFollower();
  const hips = createHip();
  const bodySize = createBodySize();
  let layoutName: string | undefined;
  let layout: SkeletonLayout | undefined;
  let before = new Float32Array(0);
  let size = NaN;
  let repeats = 0;

  function reset(): void {
    follower.reset();
    hips.reset();
    bodySize.reset();
    size = NaN;
    repeats = 0;
    before.fill(NaN);
  }

  function repeated(now: Float32Array): boolean {
    let same = now.length === before.length;
    for (let i = 0; same && i < now.length; i++) same = Object.is(now[i], before[i]);
    if (before.length !== now.length) before = now.slice();
    else before.set(now);
    repeats = same ? repeats + 1 : 0;
    return repeats >= mostRepeats;
  }

  return {
    shape: [jointCount, jointChannels],
    hip,
    get size() {
      return size;
    },
    reset,
    take(frame, out) {
      const { people, id } = frame;
      if (frame.layout !== layoutName) {
        const isFirst = layoutName === undefined;
        layoutName = frame.layout;
        layout = layouts?.get(layoutName) ?? skeletonLayouts.get(layoutName);
        reset();
        if (!isFirst) return 'settingsChanged';
      }
      if (layout === undefined) return 'absent';
      if (!(Number.isInteger(people) && people >= 0 && people <= mostPeople)) return 'absent';
      const count = people * layout.joints;
      if (frame.joints.length !== 3 * count) return 'absent';
      if (frame.confidence !== undefined && frame.confidence.length !== count) return 'absent';
      if (id !== undefined && id.length !== people) return 'absent';
      if (people === 0) return 'nobody';
      if (repeated(frame.joints)) return 'constant';

      let anySeen = false;
      follower.begin();
      for (let person = 0; person < people; person++) {
        const seen = takeJoints(frame, person, layout, axes, leastConfidence, joints);
        if (seen > 0) anySeen = true;
        if (seen >= leastJoints) follower.consider(person, joints, id === undefined ? -1 : id[person]!);
      }
      const person = follower.chosen();
      if (person < 0) return anySeen ? 'absent' : anyFinite(frame.joints) ? 'nobody' : 'notANumber';
      if (!follower.same) {
        hips.reset();
        bodySize.reset();
      }
      takeJoints(frame, person, layout, axes, leastConfidence, joints);
      const hipIsKnown = hips.next(joints, hip);
      size = bodySize.next(joints);
      if (!hipIsKnown || Number.isNaN(size)) return 'absent';
      if (normaliseJoints(joints, hip, size, normalised) < leastJoints) return 'absent';
      out.set(normalised);
      return undefined;
    },
  };
}

function anyFinite(values: Float32Array): boolean {
  for (const value of values) if (Number.isFinite(value)) return true;
  return false;
}
