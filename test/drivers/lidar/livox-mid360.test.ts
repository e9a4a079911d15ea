import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import t from 'tap';
import { crc16, encodeCommand } from '../../../drivers/lidar/livox-commands.js';
import { livoxMid360, type LivoxSettings } from '../../../drivers/lidar/livox-mid360.js';
import { damageStaysLocal, randomBytesDoNoHarm } from '../properties.js';
import { crc32, packet } from './livox-encoder.js';

const settings = livoxMid360.settings.parse({});
const make = (more: Partial<LivoxSettings> = {}) => livoxMid360.decoder({ ...settings, ...more });

/** `count` frames of 0.1 s with 8 packets each; what the points are says which. */
function stretches(count: number): Uint8Array[] {
  return Array.from({ length: 8 * count + 1 }, (_, k) =>
    packet({
      sequence: k,
      nanoseconds: 5_000_000_000n + BigInt(k) * 12_500_000n,
      points: Array.from({ length: 12 }, (_, i) => [1000 + k, i - 6, 100 * i, k & 0xff] as const),
    }),
  );
}

const near = (a: number | undefined, b: number, tolerance = 1e-6) => Math.abs(a! - b) <= tolerance;

void t.test('the three types of points give metres', (t) => {
  for (const [type, point, expected] of [
    [1, [1234, -5678, 90], [1.234, -5.678, 0.09]],
    [2, [123, -567, 9], [1.23, -5.67, 0.09]],
    [3, [2000, 9000, 0], [2, 0, 0]], // level, ahead
    [3, [2000, 9000, 9000], [0, 2, 0]], // level, to the left
    [3, [2000, 0, 4500], [0, 0, 2]], // straight up
    [3, [2000, 3000, 27000], [0, -1, Math.sqrt(3)]],
  ] as const) {
    const decoder = make();
    decoder.push(packet({ type, nanoseconds: 0n, points: [[...point, 77]] }), 0);
    const [frame] = decoder.push(packet({ type, nanoseconds: 100_000_000n, points: [] }), 1);
    t.equal(frame!.position.length, 3);
    expected.forEach((value, i) => t.ok(near(frame!.position[i], value), `type ${type}: ${frame!.position[i]}`));
    t.equal(frame!.intensity![0], 77);
  }
  t.end();
});

void t.test('frames are stretches of the clock; points are spread over their packet', (t) => {
  const decoder = make();
  const frames = stretches(3).flatMap((one, i) => decoder.push(one, i));
  t.equal(frames.length, 3);
  frames.forEach((frame, k) => {
    t.ok(near(frame.deviceTime, 5 + 0.1 * k, 1e-9));
    t.equal(frame.arrivalTime, 8 * k + 7);
    t.equal(frame.position.length, 3 * 96);
    const { time } = frame;
    // 12 points in 480 µs; packets every 12.5 ms.
    t.ok(near(time![1], 40e-6, 1e-9) && near(time![11], 440e-6, 1e-9) && near(time![12], 0.0125, 1e-8));
    t.ok(near(time![95], 7 * 0.0125 + 440e-6, 1e-7));
  });
  t.end();
});

void t.test('another duration of frames', (t) => {
  const decoder = make({ frameDuration: 0.05 });
  t.equal(stretches(3).flatMap((one) => decoder.push(one, 0)).length, 6);
  t.equal(livoxMid360.nominalRate({ ...settings, frameDuration: 0.05 }), 20);
  t.end();
});

void t.test('a clock of PTP, 1.7 · 10⁹ s, keeps its microseconds', (t) => {
  const decoder = make();
  const start = 1_700_000_000_000_000_000n;
  decoder.push(packet({ nanoseconds: start, points: [[1, 2, 3]] }), 0);
  decoder.push(packet({ nanoseconds: start + 480_123n, points: [[1, 2, 3]] }), 0);
  const [frame] = decoder.push(packet({ nanoseconds: start + 100_000_000n, points: [] }), 0);
  t.equal(frame!.deviceTime, 1_700_000_000);
  t.ok(near(frame!.time![1], 480.123e-6, 1e-9));
  t.end();
});

