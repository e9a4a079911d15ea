import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { loadUtdMhadSkeleton } from '../../../learning/datasets/utd-mhad-kinect.js';
import { createSkeletonFeatures } from '../../../pipelines/skeleton/features.js';
import { jointIndex, type Joint } from '../../../pipelines/skeleton/layouts.js';

const data = process.env['SENSING_DATA'] ?? '';
const skipUtd = data && existsSync(join(data, 'utd-mhad')) ? false : 'skipped: no recordings';
const skipMars = data && existsSync(join(data, 'mars')) ? false : 'skipped: no recordings';

const bones: [Joint, Joint][] = [
  ['left shoulder', 'left elbow'],
  ['right shoulder', 'right elbow'],
  ['left hip', 'left knee'],
  ['right hip', 'right knee'],
  ['left knee', 'left ankle'],
  ['right knee', 'right ankle'],
];

/** Sum of the bones of features or of joints. */
function lengthOf(values: Float32Array, stride: number): number {
  let sum = 0;
  for (const [from, to] of bones) {
    const [a, b] = [stride * jointIndex[from], stride * jointIndex[to]];
    sum += Math.hypot(values[a]! - values[b]!, values[a + 1]! - values[b + 1]!, values[a + 2]! - values[b + 2]!);
  }
  return sum;
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;
const spread = (values: number[]) => Math.max(...values) / Math.min(...values) - 1;

void t.test('UTD-MHAD: every frame gives features; bones are as long whoever it is', { skip: skipUtd }, async (t) => {
  const { recordings } = await loadUtdMhadSkeleton(join(data, 'utd-mhad'), { trials: [1, 2] });
  const metres = new Map<number, number[]>();
  const scaled = new Map<number, number[]>();
  const jumps: number[] = [];
  const drifts: number[] = [];
  const out = new Float32Array(80);
  for (const { id, subject, rate, samples } of recordings) {
    const features = createSkeletonFeatures();
    const sizes: number[] = [];
    for (let i = 0; 60 * i < samples.length; i++) {
      const joints = samples.subarray(60 * i, 60 * i + 60);
      const fault = features.take(
        { kind: 'skeleton', arrivalTime: i / rate, people: 1, layout: 'kinect-v1', joints },
        out,
      );
      if (fault) t.fail(`${id}, frame ${i}: ${fault}`);
      if (!out.every((value) => Math.abs(value) <= 4.5)) t.fail(`${id}, frame ${i}: out of reach`);
      sizes.push(features.size);
      (metres.get(subject) ?? metres.set(subject, []).get(subject)!).push(lengthOf(joints, 3));
      (scaled.get(subject) ?? scaled.set(subject, []).get(subject)!).push(lengthOf(out, 4));
    }
    drifts.push(Math.abs(sizes.at(-1)! / sizes[0]! - 1));
    for (let i = 1; i < sizes.length; i++) jumps.push(Math.abs(sizes[i]! / sizes[i - 1]! - 1));
  }
  const [before, after] = [metres, scaled].map((of) => spread([...of.values()].map(median)));
  t.comment(`subjects' bones differ by ${100 * before!} % in metres, ${100 * after!} % in trunk lengths`);
  t.comment(
    `size: ${100 * median(drifts)} % from the first frame to the last, ${100 * Math.max(...jumps)} % in a frame at most`,
  );
  t.ok(after! < 0.04 && before! > 0.1);
  t.ok(median(drifts) < 0.05 && Math.max(...jumps) < 0.08);
});

void t.test('MARS: a Kinect v2 in radar axes, as long and the same way round', { skip: skipMars }, (t) => {
  const out = new Float32Array(80);
  for (const subject of [2, 3]) {
    const features = createSkeletonFeatures({ axes: 'radar' });
    const lengths: number[] = [];
    const [table] = [gunzipSync(readFileSync(join(data, 'mars', `subject${subject}`, 'movement6_skeleton.csv.gz')))];
    for (const line of table.toString().trim().split('\n').slice(1)) {
      const [arrivalTime, , ...joints] = line.split(',').map(Number);
      const fault = features.take(
        {
          kind: 'skeleton',
          arrivalTime: arrivalTime!,
          people: 1,
          layout: 'kinect-v2',
          joints: Float32Array.from(joints),
        },
        out,
      );
      if (fault) t.fail(fault);
      const at = (name: Joint, axis: number) => out[4 * jointIndex[name] + axis]!;
      if (!(at('head', 1) > 1 && at('left ankle', 1) < -0.5)) t.fail('not upright');
      if (!(at('left shoulder', 0) < at('right shoulder', 0))) t.fail('mirrored, against UTD-MHAD');
      lengths.push(lengthOf(out, 4));
    }
    t.ok(lengths.length > 500);
    t.comment(`subject ${subject}: bones of ${median(lengths)} trunk lengths, trunk ${features.size} m`);
    t.ok(median(lengths) > 4 && median(lengths) < 5.5, `${median(lengths)}`);
  }
  t.end();
});
