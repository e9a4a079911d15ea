import t from 'tap';
import { kinectV1Joints } from '../../pipelines/skeleton/layouts.js';
import { standardGravity } from '../../room/arm.js';
import type { ArmPosture } from '../../room/arm.js';
import { bodyJoints, placeBody } from '../../room/body.js';
import type { BodyJoint } from '../../room/body.js';
import { moments } from '../../room/performances.js';
import type { Moment } from '../../room/performances.js';
import { virtualWrist } from '../../room/virtual-wrist.js';

const right = Math.PI / 2;
const hanging: ArmPosture = { elevation: 0, azimuth: 0, twist: 0, elbow: 0, pronation: 0 };
const joints = new Float64Array(60);
const at = (joint: BodyJoint) => [...joints.subarray(3 * bodyJoints.indexOf(joint), 3 * bodyJoints.indexOf(joint) + 3)];
const apart = (a: BodyJoint, b: BodyJoint) => Math.hypot(...at(a).map((value, i) => value - at(b)[i]!));

/** A round of all actions, ten pictures a second. */
function* round(rate: number): Generator<Moment> {
  for (const moment of moments(3, rate)) {
    if (moment.time > 110) return;
    yield moment;
  }
}

function next<T>(source: Iterator<T, unknown>): T {
  const { done, value } = source.next();
  if (done) throw new Error('it has an end');
  return value;
}

void t.test('the joints are those of the gateway, in its order', (t) => {
  t.strictSame([...bodyJoints], [...kinectV1Joints]);
  t.end();
});

void t.test('where the limbs are, in the camera’s axes', (t) => {
  const reaching = { ...hanging, elevation: right };
  placeBody(reaching, { ...reaching, azimuth: right }, joints);
  const [shoulder, wrist, hand] = [at('right shoulder'), at('right wrist'), at('right hand')];
  t.ok(Math.abs(wrist[2]! - (shoulder[2]! - 0.54)) < 1e-9, 'forward is to the camera');
  t.ok(Math.abs(hand[2]! - (wrist[2]! - 0.07)) < 1e-9, 'the hand is beyond the wrist');
  t.ok(
    Math.abs(at('left wrist')[0]! - (at('left shoulder')[0]! + 0.54)) < 1e-9,
    'inward for the left arm is to its right',
  );
  t.ok(at('right shoulder')[0]! > at('left shoulder')[0]!, 'its right is to the camera’s left: x grows');
  t.ok(at('head')[1]! > at('shoulder centre')[1]! && at('left foot')[1]! < at('left knee')[1]!, 'y grows upwards');
  t.end();
});

void t.test('bones keep their lengths whatever is performed, and are the same on both sides', (t) => {
  const bones = (['left', 'right'] as const).flatMap((side): [BodyJoint, BodyJoint, number][] => [
    [`${side} shoulder`, `${side} elbow`, 0.29],
    [`${side} elbow`, `${side} wrist`, 0.25],
    [`${side} wrist`, `${side} hand`, 0.07],
    [`${side} hip`, `${side} knee`, 0.503],
    [`${side} knee`, `${side} ankle`, 0.382],
  ]);
  for (const { performance, within } of round(10)) {
    placeBody(performance.right(within), performance.left(within), joints);
    for (const [from, to, length] of bones)
      if (Math.abs(apart(from, to) - length) > 1e-3) t.fail(`${from} to ${to}: ${apart(from, to)} m`);
  }
  t.pass();
  t.end();
});

void t.test('the left arm moves in what is done with both hands, and hangs otherwise', (t) => {
  const lowest = new Map<string, number>();
  for (const { performance, within, label } of round(10)) {
    placeBody(performance.right(within), performance.left(within), joints);
    const raised = at('left wrist')[1]! - at('left shoulder')[1]!;
    lowest.set(label, Math.max(lowest.get(label) ?? -1, raised));
  }
  const moved = [...lowest].filter(([, raised]) => raised > -0.45).map(([label]) => label);
  t.strictSame(moved.sort(), ['arm curl', 'boxing', 'clap', 'push']);
  t.end();
});

void t.test('the sensor feels how the skeleton’s wrist moves', (t) => {
  const step = 1e-3;
  let most = 0;
  const samples = virtualWrist(3, 20);
  for (const { performance, within, time } of round(20)) {
    const wristAt = (seconds: number) => {
      placeBody(performance.right(seconds), performance.left(seconds), joints);
      return at('right wrist');
    };
    const [before, here, after] = [wristAt(within - step), wristAt(within), wristAt(within + step)];
    // In the camera's axes, where up is y; how long a vector is, no axes matter to.
    const force = here.map((value, i) => (before[i]! - 2 * value + after[i]!) / step ** 2);
    const expected = Math.hypot(force[0]!, force[1]! + standardGravity, force[2]!);
    const sample = next(samples);
    const felt = Math.hypot(...sample.acceleration);
    if (sample.time !== time) t.fail(`${sample.time} s is not ${time} s`);
    // Gain, bias and noise of the sensor.
    if (Math.abs(felt - expected) > 0.02 * expected + 0.7) t.fail(`${time} s: ${felt} instead of ${expected} m/s²`);
    most = Math.max(most, expected);
  }
  t.ok(most > 3 * standardGravity, 'it did move');
  t.end();
});
