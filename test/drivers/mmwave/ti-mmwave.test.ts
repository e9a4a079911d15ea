import { existsSync, readFileSync } from 'node:fs';
import { join as joinPath } from 'node:path';
import t from 'tap';
import { tiMmwave } from '../../../drivers/mmwave/ti-mmwave.js';
import { choppingChangesNothing, damageStaysLocal, randomBytesDoNoHarm } from '../properties.js';
import { encodePacket, f32, hex, i16, i32, join, profileText, u16, u32, type PacketOptions } from './ti-encoder.js';

const defaults = tiMmwave.settings.parse({});
const withProfile = tiMmwave.settings.parse({ profile: 'radar.cfg' });
const make = (profile?: string) =>
  profile === undefined ? tiMmwave.decoder(defaults) : tiMmwave.decoder(withProfile, { profile });

function decode(bytes: Uint8Array, profile?: string) {
  const decoder = make(profile);
  return { frames: decoder.push(bytes, 1), counters: decoder.counters, failures: decoder.counters.failures };
}

function near(
  t: Pick<typeof import('tap').default, 'ok' | 'equal'>,
  values: Float32Array | undefined,
  expected: number[],
  name: string,
  tolerance = 1e-5,
): void {
  t.equal(values?.length, expected.length, `${name}: length`);
  expected.forEach((value, i) =>
    t.ok(Math.abs(values![i]! - value) <= tolerance * (1 + Math.abs(value)), `${name}[${i}]`),
  );
}

/** The profile of the packets of `demo`. */
const profile64 = profileText.replace('1 256 5209', '1 64 5209');

const point = (x: number, y: number, z: number, v: number) => f32(x, y, z, v);
const demo = (k: number, more: Partial<PacketOptions> = {}) =>
  encodePacket({
    frame: k,
    cycles: 10_000_000 * k,
    points: 2,
    items: [
      { type: 1, value: join(point(0.5, 2, -0.25, -1.5), point(k, 3, 0, 0.25)) },
      { type: 7, value: u16(155, 600, 99, 350) },
      { type: 2, value: u16(...Array.from({ length: 64 }, (_, i) => 1000 + 10 * i + k)) },
      { type: 6, value: u32(100, 200, 300, 400, 55, 66) },
    ],
    ...more,
  });

// Posted by a user of the 3D People Counting lab on an IWR6843ISK: TI E2E thread 994264. The figures below are the units times the
// integers of '3D People Counting Demo User Guide', UART Output Data Format, by hand.
const postedPeople = [
  '0201040306050807040005036c00000043680a0001000000000000000000000018310000000000000000000001000f53060000003c000000',
  '0ad7233c0ad7233cf7cc92396f1283390ad7233d0c41f900de0a07010c4207ffde0a13010c42f900db0baf000c4407ffe109db00',
  '0201040306050807040005038400000043680a000200000000000000000000006b310000120000005a0500000100374d0600000054000000',
  '0ad7233c0ad7233cf7cc92396f1283390ad7233d0f4107ffde0abf000f4307ffde0adb00114407ffe109b2000f4407ffde0ae400',
  '114507ffe109b5000f4507ffde0ace000f4507ffdb0b7d00',
].join('');

void t.test(
  'packets of a real IWR6843 with people counting: the checksum of the head holds, points are as the guide says',
  (t) => {
    const { frames, counters, failures } = decode(hex(postedPeople));
    t.equal(frames.length, 2);
    t.strictSame([frames[0]!.frameNumber, frames[1]!.frameNumber], [1, 2]);
    t.equal(frames[0]!.position!.length, 3 * 4);
    t.equal(frames[1]!.position!.length, 3 * 7);
    // Elevation 12 · 0.01 rad, azimuth 65 · 0.01 rad, velocity 249 · 0.00028 m/s, range 2782 · 0.00025 m, snr 263 · 0.04.
    near(t, frames[0]!.position!.subarray(0, 3), [0.41786, 0.549658, 0.08326], 'position', 1e-4);
    near(t, frames[0]!.velocity!.subarray(0, 2), [0.06972, -0.06972], 'velocity');
    near(t, frames[0]!.snr!.subarray(0, 1), [10.2202], 'snr', 1e-4);
    t.equal(counters.skippedBytes, 0);
    t.ok(Object.values(failures).every((count) => count === 0));
    const spoilt = hex(postedPeople);
    spoilt[22] = 7;
    t.equal(decode(spoilt).frames.length, 1, 'a head with a wrong checksum is none');
    t.end();
  },
);

