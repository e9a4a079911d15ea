import t from 'tap';
import type { LidarFrame } from '../../../drivers/frames.js';
import { rplidar, type RplidarSettings } from '../../../drivers/lidar/rplidar.js';
import { choppingChangesNothing, damageStaysLocal, randomBytesDoNoHarm } from '../properties.js';
import { capsule, denseCabins, descriptors, expressCabins, node, ultraCabins, type Kind } from './rplidar-encoder.js';

const settings = rplidar.settings.parse({});
const make = (more: Partial<RplidarSettings> = {}) => rplidar.decoder({ ...settings, ...more });
const join = (...parts: readonly Uint8Array[]) => Uint8Array.from(Buffer.concat(parts));
const hex = (text: string) => Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'));

/** Packets of whole turns, each a list; distances say which turn. The angles of a turn's packets begin a little past 0. */
function turn(kind: Kind, k: number): Uint8Array[] {
  const distance = (i: number) => 500 + 50 * k + (i % 40);
  if (kind === 'standard')
    return Array.from({ length: 72 }, (_, i) => node(5 * i + 0.5, distance(i), (i + k) % 64, i === 0));
  return Array.from({ length: 12 }, (_, i) => {
    const angle = 30 * i + 0.5;
    const start = k === 0 && i === 0;
    if (kind === 'express')
      return capsule(
        angle,
        expressCabins(Array.from({ length: 32 }, (_, j) => [distance(i + j), 0.25] as const)),
        start,
      );
    if (kind === 'dense')
      return capsule(angle, denseCabins(Array.from({ length: 40 }, (_, j) => distance(i + j))), start);
    return capsule(angle, ultraCabins(Array.from({ length: 32 }, () => [400 + k, 1, -1] as const)), start);
  });
}

const kinds: Kind[] = ['standard', 'express', 'ultra', 'dense'];

function place({ position }: LidarFrame, i: number) {
  const [x, y, z] = [position[3 * i]!, position[3 * i + 1]!, position[3 * i + 2]!];
  return { x, y, z, distance: 1000 * Math.hypot(x, y), clockwise: ((-Math.atan2(y, x) * 180) / Math.PI + 720) % 360 };
}
const near = (a: number, b: number, tolerance: number) => Math.abs(a - b) <= tolerance;

void t.test('standard nodes: places in the plane, quality, one frame a turn', (t) => {
  const decoder = make();
  const frames = decoder.push(
    join(descriptors.standard, ...turn('standard', 0), ...turn('standard', 1), ...turn('standard', 2)),
    4,
  );
  t.equal(frames.length, 2);
  t.equal(frames[1]!.position.length, 3 * 72);
  frames.forEach((frame, k) => {
    for (let i = 0; i < 72; i++) {
      const { distance, clockwise, z } = place(frame, i);
      t.ok(
        near(distance, 500 + 50 * k + (i % 40), 0.13) && near(clockwise, 5 * i + 0.5, 0.01) && z === 0,
        `point ${i}`,
      );
      t.equal(frame.intensity![i], (i + k) % 64);
    }
  });
  t.ok(place(frames[0]!, 18).y < 0, '90° is to the right');
  t.strictSame(decoder.counters, {
    frames: 2,
    bytes: 7 + 3 * 72 * 5,
    skippedBytes: 0,
    failures: { badChecksum: 0, badNode: 0, gaps: 0, unannounced: 0, overlongTurn: 0 },
  });
  t.end();
});

void t.test("standard node of the maker's layout, by hand", (t) => {
  // quality 15, start; 90° = 5760/64: 5760 << 1 | 1 = 0x2D01; 1 m = 4000/4: 0x0FA0
  t.strictSame(node(90, 1000, 15, true), hex('3D 01 2D A0 0F'));
  const empty = (from: number, to: number) =>
    Array.from({ length: (to - from) / 10 }, (_, i) => node(from + 10 * i, 0, 0, from + i === 0));
  const decoder = make({ packets: 'standard' });
  const stream = join(...empty(0, 90), hex('3E 01 2D A0 0F'), ...empty(100, 360), ...empty(0, 90));
  const [frame] = decoder.push(stream, 0);
  t.equal(frame!.position.length, 3);
  t.ok(near(frame!.position[0]!, 0, 1e-6) && near(frame!.position[1]!, -1, 1e-6));
  t.equal(frame!.intensity![0], 15);
  t.end();
});

