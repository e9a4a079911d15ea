import fc from 'fast-check';
import t from 'tap';
import type { ImuFrame } from '../../../drivers/frames.js';
import { witmotion, type WitmotionSettings } from '../../../drivers/imu/witmotion.js';
import { encodeWitmotion } from '../../../room/witmotion-encoder.js';

const g = 9.80665;
const degree = Math.PI / 180;
const defaults = witmotion.settings.parse({});

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'));
const join = (...parts: Uint8Array[]) => Uint8Array.from(Buffer.concat(parts));

/** A packet with its sum; numbers are int16. */
function packet(type: number, ...numbers: number[]): Uint8Array {
  const bytes = new Uint8Array(11);
  const view = new DataView(bytes.buffer);
  bytes.set([0x55, type]);
  numbers.forEach((number, i) => view.setInt16(2 + 2 * i, number, true));
  bytes[10] = bytes.subarray(0, 10).reduce((sum, byte) => sum + byte, 0);
  return bytes;
}

/** A whole cycle as the device leaves the factory (51 52 53 54), with `k` in each packet so that mixtures show. */
const cycle = (k: number) =>
  join(packet(0x51, k, k, 2048, 2500), packet(0x52, k, k, k), packet(0x53, k, 0, 0), packet(0x54, k, 0, 0));

function decode(bytes: Uint8Array, settings: WitmotionSettings = defaults) {
  const decoder = witmotion.decoder(settings);
  return { frames: decoder.push(bytes, 1), counters: decoder.counters };
}

const near = (
  t: Pick<typeof import('tap').default, 'ok' | 'equal'>,
  values: Float32Array | undefined,
  expected: number[],
  name: string,
) => {
  t.equal(values?.length, expected.length, `${name}: length`);
  expected.forEach((value, i) => t.ok(Math.abs(values![i]! - value) < 1e-6 * (1 + Math.abs(value)), `${name}[${i}]`));
};

// Computed by hand from the maker's formulas.
const clockPacket = '55 50 18 02 1D 17 3B 3B E7 03 53'; // 2024-02-29 23:59:59.999
const laterClockPacket = '55 50 18 03 01 00 00 00 09 00 CA'; // 2024-03-01 00:00:00.009
const gravityPacket = '55 51 00 00 00 00 00 08 C4 09 7B'; // 2048 / 32768 · 16 g = 1 g upwards, 25.00 °C
const turnPacket = '55 52 00 10 00 F0 00 00 C4 09 74'; // ±4096 / 32768 · 2000 = ±250 °/s
const anglePacket = '55 53 00 40 00 E0 00 80 2A 00 72'; // 90°, −45°, −180°
const quaternionPacket = '55 59 00 40 00 C0 00 40 00 C0 AE'; // ½, −½, ½, −½

void t.test('packets computed by hand give SI units', (t) => {
  const one = hex(clockPacket + gravityPacket + turnPacket + anglePacket + quaternionPacket);
  const { frames, counters } = decode(join(one, one));
  t.equal(frames.length, 2);
  const frame = frames[1]!;
  t.equal(frame.kind, 'imu');
  t.equal(frame.deviceTime, Date.parse('2024-02-29T23:59:59.999Z') / 1000);
  near(t, frame.acceleration, [0, 0, g], 'acceleration');
  near(t, frame.angularRate, [250 * degree, -250 * degree, 0], 'angular rate');
  near(t, frame.angle, [Math.PI / 2, -Math.PI / 4, -Math.PI], 'angle');
  near(t, frame.quaternion, [0.5, -0.5, 0.5, -0.5], 'quaternion');
  t.strictSame(counters, {
    frames: 2,
    bytes: 110,
    skippedBytes: 0,
    failures: { badChecksum: 0, unknownType: 0, incomplete: 0 },
  });
  t.end();
});

void t.test("the device's clock runs on over midnight and a leap day", (t) => {
  const rest = gravityPacket + turnPacket;
  const { frames } = decode(hex(clockPacket + rest + laterClockPacket + rest));
  t.ok(Math.abs(frames[1]!.deviceTime! - frames[0]!.deviceTime! - 0.01) < 1e-6);
  t.end();
});

