import t from 'tap';
import type { ImuFrame } from '../../../drivers/frames.js';
import { sensorLogger, type SensorLoggerSettings } from '../../../drivers/imu/sensor-logger.js';
import { damageStaysLocal, randomBytesDoNoHarm } from '../properties.js';

const g = 9.80665;
const settings = (given: Partial<SensorLoggerSettings> = {}) => sensorLogger.settings.parse(given);
const make = (given: Partial<SensorLoggerSettings> = {}) => sensorLogger.decoder(settings(given));

type Vector = readonly [x: number, y: number, z: number];
interface Reading {
  name: string;
  time: number | string;
  values: Record<string, unknown>;
}
const start = 1_698_501_144; // seconds; the epoch of the maker's examples
/** Nanoseconds, at `seconds` after the start. */
const at = (seconds: number) => Math.round((start + seconds) * 1e6) * 1000;
const reading = (name: string, seconds: number, [x, y, z]: Vector): Reading => ({
  name,
  time: at(seconds),
  values: { z, y, x },
});
const encode = (json: unknown) => new TextEncoder().encode(JSON.stringify(json));
const message = (messageId: number, payload: readonly unknown[], more: Record<string, unknown> = {}) =>
  encode({ messageId, sessionId: 'session', deviceId: 'phone', payload, ...more });

const still: Vector = [0, 0, 0];
const deviceTimes = (frames: readonly ImuFrame[]) => frames.map(({ deviceTime }) => +(deviceTime! - start).toFixed(3));

function near(
  t: Pick<typeof import('tap').default, 'ok'>,
  values: Float32Array,
  expected: readonly number[],
  limit = 1e-5,
) {
  const error = expected.reduce((most, value, i) => Math.max(most, Math.abs(values[i]! - value)), 0);
  t.ok(values.length === expected.length && error < limit, `${expected.join(' ')}: off by ${error}`);
}

// COORDINATES.md: 'When you place your phone flat on a table, the gravity vector points in -z on iOS and +z on Android.'
// The specific force at rest points up: +z, as an accelerometer without an app between gives it.
void t.test('a phone flat on a table measures 1 g upwards, whatever sends it', (t) => {
  const cases: [Partial<SensorLoggerSettings>, Reading[]][] = [
    [{}, [reading('accelerometer', 0, still), reading('gravity', 0, [0, 0, g])]],
    [{}, [reading('totalacceleration', 0, [0, 0, g]), reading('accelerometer', 0, still)]],
    [{}, [reading('accelerometeruncalibrated', 0, [0, 0, g])]],
    [{ convention: 'ios' }, [reading('accelerometer', 0, still), reading('gravity', 0, [0, 0, -g])]],
    [{ convention: 'ios' }, [reading('accelerometeruncalibrated', 0, [0, 0, -1])]],
  ];
  for (const [given, readings] of cases) {
    const frames = make(given).push(message(0, [...readings, reading('gyroscope', 0, [1, -2, 3])]), 5);
    t.equal(frames.length, 1, readings[0]!.name);
    t.equal(frames[0]!.arrivalTime, 5);
    t.equal(frames[0]!.deviceTime, start);
    near(t, frames[0]!.acceleration, [0, 0, g]);
    near(t, frames[0]!.angularRate, [1, -2, 3]); // the same sign on both platforms
  }
  t.end();
});

// UNITS.md: from Apple's watch acceleration and gravity come in g, from AirPods acceleration in g but gravity in m/s².
void t.test('watch and headphone, with and without standardised units', (t) => {
  const worn = (name: string, acceleration: Vector, gravity: Vector): Reading => {
    const values: Record<string, number> = { quaternionW: 1, pitch: 0 };
    ['X', 'Y', 'Z'].forEach((axis, i) => {
      values[`acceleration${axis}`] = acceleration[i]!;
      values[`gravity${axis}`] = gravity[i]!;
      values[`rotationRate${axis}`] = i;
    });
    return { name, time: at(0), values };
  };
  const cases: [Partial<SensorLoggerSettings>, Reading][] = [
    [{ source: 'watch', convention: 'ios' }, worn('wrist motion', [-0.5, 0, 0], [0, 0, -1])],
    [{ source: 'watch', convention: 'android' }, worn('wrist motion', [0.5 * g, 0, 0], [0, 0, g])],
    [{ source: 'headphone', convention: 'ios' }, worn('headphone', [-0.5, 0, 0], [0, 0, -g])],
    [{ source: 'headphone', convention: 'android' }, worn('headphone', [0.5 * g, 0, 0], [0, 0, g])],
  ];
  for (const [given, one] of cases) {
    const [frame] = make(given).push(message(0, [one, reading('gyroscope', 0, [9, 9, 9])]), 0);
    near(t, frame!.acceleration, [0.5 * g, 0, g]);
    near(t, frame!.angularRate, [0, 1, 2]);
    t.equal(make().push(message(0, [one]), 0).length, 0, 'not asked for: the phone is');
  }
  t.end();
});