void t.test('express capsules: angles between the starts, less the offset of each', (t) => {
  const offsets = Array.from({ length: 32 }, (_, i) => (i % 16) / 4 + (i >= 16 ? 4 : 0) - (i === 31 ? 0.25 : 0)); // up to 7.5°
  const cabins = expressCabins(offsets.map((offset, i) => [1000 + i, offset] as const));
  const capsules = Array.from({ length: 26 }, (_, i) => capsule((15 * i + 0.5) % 360, cabins, i === 0));
  const frames = make().push(join(descriptors.express, ...capsules), 0);
  t.equal(frames.length, 1);
  t.equal(frames[0]!.intensity, undefined, 'express capsules say nothing of quality');
  for (let i = 0; i < 700; i++) {
    const j = i % 32;
    const { distance, clockwise } = place(frames[0]!, i);
    const expected = (0.5 + 15 * Math.floor(i / 32) + (15 * j) / 32 - offsets[j]! + 360) % 360;
    t.ok(near(distance, 1000 + j, 0.01), `distance ${i}`);
    t.ok(near(Math.min(Math.abs(clockwise - expected), 360 - Math.abs(clockwise - expected)), 0, 0.001), `angle ${i}`);
  }
  t.end();
});

void t.test('dense capsules: 40 even steps', (t) => {
  const cabins = denseCabins(Array.from({ length: 40 }, (_, i) => (i === 5 ? 0 : 200 + 1000 * i)));
  const capsules = Array.from({ length: 26 }, (_, i) => capsule((15 * i + 0.5) % 360, cabins, i === 0));
  const frames = make().push(join(descriptors.dense, ...capsules), 0);
  t.equal(frames.length, 1);
  const { distance, clockwise } = place(frames[0]!, 39 + 10); // of the second capsule, the one without a return left out
  t.ok(near(distance, 200 + 11_000, 0.01) && near(clockwise, 15.5 + (15 * 11) / 40, 0.001));
  t.end();
});

void t.test('ultra capsules: distances in coarser steps the farther, with two differences', (t) => {
  // Source values of the scale's knees: below 512 mm in steps of 1, below 2048 of 2, below 4096 of 4, below 16384 of 8, above of 16.
  const far = [
    [511, 511],
    [512, 512],
    [513, 514],
    [1280, 2048],
    [1281, 2052],
    [1792, 4096],
    [3327, 4096 + 8 * 1535],
    [3328, 16384],
    [4095, 16384 + 16 * 767],
  ] as const;
  const cabins = Array.from({ length: 32 }, (_, i) => [far[i % far.length]![0], 3, -2] as [number, number, number]);
  cabins[20] = [0, 3, 511]; // no return, but one beside it; the last one is marked as none
  const capsules = Array.from({ length: 14 }, (_, i) => capsule((30 * i + 0.5) % 360, ultraCabins(cabins), i === 0));
  const frames = make().push(join(descriptors.ultra, ...capsules), 0);
  t.equal(frames.length, 1);
  const distances = Array.from({ length: 3 * 9 }, (_, i) => Math.round(place(frames[0]!, i).distance));
  const shift = [0, 1, 1, 2, 2, 3, 3, 4, 4];
  far.forEach(([, major], i) => {
    const next = (i + 1) % far.length;
    t.equal(distances[3 * i], major);
    t.equal(distances[3 * i + 1], major + 3 * 2 ** shift[i]!);
    t.equal(distances[3 * i + 2], far[next]![1] - 2 * 2 ** shift[next]!);
  });
  // Cabin 20: nothing, then a difference to the next cabin's distance, then nothing. A difference to nothing, in cabin 19, is none.
  const [base, scale] = [far[21 % 9]![1], shift[21 % 9]!];
  t.equal(Math.round(place(frames[0]!, 59).distance), base + 3 * 2 ** scale);
  t.equal(Math.round(place(frames[0]!, 60).distance), base);
  // Far away the receiver's parallax nears 8°: the first measurement looks 8° behind 0.5°.
  const farthest = place(frames[0]!, 24);
  t.ok(near(farthest.clockwise, (0.5 + (30 * 24) / 96 - 8 + 360) % 360, 0.2), String(farthest.clockwise));
  t.end();
});

void t.test('a turn that was joined in its midst is not a frame', (t) => {
  for (const kind of kinds) {
    const packets = [turn(kind, 1).slice(5), turn(kind, 2), turn(kind, 3), turn(kind, 4)].flat();
    const frames = make().push(join(descriptors[kind], ...packets), 0);
    t.equal(frames.length, 2, kind);
  }
  t.end();
});

void t.test('what comes before the announcement is skipped, and so is noise', (t) => {
  for (const kind of kinds) {
    const stream = join(...turn(kind, 0), ...turn(kind, 1), ...turn(kind, 2));
    const decoder = make();
    t.equal(decoder.push(stream, 0).length, 0, 'no announcement');
    t.equal(decoder.counters.failures['unannounced'], 1);
    t.equal(decoder.push(join(hex('00 FF A5 5A 14 00 00 00 04'), descriptors[kind], stream), 0).length, 2);
    t.equal(
      make({ packets: kind }).push(stream, 0).length,
      2,
      'a recording without announcement, of a kind that is given',
    );
  }
  t.end();
});

