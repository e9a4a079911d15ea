import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Calibration, Model, PointCloud, RawPacket, Transformer } from '@foxglove/velodyne-cloud';
import t from 'tap';
import type { LidarFrame } from '../../../drivers/frames.js';
import { velodyne } from '../../../drivers/lidar/velodyne.js';
import { velodyneModels } from '../../../drivers/lidar/velodyne-models.js';
import { choppingChangesNothing, damageStaysLocal, randomBytesDoNoHarm } from '../properties.js';
import { packet, packetLength } from './velodyne-encoder.js';

const make = () => velodyne.decoder(velodyne.settings.parse({}));

const data = process.env['SENSING_DATA'];
const capture = join(data ?? '', 'captures/velodyne/vlp16-recording.bin');
const recordings = data !== undefined && existsSync(capture) ? {} : { skip: 'skipped: no recordings' };

/** Packets of consecutive whole turns of a VLP-16, few and far apart in angle (1.9° a block, 16 packets a turn). */
function turns(count: number, startMicroseconds = 1.8e9): Uint8Array[] {
  return Array.from({ length: Math.ceil((count * 36000) / (190 * 12)) }, (_, k) =>
    packet({
      factory: 0x22,
      step: 190,
      azimuth: (k * 190 * 12) % 36000,
      microseconds: startMicroseconds + Math.round(k * 1327.104),
      measure: (block, i) => [1000 + k, block + i],
    }),
  );
}

const concatenate = (packets: readonly Uint8Array[]) => Uint8Array.from(Buffer.concat(packets));
const degrees = (radians: number) => (radians * 180) / Math.PI;
const azimuthOf = ({ position }: LidarFrame, i: number) =>
  (degrees(Math.atan2(position[3 * i]!, position[3 * i + 1]!)) + 360) % 360;

void t.test('capture of a VLP-16: the same points as @foxglove/velodyne-cloud', recordings, (t) => {
  const bytes = readFileSync(capture);
  const decoder = make();
  const frames = decoder.push(bytes, 0);
  t.strictSame(decoder.counters, {
    frames: 12, // the head passes 0° 13 times
    bytes: 1_206_000,
    skippedBytes: 0,
    failures: {
      badPacket: 0,
      unknownModel: 0,
      badAzimuth: 0,
      badTimestamp: 0,
      lostPackets: 0,
      gaps: 0,
      overlongTurn: 0,
    },
  });

  const { cloud, firstBlock } = foxglove(bytes, Model.VLP16);
  const points = frames.reduce((sum, { intensity }) => sum + intensity!.length, 0);
  // That decoder knows no turns: its points are cut where the head passes 0°.
  const cuts = Array.from({ length: cloud.width }, (_, i) => i).filter(
    (i) => i > 0 && cloud.point(i).azimuth < cloud.point(i - 1).azimuth,
  );
  t.equal(cuts.length, 13);
  t.equal(points, cuts[12]! - cuts[0]!);

  const heights = [...velodyneModels.get(0x22)!.height];
  let at = cuts[0]!;
  let worst = { across: 0, up: 0, range: 0, azimuth: 0 };
  for (const frame of frames) {
    t.equal(at, cuts[frames.indexOf(frame)], 'a frame begins where the head passes 0°');
    for (let i = 0; i < frame.intensity!.length; i++, at++) {
      const theirs = cloud.point(at);
      const laser = theirs.ring; // they count lasers in firing order
      const x = frame.position[3 * i]!;
      const y = frame.position[3 * i + 1]!;
      const z = frame.position[3 * i + 2]! - heights[laser]!;
      if (frame.intensity![i] !== theirs.intensity) throw new Error(`point ${at}: intensity`);
      // Lasers fire in the order −15, 1, −13, 3 … 15°: by elevation that is 0, 8, 1, 9 … 15.
      if (frame.ring![i] !== (laser % 2) * 8 + (laser >> 1)) throw new Error(`point ${at}: ring`);
      // Theirs keep the block's azimuth; ours are turned on by up to 0.4°, in proportion to the time since the block's firing.
      const turned = ((azimuthOf(frame, i) - theirs.azimuth / 100 + 540) % 360) - 180;
      const sinceBlock = (frame.deviceTime! + frame.time![i]! - firstBlock[at]!) * 1e6;
      worst = {
        across: Math.max(worst.across, Math.abs(Math.hypot(x, y) - Math.hypot(theirs.x, theirs.y))),
        up: Math.max(worst.up, Math.abs(z - theirs.z)),
        range: Math.max(worst.range, Math.abs(Math.hypot(x, y, z) - theirs.distance)),
        azimuth: Math.max(worst.azimuth, Math.abs(turned - (0.3976 * sinceBlock) / 110.592)),
      };
    }
  }
  t.ok(worst.across < 1e-5 && worst.up < 1e-5 && worst.range < 1e-5, JSON.stringify(worst));
  t.ok(worst.azimuth < 0.02, `azimuth within the jitter of its reading: ${worst.azimuth}°`);
  t.end();
});

