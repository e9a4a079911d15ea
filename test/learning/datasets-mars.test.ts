import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { kinectV2Joints, loadMars, marsMovements } from '../../learning/datasets/mars.js';
import type { MarsRecording } from '../../learning/datasets/mars.js';
import { correlation, folderWith, isAscending, median } from './datasets-folder.js';

const data = process.env['SENSING_DATA'] ?? '';
const skip = data && existsSync(join(data, 'mars')) ? false : 'skipped: no recordings';

const radarHeader = 'time_s,frame,x_m,y_m,z_m,velocity_mps,intensity\n';
const skeletonHeader = `time_s,frame,${kinectV2Joints.map((_, j) => ['x', 'y', 'z'].map((axis) => `joint${j}_${axis}_m`).join(',')).join(',')}\n`;
/** Joint j's axis k is offset + 3 j + k. */
const skeletonRow = (time: number, frame: number, offset: number) =>
  `${time},${frame},${Array.from({ length: 75 }, (_, i) => offset + i).join(',')}\n`;

void t.test('a folder written here', async (t) => {
  const radar =
    `${radarHeader}10,4,0.5,1.5,-0.25,0.356,9\n10,4,1,2,3,-1,99\n10.1,5,0,1,0,0,0\n` +
    '10.1,5,nan,1,0,0,0\n10.1,5,,1,0,0,0\n' + // no numbers
    '10.05,6,0,1,0,0,0\n' + // earlier than the frame before
    '10.2,7,0,1,0,0,-5\n';
  const skeleton = skeletonHeader + skeletonRow(10, 4, 0) + skeletonRow(10.2, 7, 100) + skeletonRow(10.3, 8, 0);
  const folder = await folderWith(t, {
    'subject2/movement10_radar.csv': radar,
    'subject2/movement10_skeleton.csv': skeleton,
    'subject2/movement9_radar.csv.gz': gzipSync(radar),
    'subject2/movement9_skeleton.csv.gz': gzipSync(skeleton),
    'subject3/movement1_radar.csv': radar,
    'subject3/movement2_radar.csv': 'time,x\n1,2\n',
    'subject3/movement2_skeleton.csv': skeleton,
    'subject3/movement3_radar.csv': radarHeader,
    'subject3/movement3_skeleton.csv': skeleton,
    'subject3/movement4_radar.csv.gz': 'not zipped',
    'subject3/movement11_radar.csv': 'there is no movement 11',
  });
  const { recordings, unreadable } = await loadMars(folder);
  t.strictSame(
    recordings.map(({ id, subject, label, classIndex, session }) => ({ id, subject, label, classIndex, session })),
    [
      { id: 'subject2/movement9', subject: 2, label: 'left limb extension', classIndex: 8, session: 'subject2' },
      { id: 'subject2/movement10', subject: 2, label: 'right limb extension', classIndex: 9, session: 'subject2' },
    ],
    'in the order of numbers',
  );
  for (const { radar, skeleton, pairs, dropped } of recordings) {
    t.strictSame(radar.map(({ frameNumber }) => frameNumber), [4, 5, 7]); // prettier-ignore
    t.equal(dropped, 3, 'two rows without numbers, a frame that goes back');
    t.strictSame(radar[0], {
      kind: 'mmwave',
      arrivalTime: 10,
      deviceTime: 10,
      frameNumber: 4,
      position: Float32Array.of(0.5, 1.5, -0.25, 1, 2, 3),
      velocity: Float32Array.of(0.356, -1),
      intensity: Float32Array.of(10, 20),
    });
    t.strictSame(radar[2]!.intensity, Float32Array.of(0), 'no logarithm of a peak below 0');
    t.strictSame([...pairs], [0, 0, 2, 1], 'frame 8 has no points');
    t.equal(skeleton.length, 3);
    t.strictSame([...skeleton[1]!.joints.subarray(0, 4)], [100, 101, 102, 103]);
    t.equal(skeleton[1]!.joints.length, 75);
  }
  t.strictSame(
    unreadable.map(({ file, reason }) => [file.slice(folder.length + 1).replaceAll('\\', '/'), reason]),
    [
      ['subject3/movement1_radar.csv', 'its skeleton, subject3/movement1_skeleton.csv: it cannot be read: ENOENT'],
      ['subject3/movement2_radar.csv', 'it has no column time_s, frame, x_m, y_m, z_m, velocity_mps, intensity'],
      ['subject3/movement3_radar.csv', 'it has no row of 7 numbers'],
      ['subject3/movement4_radar.csv.gz', 'it is damaged: incorrect header check'],
    ],
  );
  t.equal((await loadMars(folder, { subjects: [2], movements: [9] })).recordings.length, 1);
  await t.rejects(loadMars(folder, { subjects: [3] }), {
    name: 'DatasetError',
    message: /: none of 4 files can be read: its skeleton/,
  });
  await t.rejects(loadMars(folder, { subjects: [7] }), { name: 'DatasetError' });
  await t.rejects(loadMars(join(folder, 'absent')), {
    name: 'DatasetError',
    message: /no MARS here\. The folder must hold subject1\/movement1_radar\.csv\.gz [^\n]*$/,
  });
});