// Posted by a user of an IWR1642 with SDK 1.0: TI E2E thread 610679 (head and points; the rest of the packet is zeros here).
const postedPoints = [
  [2, 1, 4, 3, 6, 5, 8, 7, 5, 0, 0, 1, 192, 2, 0, 0, 66, 22, 10, 0, 215, 151, 0, 0, 190, 102, 4, 161, 8, 0, 0, 0],
  [3, 0, 0, 0, 1, 0, 0, 0, 100, 0, 0, 0, 8, 0, 7, 0, 1, 0, 0, 0, 37, 0, 228, 255, 13, 0, 0, 0],
  [27, 0, 0, 0, 15, 0, 185, 0, 57, 3, 0, 0, 51, 0, 0, 0, 21, 0, 187, 2, 156, 5, 0, 0],
  [59, 0, 0, 0, 24, 0, 181, 2, 177, 6, 0, 0, 95, 0, 0, 0, 2, 0, 162, 3, 10, 11, 0, 0],
  [255, 0, 0, 0, 15, 0, 186, 227, 48, 13, 0, 0, 27, 0, 0, 0, 11, 0, 246, 1, 168, 2, 0, 0],
  [51, 0, 0, 0, 15, 0, 100, 0, 58, 6, 0, 0],
].flat();

void t.test('points of a real IWR1642 with SDK 1.0: the 36-byte head, positions · 2⁷', (t) => {
  const packet = join(
    Uint8Array.from(postedPoints),
    u32(2, 512),
    new Uint8Array(512),
    u32(6, 24),
    new Uint8Array(24),
    new Uint8Array(8),
  );
  t.equal(packet.length, 704, 'as the head says');
  const { frames, counters } = decode(packet);
  t.equal(frames.length, 1);
  t.equal(frames[0]!.frameNumber, 38871);
  near(t, frames[0]!.position!.subarray(0, 6), [-28 / 128, 13 / 128, 0, 185 / 128, 825 / 128, 0], 'position');
  t.equal(frames[0]!.position!.length, 24);
  t.notOk('velocity' in frames[0]!, 'a Doppler bin is no velocity without the profile');
  t.equal(counters.failures['noProfile'], 2, 'nor are levels dB');
  t.ok(Math.abs(frames[0]!.deviceTime! - 2701420222 / 600e6) < 1e-9, '600 MHz');
  t.end();
});

const recording =
  process.env['SENSING_DATA'] && joinPath(process.env['SENSING_DATA'], 'captures/ti/awr1843-sdk3.5.dat');
const recorded = recording && existsSync(recording) ? {} : { skip: 'skipped: no recordings' };