void t.test('capture of a VLP-16: times', recordings, (t) => {
  const frames = make().push(readFileSync(capture), 7);
  frames.forEach((frame, k) => {
    t.equal(frame.arrivalTime, 7);
    if (k > 0) {
      const turn = frame.deviceTime! - frames[k - 1]!.deviceTime!;
      t.ok(Math.abs(turn - 0.1) < 0.0003, `a turn of ${turn} s at 600 turns a minute`);
    }
    const { time } = frame;
    t.ok(time![0]! >= 0 && time![0]! < 110.6e-6);
    t.ok(
      time!.every((value, i) => i === 0 || value >= time![i - 1]! - 1e-8),
      'points are in the order of firing',
    );
    t.ok(Math.abs(time!.at(-1)! - 0.1) < 0.0005);
    for (let i = 0; i < time!.length; i += 97) {
      // The head turns evenly: 3.6° a millisecond (to the jitter of the readings at both ends).
      const difference =
        ((azimuthOf(frame, i) - azimuthOf(frame, 0) - 3600 * (time![i]! - time![0]!) + 540) % 360) - 180;
      if (Math.abs(difference) > 0.6) t.fail(`point ${i}: ${difference}° from an even turn`);
    }
  });
  // The first of the packets was sent 2666.163099 s after the hour.
  t.ok(Math.abs(frames[0]!.deviceTime! - 2666.2345) < 0.001, String(frames[0]!.deviceTime));
  t.end();
});

void t.test('any chopping of the capture gives the same frames', recordings, (t) => {
  choppingChangesNothing(make, Uint8Array.from(readFileSync(capture).subarray(0, 180 * packetLength)));
  t.pass();
  t.end();
});

void t.test("every model's angles and distances are those of @foxglove/velodyne-cloud", (t) => {
  for (const [factory, theirModel] of [
    [0x21, Model.HDL32E],
    [0x22, Model.VLP16],
    [0x24, Model.VLP16HiRes],
    [0x28, Model.VLP32C],
  ] as const) {
    // A head at rest: nothing to interpolate, which that decoder does not do.
    const still = packet({
      factory,
      step: 0,
      azimuth: 12345,
      microseconds: 1e9,
      measure: (b, i) => [5000 + 40 * i + b, 7],
    });
    const { cloud } = foxglove(still, theirModel);
    const model = velodyneModels.get(factory)!;
    const decoder = make();
    decoder.push(packet({ factory, step: 0, azimuth: 0, microseconds: 1e9 - 800 }), 0);
    decoder.push(still, 0);
    const frames = decoder.push(packet({ factory, step: 0, azimuth: 0, microseconds: 1e9 + 800 }), 0);
    const { position, ring } = frames[0]!;
    const skip = 12 * 32;
    t.equal(position.length / 3, 2 * skip, model.name);
    t.equal(cloud.width, skip);
    const elevations = new Map<number, number>();
    let worst = 0;
    for (let i = 0; i < skip; i++) {
      const at = 3 * (skip + i);
      const theirs = cloud.point(i);
      worst = Math.max(
        worst,
        Math.abs(position[at]! + theirs.y), // they have x forward, y to the left
        Math.abs(position[at + 1]! - theirs.x),
        Math.abs(position[at + 2]! - model.height[i % 32]! - theirs.z),
      );
      elevations.set(ring![skip + i]!, theirs.z / theirs.distance);
    }
    // Angles in the tables are rounded to 0.01° or less: 2 mm at 13 m (VLP-32C: 0.001° at 26 m).
    t.ok(worst < 0.0015, `${model.name}: ${worst} m`);
    const ascending = [...elevations].sort(([a], [b]) => a - b).map(([, sine]) => sine);
    t.equal(ascending.length, model.lasers);
    t.ok(
      ascending.every((sine, i) => i === 0 || sine > ascending[i - 1]!),
      'rings by elevation',
    );
  }
  t.end();
});