void t.test('gravity and gyroscope are interpolated at the times of acceleration', (t) => {
  // A phone that tips about x at 2 rad/s, faster by 1 rad/s each second: sensors at 100 Hz, each with times of its own.
  const angle = (s: number) => 2 * s + (s * s) / 2;
  const readings: Reading[] = [];
  for (let i = 0; i < 100; i++) {
    const s = i / 100;
    readings.push(reading('accelerometer', s + 0.0037, still));
    readings.push(
      reading('gravity', s + 0.0011, [0, g * Math.sin(angle(s + 0.0011)), g * Math.cos(angle(s + 0.0011))]),
    );
    readings.push(reading('gyroscope', s + 0.0059, [2 + s + 0.0059, 0, 0]));
  }
  readings.reverse(); // in a message, order means nothing
  const decoder = make();
  const frames = decoder.push(message(0, readings), 0);
  t.equal(frames.length, 98, 'the first is before the gyroscope, the last after gravity');
  t.equal(decoder.counters.failures['unpaired'], 1, 'the last one waits');
  for (const [i, frame] of frames.entries()) {
    const s = (i + 1) / 100 + 0.0037;
    t.ok(Math.abs(frame.deviceTime! - start - s) < 1e-6);
    // Linear interpolation of a circle over 0.03 rad: the sagitta, g · 0.03² / 8, is the largest error.
    near(t, frame.acceleration, [0, g * Math.sin(angle(s)), g * Math.cos(angle(s))], (g * 0.03 ** 2) / 8);
    near(t, frame.angularRate, [2 + s, 0, 0], 1e-5);
  }
  t.end();
});

const batch = (k: number) =>
  message(
    k,
    Array.from({ length: 10 }, (_, i) => k / 10 + i / 100).flatMap((s) => [
      reading('totalacceleration', s, [k, 0, g]),
      reading('gyroscope', s + 0.004, [s, 0, 0]),
    ]),
  );

void t.test('samples at the edge of a batch are paired with the next one', (t) => {
  const decoder = make();
  const frames = [0, 1, 2].flatMap((k) => decoder.push(batch(k), k));
  t.strictSame(
    deviceTimes(frames),
    Array.from({ length: 29 }, (_, i) => (i + 1) / 100),
  );
  t.equal(decoder.counters.frames, 29);
  t.equal(decoder.counters.failures['unpaired'], 1, 'the very first has no gyroscope before it');
  t.end();
});

void t.test('a message out of its turn is waited for, a missing one is counted', (t) => {
  const decoder = make();
  const order = (ks: number[]) => ks.map((k) => deviceTimes(decoder.push(batch(k), 0)).length);
  t.strictSame(order([0, 2, 1, 3]), [9, 0, 20, 10], '2 waits for 1');
  t.equal(decoder.counters.failures['lostMessages'], 0);
  t.strictSame(order([5, 6]), [0, 19], '4 does not come: 5 is used with 6, but for the sample over the gap');
  t.equal(decoder.counters.failures['lostMessages'], 1);
  t.strictSame(order([4, 7]), [0, 10], '4 comes after all, too late');
  t.equal(decoder.counters.failures['late'], 10);
  t.end();
});

void t.test('times always rise, whatever the order of the messages', (t) => {
  const decoder = make();
  const frames = [3, 1, 0, 2, 5, 4, 4, 6, 9, 8, 7, 10].flatMap((k) => decoder.push(batch(k), 0));
  const times = deviceTimes(frames);
  t.ok(times.every((time, i) => i === 0 || time > times[i - 1]!));
  t.end();
});