// darshanakgr/mmwave-api 16ff0be4, data/test.dat, and its profile_3d.cfg, of which `profileText` has the lines that matter.
void t.test('a capture of an AWR1843 with SDK 3.5 keeps to physics', recorded, (t) => {
  const bytes = new Uint8Array(readFileSync(recording!));
  const { frames, failures } = decode(bytes, profileText);
  // 75 whole packets by their magic words and lengths (counted with another program); it begins within one and ends within one.
  t.equal(frames.length, 75);
  t.equal(failures['lostPackets'], 0);
  t.equal(failures['badItem'], 0);
  const step = frames[0]!.rangeStep!;
  for (const [i, frame] of frames.entries()) {
    t.equal(frame.frameNumber, 250 + i);
    if (i > 0) {
      // frameCfg says 66.667 ms: the processor's clock is 200 MHz.
      const period = frame.deviceTime! - frames[i - 1]!.deviceTime!;
      if (Math.abs(period - 0.066667) > 0.0005) t.fail(`frame ${i}: ${period} s`);
    }
    const { position, velocity, rangeProfile } = frame;
    velocity!.forEach((v, k) => {
      const range = Math.hypot(...position!.subarray(3 * k, 3 * k + 3));
      const bin = range / step;
      // Each point lies on a range bin (the firmware reckons with 3·10⁸ m/s), and there the range profile has a peak.
      if (Math.abs(bin - Math.round(bin)) > 0.001 * bin + 0.01) t.fail(`frame ${i}: ${range} m is bin ${bin}`);
      const at = Math.round(bin);
      if (v === 0 && !(rangeProfile![at]! >= rangeProfile![at - 1]! && rangeProfile![at]! >= rangeProfile![at + 1]!))
        t.fail(`frame ${i}: no peak at bin ${at}`);
    });
    if (frame.snr!.length !== velocity!.length) t.fail(`frame ${i}: side information`);
  }
  t.equal(frames[0]!.rangeProfile!.length, 256);
  choppingChangesNothing(() => make(profileText), bytes.subarray(0, 6000));
  t.end();
});

void t.test('all items of the demo of SDK 3, computed by hand', (t) => {
  const complex = Array.from({ length: 256 * 8 }, (_, i) => [i % 7, -(i % 11)]).flat();
  const map = Array.from({ length: 256 * 16 }, (_, i) => i);
  const packet = encodePacket({
    frame: 77,
    cycles: 400_000_000,
    points: 1,
    items: [
      { type: 1, value: point(-1, 2.5, 0.5, -0.75) },
      { type: 7, value: u16(153, 621) },
      { type: 2, value: u16(...Array.from({ length: 256 }, (_, i) => (i === 40 ? 3782 : 0))) },
      { type: 3, value: u16(...Array.from({ length: 256 }, () => 1000)) },
      { type: 4, value: i16(...complex) },
      { type: 5, value: u16(...map) },
      { type: 6, value: u32(1, 2, 3, 4, 5, 6) },
      { type: 9, value: join(i32(0), u32(123456), i16(40, 41, 42, 43, 44, 45, 46, 47, -48, 49)) },
      { type: 99, value: new Uint8Array(5) },
    ],
  });
  const { frames, counters, failures } = decode(packet, profileText);
  const frame = frames[0]!;
  near(t, frame.position, [-1, 2.5, 0.5], 'position');
  near(t, frame.velocity, [-0.75], 'velocity');
  near(t, frame.snr, [15.3], 'snr');
  near(t, frame.noise, [62.1], 'noise');
  // 0.0313573 dB a step and −18.0618 dB: see levels.
  t.ok(Math.abs(frame.rangeProfile![40]! - (3782 * 0.0313573 - 18.0618)) < 0.001);
  t.ok(Math.abs(frame.noiseProfile![255]! - (31.3573 - 18.0618)) < 0.001);
  t.equal(frame.rangeBins, 256);
  const long = profileText.replace('1 256 5209', '1 1024 5209');
  const quirk = encodePacket({ items: [{ type: 2, value: new Uint8Array(2 * 1022) }] });
  t.equal(decode(quirk, long).frames[0]!.rangeProfile!.length, 1022, 'with 12 antennas, two bins are left out');
  t.equal(frame.rangeDoppler!.length, 256 * 16);
  t.ok(Math.abs(frame.rangeDoppler![16 * 100 + 3]! - (1603 * 0.0313573 - 18.0618)) < 0.001);
  t.equal(frame.azimuthStatic!.length, 256 * 8 * 2);
  t.strictSame(
    [...frame.azimuthStatic!.subarray(2 * 5, 2 * 5 + 2)],
    [-5, 5],
    'the imaginary part comes first on the line',
  );
  t.equal(frame.statistics!['interChirpProcessingMargin'], 4);
  t.equal(frame.statistics!['interFrameCPULoad'], 6);
  t.strictSame(
    [frame.temperature!['receiver0'], frame.temperature!['transmitter2'], frame.temperature!['digital0']],
    [40, 46, -48],
  );
  t.equal(frame.deviceTime, 2);
  t.equal(failures['unknownType'], 1);
  t.equal(counters.skippedBytes, 0);
  t.end();
});

