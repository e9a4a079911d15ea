import { createServer, type AddressInfo, type Socket } from 'node:net';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { z } from 'zod';
import { superviseSensor, type SensorOptions } from '../../daemon/sensor.js';
import { sensorHealth, type SensorHealth } from '../../daemon/topics.js';
import type { Driver } from '../../drivers/driver.js';
import type { Frame } from '../../drivers/frames.js';
import { witmotion } from '../../drivers/imu/witmotion.js';
import { openTransport } from '../../drivers/transports/registry.js';
import type { TransportHandlers } from '../../drivers/transports/transport.js';
import { encodeWitmotion } from '../../room/witmotion-encoder.js';
import { settled, takeClock, type Clock } from './helpers/clock.js';

/** A device whose every byte 0x55 is a frame; 0xee makes its decoder throw. */
const driver: Driver = {
  name: 'fake-device',
  title: 'Fake',
  modality: 'imu',
  settings: z.unknown(),
  transports: { serial: { baudRate: 9600 } },
  seenOn: 'a test',
  nominalRate: () => 10,
  decoder() {
    const counters = { frames: 0, bytes: 0, skippedBytes: 0, failures: { badByte: 0 } };
    return {
      counters,
      push(bytes, arrivalTime) {
        const frames: Frame[] = [];
        for (const byte of bytes) {
          if (byte === 0xee) throw new Error('a fault in the decoder');
          counters.bytes++;
          if (byte === 0x55) {
            counters.frames++;
            frames.push({
              kind: 'imu',
              arrivalTime,
              acceleration: new Float32Array(3),
              angularRate: new Float32Array(3),
            });
          } else {
            counters.skippedBytes++;
            counters.failures.badByte++;
          }
        }
        return frames;
      },
    };
  },
};

interface Attempt {
  time: number;
  handlers: TransportHandlers;
  accept(): void;
  refuse(error: Error): void;
  closed: boolean;
}

/** A sensor under supervision with the clock, the device and every call in the test's hands. */
function bench(t: Test, more: Partial<SensorOptions> = {}, { now, pass }: Clock = takeClock(t)) {
  const attempts: Attempt[] = [];
  const frames: Frame[] = [];
  const healths: SensorHealth[] = [];
  const lines: { level: number; msg: string }[] = [];
  let gone = 0;
  let closeHangs = false;
  const log = pino(
    { level: 'info' },
    { write: (line: string) => void lines.push(JSON.parse(line) as { level: number; msg: string }) },
  );
  const sensor = superviseSensor({
    name: 'wrist',
    place: 'living-room',
    driver,
    driverSettings: {},
    transportName: 'serial',
    silenceTimeout: 2,
    virtual: false,
    recorded: false,
    openTransport: (handlers) =>
      new Promise((resolve, reject) => {
        const attempt: Attempt = {
          time: now(),
          handlers,
          closed: false,
          accept() {
            resolve({
              write: () => Promise.resolve(),
              close() {
                attempt.closed = true;
                return closeHangs ? new Promise(() => undefined) : Promise.resolve();
              },
            });
          },
          refuse: reject,
        };
        attempts.push(attempt);
      }),
    onFrames: (fresh) => frames.push(...fresh),
    onGone: () => gone++,
    onHealth: (health) => healths.push(sensorHealth.parse(health)),
    log,
    now,
    ...more,
  });

  t.teardown(async () => {
    const end = sensor.stop();
    await pass(1.1);
    await end;
  });
  const newest = () => attempts.at(-1)!;
  return {
    sensor,
    attempts,
    frames,
    healths,
    lines,
    pass,
    newest,
    now,
    gone: () => gone,
    hangOnClose: () => (closeHangs = true),
    send: (...bytes: number[]) => newest().handlers.onBytes(Uint8Array.from(bytes), now()),
    accept: async () => {
      newest().accept();
      await settled();
    },
    refuse: async (text: string) => {
      newest().refuse(new Error(text));
      await settled();
    },
    /** Until the next attempt to open. */
    nextAttempt: async () => {
      const count = attempts.length;
      for (let i = 0; attempts.length === count; i++) {
        if (i > 1000) throw new Error('no further attempt');
        await pass(0.05);
      }
    },
  };
}

