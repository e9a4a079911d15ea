import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { embed } from '../../learning/embed.js';
import { kinectV2Joints } from '../../learning/datasets/mars.js';
import type { MarsRecording } from '../../learning/datasets/mars.js';
import { pairByLabel } from '../../learning/label-pairs.js';
import { nearestOfLabel, retrieval } from '../../learning/retrieval.js';
import { growInOrder } from '../../learning/suites/growth.js';
import { loadMarsWindows, marsWindows, plainWindow } from '../../learning/suites/mars-windows.js';
import type { Trunk } from '../../models/trunk.js';
import { generated } from './generated-recordings.js';

const data = process.env['SENSING_DATA'] ?? '';
const skip = data && existsSync(join(data, 'mars')) ? false : 'skipped: no recordings';

const widths = { imu: 12, skeleton: 16, depth: 14, radar: 10 };
const learned = generated(120, widths, { seed: 1 });
const unseen = generated(60, widths, { seed: 2 });

const setOf = (name: string) => ({
  count: 120,
  outputs: { [name]: learned.outputs[name]!, skeleton: learned.outputs['skeleton']! },
});
const sets = { imu: setOf('imu'), depth: setOf('depth'), radar: setOf('radar') };

async function measure(trunk: Trunk) {
  const found = new Map<string, number>();
  const rows = new Map<string, Float32Array>();
  for (const name of trunk.modules.keys())
    if (unseen.outputs[name]) rows.set(name, await embed(trunk, name, unseen.outputs[name]));
  for (const name of ['imu', 'depth', 'radar'])
    if (rows.has(name)) {
      const pair = { width: trunk.width, a: rows.get(name)!, b: rows.get('skeleton')!, labels: unseen.labels };
      found.set(`${name}-skeleton`, retrieval(pair, 1).ab.class1);
    }
  return found;
}

void t.test('growth in an order: each earlier pair is measured after each growth', async (t) => {
  const options = { seed: 1, request: { data: '', seeds: [1], threads: 1, epochs: 15 } };
  const { lost, last } = await growInOrder(['depth', 'skeleton', 'radar', 'imu'], { sets, measure }, options);
  t.same([...lost.keys()], ['depth-skeleton after radar', 'depth-skeleton after imu', 'radar-skeleton after imu']);
  t.same([...last.keys()], ['imu-skeleton', 'depth-skeleton', 'radar-skeleton']);
  const chance = 1 / 8;
  t.ok([...last.values()].every((value) => value > 2 * chance), [...last.values()].join()); // prettier-ignore
  const unprotected = await growInOrder(
    ['depth', 'skeleton', 'radar', 'imu'],
    { sets, measure },
    { ...options, protect: false },
  );
  t.notSame([...unprotected.last.values()], [...last.values()], 'the variant is another training');
  await t.rejects(growInOrder(['lidar' as never, 'skeleton'], { sets, measure }, options), /no pairs of lidar/);
});

void t.test('label pairs come last, and are called so', async (t) => {
  const wifi = generated(60, { wifi: 18 }, { seed: 8 });
  const labelled = (modality: string, width: number, { outputs, labels }: typeof wifi) => ({
    ...{ modality, width, outputs: outputs[modality]!, labels: Array.from(labels, String) },
  });
  const set = pairByLabel(labelled('wifi', 18, wifi), labelled('skeleton', 16, learned), { versions: 2, seed: 1 });
  const options = { seed: 1, request: { data: '', seeds: [1], threads: 1, epochs: 15 } };
  const { lost, last } = await growInOrder(
    ['imu', 'skeleton', 'radar'],
    { sets: { ...sets, wifi: set }, measure },
    options,
  );
  t.same(
    [...lost.keys()],
    ['imu-skeleton after radar', 'imu-skeleton after wifi (label pairs)', 'radar-skeleton after wifi (label pairs)'],
  );
  t.same([...last.keys()], ['imu-skeleton', 'radar-skeleton']);
  const forgetful = await growInOrder(['imu', 'skeleton', 'radar'], { sets, measure }, { ...options, remember: false });
  t.notSame([...forgetful.last.values()], [...last.values()]);
});

