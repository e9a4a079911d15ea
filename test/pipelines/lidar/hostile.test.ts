/** Frames that no scanner should send: a reason, never a crash, never a number that is not one. */
import fc from 'fast-check';
import t from 'tap';
import type { LidarFrame } from '../../../drivers/frames.js';
import { createRandom } from '../../../learning/random.js';
import { faults } from '../../../pipelines/features.js';
import { createLidarFeatures } from '../../../pipelines/lidar/features.js';
import { createGroundFinder, findGround } from '../../../pipelines/lidar/ground.js';
import { evenRings, scan, type Room, type Scanner, type Thing } from './scanner.js';

const scanner: Scanner = { height: 1.2, tilt: [0, 0], rings: evenRings(16, 15), columns: 180, noise: 0.02 };
const person: Thing = { at: [1.5, 1], radius: 0.22, height: 1.75 };
const room: Room = { size: [4, 4], things: [] };
const random = createRandom(3);
const emptyTurns = Array.from({ length: 8 }, () => scan(scanner, room, 0, random).frame);
const turns = Array.from({ length: 8 }, () => scan(scanner, { ...room, things: [person] }, 0, random).frame);

/** Features that know the room, and the time of their latest frame. */
function calibrated() {
  const features = createLidarFeatures({ calibration: 2 });
  const out = new Float32Array(128 * 5);
  let time = 0;
  const next = (turn: LidarFrame, more: Partial<LidarFrame> = {}) =>
    features.take({ ...turn, arrivalTime: (time += 0.2), ...more }, out);
  for (let i = 0; i < 60; i++) next(emptyTurns[i % 8]!);
  return { features, out, next };
}

void t.test('each fault has its reason, is counted, and harms nothing after it', (t) => {
  const { features, out, next } = calibrated();
  t.ok(features.calibrated);
  t.equal(next(turns[0]!), undefined, 'someone');
  const good = out.slice();
  const [turn] = turns as [LidarFrame];
  const { intensity: _, ...without } = turn;
  const changed = (index: number, value: number) => {
    const position = turn.position.slice();
    position[index] = value;
    return position;
  };
  const before = { ...features.refused };
  t.equal(next(turn, { position: new Float32Array(0), intensity: new Float32Array(0) }), 'absent');
  t.equal(next(turn, { position: new Float32Array(4) }), 'absent');
  t.equal(next(turn, { intensity: new Float32Array(3) }), 'absent');
  for (const value of [NaN, Infinity, -Infinity]) t.equal(next(turn, { position: changed(17, value) }), 'notANumber');
  t.equal(next(turn, { intensity: turn.intensity!.map(() => NaN) }), 'notANumber');
  t.equal(next(turn, { deviceTime: NaN }), 'notANumber');
  t.equal(features.refused.absent - before.absent, 3);
  t.equal(features.refused.notANumber - before.notANumber, 5);
  t.strictSame(out, good, 'nothing was written');
  t.equal(next(turns[1]!), undefined, 'someone again');

  t.equal(next(turns[2]!), undefined);
  t.equal(next(turns[2]!), undefined);
  t.equal(next(turns[2]!), 'constant');
  t.equal(next(turns[3]!), undefined);
  t.equal(next(without), 'settingsChanged');
  t.equal(next(without), 'calibrating', 'the room is learned anew');
  t.end();
});

void t.test('reset forgets who was followed, not the room', (t) => {
  const { features, next } = calibrated();
  next(turns[0]!);
  features.reset();
  t.equal(next(emptyTurns[0]!), 'nobody');
  t.equal(next(turns[1]!), undefined);
  t.end();
});

void t.test('a clock that jumps', (t) => {
  const { next } = calibrated();
  for (const time of [1e9, -1e9, 0, 5, 5, 5, Number.MAX_VALUE, 6])
    t.notOk(next(turns[(Math.abs(time) % 8) | 0]!, { arrivalTime: time }) === 'calibrating');
  t.end();
});

void t.test('whatever comes', (t) => {
  const { features, out, next } = calibrated();
  const finder = createGroundFinder();
  const coordinate = fc.oneof(
    { weight: 20, arbitrary: fc.float({ min: -20, max: 20, noNaN: true }) },
    { weight: 1, arbitrary: fc.float() },
    { weight: 1, arbitrary: fc.constantFrom(0, -0, 1e-38, 3e38, -3e38) },
  );
  fc.assert(
    fc.property(
      fc.array(coordinate, { maxLength: 600 }),
      fc.boolean(),
      fc.double({ noNaN: false }),
      fc.integer({ min: 0, max: 3 }),
      (values, withIntensity, time, shuffle) => {
        const position = Float32Array.from(values);
        const intensity = Float32Array.from({ length: Math.floor(values.length / 3) }, (_, i) => values[i]!);
        out.fill(7);
        const frame: LidarFrame = { kind: 'lidar', arrivalTime: time, position, ...(withIntensity && { intensity }) };
        const answer = features.take(frame, out);
        const plane = new Float64Array(4);
        if (position.every(Number.isFinite) && findGround(position, Math.floor(position.length / 3), finder, plane)) {
          if (!plane.every(Number.isFinite)) return false;
        }
        for (let i = 0; i < shuffle; i++) next(turns[i]!);
        if (answer === undefined) return out.every(Number.isFinite);
        return faults.includes(answer);
      },
    ),
    { numRuns: 300 },
  );
  let answer;
  for (let i = 0; i < 120; i++) answer = next(emptyTurns[i % 8]!, { arrivalTime: 1e6 + i / 5 });
  t.ok(features.calibrated && (answer === 'nobody' || answer === undefined), `it works again: ${answer}`);
  t.end();
});