void t.test('connecting, then live with the first frame; frames are handed on and counted', async (t) => {
  const { sensor, accept, send, pass, frames, healths, lines } = bench(t, { virtual: true });
  t.match(sensor.health(), { state: 'connecting', frames: 0, frameRate: 0, reconnects: 0, virtual: true });
  t.notOk('lastFrame' in sensor.health());
  await accept();
  t.equal(sensor.health().state, 'connecting', 'an open port is not yet a device');
  send(0x01, 0x55, 0x55);
  t.equal(frames.length, 2);
  t.match(sensor.health(), {
    state: 'live',
    driver: 'fake-device',
    transport: 'serial',
    place: 'living-room',
    frames: 2,
    bytes: 3,
    skippedBytes: 1,
    failures: { badByte: 1 },
  });
  t.ok(sensor.health().lastFrame);
  await pass(20, () => send(0x55));
  t.equal(sensor.health().frameRate, 20);
  t.equal(sensor.health().state, 'live');
  t.strictSame(
    lines.map((line) => line.msg),
    ['sensor wrist is live'],
  );
  t.ok(healths.length >= 5 && healths.length <= 7, 'each change of state, and every 5 s');
});

void t.test('a silent device is closed and opened again, and what it sent before still counts', async (t) => {
  const { sensor, accept, send, pass, attempts, nextAttempt, gone } = bench(t);
  await accept();
  send(0x55, 0x55, 0x00);
  await pass(1.8);
  t.equal(sensor.health().state, 'live');
  await pass(0.4);
  t.match(sensor.health(), {
    state: 'silent',
    reason: /^nothing arrives any more for 2 s: .*switched on/,
    frameRate: 0,
  });
  t.equal(attempts[0]!.closed, true);
  t.equal(gone(), 1);
  attempts[0]!.handlers.onBytes(Uint8Array.of(0x55), 0);
  t.equal(sensor.health().frames, 2, 'a closed connection has no say any more');

  await nextAttempt();
  await accept();
  t.equal(sensor.health().state, 'silent', 'opened again, but nothing heard yet');
  await pass(2.2);
  t.match(sensor.health(), { state: 'silent', reason: /^open, but nothing arrives for 2 s/, reconnects: 1 });
  t.equal(gone(), 1, 'gone is told once');

  await nextAttempt();
  await accept();
  send(0x55);
  t.match(sensor.health(), {
    state: 'live',
    reason: undefined,
    frames: 3,
    bytes: 4,
    skippedBytes: 1,
    failures: { badByte: 1 },
    reconnects: 2,
  });
});

void t.test('bytes without a valid frame are told apart from silence, with the remedy', async (t) => {
  const { sensor, accept, send, pass, nextAttempt, now, newest } = bench(t);
  await accept();
  newest().handlers.onBytes(new Uint8Array(1203), now());
  await pass(2.2);
  t.match(sensor.health(), {
    state: 'silent',
    reason: "1,203 bytes arrived, none a valid fake-device frame: is the baud rate right (the driver's usual is 9600)?",
    bytes: 1203,
    skippedBytes: 1203,
  });
  await nextAttempt();
  await accept();
  send(0x55);
  send(1, 2, 3);
  await pass(2.2);
  t.match(sensor.health().reason, /^3 bytes arrived since the last frame, none a valid/);
});

void t.test('a slow device is not taken for a silent one', async (t) => {
  const { sensor, accept, send, pass } = bench(t, { driver: { ...driver, nominalRate: () => 0.2 } });
  await accept();
  for (let i = 0; i < 3; i++) {
    send(0x55);
    await pass(5);
    t.equal(sensor.health().state, 'live');
  }
  await pass(10.2);
  t.match(sensor.health(), { state: 'silent', reason: /for 15 s/ });
});

