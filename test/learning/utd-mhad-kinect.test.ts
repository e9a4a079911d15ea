import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { utdMhadDuration } from '../../learning/datasets/utd-mhad.js';
import {
  depthHeight,
  depthWidth,
  kinectV1Joints,
  loadUtdMhadDepth,
  loadUtdMhadSkeleton,
} from '../../learning/datasets/utd-mhad-kinect.js';
import { classes, compressed, doubles, element, matFile, matrix, types } from './matlab-writer.js';

const data = join(process.env['SENSING_DATA'] ?? '', 'utd-mhad');
const skip = process.env['SENSING_DATA'] && existsSync(data) ? false : 'skipped: no recordings';

type Tap = Pick<typeof t, 'teardown'>;
async function temporaryFolder(t: Tap): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kinect-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return folder;
}

const joint = (name: (typeof kinectV1Joints)[number]) => kinectV1Joints.indexOf(name);
const selection = { subjects: [2], actions: [3], trials: [1] };

void t.test(
  'skeletons: the numbers that loadmat of SciPy 1.17.1 gives, in the order of frames',
  { skip },
  async (t) => {
    const { recordings, unreadable } = await loadUtdMhadSkeleton(data, selection);
    t.strictSame(unreadable, []);
    const [{ samples, rate, ...rest }] = recordings as [(typeof recordings)[number]];
    t.strictSame(rest, { id: 'a3_s2_t1', subject: 2, label: 'wave', classIndex: 2 });
    const at = (frame: number, name: (typeof kinectV1Joints)[number], axis: number) =>
      samples[(frame * 20 + joint(name)) * 3 + axis];
    t.equal(samples.length, 67 * 20 * 3, 'd_skel is [20, 3, 67]');
    t.equal(at(30, 'right hand', 0), Math.fround(0.1155860498547554));
    t.equal(at(0, 'head', 1), Math.fround(0.3653954863548279));
    t.equal(at(5, 'left hand', 2), Math.fround(2.820681571960449));
    // d_iner is [168, 6] at 50 Hz.
    t.ok(Math.abs(rate - 67 / 3.36) < 1e-9);
    t.equal(await utdMhadDuration(data, 'a3_s2_t1'), 3.36);
  },
);

void t.test('skeletons: people, as the Kinect sees them', { skip }, async (t) => {
  const { recordings } = await loadUtdMhadSkeleton(data, { trials: [1], actions: [1, 23] });
  t.equal(recordings.length, 12, 'six subjects');
  for (const { id, samples, rate } of recordings) {
    t.ok(rate > 14 && rate < 21.1, `${id}: ${rate} frames a second`); // of all files: 14.6 to 21.0
    const [first, last] = [samples.subarray(0, 60), samples.subarray(-60)];
    for (const frame of [first, last]) {
      const position = (name: (typeof kinectV1Joints)[number]) => frame.subarray(3 * joint(name), 3 * joint(name) + 3);
      const tall = position('head')[1]! - position('left foot')[1]!;
      const length = (a: Float32Array, b: Float32Array) => Math.hypot(...a.map((value, i) => value - b[i]!));
      const shoulders = length(position('left shoulder'), position('right shoulder'));
      if (tall < 1.2 || tall > 2 || shoulders < 0.2 || shoulders > 0.6) t.fail(`${id}: ${tall} m, ${shoulders} m`);
    }
  }
});

void t.test('depth: the numbers that loadmat of SciPy 1.17.1 gives, row by row', { skip }, async (t) => {
  const { recordings, unreadable } = await loadUtdMhadDepth(data, selection);
  t.strictSame([recordings.length, unreadable], [1, []]);
  const [recording] = recordings as [(typeof recordings)[number]];
  const { id, subject, label, classIndex, file } = recording;
  t.strictSame([id, subject, label, classIndex], ['a3_s2_t1', 2, 'wave', 2]);
  t.equal(file, join(data, 'Depth', 'a3_s2_t1_depth.mat'));
  const { rate, depth } = await recording.read();
  t.ok(Math.abs(rate - 67 / 3.36) < 1e-9);
  t.equal(depth.length, 67 * depthHeight * depthWidth, 'd_depth is [240, 320, 67]');
  const at = (frame: number, row: number, column: number) => depth[(frame * depthHeight + row) * depthWidth + column];
  t.strictSame([at(3, 100, 150), at(20, 120, 160)], [2810, 2788]);
  t.equal(
    depth.reduce((sum, value) => sum + value, 0),
    984367223,
  );
  t.equal(depth.filter((value) => value > 0).length, 351840);
  // The two files are of the same moments: somebody stands where the skeleton is.
  const { recordings: skeletons } = await loadUtdMhadSkeleton(data, selection);
  const spine = 1000 * skeletons[0]!.samples[3 * joint('spine') + 2]!;
  const picture = depth.subarray(0, depthHeight * depthWidth).filter((value) => value > 0);
  const median = picture.sort()[picture.length >> 1]!;
  t.ok(Math.abs(median - spine) < 200, `${median} mm and ${spine} mm`);
});

