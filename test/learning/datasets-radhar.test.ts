import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { loadRadhar } from '../../learning/datasets/radhar.js';
import type { RadharRecording } from '../../learning/datasets/radhar.js';
import { correlation, folderWith, isAscending } from './datasets-folder.js';

const data = process.env['SENSING_DATA'] ?? '';
const skip = data && existsSync(join(data, 'radhar')) ? false : 'skipped: no recordings';

interface Point {
  seconds: number;
  nanoseconds: number;
  point: number;
  numbers: readonly [x: number, y: number, z: number, velocity: number, intensity: number];
}

const points: Point[] = [
  { seconds: 100, nanoseconds: 125_000_000, point: 3, numbers: [9, 9, 9, 9, 9] }, // before the first frame
  { seconds: 100, nanoseconds: 250_000_000, point: 0, numbers: [1, 0.5, -0.25, 0.5, 30] },
  { seconds: 100, nanoseconds: 250_010_000, point: 2, numbers: [2, -0.5, 0.75, -1, 20] }, // point 1 was not sent
  { seconds: 101, nanoseconds: 5_000_000, point: 0, numbers: [3, 0, 0, 0, 10] },
  { seconds: 100, nanoseconds: 0, point: 0, numbers: [3, 0, 0, 0, 10] }, // goes back
];

/** As `rostopic echo` writes it, and the README of the data set shows it. */
const message = ({ seconds, nanoseconds, point, numbers: [x, y, z, velocity, intensity] }: Point) =>
  `header: \n  seq: 6264\n  stamp: \n    secs: ${seconds}\n    nsecs: ${nanoseconds}\n  frame_id: "ti_mmwave"\n` +
  `point_id: ${point}\nx: ${x}\ny: ${y}\nz: ${z}\nrange: ${Math.hypot(x, y, z)}\nvelocity: ${velocity}\ndoppler_bin: 8\n` +
  `bearing: 38.6818885803\nintensity: ${intensity}\n---\n`;
const csv =
  'time_s,point,x_m,y_m,z_m,velocity_mps,intensity_db\n' +
  points.map(({ seconds, nanoseconds, point, numbers }) => `${seconds + nanoseconds / 1e9},${point},${numbers.join(',')}\n`).join(''); // prettier-ignore

void t.test('a folder written here: the published text and the rewritten one', async (t) => {
  const folder = await folderWith(t, {
    'radhar/Train/walk/walk_20_2.csv.gz': gzipSync(csv),
    'radhar/Train/walk/walk_20_10.txt': points.map(message).join(''),
    'radhar/Test/boxing/__20_boxing_6.csv': csv,
    'radhar/Train/jump/empty.txt': '',
    'radhar/Train/jump/headless.csv': csv.split('\n').filter((_, i) => i < 2).join('\n'), // prettier-ignore
    'radhar/Train/swim/swim_1.csv': csv,
    'radhar/Train/.DS_Store': '',
  });
  const { recordings, unreadable } = await loadRadhar(folder);
  t.strictSame(
    recordings.map(({ id, half, label, classIndex, session }) => [id, half, label, classIndex, session]),
    [
      ['Train/walk/walk_20_2', 'Train', 'walk', 4, 'walk/walk_20'],
      ['Train/walk/walk_20_10', 'Train', 'walk', 4, 'walk/walk_20'],
      ['Test/boxing/__20_boxing_6', 'Test', 'boxing', 0, 'boxing/__20_boxing'],
    ],
  );
  for (const { frames, dropped } of recordings) {
    t.equal(dropped, 2);
    t.equal(frames.length, 2);
    t.strictSame(frames[0], {
      kind: 'mmwave',
      arrivalTime: 100.25,
      deviceTime: 100.25,
      frameNumber: 0,
      position: Float32Array.of(0.5, 1, -0.25, -0.5, 2, 0.75), // right, away, up
      velocity: Float32Array.of(0.5, -1),
      intensity: Float32Array.of(30, 20),
    });
    t.equal(frames[1]!.arrivalTime, 101.005);
  }
  t.strictSame(
    unreadable.map(({ reason }) => reason),
    ['it has no row of 8 numbers', 'it has no point 0, which begins a frame'],
  );
  t.equal((await loadRadhar(join(folder, 'radhar'), { halves: ['Test'] })).recordings.length, 1);
  await t.rejects(loadRadhar(join(folder, 'radhar', 'Train')), { name: 'DatasetError', message: /no RadHAR here\./ });
  const train = await folderWith(t, { 'Train/walk/a_1.csv': csv });
  await t.rejects(loadRadhar(train, { halves: ['Test'] }), { name: 'DatasetError', message: /no recording of Test/ });
});

/** Correlation of the points' mean velocity over 21 frames with how far their mean distance changes over 15. */
function agreement({ frames }: RadharRecording): number {
  const moving = frames.flatMap(({ position, velocity }) => {
    const at = [...velocity.keys()].filter((i) => velocity[i] !== 0);
    if (at.length < 2) return [];
    const distance = at.reduce((sum, i) => sum + Math.hypot(...position.subarray(3 * i, 3 * i + 3)), 0) / at.length;
    return [{ distance, velocity: at.reduce((sum, i) => sum + velocity[i]!, 0) / at.length }];
  });
  const mean = (from: number, to: number, key: 'distance' | 'velocity') =>
    moving.slice(from, to).reduce((sum, one) => sum + one[key], 0) / (to - from);
  const middles = Array.from({ length: moving.length - 30 }, (_, i) => i + 15);
  return correlation(
    middles.map((i) => mean(i + 1, i + 16, 'distance') - mean(i - 15, i, 'distance')),
    middles.map((i) => mean(i - 10, i + 11, 'velocity')),
  );
}

void t.test('RadHAR itself', { skip }, async (t) => {
  const { recordings, unreadable } = await loadRadhar(data, { halves: ['Train'] });
  t.strictSame(unreadable, []);
  t.equal(recordings.length, 131);
  const labels = recordings.map(({ label }) => label);
  t.strictSame([...new Set(labels)], ['boxing', 'jack', 'jump', 'squats', 'walk']);
  t.equal(recordings.reduce((sum, { frames }) => sum + frames.length, 0), 78812, 'counted with NumPy'); // prettier-ignore
  for (const { id, frames, dropped } of recordings) {
    if (dropped > 0) t.fail(`${id}: ${dropped} dropped`);
    const times = frames.map(({ arrivalTime }) => arrivalTime);
    if (!isAscending(times)) t.fail(id);
    const rate = (times.length - 1) / (times.at(-1)! - times[0]!);
    if (rate < 29 || rate > 31) t.fail(`${id}: ${rate} frames a second`);
    for (const { position, velocity, intensity } of frames) {
      if (!position.every((value, i) => Math.abs(value) < 5.5 && (i % 3 !== 1 || value >= 0))) t.fail(id);
      if (!velocity.every((value) => Math.abs(value) < 5.5)) t.fail(id);
      if (!intensity.every((value) => value > 10 && value < 45)) t.fail(id);
    }
  }
  // Who walks away has positive velocities: axes and sign are as frames.ts says.
  const walking = recordings.filter(({ label }) => label === 'walk').map(agreement);
  t.ok(Math.min(...walking) > 0.85, `least correlation ${Math.min(...walking).toFixed(2)}`);
});