void t.test('a device that sends one frame a connection is fetched back ever more slowly', async (t) => {
  const { accept, send, nextAttempt, attempts } = bench(t);
  for (let i = 0; i < 6; i++) {
    await accept();
    send(0x55);
    await nextAttempt();
  }
  t.ok(attempts.at(-1)!.time - attempts.at(-2)!.time >= 15);
});

void t.test(
  'a refused device is tried again with doubled waits and jitter, and makes one line in the log',
  async (t) => {
    const { sensor, refuse, nextAttempt, attempts, lines, accept, send } = bench(t);
    await refuse('serial /dev/ttyUSB0: no such device. Is it plugged in?');
    t.match(sensor.health(), {
      state: 'unreachable',
      reason: 'serial /dev/ttyUSB0: no such device. Is it plugged in?',
    });
    for (const longest of [1, 2, 4, 8, 16, 30, 30]) {
      await nextAttempt();
      const wait = attempts.at(-1)!.time - attempts.at(-2)!.time;
      t.ok(wait >= longest / 2 && wait <= longest + 0.1, `waited ${wait} s of at most ${longest}`);
      await refuse('serial /dev/ttyUSB0: permission denied');
    }
    t.equal(sensor.health().reason, 'serial /dev/ttyUSB0: permission denied', 'the newest reason');
    t.equal(sensor.health().reconnects, 0, 'it was never opened');
    await nextAttempt();
    await accept();
    send(0x55);
    t.strictSame(
      lines.map((line) => line.msg),
      ['sensor wrist is unreachable: serial /dev/ttyUSB0: no such device. Is it plugged in?', 'sensor wrist is live'],
    );
  },
);

void t.test('an attempt to open that hangs is given up, and closed should it succeed later', async (t) => {
  const { sensor, pass, attempts, nextAttempt, accept, send } = bench(t, { patience: { open: 5, close: 1 } });
  await pass(5.2);
  t.match(sensor.health(), { state: 'unreachable', reason: /^opening took more than 5 s/ });
  await nextAttempt();
  const [first, second] = attempts;
  first!.accept();
  await pass(0.1);
  t.equal(first!.closed, true);
  await accept();
  send(0x55);
  t.equal(sensor.health().state, 'live');
  t.equal(second!.closed, false);
});

void t.test(
  'a device that says a word and goes is not hammered; one that stayed is fetched back at once',
  async (t) => {
    const { sensor, accept, send, pass, nextAttempt, newest, attempts, gone, now } = bench(t);
    const hangUp = async () => {
      newest().handlers.onClose('tcp: the other side closed the connection');
      await settled();
    };
    for (let i = 0; i < 6; i++) {
      await accept();
      send(0x55);
      await hangUp();
      t.match(sensor.health(), { state: 'unreachable', reason: 'tcp: the other side closed the connection' });
      await nextAttempt();
    }
    t.ok(attempts.at(-1)!.time - attempts.at(-2)!.time >= 15);
    t.equal(gone(), 6);
    await accept();
    await pass(40, () => send(0x55));
    await hangUp();
    const closedAt = now();
    await nextAttempt();
    t.ok(newest().time - closedAt <= 1.1);
  },
);

void t.test('faults in the code around it are counted, logged once a kind, and stop nothing', async (t) => {
  const fault = (): never => {
    throw new Error('a fault in the code around it');
  };
  const { sensor, accept, send, pass, lines, gone } = bench(t, { onFrames: fault, onHealth: fault });
  await accept();
  send(0x55);
  send(0x55);
  send(0xee);
  send(0xee);
  send(0x55);
  t.match(sensor.health(), { state: 'live', frames: 3, failures: { consumerError: 2 + 1, decoderError: 2 } });
  t.ok(sensor.health().failures['healthError']! >= 1);
  await pass(2.2);
  t.equal(sensor.health().state, 'silent');
  t.equal(gone(), 1);
  const errors = lines.filter((line) => line.level === 50).map((line) => line.msg.split(':')[0]);
  t.strictSame(errors.sort(), ['consumerError', 'decoderError', 'healthError']);
});