void t.test('a damaged capsule costs itself and the one before', (t) => {
  for (const kind of ['express', 'ultra', 'dense'] as const) {
    const packets = [turn(kind, 0), turn(kind, 1), turn(kind, 2)];
    const perCapsule = { express: 32, ultra: 96, dense: 40 }[kind];
    const clean = make().push(join(descriptors[kind], ...packets.flat()), 0);
    packets[1]![5]![20]! ^= 0x10;
    const decoder = make();
    const frames = decoder.push(join(descriptors[kind], ...packets.flat()), 0);
    t.equal(frames.length, 2);
    t.equal(clean[1]!.position.length - frames[1]!.position.length, 2 * perCapsule * 3, kind);
    t.strictSame(frames[0], clean[0]);
    t.equal(decoder.counters.failures['badChecksum'], 1);
  }
  t.end();
});

void t.test('a damaged node costs itself; lost bytes cost some', (t) => {
  const packets = [turn('standard', 0), turn('standard', 1), turn('standard', 2)];
  packets[1]![30]![0] = 0; // neither start nor its inverse
  const decoder = make();
  const frames = decoder.push(join(descriptors.standard, ...packets.flat()), 0);
  t.equal(frames[1]!.position.length, 3 * 71);
  t.equal(decoder.counters.failures['badNode'], 1);
  t.equal(decoder.counters.skippedBytes, 5);
  for (let cut = 1; cut < 5; cut++) {
    const stream = join(...turn('standard', 0), ...turn('standard', 1));
    const broken = join(
      descriptors.standard,
      stream.subarray(0, 202),
      stream.subarray(202 + cut),
      ...turn('standard', 2),
    );
    const rest = make().push(broken, 0);
    t.equal(rest.length, 2, `${cut} bytes lost`);
    t.ok(rest[0]!.position.length >= 3 * 66, `${rest[0]!.position.length / 3} points`);
    t.equal(rest[1]!.position.length, 3 * 72);
  }
  t.end();
});

void t.test('recognises the announcement of measurements, and nothing else', (t) => {
  for (const kind of kinds) t.ok(rplidar.recognises!(join(descriptors[kind], ...turn(kind, 0))), kind);
  for (const other of [
    hex('A5 5A 14 00 00 00 04'),
    hex('A5 5A 05 00 00 40 82'),
    turn('express', 0)[0]!,
    new Uint8Array(0),
  ])
    t.notOk(rplidar.recognises!(other));
  t.end();
});

void t.test("start sends the document's commands", async (t) => {
  // Express scan, mode 0: the example of the protocol document; motor at 660: F0 02 94 02 and the XOR.
  for (const [more, started, stopped] of [
    [{}, ['A525', 'A5F0029402C1', 'A582050000000000' + '22'], ['A525', 'A5F002000057']],
    [{ scan: 'standard', motor: 'none' }, ['A525', 'A520'], ['A525']],
    [
      { scanMode: 1, motor: 'speed', turnsPerSecond: 10 },
      ['A525', 'A5A802580255', 'A582050100000000' + '23'],
      ['A525', 'A5A80200000F'],
    ],
  ] as const) {
    const written: string[] = [];
    const connection = {
      write: (bytes: Uint8Array) => {
        written.push(Buffer.from(bytes).toString('hex').toUpperCase());
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
    };
    const stop = await rplidar.start!(connection, { ...settings, ...more });
    t.strictSame(written, started);
    written.length = 0;
    await stop();
    t.strictSame(written, stopped);
  }
});

void t.test('settings', (t) => {
  t.strictSame(settings, { scan: 'express', scanMode: 0, motor: 'pwm', turnsPerSecond: 10, packets: 'auto' });
  t.equal(rplidar.nominalRate({ ...settings, turnsPerSecond: 5.5 }), 5.5);
  t.end();
});

void t.test('properties of every decoder', (t) => {
  for (const kind of kinds) {
    const turns = Array.from({ length: 7 }, (_, k) => turn(kind, k));
    choppingChangesNothing(() => make(), join(descriptors[kind], ...turns.flat()));
    // A turn shows with the next one's beginning (of capsules, the second of it), which so belongs to its unit.
    const ahead = kind === 'standard' ? 1 : 2;
    const all = turns.flat();
    const perTurn = turns[0]!.length;
    const from = kind === 'standard' ? 5 : 0; // the first nodes are needed to trust them
    const units = Array.from({ length: 6 }, (_, k) => [
      join(...all.slice(k === 0 ? 0 : perTurn * k + ahead + from, perTurn * (k + 1) + ahead + from)),
    ]);
    damageStaysLocal(() => make({ packets: kind }), units, 'stream');
    randomBytesDoNoHarm(() => make(), [join(descriptors[kind], ...turns[0]!)]);
    randomBytesDoNoHarm(() => make({ packets: kind }), [join(...turns[0]!)]);
  }
  t.pass();
  t.end();
});
