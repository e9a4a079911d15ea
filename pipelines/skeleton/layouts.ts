/** Which joint is which in what cameras and pose estimators send, and how each becomes the gateway's common 20 joints. */

/** The common joints: those of Kinect v1, in its order of the UTD-MHAD data set. */
export const kinectV1Joints = [
  'head',
  'shoulder centre',
  'spine',
  'hip centre',
  'left shoulder',
  'left elbow',
  'left wrist',
  'left hand',
  'right shoulder',
  'right elbow',
  'right wrist',
  'right hand',
  'left hip',
  'left knee',
  'left ankle',
  'left foot',
  'right hip',
  'right knee',
  'right ankle',
  'right foot',
] as const;

export type Joint = (typeof kinectV1Joints)[number];

export const jointIndex = Object.fromEntries(kinectV1Joints.map((name, i) => [name, i])) as Readonly<
  Record<Joint, number>
>;

export interface SkeletonLayout {
  /** Joints that the device sends a person. */
  readonly joints: number;
  /** [20, 2] for each common joint the two sent joints that it is the middle of; twice the same where the device sends it; −1: not sent. */
  readonly sources: Int16Array;
}

/**
 * @param joints joints that the device sends a person
 * @param sources for each common joint the sent joint, or the two that it is the middle of; joints left out are missing
 */
export function skeletonLayout(
  joints: number,
  sources: Partial<Record<Joint, number | readonly [number, number]>>,
): SkeletonLayout {
  return {
    joints,
    sources: Int16Array.from(
      kinectV1Joints.flatMap((name) => {
        const source = sources[name] ?? -1;
        return typeof source === 'number' ? [source, source] : source;
      }),
    ),
  };
}

const kinectV1 = skeletonLayout(20, jointIndex);

/** Order of `JointType` of the Kinect for Windows SDK 2.0. Its spine (`SpineMid`) lies higher than v1's, which is just above the hip. */
const kinectV2 = skeletonLayout(25, {
  head: 3,
  'shoulder centre': 20,
  spine: 1,
  'hip centre': 0,
  'left shoulder': 4,
  'left elbow': 5,
  'left wrist': 6,
  'left hand': 7,
  'right shoulder': 8,
  'right elbow': 9,
  'right wrist': 10,
  'right hand': 11,
  'left hip': 12,
  'left knee': 13,
  'left ankle': 14,
  'left foot': 15,
  'right hip': 16,
  'right knee': 17,
  'right ankle': 18,
  'right foot': 19,
});

/** MediaPipe's pose landmarks (BlazePose, Bazarevsky et al., arXiv 2006.10204). The head is the middle of the ears, a hand the
 * middle of the knuckles of index and little finger, a foot its index toe; no spine. */
const mediapipe33 = skeletonLayout(33, {
  head: [7, 8],
  'shoulder centre': [11, 12],
  'hip centre': [23, 24],
  'left shoulder': 11,
  'left elbow': 13,
  'left wrist': 15,
  'left hand': [17, 19],
  'right shoulder': 12,
  'right elbow': 14,
  'right wrist': 16,
  'right hand': [18, 20],
  'left hip': 23,
  'left knee': 25,
  'left ankle': 27,
  'left foot': 31,
  'right hip': 24,
  'right knee': 26,
  'right ankle': 28,
  'right foot': 32,
});

/** Keypoints of the COCO data set (Lin et al., arXiv 1405.0312). The head is the middle of the ears; no spine, hands, feet. */
const coco17 = skeletonLayout(17, {
  head: [3, 4],
  'shoulder centre': [5, 6],
  'hip centre': [11, 12],
  'left shoulder': 5,
  'left elbow': 7,
  'left wrist': 9,
  'right shoulder': 6,
  'right elbow': 8,
  'right wrist': 10,
  'left hip': 11,
  'left knee': 13,
  'left ankle': 15,
  'right hip': 12,
  'right knee': 14,
  'right ankle': 16,
});

/** By the name that frames carry; `coco` is what senders call the 17 too. */
export const skeletonLayouts: ReadonlyMap<string, SkeletonLayout> = new Map([
  ['kinect-v1', kinectV1],
  ['kinect-v2', kinectV2],
  ['mediapipe-33', mediapipe33],
  ['coco-17', coco17],
  ['coco', coco17],
]);
