import t from 'tap';
import type { SkeletonFrame } from '../../../drivers/frames.js';
import { createSkeletonFeatures } from '../../../pipelines/skeleton/features.js';
import { jointIndex, kinectV1Joints, skeletonLayouts, type Joint } from '../../../pipelines/skeleton/layouts.js';
import { createRandom } from '../../../learning/random.js';

/** Somebody who stands, metres from the hip: x to the camera's left, y up. The trunk is 0.45 m, and each limb in proportion. */
const standing: Record<Joint, [number, number, number]> = {
  head: [0, 0.68, 0],
  'shoulder centre': [0, 0.45, 0],
  spine: [0, 0.1, 0],
  'hip centre': [0, 0, 0],
  'left shoulder': [-0.18, 0.42, 0],
  'left elbow': [-0.18, 0.42 - (0.186 / 0.288) * 0.45, 0],
  'left wrist': [-0.18, 0.42 - (0.332 / 0.288) * 0.45, 0],
  'left hand': [-0.18, -0.2, 0],
  'right shoulder': [0.18, 0.42, 0],
  'right elbow': [0.18, 0.42 - (0.186 / 0.288) * 0.45, 0],
  'right wrist': [0.18, 0.42 - (0.332 / 0.288) * 0.45, 0],
  'right hand': [0.18, -0.2, 0],
  'left hip': [-0.1, 0, 0],
  'left knee': [-0.1, -(0.245 / 0.288) * 0.45, 0],
  'left ankle': [-0.1, -(0.491 / 0.288) * 0.45, 0],
  'left foot': [-0.1, -0.8, -0.12],
  'right hip': [0.1, 0, 0],
  'right knee': [0.1, -(0.245 / 0.288) * 0.45, 0],
  'right ankle': [0.1, -(0.491 / 0.288) * 0.45, 0],
  'right foot': [0.1, -0.8, -0.12],
};

const seed = createRandom(3);
type Place = readonly [number, number, number];

/** [20, 3] of a person `scale` times as large whose hip is at a place, with a millimetre of noise. */
function body(place: Place = [0, 0, 2.5], scale = 1): Float32Array {
  return Float32Array.from(
    kinectV1Joints.flatMap((name) => standing[name].map((v, axis) => place[axis]! + scale * v + 0.001 * seed.normal())),
  );
}

function frame(joints: Float32Array, rest: Partial<SkeletonFrame> = {}): SkeletonFrame {
  return { kind: 'skeleton', arrivalTime: 0, people: joints.length / 60, layout: 'kinect-v1', joints, ...rest };
}

function without(joints: Float32Array, ...names: Joint[]): Float32Array {
  const out = joints.slice();
  for (const name of names) out.fill(NaN, 3 * jointIndex[name], 3 * jointIndex[name] + 3);
  return out;
}

const joined = (...people: Float32Array[]) => Float32Array.from(people.flatMap((joints) => [...joints]));
const row = (out: Float32Array, name: Joint) => [...out.subarray(4 * jointIndex[name], 4 * jointIndex[name] + 4)];
const near = (got: readonly number[], expected: readonly number[], tolerance = 0.01) =>
  got.length === expected.length && got.every((value, i) => Math.abs(value - expected[i]!) <= tolerance);

void t.test('joints relative to the hip in trunk lengths, the same for every place and size', (t) => {
  for (const [place, scale] of [
    [[0, 0, 2.5], 1],
    [[-1.2, 0.4, 4], 1.15],
    [[0.5, -0.3, 1.5], 0.6],
  ] as const) {
    const features = createSkeletonFeatures();
    t.strictSame(features.shape, [20, 4]);
    const out = new Float32Array(80);
    t.equal(features.take(frame(body(place, scale)), out), undefined);
    t.ok(Math.abs(features.size - 0.45 * scale) < 0.003, `${features.size} m at once`);
    t.ok(near([...features.hip], place, 0.005));
    for (const name of kinectV1Joints) {
      if (!near(row(out, name), [...standing[name].map((v) => v / 0.45), 1], 0.03))
        t.fail(`${name}: ${row(out, name).join()}`);
    }
    t.strictSame(row(out, 'hip centre'), [0, 0, 0, 1]);
  }
  t.end();
});

void t.test('missing joints are zeros that say so', (t) => {
  const features = createSkeletonFeatures();
  const out = new Float32Array(80);
  const joints = without(body(), 'left hand', 'right knee');
  joints.fill(0, 3 * jointIndex.head, 3 * jointIndex.head + 3);
  joints[3 * jointIndex.spine] = Infinity;
  joints[3 * jointIndex['right foot']]! += 5;
  const confidence = new Float32Array(20).fill(0.9);
  confidence[jointIndex['left wrist']] = 0.1;
  confidence[jointIndex['left elbow']] = NaN;
  t.equal(features.take(frame(joints, { confidence }), out), undefined);
  const missing = kinectV1Joints.filter((name) => row(out, name)[3] === 0);
  t.strictSame(missing, ['head', 'spine', 'left elbow', 'left wrist', 'left hand', 'right knee', 'right foot']);
  t.ok(missing.every((name) => near(row(out, name), [0, 0, 0, 0], 0)));
  t.ok(near(row(out, 'left shoulder'), [-0.4, 0.933, 0, 1], 0.03));
  t.end();
});