void t.test('a driver that cannot make its decoder, and an opener that throws at once, end nothing', async (t) => {
  const broken: Driver = {
    ...driver,
    decoder() {
      throw new Error('the profile has no chirp; send another');
    },
  };
  const clock = takeClock(t);
  const { sensor, attempts, pass } = bench(t, { driver: broken }, clock);
  await pass(0.1);
  t.match(sensor.health(), { state: 'unreachable', reason: 'the profile has no chirp; send another' });
  t.equal(attempts.length, 0, 'the device is not asked for anything');
  const openTransport = () => {
    throw new Error('at once');
  };
  const thrower = bench(t, { openTransport }, clock);
  await thrower.pass(0.1);
  t.match(thrower.sensor.health(), { state: 'unreachable', reason: 'at once' });
});

void t.test('the files of a driver are read at each opening; one that is missing is told', async (t) => {
  let texts = undefined as Record<string, string> | undefined;
  const given: unknown[] = [];
  const reading: Driver = {
    ...driver,
    decoder(settings, files) {
      given.push(files);
      return driver.decoder(settings);
    },
  };
  const readFiles = () => (texts ? Promise.resolve(texts) : Promise.reject(new Error('radar.cfg: no such file')));
  const { sensor, accept, send, nextAttempt, pass } = bench(t, { driver: reading, readFiles });
  await pass(0.1);
  t.match(sensor.health(), { state: 'unreachable', reason: 'radar.cfg: no such file' });
  texts = { profile: 'sensorStart' };
  await nextAttempt();
  await accept();
  send(0x55);
  t.equal(sensor.health().state, 'live');
  t.strictSame(given, [texts]);
});

void t.test(
  'a device that must be started is, each time, and is stopped before its connection is closed',
  async (t) => {
    const calls: string[] = [];
    let fails = true;
    const starting: Driver = {
      ...driver,
      start(connection) {
        calls.push('start');
        void connection.write(Uint8Array.of(1));
        if (fails) return Promise.reject(new Error('line 3 of the profile was refused'));
        return Promise.resolve(() => {
          calls.push(`stop, ${newest().closed ? 'closed' : 'open'}`);
          return Promise.resolve();
        });
      },
    };
    const { sensor, accept, send, newest, nextAttempt } = bench(t, { driver: starting });
    await accept();
    t.match(sensor.health(), { state: 'unreachable', reason: 'line 3 of the profile was refused' });
    t.ok(newest().closed);
    fails = false;
    await nextAttempt();
    await accept();
    send(0x55);
    t.equal(sensor.health().state, 'live');
    await sensor.stop();
    t.strictSame(calls, ['start', 'start', 'stop, open']);
    t.ok(newest().closed);
  },
);

void t.test('what is played once is not opened again, and its bytes are heard as they came', async (t) => {
  const heard: number[][] = [];
  const { sensor, attempts, accept, send, newest, pass } = bench(t, {
    once: true,
    onBytes: (bytes) => heard.push([...bytes]),
  });
  await accept();
  send(0x01, 0x55);
  newest().handlers.onClose('it was played to its end');
  await sensor.ended;
  await pass(60);
  t.equal(attempts.length, 1);
  t.strictSame(heard, [[0x01, 0x55]]);
  t.match(sensor.health(), { state: 'unreachable', reason: 'it was played to its end', frames: 1 });
});

