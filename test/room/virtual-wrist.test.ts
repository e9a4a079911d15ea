import t from 'tap';
import { utdMhadActions } from '../../learning/datasets/utd-mhad.js';
import { createMotionGate } from '../../pipelines/motion-gate.js';
import { sensedMotion, standardGravity, wristPose } from '../../room/arm.js';
import type { Rotation, Vector } from '../../room/arm.js';
import { armActions } from '../../room/arm-actions.js';
import { performances } from '../../room/performances.js';
import type { Performance } from '../../room/performances.js';
import { virtualWrist } from '../../room/virtual-wrist.js';
import type { WristSample } from '../../room/virtual-wrist.js';

function take<T>(source: Iterable<T>, count: number): T[] {
  const taken: T[] = [];
  for (const one of source) if (taken.push(one) === count) break;
  return taken;
}

const rate = 50;
/** A round of all actions lasts some 90 s. */
const round = take(virtualWrist(3, rate), 120 * rate);
const poseOf =
  ({ right }: Performance) =>
  (time: number) =>
    wristPose(right(time));
const norm = (v: Vector) => Math.hypot(...v);

/** Stretches of one label, in order. */
function stretches(samples: readonly WristSample[]): WristSample[][] {
  const found: WristSample[][] = [];
  for (const sample of samples) {
    if (found.at(-1)?.[0]!.label === sample.label) found.at(-1)!.push(sample);
    else found.push([sample]);
  }
  return found.slice(0, -1); // the last one is cut off
}

const isStill = (samples: readonly WristSample[]) => {
  const gate = createMotionGate(samples.length);
  for (const { acceleration, angularRate } of samples) gate.push([...acceleration, ...angularRate]);
  return gate.still();
};

void t.test('every label is one of the data set, and comes once a round', (t) => {
  const labels = armActions.map(({ label }) => label);
  t.equal(new Set(labels).size, labels.length);
  t.ok(labels.every((label) => (utdMhadActions as readonly string[]).includes(label)));
  for (const seed of [1, 2]) {
    const performed = take(performances(seed), 2 * labels.length).map(({ label }) => label);
    t.strictSame([...performed.slice(0, labels.length)].sort(), [...labels].sort());
    t.strictSame([...performed.slice(labels.length)].sort(), [...labels].sort());
  }
  t.end();
});

/** R · exp([ω]× · seconds), Rodrigues. */
function rotatedBy(r: Rotation, rates: Vector, seconds: number): Rotation {
  const angle = norm(rates) * seconds;
  if (angle === 0) return r;
  const [x, y, z] = rates.map((w) => w / norm(rates)) as [number, number, number];
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const turn = [
    [c + x * x * (1 - c), x * y * (1 - c) - z * s, x * z * (1 - c) + y * s],
    [y * x * (1 - c) + z * s, c + y * y * (1 - c), y * z * (1 - c) - x * s],
    [z * x * (1 - c) - y * s, z * y * (1 - c) + x * s, c + z * z * (1 - c)],
  ];
  return r.map((row) =>
    [0, 1, 2].map((k) => row[0] * turn[0]![k]! + row[1] * turn[1]![k]! + row[2] * turn[2]![k]!),
  ) as unknown as Rotation;
}