void t.test('a hip that is not seen is the middle of both hips, or goes with the trunk for a while', (t) => {
  const features = createSkeletonFeatures();
  const out = new Float32Array(80);
  t.equal(features.take(frame(without(body(), 'hip centre')), out), undefined);
  t.ok(near(row(out, 'head'), [0, 0.68 / 0.45, 0, 1], 0.03));
  const outcomes = [];
  for (let i = 1; i <= 30; i++) {
    const hidden = without(body([0.02 * i, 0, 2.5]), 'hip centre', 'left hip', 'right hip');
    outcomes.push(features.take(frame(hidden), out) ?? 'taken');
    if (i === 25) {
      t.ok(near(row(out, 'head'), [0, 0.68 / 0.45, 0, 1], 0.05), 'carried over half a metre');
      t.strictSame(row(out, 'hip centre'), [0, 0, 0, 0]);
    }
  }
  t.strictSame(outcomes, [...Array<string>(25).fill('taken'), ...Array<string>(5).fill('absent')]);
  t.equal(createSkeletonFeatures().take(frame(without(body(), 'hip centre', 'left hip')), out), 'absent');
  t.end();
});

void t.test('the size follows neither a joint that is wrong nor a bend for long', (t) => {
  const features = createSkeletonFeatures();
  const out = new Float32Array(80);
  const sizes: number[] = [];
  for (let i = 0; i < 300; i++) {
    const joints = body();
    // The trunk is bent to two thirds, and an arm jumps now and then.
    if (i % 20 < 8) {
      for (let j = 0; j < 12; j++) if (j !== 3) joints[3 * j + 1]! -= 0.15;
      joints[3 * jointIndex['left elbow']]! += 0.4;
    }
    features.take(frame(joints), out);
    sizes.push(features.size);
  }
  const off = (from: number) => Math.max(...sizes.slice(from).map((size) => Math.abs(size - 0.45)));
  t.ok(off(0) < 0.02, `${off(0)} m off, though the first frames are wrong`);
  t.ok(off(100) < 0.006, `${off(100)} m off later`);
  const jumps = sizes.slice(1).map((size, i) => Math.abs(size - sizes[i]!));
  t.ok(Math.max(...jumps) < 0.01 && Math.max(...jumps.slice(100)) < 0.002, `${Math.max(...jumps)} m in a frame`);
  t.end();
});

void t.test('layouts: each sends the same pose', (t) => {
  const expected = new Float32Array(80);
  const joints = body();
  createSkeletonFeatures().take(frame(joints), expected);
  const missing = {
    'kinect-v1': [],
    'kinect-v2': [],
    'mediapipe-33': ['spine'],
    'coco-17': ['spine', 'left hand', 'right hand', 'left foot', 'right foot'],
  };
  // Names of the sent joints, by hand from each one's document.
  const arms = ['shoulder', 'elbow', 'wrist'];
  const sent: Record<string, string[]> = {
    'kinect-v2': [
      'hip centre,spine,neck,head',
      ...['left', 'right'].map((side) =>
        ['shoulder', 'elbow', 'wrist', 'hand'].map((part) => `${side} ${part}`).join(),
      ),
      ...['left', 'right'].map((side) => ['hip', 'knee', 'ankle', 'foot'].map((part) => `${side} ${part}`).join()),
      'shoulder centre,left tip,left thumb,right tip,right thumb',
    ].flatMap((names) => names.split(',')),
    'coco-17': [
      ...['nose', 'left eye', 'right eye', 'head', 'head'],
      ...[...arms, 'hip', 'knee', 'ankle'].flatMap((part) => [`left ${part}`, `right ${part}`]),
    ],
    'mediapipe-33': [
      ...['nose', ...Array<string>(6).fill('eye'), 'head', 'head', 'mouth', 'mouth'],
      ...arms.flatMap((part) => [`left ${part}`, `right ${part}`]),
      ...['left hand', 'right hand', 'left hand', 'right hand', 'left thumb', 'right thumb'],
      ...['hip', 'knee', 'ankle', 'heel', 'foot'].flatMap((part) => [`left ${part}`, `right ${part}`]),
    ],
  };
  for (const [layout, names] of Object.entries(sent)) {
    t.equal(skeletonLayouts.get(layout)!.joints, names.length);
    const out = new Float32Array(80);
    const given = Float32Array.from(
      names.flatMap((name) => {
        const at = kinectV1Joints.indexOf(name as Joint);
        return at < 0 ? [9, 9, 9] : [...joints.subarray(3 * at, 3 * at + 3)];
      }),
    );
    t.equal(createSkeletonFeatures().take(frame(given, { layout, people: 1 }), out), undefined);
    for (const name of kinectV1Joints) {
      const isMissing = missing[layout as keyof typeof missing].includes(name as never);
      const wanted = isMissing ? [0, 0, 0, 0] : row(expected, name);
      // The middle of the shoulders lies 3 cm below v1's shoulder centre.
      if (!near(row(out, name), wanted, 0.08)) t.fail(`${layout}, ${name}: ${row(out, name).join()}`);
    }
  }
  t.end();
});