void t.test('what the device does not send is absent', (t) => {
  const { frames } = decode(hex((gravityPacket + turnPacket).repeat(2)));
  for (const key of ['angle', 'quaternion', 'deviceTime']) t.notOk(key in frames[1]!, key);
  t.end();
});

void t.test('a frame comes with the last byte of its cycle, from the second cycle on', (t) => {
  const decoder = witmotion.decoder(defaults);
  const pushed = [0, 1, 2].map((k) => [...cycle(k)].map((byte, i) => decoder.push(Uint8Array.of(byte), 100 * k + i)));
  t.equal(pushed[0]!.flat().length, 0, 'how long a cycle is shows when the next begins');
  const second = pushed[1]!;
  t.equal(second[10]!.length, 1, 'the first frame comes with the first packet of the second cycle');
  t.equal(second[10]![0]!.arrivalTime, 43, 'and says when its own last byte came');
  t.equal(second[43]!.length, 1, 'the second frame comes with its own last byte');
  t.equal(second.flat().length, 2);
  t.equal(pushed[2]![43]!.length, 1);
  t.end();
});

void t.test('a cycle that grows or shrinks while running is followed', (t) => {
  const decoder = witmotion.decoder(defaults);
  const small = join(packet(0x51, 0, 0, 2048), packet(0x52, 1, 2, 3));
  const large = join(small, packet(0x59, 32767, 0, 0, 0));
  for (const bytes of [small, small, large, large]) decoder.push(bytes, 0);
  const grown = decoder.push(large, 1);
  t.equal(grown.length, 1);
  t.ok(grown[0]!.quaternion, 'the new part is in the frame');
  decoder.push(small, 2);
  decoder.push(small, 3);
  t.equal(decoder.push(small, 4).length, 1);
  t.equal(decoder.counters.frames, 8, 'no frame was lost or doubled on the way');
  t.strictSame(decoder.counters.failures, { badChecksum: 0, unknownType: 0, incomplete: 0 });
  t.end();
});

void t.test('a cycle without acceleration or angular rate gives no frame and is counted', (t) => {
  const { frames, counters } = decode(
    join(cycle(1), packet(0x52, 2, 2, 2), packet(0x53, 2), cycle(3), packet(0x51, 4, 4, 4), packet(0x53, 4), cycle(5)),
  );
  t.equal(frames.length, 3);
  t.equal(counters.failures['incomplete'], 2);
  t.end();
});

void t.test('a wrong checksum is counted and costs only its own packet', (t) => {
  for (const broken of [0, 1, 2, 3]) {
    const bytes = join(cycle(1), cycle(2), cycle(3), cycle(4));
    bytes[2 * 44 + broken * 11 + 10]! ^= 0x0f;
    const { frames, counters } = decode(bytes);
    const kept = broken < 2 ? [1, 2, 4] : [1, 2, 3, 4]; // without the angle, a frame is still a frame
    t.strictSame(frames.map(number), kept, `packet ${broken}`);
    t.equal(counters.failures['badChecksum'], 1);
    t.equal(counters.failures['incomplete'], broken < 2 ? 1 : 0);
    t.equal(counters.skippedBytes, 11);
  }
  t.end();
});

void t.test('bytes that look like a header in the data do not hide the next packet', (t) => {
  // 0x5555 throughout: after the break every second byte looks like a header, of a port packet at that.
  const tricky = join(packet(0x51, 0x5555, 0x5155, 0x5255, 0x5555), packet(0x52, 0x5555, 0x5155, 0x5255, 0x5555));
  for (let cut = 1; cut < 22; cut++) {
    const { frames } = decode(join(tricky.subarray(cut), tricky, tricky, tricky));
    t.ok(frames.length >= 3, `beginning at byte ${cut}: ${frames.length} frames`);
  }
  t.end();
});

void t.test('truncated packets lose their own cycle only', (t) => {
  for (let length = 1; length < 44; length++) {
    const { frames } = decode(join(cycle(1), cycle(2), cycle(3).subarray(0, length), cycle(4), cycle(5)));
    const whole = frames.map(number).filter((k) => k !== 3);
    t.strictSame(whole, [1, 2, 4, 5], `cut after ${length} bytes`);
  }
  t.end();
});

