/** The body as a graph: Kinect v1's 20 joints, in its own order. */

/** Each joint's neighbour on the way to the spine; the spine (2) is its own. */
const parents = [1, 2, 2, 2, 1, 4, 5, 6, 1, 8, 9, 10, 3, 12, 13, 14, 3, 16, 17, 18];

export const joints = parents.length;

/** Left arm, right arm, left leg, right leg, trunk with head. */
export const bodyParts = [
  [4, 5, 6, 7],
  [8, 9, 10, 11],
  [12, 13, 14, 15],
  [16, 17, 18, 19],
  [0, 1, 2, 3],
] as const;

const empty = () => new Float32Array(joints * joints);

/** Row by row, [from, to]. */
const place = (from: number, to: number) => from * joints + to;

/** Of every joint, what lies between it and its neighbour nearer to the spine: x · this, [joints, joints]. */
export function boneMatrix(): Float32Array {
  const matrix = empty();
  parents.forEach((parent, joint) => {
    if (parent === joint) return;
    matrix[place(joint, joint)] = 1;
    matrix[place(parent, joint)] = -1;
  });
  return matrix;
}

/**
 * Yan, Xiong, Lin, section 3.3, 'spatial configuration partitioning': a joint itself, its neighbours nearer to the centre, and
 * those further away; each [joints, joints] from → to, divided by the number of neighbours.
 */
export function partitions(): Float32Array[] {
  const [itself, nearer, further] = [empty(), empty(), empty()];
  const degree = parents.map((parent, joint) => 1 + Number(parent !== joint));
  parents.forEach((parent, joint) => parent !== joint && degree[parent]!++);
  parents.forEach((parent, joint) => {
    itself[place(joint, joint)] = 1 / degree[joint]!;
    if (parent === joint) return;
    nearer[place(parent, joint)] = 1 / degree[joint]!;
    further[place(joint, parent)] = 1 / degree[parent]!;
  });
  return [itself, nearer, further];
}

/** Mean over the joints of every body part: x · this, [joints, parts]. */
export function partMatrix(): Float32Array {
  const matrix = new Float32Array(joints * bodyParts.length);
  bodyParts.forEach((part, column) =>
    part.forEach((joint) => (matrix[joint * bodyParts.length + column] = 1 / part.length)),
  );
  return matrix;
}