void t.test('dead reckoning from what the sensor feels follows the wrist', (t) => {
  const dt = 1 / 2000;
  for (const performance of take(performances(5), armActions.length)) {
    const { label, rest, duration } = performance;
    const pose = poseOf(performance);
    let time = rest - 0.1;
    let { orientation, position } = pose(time);
    let velocity: Vector = [0, 0, 0];
    let worstAngle = 0;
    let worstPosition = 0;
    for (; time < duration + 0.1; time += dt) {
      // Midpoint rule: what is felt in the middle of the step stands for the step.
      const { acceleration, angularRate } = sensedMotion(pose, time + dt / 2);
      const middle = rotatedBy(orientation, angularRate, dt / 2);
      const world = middle.map((row) => row[0] * acceleration[0] + row[1] * acceleration[1] + row[2] * acceleration[2]);
      const gained: Vector = [world[0]! * dt, world[1]! * dt, (world[2]! - standardGravity) * dt];
      position = position.map((p, i) => p + (velocity[i]! + gained[i]! / 2) * dt) as unknown as Vector;
      velocity = velocity.map((v, i) => v + gained[i]!) as unknown as Vector;
      orientation = rotatedBy(orientation, angularRate, dt);
      const real = pose(time + dt);
      worstPosition = Math.max(worstPosition, norm(position.map((p, i) => p - real.position[i]!) as unknown as Vector));
      const difference = orientation.flatMap((row, i) => row.map((value, k) => value - real.orientation[i]![k]!));
      worstAngle = Math.max(worstAngle, Math.hypot(...difference));
    }
    t.ok(worstAngle < 1e-4, `${label}: orientation within ${worstAngle}`);
    t.ok(worstPosition < 1e-3, `${label}: position within ${worstPosition} m`);
    t.ok(norm(velocity) < 1e-3, `${label}: it ends at rest, ${norm(velocity)} m/s`);
  }
  t.end();
});

void t.test('at rest the sensor feels gravity and nothing else', (t) => {
  for (const performance of take(performances(7), armActions.length)) {
    const { rest } = performance;
    for (const time of [0, rest / 2, rest - 0.001]) {
      const { acceleration, angularRate } = sensedMotion(poseOf(performance), time);
      t.ok(Math.abs(norm(acceleration) - standardGravity) < 1e-6);
      t.ok(norm(angularRate) < 1e-9);
    }
  }
  const still = round.filter(({ label }) => label === 'still');
  const magnitude = still.reduce((sum, { acceleration }) => sum + norm(acceleration), 0) / still.length;
  t.ok(Math.abs(magnitude - standardGravity) < 0.5, `with bias, gain and noise ${magnitude} m/s²`);
  t.ok(
    still.every(({ acceleration }) => acceleration[0] < -8),
    'the arm hangs',
  );
  t.end();
});

void t.test('rests are still to the motion gate, actions are not', (t) => {
  const parts = stretches(round);
  const performed = new Set<string>();
  for (const [i, part] of parts.entries()) {
    const { label } = part[0]!;
    t.equal(label === 'still', i % 2 === 0, 'rest and action by turns');
    t.equal(isStill(part), label === 'still', `${label} of ${part.length} samples`);
    if (label === 'still') t.ok(part.length >= 152 + 25, 'a window of the tower fits in, wherever the hop falls');
    else performed.add(label);
  }
  t.equal(performed.size, armActions.length);
  t.end();
});

void t.test('no motion is more than an arm can do', (t) => {
  for (const { acceleration, angularRate, label } of round)
    if (norm(acceleration) > 8 * standardGravity || norm(angularRate) > 20)
      t.fail(`${label}: ${acceleration.join(' ')}`);
  const length = (part: WristSample[]) => part.length / rate;
  for (const part of stretches(round).filter((part) => part[0]!.label !== 'still'))
    t.ok(length(part) > 2 && length(part) < 4.5, `${part[0]!.label} lasts ${length(part)} s`);
  t.end();
});

void t.test('the same seed, the same samples; another seed, others', (t) => {
  t.strictSame(take(virtualWrist(3, rate), 1000), round.slice(0, 1000));
  t.notSame(take(virtualWrist(4, rate), 10), round.slice(0, 10));
  t.end();
});

void t.test('samples are evenly spaced at any rate, and the motion is the same', (t) => {
  const times = round.map(({ time }) => time);
  t.ok(times.every((time, i) => time === i / rate));
  const fast = take(virtualWrist(3, 200), 20 * 200);
  fast.forEach(({ label }, i) => {
    if (i % 4 === 0 && label !== round[i / 4]!.label) t.fail(`another label at ${i / 200} s`);
  });
  t.equal(fast.at(-1)!.time, 20 - 1 / 200);
  t.end();
});