void t.test('a stretch that was joined in its midst is not a frame', (t) => {
  const decoder = make();
  t.equal(
    stretches(3)
      .slice(3)
      .flatMap((one) => decoder.push(one, 0)).length,
    2,
  );
  t.end();
});

void t.test('places without a return are left out', (t) => {
  const decoder = make();
  decoder.push(
    packet({
      nanoseconds: 0n,
      points: [
        [0, 0, 0, 0],
        [1, 0, 0, 9, 0x15],
        [0, 0, 0, 0],
      ],
    }),
    0,
  );
  const [frame] = decoder.push(packet({ nanoseconds: 100_000_000n, points: [] }), 0);
  t.strictSame([...frame!.intensity!], [9]);
  t.equal(frame!.position.length, 3);
  t.ok(near(frame!.time![0], 160e-6, 1e-9), 'its time is that of its place in the packet');
  t.end();
});

void t.test('faults are counted by kind and cost their packet only', (t) => {
  const good = stretches(1)[0]!;
  const change = (at: number, value: number) => {
    const bytes = good.slice();
    bytes[at] = value;
    return bytes;
  };
  for (const [kind, bytes] of [
    ['tooShort', good.subarray(0, 35)],
    ['badHeader', good.subarray(0, 100)],
    ['badHeader', change(0, 1)],
    ['badHeader', change(10, 0x11)],
    ['badHeader', change(5, 13)],
    ['badChecksum', change(40, 99)],
    ['badChecksum', change(29, 99)],
  ] as const) {
    const decoder = make();
    decoder.push(bytes, 0);
    t.equal(decoder.counters.failures[kind], 1, kind);
    t.equal(decoder.counters.skippedBytes, bytes.length);
    t.notOk(livoxMid360.recognises!(bytes), kind);
    t.equal(stretches(2).flatMap((one) => decoder.push(one, 0)).length, 2);
  }
  t.end();
});

void t.test('inertial packets are no points; a packet without a checksum is taken', (t) => {
  const decoder = make();
  const inertial = packet({ type: 0, nanoseconds: 1n, points: [[0, 0, 0]] });
  decoder.push(inertial, 0);
  t.strictSame(Object.values(decoder.counters.failures), [0, 0, 0, 0, 0]);
  t.equal(decoder.counters.skippedBytes, 0);
  t.notOk(livoxMid360.recognises!(inertial));
  decoder.push(packet({ nanoseconds: 0n, points: [[1, 1, 1]], checksum: false }), 0);
  t.equal(decoder.push(packet({ nanoseconds: 100_000_000n, points: [] }), 0).length, 1);
  t.ok(livoxMid360.recognises!(stretches(1)[0]!));
  t.notOk(livoxMid360.recognises!(new Uint8Array(0)));
  t.end();
});

void t.test('lost packets are counted, over the wrap of their number too', (t) => {
  const decoder = make();
  for (const sequence of [65533, 65534, 1, 2, 5]) decoder.push(packet({ sequence, nanoseconds: 0n, points: [] }), 0);
  t.equal(decoder.counters.failures['lostPackets'], 4);
  t.end();
});

void t.test('a clock that stands holds no memory', (t) => {
  const decoder = make();
  const many = packet({ nanoseconds: 0n, points: Array.from({ length: 96 }, () => [1, 2, 3] as const) });
  for (let i = 0; i < 5000; i++) decoder.push(many, 0);
  t.equal(decoder.counters.failures['overlongFrame'], 1);
  t.end();
});