void t.test('items that need the profile are left out without one, and counted; so are ones of a wrong length', (t) => {
  const items = [2, 3, 4, 5].map((type) => ({ type, value: new Uint8Array(1024) }));
  const { frames, failures } = decode(encodePacket({ items }));
  t.equal(failures['noProfile'], 4);
  for (const key of ['rangeProfile', 'noiseProfile', 'azimuthStatic', 'rangeDoppler', 'rangeBins'])
    t.notOk(key in frames[0]!, key);
  const wrong = [1, 6, 7, 9, 1010, 1012, 1020, 1021].map((type) => ({ type, value: new Uint8Array(27) }));
  t.equal(decode(encodePacket({ items: wrong }), profileText).failures['badItem'], wrong.length);
  const strange = decode(
    encodePacket({ items: items.map(({ type }) => ({ type, value: new Uint8Array(500) })) }),
    profileText,
  );
  t.equal(strange.failures['wrongProfile'], 4, '250 range bins are none of this profile');
  t.notOk('rangeProfile' in strange.frames[0]!);
  const other = encodePacket({ platform: 0xa2944, items: [{ type: 2, value: new Uint8Array(512) }] });
  t.equal(decode(other, profileText).failures['unknownChip'], 1);
  const invalid = { type: 9, value: join(i32(-1), new Uint8Array(24)) };
  t.notOk(
    'temperature' in decode(encodePacket({ items: [invalid] })).frames[0]!,
    'the device says that it is not valid',
  );
  t.end();
});

void t.test('SDK 2: fixed point, with the 36-byte head of the xWR14xx and the 40-byte one of the xWR16xx', (t) => {
  // One object: range bin 10, Doppler bin −3, x −1, y 2, z 0.5 m in steps of 1/512 m.
  const value = join(u16(1, 9), u16(10), i16(-3), u16(1234), i16(-512, 1024, 256));
  for (const [platform, head] of [
    [0xa1443, 36],
    [0xa1642, 40],
  ] as const) {
    for (const subframe of head === 40 ? [0, 1] : [0]) {
      const packet = encodePacket({
        platform,
        head,
        subframe,
        version: 0x02010004,
        frame: 5,
        points: 1,
        items: [{ type: 1, value }],
      });
      const text = profileText
        .replace('dfeDataOutputMode 1', 'dfeDataOutputMode 3')
        .replace(
          /^frameCfg.*$/m,
          'advFrameCfg 2 0 0 1 0\nsubFrameCfg 0 0 0 3 16 50 0 1 1 50\nsubFrameCfg 1 0 0 3 32 50 0 1 1 50',
        );
      const { frames } = decode(packet, text);
      near(t, frames[0]?.position, [-1, 2, 0.5], `${head} bytes`);
      // The sweep's middle is 77 + 0.490 + 3.438 / 2 = 79.209 GHz: λ = 3.78484 mm. λ / 2NT = 3.78484 mm / (2 · 16 · 972.42 µs)
      // = 0.121631 m/s, and half of it with 32 loops.
      near(t, frames[0]!.velocity, [-3 * 0.121631 * (subframe === 1 ? 0.5 : 1)], 'velocity', 2e-5);
    }
  }
  t.end();
});