void t.test('packets of no known type are counted and skipped whole; register values are no part of a cycle', (t) => {
  const { frames, counters } = decode(
    join(cycle(1), packet(0x61, 1), cycle(2), packet(0x51, 3, 3), packet(0x5f, 9), packet(0x52, 3, 3), packet(0x54, 3)),
  );
  t.strictSame(frames.map(number), [1, 2, 3]);
  t.equal(counters.failures['unknownType'], 1);
  t.equal(counters.skippedBytes, 0);
  t.end();
});

void t.test('encoder to decoder is exact to half a step of the converter, for every range, and saturates', (t) => {
  const ranges = [
    [2, 250],
    [4, 500],
    [8, 1000],
    [16, 2000],
  ] as const;
  for (const [accelerationRange, angularRateRange] of ranges) {
    const settings = witmotion.settings.parse({ accelerationRange, angularRateRange });
    const vector = (limit: number) =>
      fc.tuple(...[0, 1, 2].map(() => fc.double({ min: -limit, max: limit, noNaN: true })));
    fc.assert(
      fc.property(vector(1.2 * accelerationRange * g), vector(1.2 * angularRateRange * degree), (a, w) => {
        const sample = { acceleration: a, angularRate: w };
        const bytes = encodeWitmotion(sample, settings);
        const frame = decode(join(bytes, bytes), settings).frames[1]!;
        const fits = (value: number, expected: number, range: number) => {
          const step = range / 32768;
          const reachable = Math.max(-range, Math.min(range - step, expected));
          return Math.abs(value - reachable) <= 0.5001 * step + 1e-6 * range;
        };
        return (
          a.every((value, i) => fits(frame.acceleration[i]!, value, accelerationRange * g)) &&
          w.every((value, i) => fits(frame.angularRate[i]!, value, angularRateRange * degree))
        );
      }),
      { numRuns: 100 },
    );
  }
  t.pass();
  t.end();
});

void t.test('any chopping into pieces gives the same frames, each timed by the piece with its last byte', (t) => {
  const stream = join(
    ...Array.from({ length: 12 }, (_, k) => cycle(k)),
    Uint8Array.of(1, 2, 0x55),
    cycle(12),
    cycle(13),
  );
  const whole = decode(stream);
  t.equal(whole.frames.length, 14);
  const lastByte = (k: number) => (k + 1) * 44 - 1 + (k < 12 ? 0 : 3);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: stream.length }), { maxLength: 300 }), (cuts) => {
      const edges = [0, ...cuts.sort((a, b) => a - b), stream.length];
      const decoder = witmotion.decoder(defaults);
      const frames = edges.slice(1).flatMap((end, i) => decoder.push(stream.subarray(edges[i], end), i));
      const timed = frames.every((frame, k) => {
        const piece = frame.arrivalTime;
        return edges[piece]! <= lastByte(k) && lastByte(k) < edges[piece + 1]!;
      });
      const same = (frame: ImuFrame) => JSON.stringify({ ...frame, arrivalTime: 0 });
      return (
        timed &&
        JSON.stringify(frames.map(same)) === JSON.stringify(whole.frames.map(same)) &&
        JSON.stringify(decoder.counters) === JSON.stringify(whole.counters)
      );
    }),
    { numRuns: 200 },
  );
  t.end();
});

void t.test('with 1 % of the bytes corrupted, every frame that was not hit arrives, and none is a mixture', (t) => {
  const cycles = 60;
  const clean = join(...Array.from({ length: cycles }, (_, k) => cycle(k)));
  let hits = 0;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: clean.length - 1 }), fc.integer({ min: 1, max: 255 })), {
        minLength: 1,
        maxLength: 2 * Math.round(clean.length / 100),
        size: 'max',
      }),
      (corruptions) => {
        const bytes = clean.slice();
        for (const [at, change] of corruptions) bytes[at]! ^= change;
        hits += corruptions.length;
        const spoilt = new Set(corruptions.map(([at]) => Math.floor(at / 44)));
        const { frames } = decode(bytes);
        const arrived = frames.map(number);
        for (let k = 0; k < cycles; k++) if (!spoilt.has(k) && !arrived.includes(k)) return false;
        // A spoilt frame may arrive if its damage was elsewhere in its cycle, but only whole and in order.
        return frames.every((frame, i) => isWhole(frame) && (i === 0 || arrived[i]! > arrived[i - 1]!));
      },
    ),
    // The sum cannot see every pair of corrupted bytes (1 pair in 256), so the cases are fixed.
    { numRuns: 300, seed: 20240229 },
  );
  t.ok(hits > 300 * 10, `${hits} corrupted bytes`);
  t.end();
});

