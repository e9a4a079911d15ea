import fc from 'fast-check';
import t from 'tap';
import type { WifiFrame } from '../../../drivers/frames.js';
import { createRandom } from '../../../learning/random.js';
import { createWifiMotion } from '../../../pipelines/wifi/motion-pipeline.js';
import { createInspector, type Refusal } from '../../../pipelines/wifi/quality.js';
import { createWifiSpectrogram, type Interruption } from '../../../pipelines/wifi/spectrogram-pipeline.js';
import { roomFrame, wifiFrame } from './frames.js';

type Spoil = (frame: WifiFrame, index: number) => WifiFrame;
const withCsi = (frame: WifiFrame, change: (csi: Float32Array) => void): WifiFrame => {
  const csi = frame.csi.slice();
  change(csi);
  return { ...frame, csi };
};
const stuck = roomFrame(0, createRandom(99)).csi;

/** Ways in which a device's packets can say nothing, and what they are called. */
const spoilt: readonly (readonly [Refusal, string, Spoil])[] = [
  ['absent', 'nothing heard', (frame) => withCsi(frame, (csi) => csi.fill(0))],
  ['absent', 'csi cut short', (frame) => ({ ...frame, csi: frame.csi.subarray(4) })],
  ['absent', 'no subcarriers', (frame) => ({ ...frame, subcarriers: new Int16Array(0), csi: new Float32Array(0) })],
  ['absent', 'no time', (frame) => ({ ...frame, deviceTime: NaN })],
  ['notANumber', 'NaN', (frame, i) => withCsi(frame, (csi) => csi.fill(NaN, 20 + (i % 40), 24 + (i % 40)))],
  ['notANumber', 'infinite', (frame, i) => withCsi(frame, (csi) => csi.fill(-Infinity, 20 + (i % 40), 24 + (i % 40)))],
  ['clipped', '8 bits', (frame) => withCsi(frame, (csi) => csi.set([127, -127, 127], 30))],
  ['clipped', '16 bits', (frame) => withCsi(frame, (csi) => csi.set([-32768, -32768], 30))],
  ['constant', 'repeats itself', (frame) => ({ ...frame, csi: stuck })],
];

void t.test("spoilt packets are refused under their name, from a stream's start and in its middle", (t) => {
  for (const [reason, what, spoil] of spoilt) {
    for (const good of [0, 30]) {
      const random = createRandom(1);
      const inspector = createInspector();
      for (let i = 0; i < good; i++) t.equal(inspector.inspect(roomFrame(i / 100, random)), undefined);
      for (let i = 0; i < 20; i++) {
        const found = inspector.inspect(spoil(roomFrame((good + i) / 100, random), i));
        if (reason === 'constant' && i < 8) continue; // it takes some to know
        if (found !== reason && !(found === 'otherLayout' && reason === 'absent')) t.fail(`${what}: ${found}`);
      }
      const counted = inspector.refused[reason] + (reason === 'absent' ? inspector.refused.otherLayout : 0);
      t.ok(counted >= 12, `${what} after ${good} good ones`);
      // Afterwards all is well again.
      for (let i = 0; i < 9; i++) inspector.inspect(roomFrame(1 + i / 100, random));
      t.equal(inspector.inspect(roomFrame(2, random)), undefined);
    }
  }
  t.end();
});

void t.test('what clipping is not: one part at the largest value, or any value of scaled csi', (t) => {
  const random = createRandom(2);
  const frame = roomFrame(0, random);
  const once = withCsi(frame, (csi) => (csi[30] = 127));
  const scaled = { ...withCsi(frame, (csi) => csi.set([127, 127, 127], 30)), scale: 'absolute' as const };
  t.equal(createInspector().inspect(once), undefined);
  t.equal(createInspector().inspect(scaled), undefined);
  t.end();
});

void t.test(
  'single packets of another transmitter are refused; from the eighth on end they are the new layout',
  (t) => {
    const random = createRandom(3);
    const inspector = createInspector();
    const legacy = (i: number) => roomFrame(i / 100, random, { last: 26 });
    const usual = (i: number) => roomFrame(i / 100, random);
    for (let i = 0; i < 200; i++) {
      const other = i > 0 && i % 5 === 0;
      t.equal(inspector.inspect(other ? legacy(i) : usual(i)), other ? 'otherLayout' : undefined);
    }
    t.equal(inspector.layouts, 1);
    const found = Array.from({ length: 20 }, (_, i) => inspector.inspect(legacy(200 + i)));
    t.strictSame(found, [...new Array<Refusal>(7).fill('otherLayout'), ...new Array<undefined>(13).fill(undefined)]);
    t.equal(inspector.layouts, 2);
    t.equal(inspector.layout!.kept.length, 48);
    t.end();
  },
);