const target = (id: number) =>
  join(u32(id), f32(1, 2, 0.9, 0.1, -0.2, 0.3, 0.01, 0.02, 0.03), f32(...new Array<number>(16).fill(0)), f32(3, 0.875));
const spherical = join(f32(0.01, 0.02, 0.0005, 0.001, 0.1), Uint8Array.of(256 - 10, 50), i16(-1000), u16(4000, 250));

void t.test('people tracking, with the ids of the Radar Toolbox and of the older lab', (t) => {
  const values = [
    { ids: [1020, 6], value: spherical },
    { ids: [1010, 7], value: join(target(3), target(8)) },
    { ids: [1011, 8], value: Uint8Array.of(3, 8, 253, 255) },
    { ids: [1021, 11], value: u32(1) },
  ];
  for (const old of [0, 1]) {
    const items = values.map(({ ids, value }) => ({ type: ids[old]!, value }));
    if (old === 0) items.push({ type: 1012, value: join(u32(8), f32(1.7, 0.1)) });
    const { frames, counters, failures } = decode(
      encodePacket({ head: old === 1 ? 48 : 40, platform: 0xa6843, frame: 9, items }),
    );
    const frame = frames[0]!;
    t.equal(frame.frameNumber, 9);
    // Range 4 m, azimuth 1 rad, elevation −0.1 rad.
    near(t, frame.position, [4 * 0.841471 * 0.9950042, 4 * 0.5403023 * 0.9950042, -4 * 0.0998334], 'position');
    near(t, frame.velocity, [-0.5], 'velocity');
    near(t, frame.snr, [13.9794], 'snr: 25 times');
    t.strictSame([...frame.targets!.id], [3, 8]);
    near(t, frame.targets!.position, [1, 2, 0.9, 1, 2, 0.9], 'targets');
    near(t, frame.targets!.velocity.subarray(3), [0.1, -0.2, 0.3], 'their velocity');
    near(t, frame.targets!.acceleration.subarray(0, 3), [0.01, 0.02, 0.03], 'their acceleration');
    near(t, frame.targets!.confidence, [0.875, 0.875], 'confidence');
    t.strictSame([...frame.pointTarget!], [3, 8, 253, 255]);
    t.equal(frame.presence, true);
    if (old === 0) {
      t.ok(Number.isNaN(frame.targets!.height![0]));
      near(t, frame.targets!.height!.subarray(2), [0.1, 1.7], 'height');
    } else t.notOk('height' in frame.targets!);
    t.equal(counters.skippedBytes, 0);
    t.ok(Object.values(failures).every((count) => count === 0));
  }
  t.end();
});

void t.test('a packet with nothing in it is a frame; lost packets are counted', (t) => {
  const { frames, failures } = decode(join(demo(1, { items: [] }), demo(2), demo(5), demo(1)));
  t.strictSame(
    frames.map(({ frameNumber }) => frameNumber),
    [1, 2, 5, 1],
  );
  t.equal(failures['lostPackets'], 2, 'a restarted device lost none');
  t.notOk('position' in frames[0]!, 'two points were detected, but not sent');
  const none = [demo(1, { points: 0, items: [] }), encodePacket({ head: 48, platform: 0xa6843, items: [] })].map(
    (packet) => decode(packet).frames[0]!,
  );
  t.strictSame(
    none.map(({ position, velocity }) => [position!.length, velocity!.length]),
    [
      [0, 0],
      [0, 0],
    ],
    'no points are other than unknown ones',
  );
  t.equal(none[1]!.targets!.id.length, 0, 'and so are no people');
  t.end();
});

