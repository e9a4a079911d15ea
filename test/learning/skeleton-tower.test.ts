import t from 'tap';
import { augmentedSkeleton } from '../../learning/augment-skeleton.js';
import { drawTiming, recordedTime } from '../../learning/augment-timing.js';
import { createRandom } from '../../learning/random.js';
import { fineTuneSkeleton } from '../../learning/skeleton-tower.js';
import type { SkeletonExample } from '../../learning/skeleton-tower.js';
import { exportTower } from '../../learning/tower-export.js';
import { parseManifest } from '../../models/manifest.js';
import { openTower } from '../../models/tower-session.js';
import { bodyParts, joints } from '../../models/towers/skeleton-graph.js';
import { skeletonEncoder } from '../../models/towers/skeleton.js';

const row = joints * 4;
const still = { turn: 0, tilt: 0, size: 0, offset: 0, noise: 0, hidden: 0, hiddenPart: 0 };
const { rate, samples: frames } = skeletonEncoder.window;

/** A person who swings one arm, the left or the right one, now and then a little differently. */
function swings(count: number, seed = 7): SkeletonExample[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, k) => {
    const classIndex = k % 2;
    const arm = bodyParts[classIndex]!;
    const [phase, height] = [random.uniform() * 6.3, 0.5 + random.uniform()];
    const skeleton = new Float32Array(80 * row);
    for (let frame = 0; frame < 80; frame++)
      for (let joint = 0; joint < joints; joint++) {
        const swing = arm.some((one) => one === joint) ? height * Math.sin(0.3 * frame + phase) : 0;
        skeleton.set([Math.cos(joint), Math.sin(joint) + swing, 0.1 * random.normal(), 1], frame * row + joint * 4);
      }
    const about = { id: `${k}`, subject: 1, label: `${classIndex}`, classIndex, duration: 80 / rate };
    return { ...about, imu: new Float32Array(0), skeleton };
  });
}

void t.test('what is learnt is what was to be learnt, and the tower is a file that runs', async (t) => {
  const options = { seed: 3, threads: 1, epochs: 6, dataset: 'two swings' };
  const weights = await fineTuneSkeleton(swings(96), 2, undefined, options);
  const description = { trainedOn: { text: 'two swings', datasets: [] }, figures: {}, seed: 3 };
  const tower = exportTower(skeletonEncoder, [weights], ['left', 'right'], description, '0');
  const manifest = parseManifest(JSON.stringify(tower.manifest), 'the manifest');
  t.same(manifest.window.shape, [20, 4]);
  t.equal(manifest.window.channels.length, 4);
  const session = await openTower(tower, 'cpu', 1);
  const fresh = swings(20, 8);
  let right = 0;
  for (const { skeleton, classIndex } of fresh) {
    const { probabilities, embedding } = await session.run(skeleton.slice(0, frames * row), 1);
    if (Number(probabilities[1]! > probabilities[0]!) === classIndex) right++;
    t.equal(embedding.length, skeletonEncoder.width);
  }
  const nothing = await session.run(new Float32Array(frames * row), 1);
  t.ok(nothing.probabilities.every(Number.isFinite), 'nobody seen gives numbers all the same');
  await session.release();
  t.ok(right >= 18, `${right} of ${fresh.length}`);
});

void t.test('augmentation', (t) => {
  const [{ skeleton, duration }] = swings(1) as [SkeletonExample];
  const timing = { begin: 0, speed: 1, sway: 0, phase: 0 };
  const augmented = (augmentation: typeof still, seed = 1) => {
    const out = new Float32Array(frames * row).fill(9);
    augmentedSkeleton(skeleton, rate, joints, bodyParts, timing, augmentation, createRandom(seed), out);
    return out;
  };
  const plain = augmented(still);
  t.ok(
    plain.every((value, i) => Math.abs(value - skeleton[i]!) < 1e-5),
    'nothing changed is the recording itself',
  );

  const turned = augmented({ ...still, turn: 1 });
  let moved = 0;
  for (let at = 0; at < turned.length; at += 4) {
    t.ok(Math.abs(turned[at + 1]! - plain[at + 1]!) < 1e-5 || t.fail('heights stay'));
    const length = (a: Float32Array) => Math.hypot(a[at]!, a[at + 2]!);
    if (Math.abs(length(turned) - length(plain)) > 1e-5) t.fail('lengths stay');
    moved = Math.max(moved, Math.abs(turned[at]! - plain[at]!));
  }
  t.ok(moved > 0.05, 'the camera went around');

  const hidden = augmented({ ...still, hiddenPart: 1 });
  const unseen = [...Array(joints).keys()].filter((joint) => hidden[joint * 4 + 3] === 0);
  t.ok(
    bodyParts.some((one) => one.join() === unseen.join()),
    `one part of the body is hidden: ${unseen.join()}`,
  );
  t.ok(
    hidden.every((value, i) => hidden[i - (i % 4) + 3] === 1 || value === 0),
    'what is not seen is 0',
  );

  const random = createRandom(3);
  for (let i = 0; i < 200; i++) {
    const drawn = drawTiming(duration, 3.04, 0.3, 0.3, random);
    const times = [0, 1, 2, 3.04].map((time) => recordedTime(drawn, time, 3.04));
    t.ok(times.every((time, k) => k === 0 || time > times[k - 1]!) || t.fail('time goes forward'));
    const whole = times[3]! - times[0]!;
    t.ok(Math.abs(whole - 3.04 * drawn.speed) < 1e-9 || t.fail('the mean speed is what was drawn'));
  }
  t.end();
});