void t.test('a selection, and none', { skip }, async (t) => {
  for (const load of [loadUtdMhadSkeleton, loadUtdMhadDepth]) {
    const { recordings } = await load(data, { subjects: [2, 1], actions: [10, 2], trials: [3] });
    t.strictSame(
      recordings.map(({ id }) => id),
      ['a2_s1_t3', 'a2_s2_t3', 'a10_s1_t3', 'a10_s2_t3'],
    );
    const none: () => Promise<unknown> = () => load(data, { subjects: [6] });
    await t.rejects(none, {
      name: 'DatasetError',
      message: /no recording of subjects 6, actions any, trials any\. Subjects there: 1, 2, 3, 4, 5, 7$/,
    });
  }
});

const array = (name: string, dimensions: number[], numbers: number[]) =>
  matFile(compressed(matrix(name, classes.double, dimensions, [element(types.double, doubles(numbers))])));

void t.test('a folder written here, with files that cannot be used', async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, 'Skeleton'));
  await mkdir(join(folder, 'Depth'));
  // Joint j, axis k of frame f is 100 f + 10 k + j.
  const skeleton = Array.from({ length: 120 }, (_, i) => 100 * Math.floor(i / 60) + 10 * (Math.floor(i / 20) % 3) + (i % 20)); // prettier-ignore
  const write = (kind: string, name: string, bytes: string | Buffer) => writeFile(join(folder, kind, name), bytes);
  await write('Skeleton', 'a3_s2_t1_skeleton.mat', array('d_skel', [20, 3, 2], skeleton));
  await write('Skeleton', 'a3_s2_t2_skeleton.mat', array('d_skel', [20, 3], skeleton.with(3, NaN).slice(0, 60)));
  await write('Skeleton', 'a3_s2_t3_skeleton.mat', array('d_skel', [25, 3], Array<number>(75).fill(0)));
  await write('Skeleton', 'a3_s2_t4_skeleton.mat', 'text');
  const { recordings, unreadable } = await loadUtdMhadSkeleton(folder);
  t.equal(recordings.length, 1);
  t.equal(recordings[0]!.rate, 30, 'nothing says how long it lasted');
  t.strictSame(recordings[0]!.samples.slice(0, 6), Float32Array.of(0, 10, 20, 1, 11, 21));
  t.strictSame(recordings[0]!.samples.slice(60, 63), Float32Array.of(100, 110, 120));
  t.strictSame(
    unreadable.map(({ reason }) => reason),
    [
      'it holds values that are no numbers',
      'it has no array d_skel of [20, 3, frames]',
      'it is no MATLAB level 5 file',
    ],
  );

  const pixels = Array.from({ length: depthWidth * depthHeight }, (_, i) => i % 5000);
  await write('Depth', 'a1_s1_t1_depth.mat', array('d_depth', [240, 320], pixels));
  await write('Depth', 'a1_s1_t2_depth.mat', array('d_depth', [240, 320], pixels.with(9, -1)));
  await write('Depth', 'a1_s1_t3_depth.mat', array('d_depth', [320, 240], pixels));
  const [good, negative, turned] = (await loadUtdMhadDepth(folder)).recordings;
  const { rate, depth } = await good!.read();
  t.equal(rate, 30);
  t.strictSame([depth[0], depth[1], depth[320]], [0, 240, 1], 'columns become rows');
  await t.rejects(negative!.read(), { message: 'it holds values that are no distances in millimetres' });
  await t.rejects(turned!.read(), { message: 'it has no array d_depth of [240, 320, frames]' });

  // With an inertial file beside it, two frames of half a second are four a second.
  await mkdir(join(folder, 'Inertial'));
  await write('Inertial', 'a3_s2_t1_inertial.mat', array('d_iner', [25, 6], Array<number>(150).fill(1)));
  t.equal((await loadUtdMhadSkeleton(folder, { trials: [1] })).recordings[0]!.rate, 4);

  const outer = await temporaryFolder(t);
  await cp(folder, join(outer, 'utd-mhad'), { recursive: true });
  t.equal((await loadUtdMhadSkeleton(outer, { trials: [1] })).recordings[0]!.rate, 4);
  await t.rejects(loadUtdMhadDepth(join(outer, 'absent')), {
    name: 'DatasetError',
    message: /absent: no UTD-MHAD here\. The folder must hold Depth\/a1_s1_t1_depth\.mat and so on; [^\n]*$/,
  });
});
