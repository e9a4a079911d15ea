/** The actions of the virtual body, as the postures that its arms pass. Made from anatomy and the actions' names, not from recordings.
 *
 *    [seconds, elevation, azimuth, twist, elbow, pronation]     degrees, as in arm.ts; each row is reached about then
 *
 *  Every action starts from and goes back to `rest`, which is not written here. */

/** Degrees: elevation, azimuth, twist, elbow, pronation. */
export type Angles = readonly [number, number, number, number, number];
export type Key = readonly [seconds: number, ...Angles];

/** Hanging, a little bent. */
export const rest: Angles = [4, 0, 0, 14, 12];

export interface ArmAction {
  /** As UTD-MHAD names it. */
  readonly label: string;
  readonly keys: readonly Key[];
  /** Of the left arm, as the right one's mirror image; without them it hangs. */
  readonly left?: readonly Key[];
  /** Seconds from the last key back to rest. */
  readonly lowering: number;
}

/** There and back several times, from `first` on, each way taking `half` seconds. */
function repeated(first: number, half: number, times: number, there: Angles, back: Angles): Key[] {
  return Array.from({ length: 2 * times }, (_, i): Key => [first + i * half, ...(i % 2 === 0 ? there : back)]);
}

/** A circle of the outstretched hand from its top, in eighths. @param side −1: clockwise as the performer sees it */
function circle(side: 1 | -1): Key[] {
  return Array.from({ length: 9 }, (_, i): Key => {
    const angle = (i * Math.PI) / 4;
    return [0.72 + 0.18 * i, 72 + 28 * Math.cos(angle), side * 32 * Math.sin(angle), 10, 35, 75];
  });
}

const clapping: readonly Key[] = [
  [0.64, 40, -8, 8, 80, 15],
  ...repeated(0.84, 0.21, 3, [42, 8, 32, 80, 15], [40, -8, 8, 80, 15]),
];
const struck: Angles = [82, 10, 20, 18, 88];
const guard: Angles = [30, 0, 25, 120, 45];
const curling: readonly Key[] = [
  [0.96, 6, 0, 0, 142, -70],
  [1.44, 6, 0, 0, 142, -70],
];
const pushing: readonly Key[] = [
  [0.72, 15, 0, 10, 118, 85],
  [1.2, 82, 0, 10, 15, 92],
  [1.44, 82, 0, 10, 15, 92],
];

/** Which arms move is the data set's: `clap`, `boxing`, `arm curl` and `push` are done with both. */
export const armActions: readonly ArmAction[] = [
  {
    label: 'swipe left',
    keys: [
      [0.72, 68, -45, 0, 35, 20],
      [1.36, 70, 50, 20, 45, 60],
    ],
    lowering: 0.96,
  },
  {
    label: 'swipe right',
    keys: [
      [0.72, 62, 55, 40, 70, 60],
      [1.36, 75, -40, 0, 20, 80],
    ],
    lowering: 0.96,
  },
  {
    label: 'wave',
    keys: [[0.64, 68, -10, 25, 100, 90], ...repeated(0.88, 0.26, 3, [68, -10, -30, 100, 90], [68, -10, 28, 100, 90])],
    lowering: 0.8,
  },
  { label: 'clap', keys: clapping, left: clapping, lowering: 0.8 },
  {
    label: 'throw',
    keys: [
      [0.72, 85, -65, -40, 110, 60],
      [1, 100, 10, 20, 25, 80],
      [1.28, 40, 30, 30, 20, 70],
    ],
    lowering: 0.96,
  },
  {
    label: 'draw x',
    keys: [
      [0.64, 105, -30, 10, 35, 75],
      [1, 42, 32, 10, 35, 75],
      [1.4, 105, 32, 10, 35, 75],
      [1.76, 42, -30, 10, 35, 75],
    ],
    lowering: 0.88,
  },
  { label: 'draw circle clockwise', keys: circle(-1), lowering: 0.88 },
  { label: 'draw circle counter-clockwise', keys: circle(1), lowering: 0.88 },
  {
    label: 'boxing',
    keys: [[0.56, ...guard], ...repeated(0.8, 0.31, 2, struck, guard)],
    left: [[0.56, ...guard], ...repeated(0.8, 0.31, 2, guard, struck)],
    lowering: 0.88,
  },
  { label: 'arm curl', keys: curling, left: curling, lowering: 0.96 },
  { label: 'push', keys: pushing, left: pushing, lowering: 0.96 },
  {
    label: 'knock',
    keys: [[0.64, 55, 5, 10, 95, 70], ...repeated(0.8, 0.19, 3, [68, 5, 10, 58, 70], [55, 5, 10, 95, 70])],
    lowering: 0.88,
  },
];