void t.test('the nearest recording of another data set', (t) => {
  const a = { embeddings: Float32Array.of(1, 0, 0, 1, 1, 0), labels: ['x', 'y', 'y'] };
  const b = { embeddings: Float32Array.of(0.9, 0.1, 0.1, 0.9), labels: ['x', 'y'] };
  t.equal(nearestOfLabel(a, b, 2), 2 / 3);
  t.equal(nearestOfLabel(b, { ...a, embeddings: Float32Array.of(1, 0, 0, 1, 0.5, 0) }, 2), 1);
  t.throws(() => nearestOfLabel(a, { embeddings: new Float32Array(0), labels: [] }, 2), /0 values are not 0 rows/);
  t.throws(() => nearestOfLabel(a, b, 3), /not 3 rows of width 3/);
  t.end();
});

/** A point and a hand that both jump by a metre at a given second; the skeleton's first frame is later than the radar's. */
function jumping(jump: number, late: number): MarsRecording {
  const frameTimes = (from: number) => Array.from({ length: 80 }, (_, i) => from + i / 10).filter((time) => time < 8);
  const radar = frameTimes(0).map((time, frameNumber) => ({
    ...{ kind: 'mmwave' as const, arrivalTime: time, deviceTime: time, frameNumber },
    position: Float32Array.of(time < jump ? 0 : 1, 2, 1),
    velocity: Float32Array.of(0.01 * frameNumber),
    intensity: Float32Array.of(20 + 0.1 * frameNumber),
  }));
  const standing = new Map<string, readonly [number, number, number]>([
    ['head', [0, 2, 0.6]],
    ['spine shoulder', [0, 2, 0.4]],
    ['left hip', [-0.1, 2, -0.1]],
    ['right hip', [0.1, 2, -0.1]],
    ['left knee', [-0.1, 2, -0.5]],
    ['right knee', [0.1, 2, -0.5]],
    ['left shoulder', [-0.2, 2, 0.35]],
    ['right shoulder', [0.2, 2, 0.35]],
  ]);
  const skeleton = frameTimes(late).map((time, frameNumber) => ({
    ...{ kind: 'skeleton' as const, arrivalTime: time, deviceTime: time, frameNumber, people: 1, layout: 'kinect-v2' },
    joints: Float32Array.from(
      kinectV2Joints.flatMap((name, j) => {
        const [x, y, z] = standing.get(name) ?? [0.01 * j, 2, 0];
        return [x, y, z + (name === 'left hand' && time >= jump ? 1 : 0) + 1e-4 * frameNumber];
      }),
    ),
  }));
  return {
    ...{ id: 'test', subject: 1, label: 'test', classIndex: 0, session: 'test' },
    ...{ radar, skeleton, pairs: new Uint32Array(), dropped: 0 },
  };
}

void t.test('MARS windows: radar and skeleton of the same moments', (t) => {
  const windows = marsWindows(jumping(3, 0.7), 0);
  t.same(
    windows.slice(0, 3).map(({ start }) => start),
    [0, 1, 2],
  );
  const jumpIn = (values: readonly number[]) => values.findIndex((value, i) => i > 0 && value - values[i - 1]! > 0.1);
  // Begins at 0.7 s: the second window has the jump 1.3 s after its start.
  const radar = plainWindow(windows[1]!, 'radar');
  const skeleton = plainWindow(windows[1]!, 'skeleton');
  const x = Array.from({ length: 20 }, (_, i) => radar[i * 48 * 8]!);
  const hand = Array.from({ length: 50 }, (_, i) => skeleton[i * 80 + 7 * 4 + 1]!);
  t.ok(Math.abs(jumpIn(x) / 10 - 1.3) <= 0.1, `radar: ${jumpIn(x) / 10} s`);
  t.ok(Math.abs(jumpIn(hand) / 25 - 1.3) <= 0.12, `skeleton: ${jumpIn(hand) / 25} s`);
  t.equal(windows[0]!.group, windows[3]!.group);
  t.not(windows[0]!.group, windows[4]!.group);
  t.end();
});

void t.test('a recording in which one sensor saw nothing gives no windows', (t) => {
  t.same(marsWindows({ ...jumping(3, 0), skeleton: [] }, 0), []);
  t.same(marsWindows({ ...jumping(3, 0), radar: [] }, 0), []);
  t.end();
});

void t.test('MARS: windows of one person', { skip }, async (t) => {
  const windows = await loadMarsWindows({ data, seeds: [0], threads: 1 }, [1]);
  t.ok(windows.length > 300 && windows.length < 700, `${windows.length} windows`);
  t.equal(new Set(windows.map(({ classIndex }) => classIndex)).size, 10);
  t.ok(windows.every(({ subject }) => subject === 1));
  t.ok(plainWindow(windows[5]!, 'radar').every(Number.isFinite));
  t.ok(plainWindow(windows[5]!, 'skeleton').every(Number.isFinite));
});