void t.test('a gap in the gyroscope is not bridged', (t) => {
  const decoder = make();
  const frames = decoder.push(
    message(0, [
      ...[0, 0.01, 0.02, 0.25, 0.5, 0.51].map((s) => reading('totalacceleration', s, [0, 0, g])),
      ...[0, 0.02, 0.5, 0.52].map((s) => reading('gyroscope', s, [s, 0, 0])),
    ]),
    0,
  );
  t.strictSame(deviceTimes(frames), [0, 0.01, 0.02, 0.5, 0.51]);
  t.equal(decoder.counters.failures['unpaired'], 1);
  t.end();
});

void t.test('a sample with a time of its own future is not mistaken for the one of that time', (t) => {
  const decoder = make();
  const frames = [0, 1, 2, 3].flatMap((k) => {
    const time = k === 1 ? 3 : k; // message 1 says that its acceleration is of the time of message 3
    return decoder.push(message(k, [reading('totalacceleration', time, [k, 0, g]), reading('gyroscope', k, still)]), 0);
  });
  t.strictSame(
    frames.map(({ acceleration }) => acceleration[0]),
    [0, 2, 3],
  );
  t.equal(decoder.counters.failures['unpaired'], 1);
  t.end();
});

void t.test('a new session and a clock that is set back begin anew', (t) => {
  const decoder = make();
  const one = (messageId: number, s: number, more = {}) =>
    decoder.push(
      message(messageId, [reading('totalacceleration', s, [0, 0, g]), reading('gyroscope', s, still)], more),
      0,
    ).length;
  t.strictSame([one(7, 100), one(8, 100.1), one(9, 40), one(10, 40.1)], [1, 1, 1, 1], 'the clock is set back by 60 s');
  t.strictSame([one(0, 10, { sessionId: 'next' }), one(1, 10.1, { sessionId: 'next' })], [1, 1]);
  t.strictSame([one(2, 10.1, { sessionId: 'next' })], [0], 'the same sample twice');
  t.equal(decoder.counters.failures['late'], 0);
  t.end();
});

void t.test('of several devices one is read', (t) => {
  /** Whether each message gave a frame. */
  const frames = (decoder: ReturnType<typeof make>, messages: [deviceId: string, arrivalTime: number][]) =>
    messages
      .map(([deviceId, s]) => {
        const motion = [reading('totalacceleration', s, [0, 0, g]), reading('gyroscope', s, still)];
        return decoder.push(message(0, motion, { deviceId, sessionId: deviceId }), s).length;
      })
      .join('');
  const first = make();
  t.equal(first.push(message(0, [], { deviceId: 'test' }), 0).length, 0, 'a message without motion chooses no device');
  t.equal(
    frames(first, [
      ['a', 1],
      ['b', 2],
      ['a', 3],
      ['b', 4],
      ['b', 5],
      ['a', 6],
    ]),
    '101001',
    'the first is held to',
  );
  t.equal(first.counters.failures['otherDevice'], 3);
  t.equal(
    frames(first, [
      ['b', 17],
      ['b', 18],
      ['a', 19],
    ]),
    '010',
    'after a long silence another takes its place',
  );
  t.equal(
    frames(make(), [
      ['damaged', 1],
      ['a', 2],
      ['a', 3],
      ['a', 4],
    ]),
    '1011',
    'one message alone does not hold the place',
  );
  t.equal(
    frames(make({ deviceId: 'b' }), [
      ['a', 1],
      ['a', 2],
      ['b', 3],
    ]),
    '001',
    'the configured one',
  );
  t.end();
});

void t.test('numbers may be text, as in the exports of the app; other readings are passed over', (t) => {
  const frames = make().push(
    message(0, [
      { name: 'location', time: at(0), values: { latitude: 52, speed: -1 } },
      { name: 'constructor', time: at(0), values: {} },
      { name: 'microphone', time: at(0), values: { dBFS: -30 } },
      { name: 'TotalAcceleration', time: '1698501144401773000', values: { x: '0.5', y: '-0.5', z: '9.5' } },
      { name: 'Gyroscope', time: '1698501144401773000', values: { x: '1e-1', y: '0', z: '0' }, accuracy: 3 },
    ]),
    0,
  );
  t.equal(frames[0]!.deviceTime, 1698501144.401773);
  near(t, frames[0]!.acceleration, [0.5, -0.5, 9.5]);
  near(t, frames[0]!.angularRate, [0.1, 0, 0]);
  t.end();
});