void t.test("times are those of the manuals' tables", (t) => {
  // Microseconds of the last measurement of a packet after its first: VLP-16 manual 9.4, VLP-32C manual 9.4, HDL-32E: 46.08 a
  // firing, 1.152 a laser. [factory, single return, both returns]
  for (const [factory, single, dual] of [
    [0x22, 1306.368, 642.816],
    [0x24, 1306.368, 642.816],
    [0x28, 642.816, 311.04],
    [0x21, 542.592, 266.112],
  ] as const) {
    for (const [mode, expected] of [
      [0x37, single],
      [0x38, single],
      [0x39, dual],
    ] as const) {
      const decoder = make();
      const common = { factory, mode, step: 10 };
      decoder.push(packet({ ...common, azimuth: 0, microseconds: 5e8 }), 0);
      const [frame] = decoder.push(packet({ ...common, azimuth: 35990, microseconds: 5e8 + 1000 }), 0);
      t.equal(frame!.deviceTime, 500);
      const perBlock = mode === 0x39 ? 6 * 32 : 12 * 32;
      const last = frame!.time![perBlock - 1]! * 1e6;
      t.ok(Math.abs(last - expected) < 0.01, `${factory} ${mode}: ${last} µs`);
    }
  }
  t.end();
});

void t.test('a wall is flat, for every model and mode', (t) => {
  for (const [factory, model] of velodyneModels) {
    for (const mode of [0x37, 0x39]) {
      const rate = 3600; // degrees a second
      const pairs = mode === 0x39 ? 2 : 1;
      const step = Math.round(model.blockTime * rate * 100);
      const packetSpan = (12 / pairs) * step;
      // The wall y = 6 m, seen between 350° and 10°, by a head that turns evenly; each laser looks where its table says.
      const measure =
        (azimuth: number) =>
        (block: number, i: number): [number, number] => {
          const direction =
            ((azimuth + Math.floor(block / pairs) * step) / 100 + rate * model.fireTime[i]!) * (Math.PI / 180);
          const facing = Math.cos(direction + model.azimuthOffset[i]!) * Math.cos(model.elevation[i]!);
          return [facing > 0.2 ? Math.round(6 / facing / model.metresPerStep) : 0, 10];
        };
      const packets: Uint8Array[] = [];
      for (let k = 0; k * packetSpan < 36000 + packetSpan; k++) {
        const azimuth = (k * packetSpan) % 36000;
        const microseconds = 1e9 + Math.round(((k * 12) / pairs) * model.blockTime * 1e6);
        packets.push(packet({ factory, mode, step, azimuth, microseconds, measure: measure(azimuth) }));
      }
      const decoder = make();
      const frames = packets.flatMap((one) => decoder.push(one, 0));
      t.equal(frames.length, 1);
      t.equal(decoder.counters.failures['lostPackets'], 0);
      const { position, returnNumber } = frames[0]!;
      let worst = 0;
      for (let i = 1; i < position.length; i += 3) worst = Math.max(worst, Math.abs(position[i]! - 6));
      t.ok(position.length > 3 * 5000 && worst < 0.003, `${model.name}: ${position.length / 3} points, ${worst} m`);
      t.ok(
        returnNumber!.every((value) => value === 0),
        'one return of each: no pair is counted twice',
      );
    }
  }
  t.end();
});

