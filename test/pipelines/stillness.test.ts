/** When a body before a camera rests: built windows, and what people really did. */
import { join } from 'node:path';
import t from 'tap';
import { evenWindow, loadUtdMhadPaired, windowsOf } from '../../learning/datasets/utd-mhad-windows.js';
import { skeletonRate, skeletonRow } from '../../learning/datasets/utd-mhad-features.js';
import { depthSize, depthWindow } from '../../learning/depth-clip.js';
import { createRandom } from '../../learning/random.js';
import { depthEncoder } from '../../models/towers/depth.js';
import { skeletonEncoder } from '../../models/towers/skeleton.js';
import { depthIsStill } from '../../pipelines/depth/stillness.js';
import { jointIndex, type Joint } from '../../pipelines/skeleton/layouts.js';
import { skeletonIsStill, skeletonStillness } from '../../pipelines/skeleton/stillness.js';

const cells = depthSize ** 2;
const instants = 76;

/** [76, 20, 4] of a body whose one joint swings to both sides by `swing` trunk lengths. */
function body(joint: Joint, swing: number, noise = 0.005): Float32Array {
  const random = createRandom(1);
  const window = new Float32Array(instants * skeletonRow);
  for (let i = 0; i < window.length; i++) window[i] = i % 4 === 3 ? 1 : ((i >> 2) % 20) / 10 + noise * random.normal();
  for (let i = 0; i < instants; i++)
    window[i * skeletonRow + jointIndex[joint] * 4 + 1]! += i % 2 === 0 ? swing : -swing;
  return window;
}

void t.test('a skeleton that holds still is still; one joint that moves is enough not to be', (t) => {
  t.ok(skeletonIsStill(body('head', 0)));
  for (const joint of ['head', 'left wrist', 'right elbow', 'left knee', 'right ankle'] as const) {
    t.ok(skeletonIsStill(body(joint, 0.8 * skeletonStillness)), joint);
    t.notOk(skeletonIsStill(body(joint, 1.2 * skeletonStillness)), joint);
  }
  // Cameras guess where they are.
  for (const joint of ['left hand', 'right foot'] as const) t.ok(skeletonIsStill(body(joint, 1)), joint);
  t.end();
});

void t.test('joints that were not seen say nothing; too few say nothing of the body', (t) => {
  const hidden = (window: Float32Array, joints: number, each: number) => {
    for (let i = 0; i < instants; i++)
      for (let joint = 0; joint < joints; joint++)
        if (i % each === 0) window.fill(0, i * skeletonRow + joint * 4, i * skeletonRow + joint * 4 + 4);
    return window;
  };
  t.ok(skeletonIsStill(hidden(body('head', 0), 20, 3)), 'gaps are no motion');
  t.ok(skeletonIsStill(hidden(body('spine', 1), 3, 1)), 'who moves is not seen');
  t.notOk(skeletonIsStill(hidden(body('head', 0), 17, 1)), 'a knee and an ankle are no body');
  t.notOk(skeletonIsStill(new Float32Array(instants * skeletonRow)));
  t.end();
});

/** [19, 48, 48] of a body, 20 cells wide and 40 high, whose lower rows reach out to the right by `reach` cells in every other picture. */
function picture(rows: number, reach: number): Float32Array {
  const window = new Float32Array(19 * cells);
  for (let i = 0; i < 19; i++)
    for (let row = 4; row < 44; row++)
      for (let column = 10; column < 30 + (row >= 44 - rows && i % 2 === 0 ? reach : 0); column++)
        window[i * cells + row * depthSize + column] = 1 + 0.03 * (((i + row + column) % 3) - 1);
  return window;
}

void t.test('a body before a depth camera: its edge may flicker, an arm may not sweep', (t) => {
  t.ok(depthIsStill(picture(0, 0), cells));
  t.ok(depthIsStill(picture(40, 1), cells), 'an edge of one cell');
  t.notOk(depthIsStill(picture(8, 15), cells), 'an arm');
  t.notOk(depthIsStill(new Float32Array(19 * cells), cells), 'nobody');
  t.end();
});

const recordings = process.env['SENSING_DATA'];
const skip = recordings ? false : 'skipped: no recordings';

void t.test('no window of an action is still; the instant before and after it mostly is', { skip }, async (t) => {
  const { recordings: performed } = await loadUtdMhadPaired(join(recordings!, 'utd-mhad'), {
    ...{ subjects: [1, 2], actions: [2, 10, 19, 24], trials: [1], kinds: ['skeleton', 'depth'] },
  });
  t.equal(performed.length, 8);
  let ends = 0;
  const still = { skeleton: 0, depth: 0 };
  for (const recording of performed) {
    for (const window of windowsOf(recording, 'skeleton', skeletonEncoder.window))
      t.notOk(skeletonIsStill(window), `skeleton of ${recording.id}`);
    for (const window of windowsOf(recording, 'depth', depthEncoder.window))
      t.notOk(depthIsStill(window, cells), `depth of ${recording.id}`);
    for (const start of [0, recording.duration - 0.4]) {
      ends++;
      if (skeletonIsStill(evenWindow(recording.skeleton!, skeletonRate, skeletonRow, 10, start))) still.skeleton++;
      if (depthIsStill(depthWindow(recording.depth!, 12.5, 5, start), cells)) still.depth++;
    }
  }
  t.ok(still.skeleton > ends / 2, `skeleton: ${still.skeleton} of ${ends}`);
  t.ok(still.depth > ends / 2, `depth: ${still.depth} of ${ends}`);
});