void t.test('CRC-16 and CRC-32: the check values of their definitions', (t) => {
  const digits = Uint8Array.from(Buffer.from('123456789'));
  t.equal(crc16(digits), 0x29b1); // CRC-16/CCITT-FALSE
  t.equal(crc32(digits), 0xcbf43926); // this test's own
  const view = new DataView(encodeCommand(0x0100, 7, digits).buffer);
  t.equal(view.getUint32(20, true), 0xcbf43926);
  t.end();
});

/** A sensor on loopback that takes commands, and answers as `answer` says. */
async function fakeSensor(answer: (attempt: number) => number | undefined) {
  const socket: Socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const parameters: [key: number, value: number[]][] = [];
  let received = 0;
  socket.on('message', (bytes: Buffer, { port, address }) => {
    const code = answer(received++);
    const sound =
      bytes[0] === 0xaa &&
      bytes.readUInt16LE(2) === bytes.length &&
      bytes.readUInt16LE(8) === 0x0100 &&
      bytes[10] === 0 &&
      bytes.readUInt16LE(18) === crc16(bytes.subarray(0, 18)) &&
      bytes.readUInt32LE(20) === crc32(bytes.subarray(24));
    if (!sound || code === undefined) return;
    for (let at = 28, n = bytes.readUInt16LE(24); n > 0; n--) {
      const length = bytes.readUInt16LE(at + 2);
      parameters.push([bytes.readUInt16LE(at), [...bytes.subarray(at + 4, at + 4 + length)]]);
      at += 4 + length;
    }
    const reply = encodeCommand(0x0100, bytes.readUInt32LE(4), Uint8Array.of(code, 0x1a, 0));
    reply.set([1, 1], 10); // an answer, from the sensor
    new DataView(reply.buffer).setUint16(18, crc16(reply.subarray(0, 18)), true);
    socket.send('noise', port, address);
    socket.send(reply, port, address);
  });
  const { port } = socket.address();
  const start = () =>
    livoxMid360.start!(
      { write: () => Promise.resolve(), close: () => Promise.resolve() },
      { ...settings, sensorAddress: '127.0.0.1', commandPort: port },
    );
  return { parameters, start, close: () => socket.close() };
}

void t.test('start tells the sensor where to send and to begin, stop makes it idle', async (t) => {
  const sensor = await fakeSensor(() => 0);
  const stop = await sensor.start();
  t.strictSame(sensor.parameters, [
    [0x0000, [1]],
    [0x0006, [127, 0, 0, 1, 0xed, 0xdb, 0xec, 0xdb]], // ports 56301 and 56300
    [0x001a, [1]],
  ]);
  await stop();
  t.strictSame(sensor.parameters.at(-1), [0x001a, [2]]);
  sensor.close();
});

void t.test('a lost command is sent again; a refusal and silence are said', async (t) => {
  const forgetful = await fakeSensor((attempt) => (attempt === 0 ? undefined : 0));
  const stop = await forgetful.start();
  await stop();
  t.equal(forgetful.parameters.length, 4);
  forgetful.close();

  const refusing = await fakeSensor(() => 3);
  await t.rejects(refusing.start(), { message: /livox-mid360 127\.0\.0\.1.*refused parameter 0x001a with code 3/ });
  refusing.close();

  const silent = await fakeSensor(() => undefined);
  await t.rejects(silent.start(), { message: /no answer/ });
  silent.close();
});

void t.test('without an address nothing is commanded', async (t) => {
  const stop = await livoxMid360.start!(
    { write: () => Promise.reject(new Error()), close: () => Promise.resolve() },
    settings,
  );
  await stop();
  t.pass();
});

void t.test('properties of every decoder', (t) => {
  const packets = stretches(7);
  // A frame is complete with the first packet of the next, which so belongs to its unit.
  const units = Array.from({ length: 7 }, (_, k) => packets.slice(k === 0 ? 0 : 8 * k + 1, 8 * k + 9));
  damageStaysLocal(make, units, 'datagrams');
  randomBytesDoNoHarm(make, [packets[0]!]);
  t.pass();
  t.end();
});
