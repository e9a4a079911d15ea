import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { playDevice } from '../../room/played-device.js';
import type { PlayedChunk } from '../../room/played-device.js';
import { until } from '../daemon/helpers/wait.js';

const seconds = () => performance.now() / 1000;

/** Chunk n is the line `n deviceTime`, every `period` seconds. */
function* lines(count: number, period: number, label: (n: number) => string = () => 'act'): Generator<PlayedChunk> {
  for (let n = 0; n < count; n++)
    yield { at: n * period, lasts: period, label: label(n), bytes: (time) => Buffer.from(`${n} ${time.toFixed(4)}\n`) };
}

type Tap = Pick<typeof t, 'teardown'>;
async function client(t: Tap, port: number) {
  const socket: Socket = connect(port, '127.0.0.1');
  const arrivals: { n: number; clock: number; arrived: number }[] = [];
  let rest = '';
  socket
    .on('error', () => undefined)
    .on('data', (bytes) => {
      const whole = (rest + bytes.toString()).split('\n');
      rest = whole.pop()!;
      for (const line of whole) {
        const [n, clock] = line.split(' ').map(Number) as [number, number];
        arrivals.push({ n, clock, arrived: seconds() });
      }
    });
  t.teardown(() => void socket.destroy());
  await once(socket, 'connect');
  return { socket, arrivals };
}

void t.test('live speed without drift, in order, with a clock of its own', async (t) => {
  let ended = 0;
  const device = await playDevice(lines(100, 0.02), () => ended++);
  t.teardown(() => device.close());
  await delay(100);
  const connected = seconds();
  const { arrivals } = await client(t, device.port);
  await until('all chunks', () => arrivals.length === 100);
  t.strictSame(
    arrivals.map(({ n }) => n),
    [...Array(100).keys()],
  );
  t.ok(arrivals.every(({ n, clock }) => Math.abs(clock - Date.UTC(2020, 0, 1) / 1000 - 0.02 * n) < 2e-4));
  // None too early; late as the machine may be, the best ones show that nothing adds up.
  const late = arrivals.map(({ n, arrived }) => arrived - connected - 0.02 * n);
  t.ok(Math.min(...late) >= 0, `the earliest is ${Math.min(...late)} s late`);
  t.ok(Math.min(...late.slice(50)) < 0.25, `the best of the second half is ${Math.min(...late.slice(50))} s late`);
  t.equal(ended, 1);
});

void t.test('what is performed when', async (t) => {
  const device = await playDevice(lines(60, 0.01, (n) => (n < 20 ? 'still' : n < 40 ? 'wave' : 'clap')));
  t.teardown(() => device.close());
  t.equal(device.performing(seconds() - 10, seconds()), undefined, 'nothing yet');
  const before = seconds();
  const { arrivals } = await client(t, device.port);
  await until('all chunks', () => arrivals.length === 60);
  const after = seconds();
  // The performance begins between `before` and the first arrival; search its beginning by the labels themselves.
  let start = before;
  while (device.performing(start, start + 0.001) === undefined && start < after) start += 0.001;
  t.equal(device.performing(start + 0.02, start + 0.15), 'still');
  t.equal(device.performing(start + 0.15, start + 0.35), 'wave', 'three quarters of it');
  t.equal(device.performing(start + 0.35, start + 5), 'clap', 'a window that reaches over the end');
  t.equal(device.performing(start + 0.7, start + 5), undefined);
  t.equal(device.performing(before - 5, before), undefined);
});

void t.test('nobody connected, the performance waits; the clock does not', async (t) => {
  const device = await playDevice(lines(40, 0.02));
  t.teardown(() => device.close());
  const first = await client(t, device.port);
  await until('some chunks', () => first.arrivals.length >= 10);
  first.socket.destroy();
  await delay(500);
  const second = await client(t, device.port);
  await until('the last chunk', () => second.arrivals.at(-1)?.n === 39);
  const [from, to] = [first.arrivals.at(-1)!, second.arrivals[0]!];
  t.ok(to.n > from.n && to.n < 39, `${from.n}, then ${to.n}`);
  t.ok(to.clock - from.clock > 0.4, `the clock went on by ${to.clock - from.clock} s`);
});

void t.test('a pause runs on while the client comes anew', async (t) => {
  const chunks = [0, 1].map((at): PlayedChunk => ({
    at,
    lasts: 0.02,
    label: 'act',
    bytes: (time) => Buffer.from(`${at} ${time}\n`),
  }));
  const device = await playDevice(chunks);
  t.teardown(() => device.close());
  const first = await client(t, device.port);
  const start = await until('the first chunk', () => first.arrivals[0]?.arrived);
  first.socket.destroy();
  await delay(200);
  const second = await client(t, device.port);
  const end = await until('the second chunk', () => second.arrivals[0]?.arrived);
  t.ok(end - start > 0.9, `${end - start} s after the first`);
});

void t.test('the newest client is served, the one before sent away', async (t) => {
  const device = await playDevice(lines(1000, 0.01));
  t.teardown(() => device.close());
  const first = await client(t, device.port);
  await until('a chunk', () => first.arrivals.length > 0);
  const gone = once(first.socket, 'close');
  const second = await client(t, device.port);
  await gone;
  await until('a chunk', () => second.arrivals.length > 0);
  t.ok(second.arrivals[0]!.n > first.arrivals.at(-1)!.n, 'and nothing is sent twice');
});

void t.test('a client that does not read is waited for, and loses nothing', async (t) => {
  const size = 1 << 18;
  let made = 0;
  const chunks = Array.from({ length: 400 }, (_, n): PlayedChunk => ({
    at: 0.001 * n,
    lasts: 0.001,
    label: 'act',
    bytes: () => Buffer.alloc(size, ++made % 251),
  }));
  const device = await playDevice(chunks);
  t.teardown(() => device.close());
  const socket = connect(device.port, '127.0.0.1').pause();
  t.teardown(() => void socket.destroy());
  await delay(1000);
  const held = made;
  t.ok(held > 0 && held < 400, `${held} of 400 chunks were made while nobody read`);
  await delay(300);
  t.equal(made, held, 'nothing piles up');
  let received = 0;
  socket.on('data', (bytes) => (received += bytes.length)).resume();
  await until('everything', () => received === 400 * size);
  t.equal(made, 400);
});

void t.test('closing disconnects and gives the port back', async (t) => {
  const device = await playDevice(lines(1000, 0.01));
  const { socket, arrivals } = await client(t, device.port);
  await until('a chunk', () => arrivals.length > 0);
  const closed = once(socket, 'close');
  await device.close();
  await closed;
  const server = createServer().listen(device.port, device.host);
  await once(server, 'listening');
  server.close();
});