void t.test('axes: optical and radar axes become the common ones', (t) => {
  const joints = body([0.3, 0.2, 2.5]);
  const expected = new Float32Array(80);
  createSkeletonFeatures().take(frame(joints), expected);
  const turned = (turn: (x: number, y: number, z: number) => Place) =>
    Float32Array.from({ length: 20 }, (_, j) => j).reduce((out, j) => {
      out.set(turn(joints[3 * j]!, joints[3 * j + 1]!, joints[3 * j + 2]!), 3 * j);
      return out;
    }, new Float32Array(60));
  const out = new Float32Array(80);
  createSkeletonFeatures({ axes: 'image' }).take(frame(turned((x, y, z) => [-x, -y, z])), out);
  t.ok(near([...out], [...expected], 1e-6));
  createSkeletonFeatures({ axes: 'radar' }).take(frame(turned((x, y, z) => [-x, z, y])), out);
  t.ok(near([...out], [...expected], 1e-6));
  t.end();
});

void t.test('which person: the one of before, by number or place; at first the nearest', (t) => {
  const features = createSkeletonFeatures();
  const out = new Float32Array(80);
  const [far, close]: [Place, Place] = [
    [1, 0, 3.5],
    [-0.5, 0, 2],
  ];
  const hipX = () => Math.round(10 * features.hip[0]!) / 10;
  features.take(frame(joined(body(far), body(close))), out);
  t.equal(hipX(), -0.5, 'the nearest');
  features.take(frame(joined(body([-0.5, 0, 4.2]), body(far))), out);
  t.equal(hipX(), 1, 'nobody is where they were: the nearest');
  features.take(frame(joined(body(close), body(far))), out);
  t.equal(hipX(), 1, 'then the one of before, though a nearer one came');
  t.equal(features.take(frame(new Float32Array(0)), out), 'nobody');
  features.take(frame(joined(body(close), body([1.2, 0, 3.4]))), out);
  t.equal(hipX(), 1.2, 'and after a short loss');

  features.reset();
  const id = Uint32Array.of(4, 9);
  features.take(frame(joined(body(far), body(close, 0.6)), { id }), out);
  t.ok(Math.abs(features.size - 0.27) < 0.01);
  features.take(frame(joined(body(close), body(far, 0.6)), { id }), out);
  t.equal(hipX(), 1, 'the same number elsewhere');
  features.take(frame(body(far, 0.6), { id: Uint32Array.of(17) }), out);
  t.ok(Math.abs(features.size - 0.27) < 0.01, 'a new number at the same place is the same person');
  features.take(frame(body(close), { id: Uint32Array.of(3) }), out);
  t.ok(Math.abs(features.size - 0.45) < 0.01, 'another person has a size of their own at once');
  t.end();
});

void t.test('faults', (t) => {
  const out = new Float32Array(80).fill(7);
  const fault = (given: SkeletonFrame) => createSkeletonFeatures().take(given, out);
  t.equal(fault(frame(new Float32Array(0))), 'nobody');
  t.equal(fault(frame(new Float32Array(60).fill(NaN))), 'notANumber');
  t.equal(fault(frame(new Float32Array(60).fill(Infinity))), 'notANumber');
  t.equal(fault(frame(body(), { confidence: new Float32Array(20) })), 'nobody');
  t.equal(fault(frame(body(), { confidence: new Float32Array(3).fill(1) })), 'absent');
  t.equal(fault(frame(body(), { id: new Uint32Array(2) })), 'absent');
  t.equal(fault(frame(body(), { people: 2 })), 'absent');
  t.equal(fault(frame(body(), { people: NaN })), 'absent');
  t.equal(fault(frame(body(), { layout: 'cat-9' })), 'absent');
  t.equal(fault(frame(body().map((value) => value * 10))), 'absent', 'nobody is so tall');
  t.equal(fault(frame(without(body(), ...kinectV1Joints.slice(4, 19)))), 'absent', 'five joints');
  t.ok(
    out.every((value) => value === 7),
    'nothing is written',
  );

  const features = createSkeletonFeatures();
  const joints = without(body(), 'left hand');
  const outcomes = Array.from({ length: 20 }, () => features.take(frame(joints.slice()), out) ?? 'taken');
  t.strictSame(outcomes, [...Array<string>(15).fill('taken'), ...Array<string>(5).fill('constant')]);
  t.equal(features.take(frame(body()), out), undefined);
  const other = frame(new Float32Array(51).fill(1), { layout: 'coco-17', people: 1 });
  t.equal(features.take(other, out), 'settingsChanged');
  t.equal(features.take(frame(body()), out), 'settingsChanged');
  t.equal(features.take(frame(body([3, 0, 3], 0.6)), out), undefined);
  t.ok(Math.abs(features.size - 0.27) < 0.01, 'and starts anew');
  t.end();
});