void t.test("the device's time runs on when the processor's counter wraps; a damaged count is left out", (t) => {
  const times = (cycles: number[]) =>
    decode(join(...cycles.map((count, k) => demo(k + 1, { cycles: count })))).frames.map(
      ({ deviceTime }) => deviceTime,
    );
  const close = (values: (number | undefined)[], expected: (number | undefined)[]) =>
    values.every((value, i) => value === expected[i] || Math.abs(value! - expected[i]!) < 1e-9) &&
    values.length === expected.length;
  t.ok(close(times([4294000000, 1032704, 11032704]), [21.47, 21.48, 21.53]), 'wrap');
  const damaged = times([1e7, 2e7, 3e9, 4e7, 5e7, 6e7]);
  t.ok(close(damaged, [0.05, 0.1, undefined, 0.2, 0.25, 0.3]), String(damaged));
  t.end();
});

void t.test('bytes lost within a packet cost that packet only', (t) => {
  for (const lost of [1, 3, 7, 8, 20, 100]) {
    for (const at of [0, 5, 12, 30, 44, 60, 90, 240]) {
      const broken = demo(2);
      const short = join(broken.subarray(0, at), broken.subarray(at + lost));
      const { frames } = decode(join(demo(1), short, demo(3), demo(4)));
      const numbers = frames.map(({ frameNumber }) => frameNumber);
      t.ok(
        [1, 3, 4].every((k) => numbers.includes(k)),
        `${lost} bytes at ${at}: ${numbers.join()}`,
      );
      t.ok(frames.every((frame) => frame.position!.every((value) => Math.abs(value) < 1000)));
    }
  }
  t.end();
});

void t.test('a packet that claims to be long does not hold up the next', (t) => {
  const long = demo(2);
  long.set(u32(60_000), 12);
  const decoder = make();
  t.equal(decoder.push(join(demo(1), long, demo(3)), 1).length, 2);
  t.equal(decoder.counters.failures['badLength'], 1);
  t.end();
});

void t.test('heads of other firmware are counted and passed over', (t) => {
  // TI E2E thread 944185: 52 bytes, overhead people counting; the platform stands where the length does here.
  const other = hex(
    '02010403060508070300030342160A001BAAEDF86401000050D0020000000000F4010000F40100001447000086A800000200546E',
  );
  const { frames, failures } = decode(join(other, demo(1)));
  t.equal(frames.length, 1);
  t.equal(failures['unknownHead'], 1);
  t.end();
});

void t.test('properties of every decoder', (t) => {
  const packets = Array.from({ length: 24 }, (_, k) => demo(k + 1));
  const people = packets.map((_, k) =>
    encodePacket({
      head: 48,
      platform: 0xa6843,
      frame: k + 1,
      items: [
        { type: 6, value: spherical },
        { type: 7, value: target(k) },
      ],
    }),
  );
  const stream = join(hex('00 02 01 04 03'), ...packets.slice(0, 6), ...people.slice(0, 6), hex('02 01 04 03 06'));
  choppingChangesNothing(() => make(profile64), stream);
  for (const units of [packets, people])
    damageStaysLocal(
      () => make(profile64),
      units.map((packet) => [packet]),
      'stream',
    );
  randomBytesDoNoHarm(() => make(profile64), [...packets.slice(0, 3), hex(postedPeople)]);
  t.end();
});

void t.test('settings, and what looks like this device', (t) => {
  t.strictSame(defaults, { commandBaudRate: 115200, frameRate: 20 });
  t.equal(tiMmwave.nominalRate(defaults), 20);
  t.throws(() => tiMmwave.decoder(withProfile), { message: /^profile radar\.cfg: the file was not read/ });
  t.throws(() => tiMmwave.decoder(withProfile, { profile: 'frameCfg 1' }), { message: /^profile, line 1/ });
  t.ok(tiMmwave.recognises!(join(hex('00 11'), demo(1))));
  t.ok(tiMmwave.recognises!(hex(postedPeople)));
  t.notOk(tiMmwave.recognises!(hex('55 51 00 00 00 00 00 08 C4 09 7B')));
  t.notOk(tiMmwave.recognises!(demo(1).subarray(0, 16)));
  t.end();
});