void t.test('random bytes never throw and are all accounted for', (t) => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 20 }), (pieces) => {
      const decoder = witmotion.decoder(defaults);
      for (const piece of pieces) decoder.push(piece, 0);
      const { bytes, skippedBytes } = decoder.counters;
      return bytes === pieces.reduce((sum, piece) => sum + piece.length, 0) && skippedBytes <= bytes;
    }),
    { numRuns: 500 },
  );
  const headers = new Uint8Array(1_000_000).fill(0x55);
  const { frames, counters } = decode(headers);
  t.equal(frames.length, 0);
  t.equal(counters.skippedBytes, headers.length - 10, 'all but what may yet begin a packet');
  t.end();
});

void t.test('a device at another baud rate gives no frames, and all its bytes are skipped', (t) => {
  const stream = join(...Array.from({ length: 400 }, (_, k) => cycle(k)));
  for (const [sent, read] of [
    [9600, 115200],
    [115200, 9600],
    [57600, 115200],
    [230400, 115200],
  ] as const) {
    const bytes = receiveAt(stream, sent, read);
    t.ok(bytes.length > 500, `sent at ${sent}, read at ${read}: ${bytes.length} bytes`);
    const { frames, counters } = decode(bytes);
    t.equal(frames.length, 0);
    t.ok(bytes.length - counters.skippedBytes <= 10, 'all but what may yet begin a packet');
  }
  t.equal(decode(receiveAt(stream, 115200, 115200)).frames.length, 400, 'the same line at the right rate');
  t.end();
});

void t.test('settings', (t) => {
  t.strictSame(defaults, { accelerationRange: 16, angularRateRange: 2000, outputRate: 50 });
  t.equal(witmotion.nominalRate(witmotion.settings.parse({ outputRate: 100 })), 100);
  for (const wrong of [
    { accelerationRange: 3 },
    { angularRateRange: 0 },
    { outputRate: 51 },
    { acelerationRange: 16 },
  ]) {
    t.notOk(witmotion.settings.safeParse(wrong).success, JSON.stringify(wrong));
  }
  t.end();
});

/** The number that `cycle` put into a frame. */
function number(frame: ImuFrame): number {
  return Math.round((frame.acceleration[0]! / (16 * g)) * 32768);
}

/** True if all parts of the frame come from one cycle. */
function isWhole(frame: ImuFrame): boolean {
  const k = number(frame);
  return (
    [0, 1, 2].every((i) => Math.round((frame.angularRate[i]! / (2000 * degree)) * 32768) === k) &&
    (frame.angle === undefined || Math.round((frame.angle[0]! / Math.PI) * 32768) === k)
  );
}

/** What a UART set to `read` baud makes of a line that carries `bytes` at `sent` baud (8N1, sampled in the middle of each bit). */
function receiveAt(bytes: Uint8Array, sent: number, read: number): Uint8Array {
  const line: number[] = [];
  for (const byte of bytes) line.push(0, ...Array.from({ length: 8 }, (_, i) => (byte >> i) & 1), 1);
  const bitsPerBit = sent / read;
  const level = (time: number) => line[Math.floor(time)] ?? 1;
  const received: number[] = [];
  const step = bitsPerBit / 16;
  for (let time = 0; time < line.length;) {
    if (level(time) === 1) {
      time += step;
      continue;
    }
    let byte = 0;
    for (let i = 0; i < 8; i++) byte |= level(time + (1.5 + i) * bitsPerBit) << i;
    received.push(byte);
    time += 9.5 * bitsPerBit;
    while (level(time) === 0 && time < line.length) time += step; // a framing error: wait for the line to rest
  }
  return Uint8Array.from(received);
}
