import t from 'tap';
import { depthMovementRecipe, trainDepthMovement } from '../../learning/depth-movement.js';
import { depthPoseRecipe, foundSkeletons, trainDepthPose } from '../../learning/depth-pose.js';
import { depthScale, depthSize } from '../../learning/depth-clip.js';
import type { DepthExample } from '../../learning/depth-tower.js';
import { createRandom } from '../../learning/random.js';
import { joints } from '../../models/towers/skeleton-graph.js';

const cells = depthSize * depthSize;
const pictureRate = 20;
const skeletonRate = 25;
/** Joints of both arms, all of them at the hand; a hand's width, cells. */
const arms = [4, 5, 6, 7, 8, 9, 10, 11];
const hand = 6;

/** A body that stands in the middle and moves one hand from `from` to `to`, cells to the right of the picture's middle. */
function reaching(id: number, from: number, to: number): DepthExample {
  const seconds = 3.2;
  const at = (time: number) => from + ((to - from) * time) / seconds;
  const times = Float64Array.from({ length: seconds * pictureRate }, (_, i) => i / pictureRate);
  const pictures = new Uint8Array(times.length * cells);
  for (const [i, time] of times.entries()) {
    const block = (left: number, top: number, width: number, height: number) => {
      for (let y = top; y < top + height; y++)
        for (let x = left; x < left + width; x++) pictures[i * cells + y * depthSize + x] = depthScale;
    };
    block(20, 6, 8, 38);
    block(Math.round(24 + at(time)) - hand / 2, 16, hand, hand);
  }
  const skeleton = new Float32Array((seconds * skeletonRate + 1) * joints * 4);
  for (let i = 0; i < skeleton.length; i += 4) skeleton[i + 3] = 1;
  // A trunk length is about 16 cells.
  for (let i = 0; i * joints * 4 < skeleton.length; i++)
    for (const joint of arms) skeleton[(i * joints + joint) * 4] = at(i / skeletonRate) / 16;
  const about = { id: `${id}`, subject: 1, classIndex: to > from ? 1 : 0, label: to > from ? 'right' : 'left' };
  return { ...about, duration: seconds, imu: new Float32Array(0), skeleton, depth: { times, pictures } };
}

const random = createRandom(3);
const examples = Array.from({ length: 12 }, (_, i) => {
  const [a, b] = [-16 + 6 * random.uniform(), 10 + 6 * random.uniform()];
  return i % 2 === 0 ? reaching(i, a, b) : reaching(i, b, a);
});

void t.test('where the joints are is learnt from pictures, and followed on others', async (t) => {
  const { augmentation } = depthPoseRecipe;
  const recipe = {
    ...depthPoseRecipe,
    batch: 16,
    averaging: 0.9,
    augmentation: { ...augmentation, hidden: 0, size: 0.02 },
  };
  const options = { seed: 1, threads: 1, epochs: 3, dataset: 'reaching' };
  const weights = await trainDepthPose(examples, options, recipe);
  const other = reaching(99, -14, 12);
  const [found] = await foundSkeletons(weights, [other], 1);
  const rows = found!.length / (4 * joints);
  t.equal(rows, Math.ceil(other.duration * skeletonRate) + 1, '25 a second');
  let [error, usual] = [0, 0];
  for (let i = 0; i < rows - 1; i++) {
    const place = (i * joints + arms[0]!) * 4;
    error += Math.abs(found![place]! - other.skeleton[place]!) / rows;
    usual += Math.abs(other.skeleton[place]!) / rows;
    if (found![place + 3] !== 1) t.fail('every joint is said to be seen');
  }
  t.ok(error < 0.3 * usual, `off by ${error}, the middle by ${usual}`);
});

void t.test('which way a hand goes is learnt from joints that were found and joints that were told', async (t) => {
  const still = { ...depthMovementRecipe.augmentation, hidden: 0, hiddenPart: 0 };
  const recipe = { ...depthMovementRecipe, batch: 8, augmentation: still };
  const losses: number[] = [];
  const options = { seed: 1, threads: 1, epochs: 12, dataset: 'reaching', onProgress: ({ loss }: { loss: number }) => void losses.push(loss) }; // prettier-ignore
  // Found as they are, but by someone who sees all of it mirrored in depth.
  const seen = examples.map((example) => ({ ...example, found: example.skeleton.map((v, i) => (i % 4 === 2 ? -v : v)) })); // prettier-ignore
  const weights = await trainDepthMovement(seen, 2, options, recipe);
  t.ok([...weights.values()].every((values) => values.every(Number.isFinite)));
  t.ok(losses.at(-1)! < 0.8 * losses[0]!, `${losses[0]} to ${losses.at(-1)}`);
});