void t.test(
  'no column comes out of spoilt packets, whatever they are mixed with, and none holds anything but numbers',
  (t) => {
    const kinds = fc.constantFrom(...spoilt.keys());
    const runs = fc.array(fc.tuple(fc.boolean(), kinds, fc.integer({ min: 1, max: 120 })), {
      minLength: 3,
      maxLength: 8,
    });
    fc.assert(
      fc.property(runs, fc.nat(), (stretches, seed) => {
        const random = createRandom(seed);
        let time = 0;
        const longBad: [number, number][] = [];
        const interruptions: Interruption[] = [];
        let fine = true;
        const pipeline = createWifiSpectrogram(
          { inputRate: 100, rate: 100, samples: 32, hop: 8 },
          {
            column(segment, { power, principal }) {
              const [start, end] = segment as unknown as [number, number];
              fine &&= power.every(Number.isFinite) && principal.every(Number.isFinite) && end > start;
              // A column must not lie across what cannot be bridged.
              fine &&= !longBad.some(([from, to]) => start < from && end > to);
            },
            interrupted: (reason) => interruptions.push(reason),
          },
        );
        for (const [good, kind, packets] of stretches) {
          const [reason, , spoil] = spoilt[kind]!;
          // The first ones that repeat themselves pass.
          const from = time + (reason === 'constant' ? 0.09 : 0);
          for (let i = 0; i < packets; i++, time += 0.01) {
            const frame = roomFrame(time, random, { path: 12 + 0.1 * Math.sin(9 * time) });
            pipeline.push(good ? frame : spoil(frame, i));
          }
          if (!good && time - from > 0.3) longBad.push([from, time]);
        }
        return fine;
      }),
      { numRuns: 60, seed: 4 },
    );
    t.end();
  },
);

void t.test('what interrupts the columns is told, and they start anew', (t) => {
  const random = createRandom(5);
  const starts: number[] = [];
  const channels: number[] = [];
  const interruptions: Interruption[] = [];
  const pipeline = createWifiSpectrogram(
    { inputRate: 100, rate: 100, samples: 32, hop: 32 },
    {
      column: (segment, _spectrogram, layout) => {
        starts.push(segment[0]!);
        channels.push(layout.channels);
      },
      interrupted: (reason) => interruptions.push(reason),
    },
  );
  const wave = (time: number, more = {}) => roomFrame(time, random, { path: 12 + 0.1 * Math.sin(9 * time), ...more });
  const send = (from: number, seconds: number, make: (time: number, i: number) => WifiFrame) => {
    for (let i = 0; i < 100 * seconds; i++) pipeline.push(make(from + i / 100, i));
  };
  send(0, 1, wave);
  send(1, 1, (time) => withCsi(wave(time), (csi) => csi.fill(NaN)));
  send(2, 1, wave);
  send(3, 1, (time) => wave(time, { last: 26 })); // a legacy transmitter
  send(5, 1, (time) => wave(time, { last: 26 })); // 1 s of silence before
  send(6, 1, (time) => ({ ...wave(time, { last: 26 }), deviceTime: time - 5.5 })); // the device started anew
  t.strictSame(interruptions, ['notANumber', 'newLayout', 'gap', 'clock']);
  pipeline.tick(7.1);
  t.equal(interruptions.length, 4, 'a quarter of a second is no silence');
  pipeline.tick(7.4);
  t.strictSame(interruptions.slice(4), ['gap']);
  t.ok(channels.includes(52) && channels.includes(48), 'channels of both layouts');
  // Of each second of packets two or three segments of 0.32 s, the first at its beginning.
  for (const second of [0, 2, 3, 5, 6]) {
    const within = starts.filter((start) => Math.floor(start + 0.01) === second);
    t.ok(within.length >= 2 && within[0]! - second < 0.1, `${second} s: ${within.join()}`);
  }
  t.notOk(
    starts.some((start) => Math.floor(start + 0.01) === 1),
    'none of the second without numbers',
  );
  t.end();
});

void t.test('the motion index never takes spoilt packets for motion', (t) => {
  for (const [reason, what, spoil] of spoilt) {
    const random = createRandom(6);
    const motion = createWifiMotion();
    for (let i = 0; i < 2000; i++) {
      const frame = roomFrame(i / 100, random);
      const state = motion.push(i > 1000 && i % 3 === 0 ? spoil(frame, i) : frame);
      if (state === 'moving') t.fail(what);
    }
    t.equal(motion.motion!.state, 'quiet', `${what} among others`);
    // One packet in between that repeats an earlier one is none that repeats itself.
    if (reason !== 'constant') t.ok(Object.values(motion.refused).reduce((sum, n) => sum + n) > 300, what);
  }
  const silent = createWifiMotion();
  for (let i = 0; i < 100; i++) t.equal(silent.push(wifiFrame({ deviceTime: i / 100 })), 'filling');
  t.equal(silent.motion, undefined);
  t.end();
});
