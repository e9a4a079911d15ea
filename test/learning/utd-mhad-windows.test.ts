import { existsSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { skeletonFeatures } from '../../learning/datasets/utd-mhad-features.js';
import { evenWindow, loadUtdMhadPaired, windowStarts, windowsOf } from '../../learning/datasets/utd-mhad-windows.js';
import { depthScale, depthSize } from '../../learning/depth-clip.js';
import { loadUtdMhadInertial } from '../../learning/datasets/utd-mhad.js';
import { preTrainPaired } from '../../learning/pretrain-paired.js';
import { trainDepthTower, trainSkeletonTower } from '../../learning/train-kinect.js';
import { openTower } from '../../models/tower-session.js';
import { crossModalRecipe } from '../../learning/cross-modal.js';
import { imuWindowsOfRecording } from '../../pipelines/imu.js';

void t.test('windows begin at the first sample and every half second, a short recording gives one', (t) => {
  t.same(windowStarts(2.1), [0]);
  t.same(windowStarts(3.04), [0]);
  t.same(windowStarts(3.54), [0, 0.5]);
  t.same(windowStarts(4.54), [0, 0.5, 1, 1.5]);
  const samples = Float32Array.from({ length: 150 }, (_, i) => i);
  const window = evenWindow(samples, 50, 1, 152, 0.5);
  t.equal(window[0], 25);
  t.equal(window[151], 149, 'held at the end');
  t.end();
});

/** A standing person in the Kinect's axes, whose right hand is at `hand` metres to the side. */
function person(hand: number): number[] {
  const heights = [0.6, 0.45, 0.2, 0, 0.4, 0.15, -0.05, -0.1, 0.4, 0.15, -0.05, -0.1, -0.05, -0.45, -0.85, -0.9];
  return [...heights, -0.05, -0.45, -0.85, -0.9].flatMap((y, joint) => [
    joint === 11 ? hand : joint % 4 === 0 ? 0.1 : 0,
    y,
    2.5,
  ]);
}

void t.test('skeletons are put on the grid of 25 Hz by straight lines, and not across a hole', (t) => {
  const rate = 10;
  const frames = Array.from({ length: 21 }, (_, i) => person(0.02 * i));
  const about = { id: 'x', subject: 1, label: 'wave', classIndex: 0 };
  const even = skeletonFeatures({ ...about, rate, samples: Float32Array.from(frames.flat()) }, 2);
  t.equal(even.length, 50 * 80);
  const hand = (features: Float32Array, row: number) => features[row * 80 + 11 * 4]!;
  const [first, middle, last] = [hand(even, 0), hand(even, 5), hand(even, 10)];
  t.ok(last > first && Math.abs(middle - (first + last) / 2) < 1e-5, 'half way in between');
  t.equal(even[11 * 4 + 3], 1, 'seen');

  const broken = frames.map((frame, i) => (i >= 5 && i < 15 ? frame.map(() => NaN) : frame));
  const holed = skeletonFeatures({ ...about, rate, samples: Float32Array.from(broken.flat()) }, 2);
  t.equal(holed[25 * 80 + 11 * 4 + 3], 0, 'nothing is made up in the middle of a second without a frame');
  t.ok(holed.every(Number.isFinite));
  t.throws(
    () => skeletonFeatures({ ...about, rate, samples: new Float32Array(60 * 4).fill(NaN) }, 2),
    /it shows no skeleton/,
  );
  t.end();
});

const data = join(process.env['SENSING_DATA'] ?? '', 'utd-mhad');
const skip = process.env['SENSING_DATA'] && existsSync(data) ? false : 'skipped: no recordings';
const selection = { subjects: [1], actions: [1, 22], trials: [1] };

void t.test('all sensors of a performance, over the same stretches; depth is kept', { skip }, async (t) => {
  const cache = t.testdir();
  const kinds = ['skeleton', 'depth'] as const;
  const { recordings, unreadable } = await loadUtdMhadPaired(data, { ...selection, kinds, cache });
  t.same([recordings.length, unreadable], [2, []]);
  const inertial = await loadUtdMhadInertial(data, selection);
  for (const [i, recording] of recordings.entries()) {
    const { duration, skeleton, depth } = recording;
    t.equal(skeleton!.length / 80, Math.round(duration * 25));
    t.equal(depth!.pictures.length, depth!.times.length * depthSize * depthSize);
    const body = depth!.pictures.filter((value) => value > 0);
    t.ok(body.length > 0.05 * depth!.pictures.length && body.length < 0.6 * depth!.pictures.length);
    t.ok(body.every((value) => value >= 0.25 * depthScale && value <= 1.75 * depthScale));
    const { samples, rate } = inertial.recordings[i]!;
    const live = imuWindowsOfRecording(samples, rate, { rate: 50, samples: 152, hop: 25 });
    const paired = windowsOf(recording, 'imu', { rate: 50, samples: 152 });
    t.equal(paired.length, live.length, 'as many windows as the live pipeline gives');
    t.equal(windowsOf(recording, 'depth', { rate: 6.25, samples: 19 }).length, live.length);
    t.ok(
      paired.every((window, k) => window.every((value, at) => Math.abs(value - live[k]!.data[at]!) < 1e-3)),
      'the same windows',
    );
  }
  t.equal(readdirSync(cache).length, 2);
  const again = await loadUtdMhadPaired(data, { ...selection, kinds, cache });
  t.same(again.recordings[1]!.depth!.times, recordings[1]!.depth!.times);
  await writeFile(join(cache, readdirSync(cache)[0]!), 'cut off');
  const repaired = await loadUtdMhadPaired(data, { ...selection, kinds, cache });
  t.equal(
    Buffer.compare(Buffer.from(repaired.recordings[0]!.depth!.pictures), Buffer.from(recordings[0]!.depth!.pictures)),
    0,
    'a cache that is damaged is made again',
  );
  t.throws(
    () => windowsOf({ ...recordings[0]!, depth: undefined } as never, 'depth', { rate: 1, samples: 1 }),
    /without its depth/,
  );
});

void t.test('the towers are trained on the one side and tested on the other', { skip }, async (t) => {
  const request = { data, train: [1], test: [2], seed: 0, threads: 1, members: 1, gatewayVersion: '0' };
  const { tower, evaluation, trainRecordings } = await trainSkeletonTower({ ...request, epochs: 10 });
  t.equal(trainRecordings, 107);
  t.ok(evaluation!.recordings.every(({ id }) => id.includes('_s2_')));
  t.equal(evaluation!.recordings.length, 108);
  t.ok(evaluation!.accuracy > 0.1, `${evaluation!.accuracy}: chance is 0.04`);
  t.same(tower.manifest.trainedOn.datasets[0]!.subjects, [1]);
  t.equal(tower.manifest.modality, 'skeleton');
  await t.rejects(trainDepthTower({ ...request, train: [8] }), /no recording of subjects 8/);
});

void t.test('the depth tower is two networks side by side, each trained by itself', { skip }, async (t) => {
  const stages = new Map<string, number>();
  const { tower, evaluation } = await trainDepthTower({
    ...{ data, train: [1], test: [2], actions: [22, 27], seed: 0, threads: 1, members: 1, epochs: 5 },
    gatewayVersion: '0',
    onProgress: (stage, { steps }) => void stages.set(stage, steps),
  });
  const passes = [...stages].map(([stage, steps]) => [stage.split(',')[0], steps]);
  t.strictSame(passes.map(([stage]) => stage), ['body', 'training', 'pose', 'movement']); // prettier-ignore
  t.ok(stages.get('movement, encoder 1 of 1')! >= 10, 'twice the epochs, a batch each');
  const { name, embedding, window } = tower.manifest;
  t.match({ name, embedding, window }, { name: 'depth-resnet-pose', embedding: { width: 896 }, window: { shape: [48, 48] } }); // prettier-ignore
  t.equal(evaluation!.recordings.length, 8);
  const session = await openTower(tower, 'cpu', 1);
  const { recordings } = await loadUtdMhadPaired(data, { subjects: [2], actions: [22, 27], kinds: ['depth'] });
  const embeddings: Float32Array[] = [];
  for (const recording of recordings) {
    const [first] = windowsOf(recording, 'depth', window);
    embeddings.push((await session.run(first!, 1)).embedding.slice());
  }
  await session.release();
  const differ = (from: number, to: number) =>
    embeddings.some((one) => one.subarray(from, to).some((value, i) => value !== embeddings[0]![from + i]!));
  t.ok(differ(0, 256), 'what the pictures look like');
  t.ok(differ(256, 896), 'how the joints move');
});

void t.test('labels play no part in pre-training', { skip }, async (t) => {
  const { recordings } = await loadUtdMhadPaired(data, { subjects: [1], trials: [1], kinds: ['skeleton'] });
  const blind = recordings.map((recording) => ({ ...recording, label: 'none', classIndex: 0 }));
  const recipe = { ...crossModalRecipe, batch: 16 };
  const options = { modalities: ['imu', 'skeleton'] as const, recipe, seed: 1, threads: 1, epochs: 1 };
  const [first, second] = await Promise.all([preTrainPaired(recordings, options), preTrainPaired(blind, options)]);
  for (const modality of options.modalities)
    for (const [name, values] of first.get(modality)!)
      if (Buffer.compare(Buffer.from(values.buffer), Buffer.from(second.get(modality)!.get(name)!.buffer)) !== 0)
        t.fail(`${modality} ${name} depends on labels`);
  t.ok(first.get('imu')!.has('projector.out.weight'));
});
