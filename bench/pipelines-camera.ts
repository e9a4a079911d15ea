/** Skeletons and depth pictures to the numbers of one instant. */
import type { DepthFrame, SkeletonFrame } from '../drivers/frames.js';
import { createRandom } from '../learning/random.js';
import { createDepthFeatures } from '../pipelines/depth/features.js';
import { createSkeletonFeatures } from '../pipelines/skeleton/features.js';
import { kinectV2Pose } from './poses.js';
import { measureStep, type StepFigure } from './pipeline-step.js';
import { depthPicture, depthSize } from './scenes.js';

const rate = 30;

export function pipelinesCamera(): StepFigure[] {
  const random = createRandom(3);
  const skeleton = createSkeletonFeatures();
  const joints = new Float32Array(skeleton.shape.reduce((product, size) => product * size, 1));
  const people = Array.from({ length: 64 }, (_, k): { -readonly [key in keyof SkeletonFrame]: SkeletonFrame[key] } => ({
    kind: 'skeleton',
    arrivalTime: 0,
    people: 1,
    layout: 'kinect-v2',
    joints: kinectV2Pose(k / 64).map((value) => value + 0.005 * random.normal()),
  }));
  const depth = createDepthFeatures();
  const picture = new Float32Array(depth.shape.reduce((product, size) => product * size, 1));
  const pictureOf = (somebody: boolean, k: number): { -readonly [key in keyof DepthFrame]: DepthFrame[key] } => ({
    kind: 'depth',
    arrivalTime: 0,
    ...depthSize,
    depth: depthPicture(somebody, k, 16),
    metresPerStep: 0.001,
  });
  const room = Array.from({ length: 8 }, (_, k) => pictureOf(false, k));
  const walker = Array.from({ length: 16 }, (_, k) => pictureOf(true, k));
  let time = 0;
  let faulty = 0;
  function take(pool: typeof room, k: number): void {
    const frame = pool[k % pool.length]!;
    frame.arrivalTime = time += 1 / rate;
    if (depth.take(frame, picture) !== undefined) faulty++;
  }
  for (let k = 0; k < 30 * rate; k++) take(room, k);
  faulty = 0;
  const figures = [
    measureStep('skeleton frames to features', (k) => {
      const frame = people[k % people.length]!;
      frame.arrivalTime = k / rate;
      if (skeleton.take(frame, joints) !== undefined) throw new Error('skeleton bench: a frame gave no numbers');
    }),
    measureStep(`depth pictures of ${depthSize.width} x ${depthSize.height} to features`, (k) => take(walker, k), 300, 8),
  ]; // prettier-ignore
  if (faulty > 0) throw new Error(`depth bench: ${faulty} pictures gave no numbers`);
  return figures;
}