/** Radial velocity that the radar's points tell, and the spine's from the skeleton, at each pair. */
function velocities({ radar, skeleton, pairs }: MarsRecording): [points: number[], spine: number[]] {
  const points: number[] = [];
  const spine: number[] = [];
  const distance = (i: number) => Math.hypot(...skeleton[i]!.joints.subarray(3, 6));
  for (let p = 0; p < pairs.length; p += 2) {
    const { velocity } = radar[pairs[p]!]!;
    const i = pairs[p + 1]!;
    if (i === 0 || i === skeleton.length - 1) continue;
    points.push(velocity.reduce((sum, value) => sum + value, 0) / velocity.length);
    const seconds = skeleton[i + 1]!.arrivalTime - skeleton[i - 1]!.arrivalTime;
    spine.push((distance(i + 1) - distance(i - 1)) / seconds);
  }
  return [points, spine];
}

void t.test('MARS itself', { skip }, async (t) => {
  const { recordings, unreadable } = await loadMars(data);
  t.strictSame(unreadable, []);
  t.equal(recordings.length, 30, 'ten movements of three people');
  t.strictSame([...new Set(recordings.map(({ subject }) => subject))], [1, 2, 3]);
  t.strictSame([...new Set(recordings.map(({ label }) => label))], [...marsMovements]);
  // Counted with NumPy from the files.
  t.equal(recordings.reduce((sum, { radar }) => sum + radar.length, 0), 32357); // prettier-ignore
  t.equal(recordings.reduce((sum, { pairs }) => sum + pairs.length / 2, 0), 25271); // prettier-ignore
  const ofSubject1 = recordings.filter(({ subject }) => subject === 1);
  const share = ofSubject1.map(({ radar, skeleton }) => skeleton.length / radar.length);
  t.ok(share.every((part) => Math.abs(part - 0.4) < 0.002), `subject 1's skeletons are ${share[0]!} of the frames`); // prettier-ignore

  const jointNamed = (name: (typeof kinectV2Joints)[number]) => 3 * kinectV2Joints.indexOf(name);
  for (const recording of recordings) {
    const { id, radar, skeleton, pairs, dropped } = recording;
    if (dropped > 0) t.fail(`${id}: ${dropped} rows dropped`);
    if (![radar, skeleton].every((frames) => isAscending(frames.map(({ arrivalTime }) => arrivalTime)))) t.fail(id);
    const rate = (skeleton.length - 1) / (skeleton.at(-1)!.arrivalTime - skeleton[0]!.arrivalTime);
    if (rate < 8 || rate > 10.2) t.fail(`${id}: ${rate} skeletons a second`);
    for (let p = 0; p < pairs.length; p += 2)
      if (radar[pairs[p]!]!.arrivalTime !== skeleton[pairs[p + 1]!]!.arrivalTime) t.fail(`${id}: times of pair ${p}`);
    // Upright at some 2 m; who faces the radar has the left shoulder on its right.
    const axis = (name: (typeof kinectV2Joints)[number], k: number) => median(skeleton.map(({ joints }) => joints[jointNamed(name) + k]!)); // prettier-ignore
    const tall = axis('head', 2) - axis('left ankle', 2);
    if (tall < 1.1 || tall > 1.8) t.fail(`${id}: head ${tall} m above the ankle`);
    if (axis('left shoulder', 0) - axis('right shoulder', 0) < 0.2) t.fail(`${id}: shoulders`);
    const away = median(radar.map(({ position }) => median(position.filter((_, i) => i % 3 === 1) as unknown as number[]))); // prettier-ignore
    if (Math.abs(away - axis('spine mid', 1)) > 0.35) t.fail(`${id}: points at ${away} m, spine at ${axis('spine mid', 1)} m`); // prettier-ignore
  }
  // In lunges the whole body moves: away is positive for both.
  const lunges = recordings.filter(({ label }) => label.endsWith('front lunge'));
  const agreement = lunges.map((recording) => correlation(...velocities(recording)));
  t.equal(lunges.length, 6);
  t.ok(Math.min(...agreement) > 0.8, `correlation of velocities ${agreement.map((r) => r.toFixed(2)).join(' ')}`);
});
