import t from 'tap';
import { createRandom } from '../../../learning/random.js';
import { createMotionIndex } from '../../../pipelines/wifi/motion.js';
import { createWifiMotion } from '../../../pipelines/wifi/motion-pipeline.js';
import { roomFrame } from './frames.js';

/** Length of a reflection's path: still, but from `from` to `to` it swings by `swing` metres, 0.8 times a second. */
function path(time: number, from: number, to: number, swing: number): number {
  return 12 + swing * Math.sin(2 * Math.PI * 0.8 * Math.max(0, Math.min(time, to) - from));
}

void t.test('it calibrates on the quiet, says when, and finds motion, at any packet rate in reason', (t) => {
  const cases = [15, 30, 100, 400, 1500].flatMap((rate) => [0.1, 0.4].map((swing) => [rate, swing] as const));
  for (const [rate, swing] of cases) {
    const random = createRandom(rate);
    const motion = createWifiMotion();
    const counts = { quiet: 0, falseAlarms: 0, moving: 0, missed: 0, after: 0, late: 0 };
    for (let i = 0; i < 30 * rate; i++) {
      // Packets come at random, as on a busy channel.
      const time = (i + 0.8 * random.uniform()) / rate;
      const state = motion.push(roomFrame(time, random, { path: path(time, 15, 22, swing) }));
      if (time < 0.9 && state !== 'filling') t.fail(`${state} within a second`);
      if (time > 8 && time < 15) counts[state === 'quiet' ? 'quiet' : 'falseAlarms']++;
      if (time > 17 && time < 22) counts[state === 'moving' ? 'moving' : 'missed']++;
      if (time > 24) counts[state === 'quiet' ? 'after' : 'late']++;
    }
    const { calibratedAt, calibrations, levels } = motion.motion!;
    t.ok(calibratedAt! > 3.9 && calibratedAt! < 8, `${rate}/s: calibrated at ${calibratedAt} s`);
    t.equal(calibrations, 1);
    t.ok(Math.abs(levels!.overTime - 1) < 0.2, `white noise has the level 1: ${levels!.overTime}`);
    t.strictSame([counts.falseAlarms, counts.missed, counts.late], [0, 0, 0], `${rate} packets/s, ${swing} m`);
    t.ok(counts.quiet > 5 * rate && counts.moving > 4 * rate && counts.after > 5 * rate);
  }
  t.end();
});

void t.test('a gain that changes with each packet is no motion, nor is noise that grows', (t) => {
  const random = createRandom(7);
  const motion = createWifiMotion();
  for (let i = 0; i < 3000; i++) {
    const gain = 0.4 + 0.8 * random.uniform();
    const noise = i < 1500 ? 1 : 3;
    if (motion.push(roomFrame(i / 100, random, { gain, noise })) === 'moving') t.fail(`at packet ${i}`);
  }
  t.equal(motion.motion!.state, 'quiet');
  t.end();
});

void t.test('it does not calibrate while somebody moves, but on the quiet that follows', (t) => {
  const random = createRandom(8);
  const motion = createWifiMotion();
  let calibrated = false;
  for (let i = 0; i < 4000; i++) {
    const time = i / 100;
    // Steps of different length and speed.
    const walk = 12 + 0.6 * Math.sin(1.3 * time) + 0.4 * Math.sin(3.1 * time + 1);
    const state = motion.push(roomFrame(time, random, { path: time < 30 ? walk : 12 }));
    if (time < 30 && state !== 'filling') t.equal(state, 'calibrating');
    calibrated ||= state === 'quiet';
  }
  t.ok(calibrated);
  t.ok(motion.motion!.calibratedAt! > 33 && motion.motion!.calibratedAt! < 38);
  t.end();
});

void t.test('it follows a room that changes: a fan that is switched on and stays', (t) => {
  const random = createRandom(9);
  const motion = createWifiMotion();
  const states: string[] = [];
  for (let i = 0; i < 9000; i++) {
    const time = i / 100;
    const fan = time < 20 ? 0 : 0.02 * Math.sin(2 * Math.PI * 4.3 * time);
    states.push(motion.push(roomFrame(time, random, { path: 12 + fan })));
  }
  t.equal(states[1900], 'quiet');
  t.equal(states[2500], 'moving', 'at first it is motion');
  t.equal(states[8900], 'quiet', 'half a minute later it is how the room is');
  t.equal(motion.motion!.calibrations > 1, true);
  t.end();
});

void t.test('a gap, and a clock that goes back, start the window anew and keep what was learnt', (t) => {
  const random = createRandom(10);
  const motion = createWifiMotion();
  const send = (from: number, seconds: number) => {
    let state = motion.motion?.state;
    for (let i = 0; i < 100 * seconds; i++) state = motion.push(roomFrame(from + i / 100, random));
    return state;
  };
  t.equal(send(0, 10), 'quiet');
  const { levels, calibratedAt } = motion.motion!;
  for (const from of [20, 1]) {
    t.equal(send(from, 0.5), 'filling');
    t.ok(Number.isNaN(motion.motion!.index), 'no index without a window');
    t.strictSame(motion.motion!.levels, levels);
    t.equal(motion.motion!.calibratedAt, calibratedAt);
    t.equal(send(from + 0.5, 0.1), 'filling');
  }
  t.end();
});

void t.test('a source without any noise says nothing', (t) => {
  const index = createMotionIndex(1, 8);
  const values = new Float32Array(8).fill(1);
  for (let i = 0; i < 1000; i++) t.equal(index.push(i / 100, values), 'filling');
  t.ok(Number.isNaN(index.index));
  t.end();
});

void t.test('quiet noise: false alarms are rarer than one packet in a thousand', (t) => {
  const random = createRandom(11);
  const index = createMotionIndex(1, 52);
  const values = new Float32Array(52);
  let alarms = 0;
  let judged = 0;
  for (let i = 0; i < 60000; i++) {
    for (let c = 0; c < 52; c++) values[c] = 1 + 0.02 * random.normal();
    const state = index.push(i / 100, values);
    if (state === 'moving') alarms++;
    if (state === 'moving' || state === 'quiet') judged++;
  }
  t.ok(judged > 59000);
  t.ok(alarms / judged < 1e-3, `${alarms} of ${judged}`);
  t.end();
});