void t.test('stop closes the device, says so once, and nothing is called after', async (t) => {
  const { sensor, accept, send, frames, healths, newest, gone, attempts, pass } = bench(t);
  await accept();
  send(0x55);
  await sensor.stop();
  t.equal(newest().closed, true);
  t.equal(sensor.health().state, 'stopped');
  t.equal(healths.at(-1)!.state, 'stopped');
  const count = healths.length;
  send(0x55);
  newest().handlers.onClose('late');
  await pass(60);
  t.equal(frames.length, 1);
  t.equal(healths.length, count);
  t.equal(attempts.length, 1);
  t.equal(gone(), 0);
  await sensor.stop();
  t.equal(healths.length, count, 'a second stop changes nothing');
});

void t.test(
  'stop does not wait for a device that does not close, nor for one that does not open, nor for a back-off',
  async (t) => {
    const clock = takeClock(t);
    const hanging = bench(t, {}, clock);
    hanging.hangOnClose();
    await hanging.accept();
    const first = hanging.sensor.stop();
    await hanging.pass(1.1);
    await first;
    t.equal(hanging.sensor.health().state, 'stopped');

    const opening = bench(t, {}, clock);
    const second = opening.sensor.stop();
    await opening.pass(1.1);
    await second;
    t.equal(opening.sensor.health().state, 'stopped');
    await opening.accept();
    t.equal(opening.newest().closed, true);

    const waiting = bench(t, {}, clock);
    await waiting.refuse('not there');
    await waiting.sensor.stop();
    t.equal(waiting.sensor.health().state, 'stopped');
  },
);

void t.test('WitMotion over real TCP: wrong bytes, right bytes, a broken connection, right bytes', async (t) => {
  const cycle = encodeWitmotion({ acceleration: [0, 0, 9.80665], angularRate: [0, 0, 0] });
  const noise = new Uint8Array(500).fill(0xaa);
  let chatter: Uint8Array = noise;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    const timer = setInterval(() => socket.write(chatter), 10);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearInterval(timer);
      sockets.delete(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  const frames: Frame[] = [];
  let gone = 0;
  const waiting = new Set<() => void>();
  const sensor = superviseSensor({
    name: 'wrist',
    place: 'living-room',
    driver: witmotion,
    driverSettings: witmotion.settings.parse({}),
    transportName: 'tcp',
    openTransport: (handlers) => openTransport({ type: 'tcp', host: '127.0.0.1', port }, handlers),
    silenceTimeout: 0.3,
    virtual: false,
    recorded: false,
    onFrames: (fresh) => frames.push(...fresh),
    onGone: () => gone++,
    onHealth: () => {
      for (const look of waiting) look();
    },
    log: pino({ level: 'silent' }),
    backOff: { first: 0.02, longest: 0.1 },
  });
  const reached = (state: SensorHealth['state']) =>
    new Promise<SensorHealth>((resolve) => {
      const look = () => {
        if (sensor.health().state !== state) return;
        waiting.delete(look);
        resolve(sensor.health());
      };
      waiting.add(look);
      look();
    });

  const silent = await reached('silent');
  t.match(silent.reason, /bytes arrived, none a valid witmotion-wt901 frame: is the baud rate right/);
  t.equal(silent.frames, 0);

  chatter = cycle;
  await reached('live');
  const [first] = frames;
  if (first?.kind !== 'imu') throw new Error(`a frame of kind ${first?.kind ?? 'none'}`);
  t.match(
    [...first.acceleration],
    [0, 0, 9.80665].map((value) => Math.fround(value)),
  );
  t.equal(gone, 0);

  for (const socket of sockets) socket.destroy();
  const lost = await reached('unreachable');
  t.match(lost.reason, /closed the connection|broke the connection/);
  t.equal(gone, 1);
  const before = lost.frames;
  t.ok((await reached('live')).frames > before);

  await sensor.stop();
  t.equal(frames.length, sensor.health().frames, 'every frame was handed on');
  t.ok(sensor.health().reconnects >= 2);
  // Ends only when no connection is left open.
  await new Promise<void>((resolve) => server.close(() => resolve()));
});