void t.test('both returns', (t) => {
  const returns: [last: [number, number], other: [number, number]][] = [
    [
      [2000, 9],
      [1000, 80],
    ], // two returns, the nearer is the stronger
    [
      [2000, 9],
      [2000, 9],
    ], // one
    [
      [0, 0],
      [0, 0],
    ], // none
    [
      [2000, 9],
      [0, 0],
    ], // only the last
    [
      [0, 0],
      [1000, 80],
    ],
  ];
  const one = (azimuth: number) =>
    packet({
      factory: 0x22,
      mode: 0x39,
      azimuth,
      microseconds: 1e9 + azimuth,
      measure: (block, i) => (i < returns.length ? returns[i]![block % 2]! : [0, 0]),
    });
  const decoder = make();
  decoder.push(one(0), 0);
  const [frame] = decoder.push(one(35900), 0);
  const firing = { ring: [0, 0, 8, 9, 2], intensity: [80, 9, 9, 9, 80], returnNumber: [0, 1, 0, 0, 0] };
  t.strictSame([...frame!.ring!.subarray(0, 5)], firing.ring);
  t.strictSame([...frame!.intensity!.subarray(0, 5)], firing.intensity);
  t.strictSame([...frame!.returnNumber!.subarray(0, 5)], firing.returnNumber);
  t.equal(frame!.ring!.length, 9 * 5, 'six pairs of the first packet, three of the second');
  t.end();
});

void t.test('the clock runs on over the hour', (t) => {
  const decoder = make();
  const frames = turns(5, 3.6e9 - 40_000).flatMap((one) => decoder.push(one, 0));
  t.ok(frames.length >= 4);
  frames.forEach((frame, k) =>
    t.ok(Math.abs(frame.deviceTime! - (3599.96 + k * 0.02095)) < 0.003, `${frame.deviceTime}`),
  );
  t.strictSame(decoder.counters.failures['gaps'], 0);
  t.end();
});

void t.test('a silence of hours is bridged by the time of arrival, and no turn spans it', (t) => {
  const decoder = make();
  const before = turns(2.5).flatMap((one) => decoder.push(one, 100));
  const silence = 2.75 * 3600;
  const after = turns(2.5, 1.8e9 + silence * 1e6).flatMap((one) => decoder.push(one, 100 + silence));
  t.equal(before.length, 2);
  t.equal(after.length, 2, 'the half turn before the silence is dropped');
  t.ok(Math.abs(after[0]!.deviceTime! - before[0]!.deviceTime! - silence) < 0.1);
  t.equal(decoder.counters.failures['gaps'], 1);
  t.end();
});

void t.test('lost packets are counted, and cost only their points', (t) => {
  const packets = turns(6);
  const decoder = make();
  const frames = packets.filter((_, k) => k !== 20 && k !== 37 && k !== 38).flatMap((one) => decoder.push(one, 0));
  t.equal(frames.length, 6);
  t.equal(decoder.counters.failures['lostPackets'], 3);
  t.strictSame(
    frames.map(({ intensity }) => 6080 - intensity!.length > 384),
    [false, true, true, false, false, false],
  );
  t.end();
});

void t.test('what a turn was joined in the midst of is not a frame', (t) => {
  const packets = turns(4).slice(5);
  const decoder = make();
  const frames = packets.flatMap((one) => decoder.push(one, 0));
  t.equal(frames.length, 3);
  t.ok(azimuthOf(frames[0]!, 0) < 2);
  t.end();
});

void t.test('a head at rest gives no frames and holds no memory', (t) => {
  const decoder = make();
  for (let k = 0; k < 4000; k++) {
    const jitter = [0, 3, 1, 4][k % 4]!;
    const frames = decoder.push(
      packet({ factory: 0x22, step: 0, azimuth: (35998 + jitter) % 36000, microseconds: 1e9 + k * 1327 }),
      k,
    );
    if (frames.length > 0 && k > 2) t.fail(`a frame from packet ${k}`);
  }
  t.equal(decoder.counters.failures['overlongTurn'], 1);
  t.equal(decoder.counters.skippedBytes, 0);
  t.end();
});

