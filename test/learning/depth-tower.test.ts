import t from 'tap';
import { augmentedDepth } from '../../learning/augment-depth.js';
import { depthScale, depthSize, depthWindow, nearestPicture } from '../../learning/depth-clip.js';
import type { DepthClip } from '../../learning/depth-clip.js';
import { fineTuneDepth } from '../../learning/depth-tower.js';
import type { DepthExample } from '../../learning/depth-tower.js';
import { crossModalRecipe } from '../../learning/cross-modal.js';
import { preTrainPaired } from '../../learning/pretrain-paired.js';
import { createRandom } from '../../learning/random.js';
import { exportTower } from '../../learning/tower-export.js';
import { openTower } from '../../models/tower-session.js';
import { depthEncoder } from '../../models/towers/depth.js';

const cells = depthSize * depthSize;
const { rate, samples } = depthEncoder.window;
const still = { shift: 0, size: 0, turn: 0, slope: 0, gain: 0, offset: 0, noise: 0, hidden: 0 };
const timing = { begin: 0, speed: 1, sway: 0, phase: 0 };

/** A block that goes to the left or to the right, 20 pictures a second. */
function movingBlock(classIndex: number, row: number): DepthClip {
  const times = Float64Array.from({ length: 64 }, (_, i) => i / 20);
  const pictures = new Uint8Array(64 * cells);
  for (let i = 0; i < 64; i++)
    for (let y = 0; y < 12; y++)
      for (let x = 0; x < 12; x++) {
        const column = classIndex === 0 ? 32 - (i >> 1) : 2 + (i >> 1);
        pictures[i * cells + (row + y) * depthSize + column + x] = depthScale;
      }
  return { times, pictures };
}

function examples(count: number, seed = 7): DepthExample[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, k) => {
    const classIndex = k % 2;
    const depth = movingBlock(classIndex, random.integer(36));
    const about = { id: `${k}`, subject: 1, label: `${classIndex}`, classIndex, duration: 3.2 };
    return { ...about, imu: new Float32Array(0), skeleton: new Float32Array(80 * 80), depth };
  });
}

void t.test('which way a block goes is learnt, and the tower reads depth alone', async (t) => {
  const options = { seed: 3, threads: 1, epochs: 5, dataset: 'two ways' };
  const weights = await fineTuneDepth(examples(64), 2, undefined, options);
  const description = { trainedOn: { text: 'two ways', datasets: [] }, figures: {}, seed: 3 };
  const tower = exportTower(depthEncoder, [weights], ['left', 'right'], description, '0');
  t.same(tower.manifest.window.shape, [48, 48]);
  const session = await openTower(tower, 'cpu', 1);
  const fresh = examples(12, 8);
  let right = 0;
  for (const { depth, classIndex } of fresh) {
    const { probabilities } = await session.run(depthWindow(depth, rate, samples, 0), 1);
    if (Number(probabilities[1]! > probabilities[0]!) === classIndex) right++;
  }
  await session.release();
  t.ok(right >= 10, `${right} of ${fresh.length}`);
});

void t.test('augmentation', (t) => {
  const clip = movingBlock(0, 10);
  const augmented = (augmentation: typeof still) => {
    const out = new Float32Array(samples * cells).fill(9);
    augmentedDepth(clip, rate, timing, augmentation, createRandom(1), out);
    return out;
  };
  const plain = augmented(still);
  t.equal(Buffer.compare(Buffer.from(plain.buffer), Buffer.from(depthWindow(clip, rate, samples, 0).buffer)), 0);
  const changed = augmented({ ...still, shift: 5, size: 0.2, turn: 0.2, slope: 3, gain: 0.5, offset: 1, noise: 0.5 });
  t.ok(
    changed.every((value) => value === 0 || (value >= 0.25 && value <= 1.75)),
    'a body stays within what pipelines give, and nobody is made up',
  );
  const body = (window: Float32Array) => window.filter((value) => value > 0).length;
  t.ok(body(changed) > 0.4 * body(plain) && body(changed) < 2 * body(plain));
  t.ok(body(augmented({ ...still, hidden: 1 })) <= body(plain));
  t.end();
});

void t.test('the picture nearest in time', (t) => {
  const clip = movingBlock(0, 0);
  t.equal(nearestPicture(clip, -1), 0);
  t.equal(nearestPicture(clip, 0.12), 2);
  t.equal(nearestPicture(clip, 0.13), 3);
  t.equal(nearestPicture(clip, 99), 63);
  t.equal(nearestPicture({ ...clip, times: clip.times.slice(0, 1) }, 5), 0);
  t.end();
});

void t.test('pre-training without labels: depth alone on two views, and with skeletons', async (t) => {
  const recipe = { ...crossModalRecipe, batch: 8 };
  const options = { recipe, seed: 1, threads: 1, epochs: 1 };
  for (const modalities of [['depth'], ['skeleton', 'depth']] as const) {
    const weights = await preTrainPaired(examples(16), { ...options, modalities });
    t.same([...weights.keys()], modalities);
    t.ok([...weights.get('depth')!.values()].every((values) => values.every(Number.isFinite)));
  }
  const [{ depth: _, ...without }] = examples(1) as [DepthExample];
  await t.rejects(preTrainPaired([without], { ...options, modalities: ['depth'] }), /loaded without its depth/);
});
