/** Which joints are joined, by the skeleton's layout. Microsoft, 'JointType' of the Kinect for Windows SDK 1.8 and 2.0; COCO keypoints. */

type Bones = readonly (readonly [number, number])[];

/** Head and neck first, arms, legs: joints in the order of UTD-MHAD. */
const kinectV1: Bones = [
  [0, 1],
  [1, 2],
  [2, 3],
  [1, 4],
  [4, 5],
  [5, 6],
  [6, 7],
  [1, 8],
  [8, 9],
  [9, 10],
  [10, 11],
  [3, 12],
  [12, 13],
  [13, 14],
  [14, 15],
  [3, 16],
  [16, 17],
  [17, 18],
  [18, 19],
];
const kinectV2: Bones = [
  [0, 1],
  [1, 20],
  [20, 2],
  [2, 3],
  [20, 4],
  [4, 5],
  [5, 6],
  [6, 7],
  [7, 21],
  [6, 22],
  [20, 8],
  [8, 9],
  [9, 10],
  [10, 11],
  [11, 23],
  [10, 24],
  [0, 12],
  [12, 13],
  [13, 14],
  [14, 15],
  [0, 16],
  [16, 17],
  [17, 18],
  [18, 19],
];
const coco: Bones = [
  [0, 1],
  [0, 2],
  [1, 3],
  [2, 4],
  [5, 6],
  [5, 7],
  [7, 9],
  [6, 8],
  [8, 10],
  [5, 11],
  [6, 12],
  [11, 12],
  [11, 13],
  [13, 15],
  [12, 14],
  [14, 16],
];

interface NamedJoint {
  readonly name: string;
  readonly joint: number;
}
const named = (...joints: number[]): NamedJoint[] =>
  ['head', 'left hand', 'right hand', 'left foot', 'right foot'].map((name, i) => ({ name, joint: joints[i]! }));

const layouts: Readonly<Record<string, { bones: Bones; ends: NamedJoint[] }>> = {
  'kinect-v1': { bones: kinectV1, ends: named(0, 7, 11, 15, 19) },
  'kinect-v2': { bones: kinectV2, ends: named(3, 7, 11, 15, 19) },
  coco: { bones: coco, ends: named(0, 9, 10, 15, 16) },
};

/** None of a layout of the sender's own. */
export const bonesOf = (layout: string): Bones => layouts[layout]?.bones ?? [];

/** The joints whose paths say most; of an unknown layout the first five. */
export const endsOf = (layout: string, joints: number): readonly NamedJoint[] =>
  layouts[layout]?.ends ??
  Array.from({ length: Math.min(5, joints) }, (_, joint) => ({ name: `joint ${joint}`, joint }));