void t.test('packets that are not data of these models are counted by kind', (t) => {
  const good = { factory: 0x22, azimuth: 100, microseconds: 1e9 };
  const spoilt = (change: (bytes: Uint8Array) => void) => {
    const bytes = packet(good);
    change(bytes);
    return bytes;
  };
  for (const [kind, bytes] of [
    ['unknownModel', packet({ ...good, factory: 0xa1 })],
    ['badAzimuth', packet({ ...good, step: 300 })],
    ['badAzimuth', spoilt((one) => one.set([0xff, 0xff], 502))],
    ['badTimestamp', spoilt((one) => one.fill(0xff, 1200, 1204))],
    ['badPacket', spoilt((one) => (one[600] = 0))],
    ['badPacket', spoilt((one) => (one[1204] = 0))],
    ['badPacket', new Uint8Array(512)], // a position packet
  ] as const) {
    const decoder = make();
    decoder.push(bytes, 0);
    for (const one of turns(2.5)) decoder.push(one, 0);
    t.equal(decoder.counters.failures[kind], 1, kind);
    t.equal(decoder.counters.skippedBytes, bytes.length, `${kind}: its bytes only`);
    t.equal(decoder.counters.frames, 2);
    if (kind !== 'badTimestamp') t.notOk(velodyne.recognises!(bytes), kind);
  }
  t.end();
});

void t.test('recognises its own packets, alone or at the beginning of a stream', (t) => {
  const [one, two] = turns(1);
  t.ok(velodyne.recognises!(one!));
  t.ok(velodyne.recognises!(concatenate([one!, two!])));
  t.notOk(velodyne.recognises!(one!.subarray(0, 1205)));
  t.notOk(velodyne.recognises!(new Uint8Array(1206).fill(0xff)));
  t.end();
});

void t.test('settings', (t) => {
  t.strictSame(velodyne.settings.parse({}), { turnsPerSecond: 10 });
  t.equal(velodyne.nominalRate(velodyne.settings.parse({ turnsPerSecond: 20 })), 20);
  t.notOk(velodyne.settings.safeParse({ turnsPerSecond: 600 }).success, 'turns a minute are a mistake');
  t.end();
});

void t.test('properties of every decoder', (t) => {
  const packets = turns(6);
  choppingChangesNothing(make, concatenate(packets));
  // A turn is complete with the first packet of the next, which so belongs to its unit.
  const units: Uint8Array[][] = [[]];
  const decoder = make();
  for (const one of packets) {
    units.at(-1)!.push(one);
    if (decoder.push(one, 0).length > 0) units.push([]);
  }
  units.pop();
  t.ok(units.length >= 5);
  damageStaysLocal(make, units, 'datagrams');
  damageStaysLocal(make, units, 'stream');
  randomBytesDoNoHarm(make, [packets[0]!, concatenate(packets.slice(0, 3)).subarray(0, 2000)]);
  t.pass();
  t.end();
});

/** The points of @foxglove/velodyne-cloud, and the device's time of the block that each came from. */
function foxglove(bytes: Uint8Array, model: Model): { cloud: PointCloud; firstBlock: Float64Array } {
  const packets = bytes.length / packetLength;
  const cloud = new PointCloud({ stamp: 0, maxPoints: RawPacket.MAX_POINTS_PER_PACKET * packets });
  const transformer = new Transformer(new Calibration(model), { minRange: 1e-6, maxRange: Infinity });
  const firstBlock = new Float64Array(RawPacket.MAX_POINTS_PER_PACKET * packets);
  for (let k = 0; k < packets; k++) {
    const raw = new RawPacket(bytes.slice(k * packetLength, (k + 1) * packetLength));
    const from = cloud.width;
    transformer.unpack(raw, 0, 0, cloud);
    const rotations = raw.blocks.map(({ rotation }) => rotation);
    for (let i = from; i < cloud.width; i++)
      firstBlock[i] = raw.gpsTimestamp / 1e6 + rotations.indexOf(cloud.point(i).azimuth) * 110.592e-6;
  }
  return { cloud, firstBlock };
}
