import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { Subscriber } from 'zeromq';
import { tcpOutlet, zmqOutlet } from '../../room/outlet.js';
import { playDevice } from '../../room/played-device.js';
import type { PlayedChunk } from '../../room/played-device.js';
import { Stage } from '../../room/stage.js';
import { until } from '../daemon/helpers/wait.js';

const seconds = () => performance.now() / 1000;

/** Chunk n is the line `n deviceTime`, every `period` seconds. */
function* lines(count: number, period: number, label: (n: number) => string = () => 'act'): Generator<PlayedChunk> {
  for (let n = 0; n < count; n++)
    yield {
      at: n * period,
      lasts: period,
      label: label(n),
      message: (time) => Buffer.from(`${n} ${time.toFixed(4)}\n`),
    };
}

async function play(chunks: Iterable<PlayedChunk>, onEnd?: () => void) {
  const outlet = await tcpOutlet();
  const { host, port } = outlet;
  return { ...playDevice(chunks, outlet, onEnd && { onEnd }), host, port };
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
  const device = await play(lines(100, 0.02), () => ended++);
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
  const device = await play(lines(60, 0.01, (n) => (n < 20 ? 'still' : n < 40 ? 'wave' : 'clap')));
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
  const device = await play(lines(40, 0.02));
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
    message: (time) => Buffer.from(`${at} ${time}\n`),
  }));
  const device = await play(chunks);
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
  const device = await play(lines(1000, 0.01));
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
    message: () => Buffer.alloc(size, ++made % 251),
  }));
  const device = await play(chunks);
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
  const device = await play(lines(1000, 0.01));
  const { socket, arrivals } = await client(t, device.port);
  await until('a chunk', () => arrivals.length > 0);
  const closed = once(socket, 'close');
  await device.close();
  await closed;
  const server = createServer().listen(device.port, device.host);
  await once(server, 'listening');
  server.close();
});

/** What a subscriber gets of messages `n`. */
function subscriber(t: Tap, endpoint: string) {
  const socket = new Subscriber({ linger: 0 });
  const arrivals: { n: number; arrived: number }[] = [];
  socket.connect(endpoint);
  socket.subscribe('');
  const receiving = (async () => {
    for await (const [n] of socket) arrivals.push({ n: Number(String(n)), arrived: seconds() });
  })();
  const close = async () => {
    socket.close();
    await receiving;
  };
  t.teardown(close);
  return { arrivals, close };
}

function* numbers(count: number, period: number): Generator<PlayedChunk<Uint8Array[]>> {
  for (let n = 0; n < count; n++)
    yield { at: n * period, lasts: period, label: 'act', message: () => [Buffer.from(String(n))] };
}

/** A TCP device with a line every 10 ms and a ZeroMQ device with a message every 20 ms, on one stage. */
async function two(t: Tap, count: number) {
  const stage = new Stage();
  const [tcp, zmq] = [await tcpOutlet(), await zmqOutlet()];
  const devices = [
    playDevice(lines(2 * count, 0.01), tcp, { stage }),
    // As files are read: the next one is there a little later.
    playDevice(
      (async function* () {
        for (const chunk of numbers(count, 0.02)) {
          await delay(1);
          yield chunk;
        }
      })(),
      zmq,
      { stage },
    ),
  ];
  t.teardown(() => Promise.all(devices.map((device) => device.close())));
  return { port: tcp.port, endpoint: zmq.endpoint };
}

void t.test('two devices begin together, when both are listened to, and stay together', async (t) => {
  const { port, endpoint } = await two(t, 50);
  const lines = await client(t, port);
  await delay(500);
  t.strictSame(lines.arrivals, [], 'the other one is waited for');
  const messages = subscriber(t, endpoint);
  await until('everything', () => lines.arrivals.length === 100 && messages.arrivals.length === 50);
  t.strictSame(
    messages.arrivals.map(({ n }) => n),
    [...Array(50).keys()],
    'from the first one on',
  );
  const apart = messages.arrivals.map(({ n, arrived }) => Math.abs(arrived - lines.arrivals[2 * n]!.arrived));
  apart.sort((a, b) => a - b);
  t.comment(
    `half of the messages are at most ${(1000 * apart[25]!).toFixed(1)} ms apart, all ${apart[49]!.toFixed(3)} s`,
  );
  t.ok(apart[25]! < 0.1, `half of them are ${apart[25]!} s apart`);
});

void t.test('one that nobody listens to is not waited for for ever, and plays on unheard', async (t) => {
  const { port, endpoint } = await two(t, 150);
  const lines = await client(t, port);
  const connected = seconds();
  await until('a line', () => lines.arrivals.length > 0);
  t.ok(seconds() - connected > 1.4, 'waited for a while');
  await delay(300);
  const late = subscriber(t, endpoint);
  await until('a message', () => late.arrivals.length > 5);
  t.ok(late.arrivals[0]!.n >= 10, `it has missed what was played: joined at ${late.arrivals[0]!.n}`);
  const [{ n, arrived }] = late.arrivals.slice(-1) as [{ n: number; arrived: number }];
  const line = lines.arrivals.find((one) => one.n === 2 * n) ?? (await until('it', () => lines.arrivals[2 * n]));
  t.ok(Math.abs(line.arrived - arrived) < 0.5, 'and is where the other one is');
  await late.close();
  await until('the end', () => lines.arrivals.length === 300);
  t.ok(lines.arrivals.at(-1)!.arrived - lines.arrivals[0]!.arrived < 4.5, 'which went on');
});

void t.test('nobody listens to any of them: they wait together', async (t) => {
  const { port, endpoint } = await two(t, 100);
  const first = [await client(t, port), subscriber(t, endpoint)] as const;
  await until('some', () => first[1].arrivals.length >= 5);
  first[0].socket.destroy();
  await first[1].close();
  const stopped = first[1].arrivals.at(-1)!.n;
  await delay(1000);
  const again = subscriber(t, endpoint);
  await until('more', () => again.arrivals.length > 0);
  t.ok(again.arrivals[0]!.n - stopped < 20, `${again.arrivals[0]!.n} after ${stopped}: a second would be 50 messages`);
});

void t.test('a publisher gives its port back', async (t) => {
  const outlet = await zmqOutlet();
  const device = playDevice(numbers(1000, 0.01), outlet);
  const { arrivals } = subscriber(t, outlet.endpoint);
  await until('a message', () => arrivals.length > 0);
  await device.close();
  const port = Number(outlet.endpoint.split(':').at(-1));
  // ZeroMQ closes it in a thread of its own.
  const isFree = async () => {
    const server = createServer().listen(port, '127.0.0.1');
    const listening = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    server.close();
    return listening;
  };
  const end = seconds() + 10;
  let free = false;
  while (!free && seconds() < end) free = await isFree();
  t.ok(free);
});