void t.test('hostile messages are refused and counted', (t) => {
  const good = [reading('totalacceleration', 0, [0, 0, g]), reading('gyroscope', 0, still)];
  const cases: [string, Uint8Array, number][] = [
    ['badJson', new TextEncoder().encode('{"payload": [}'), 0],
    ['badJson', Uint8Array.of(0x22, 0xff, 0xfe, 0x22), 0],
    ['tooDeep', new TextEncoder().encode('['.repeat(1_000_000)), 0],
    ['tooDeep', new TextEncoder().encode(`{"a":"]\\"]","payload":${'[{"a":'.repeat(50)}`), 0],
    ['tooLong', new Uint8Array(9_000_000).fill(0x20), 0],
    ['tooLong', encode({ payload: Array(200_000).fill(0) }), 0],
    ['notAMessage', encode([]), 0],
    ['notAMessage', encode({ payload: { length: 5 } }), 0],
    ['notAMessage', encode(null), 0],
    ['badReading', message(0, [null, ...good]), 1],
    ['badReading', message(0, [{ name: 5 }, ...good]), 1],
    ['badReading', message(0, [{ ...good[0], time: -5 }, ...good]), 1],
    ['badReading', message(0, [{ ...good[0], time: 1e300 }, ...good]), 1],
    ['badReading', message(0, [{ ...good[0], values: null }, ...good]), 1],
    ['badReading', message(0, [{ ...good[0], values: { x: 1, y: 2 } }, ...good]), 1],
    ['badReading', message(0, [{ ...good[0], values: { x: 1, y: 2, z: 1e99 } }, ...good]), 1],
    ['badReading', message(0, [{ ...good[0], values: { x: 1, y: 2, z: '' } }, ...good]), 1],
    ['withoutGravity', message(0, [reading('accelerometer', 0, still), good[1]]), 0],
  ];
  for (const [kind, bytes, frames] of cases) {
    const decoder = make();
    t.equal(decoder.push(bytes, 0).length, frames, `${kind}: ${Buffer.from(bytes.subarray(0, 60)).toString()}`);
    t.equal(decoder.counters.failures[kind], 1, kind);
    t.equal(
      decoder.push(message(1, good), 0).length,
      frames === 0 ? 1 : 0,
      'the next message is read (or is a repetition)',
    );
  }
  t.end();
});

void t.test('acceleration without a gyroscope is not kept for ever', (t) => {
  const decoder = make();
  for (let k = 0; k < 50; k++)
    decoder.push(
      message(
        k,
        Array.from({ length: 1000 }, (_, i) => reading('totalacceleration', k + i / 1000, [0, 0, g])),
      ),
      0,
    );
  t.equal(decoder.counters.failures['unpaired'], 50_000);
  t.end();
});

void t.test('what every driver holds to', (t) => {
  const units = Array.from({ length: 12 }, (_, k) =>
    message(k, [reading('totalacceleration', k, [k / 8, 0, 9.75]), reading('gyroscope', k, [0, k / 16, 0])]),
  );
  damageStaysLocal(
    make,
    units.map((unit) => [unit]),
    'datagrams',
  );
  randomBytesDoNoHarm(make, units);
  t.pass();
  t.end();
});

void t.test('a message of the app is recognised', (t) => {
  t.ok(sensorLogger.recognises!(batch(0)));
  t.notOk(sensorLogger.recognises!(message(0, [{ name: 'location', time: at(0), values: {} }])), 'no motion');
  t.notOk(sensorLogger.recognises!(encode({ payload: 'x' })));
  t.notOk(sensorLogger.recognises!(Uint8Array.of(0xfa, 0xff)));
  t.end();
});

void t.test('a frame for every sample of a long session but the last, which the next message may yet change', (t) => {
  const decoder = make();
  for (let k = 0; k < 1000; k++) decoder.push(batch(k), 0);
  t.equal(decoder.counters.frames, 9999);
  t.end();
});
