/** A process that sends what one device would, made up, until it is killed: a wrist over TCP, a skeleton or depth pictures over ZeroMQ.
 *
 *    node sending-process.js wrist|skeleton|depth PORT RATE
 *
 *  Its parent tells it what goes wrong, see `Trouble`. It says `open` over the same channel whenever its port is open. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { XPublisher } from 'zeromq';
import { kinectV1Joints } from '../../../learning/datasets/utd-mhad-kinect.js';
import { createRandom } from '../../../learning/random.js';
import { encodeDepth, encodeSkeleton } from '../../../room/camera-messages.js';
import { encodeWitmotion } from '../../../room/witmotion-encoder.js';

export interface Trouble {
  /** The newest values again and again. */
  frozen?: boolean;
  /** The newest message again and again, its time included. */
  stuck?: boolean;
  /** By how many seconds the device's clock is wrong. */
  clock?: number;
  /** The port is closed, while the process lives. */
  closed?: boolean;
}

const [kind, port, rate] = process.argv.slice(2) as [string, string, string];
const trouble: Required<Trouble> = { frozen: false, stuck: false, clock: 0, closed: false };
const random = createRandom(7);
const noise = (deviation: number) => deviation * random.normal();
const [width, height] = [160, 120] as const;

/** How far the swinging arm is, −1 to 1. */
const swing = (time: number) => Math.sin(2 * Math.PI * 0.8 * time);

/** @returns the device's bytes, but for the time: so that a frozen device's clock goes on */
function measure(time: number): (deviceTime: number, frame: number) => Uint8Array[] {
  if (kind === 'wrist') {
    const acceleration = [4 * swing(time) + noise(0.05), noise(0.05), 9.8 + noise(0.05)];
    const angularRate = [noise(0.01), 3 * swing(time + 0.3) + noise(0.01), noise(0.01)];
    return (deviceTime) => [encodeWitmotion({ acceleration, angularRate, time: deviceTime })];
  }
  if (kind === 'skeleton') {
    const joints = body(time);
    return (deviceTime, frame) => encodeSkeleton(joints, 'kinect-v1', { time: deviceTime, frame });
  }
  const picture = silhouette(time);
  return (deviceTime, frame) => encodeDepth(picture, width, height, { time: deviceTime, frame });
}

/** A body of the right size, 2.5 m away, its right arm swinging. [20, 3] metres, y upwards. */
function body(time: number): Float32Array {
  const joints = new Float32Array(3 * kinectV1Joints.length);
  kinectV1Joints.forEach((_name, i) => {
    joints[3 * i] = 0.1 * (i % 3) + 0.1 * swing(time + i / 20) + noise(0.003);
    joints[3 * i + 1] = 0.8 - 0.08 * i + noise(0.003);
    joints[3 * i + 2] = 2.5 + noise(0.003);
  });
  return joints;
}

/** A person without the room, as UTD-MHAD has it: trunk, head and an arm that swings. [height, width] millimetres. */
function silhouette(time: number): Uint16Array {
  const picture = new Uint16Array(width * height);
  const fill = (left: number, top: number, columns: number, rows: number) => {
    for (let y = top; y < top + rows; y++)
      for (let x = left; x < left + columns; x++) picture[y * width + x] = Math.round(2500 + noise(8));
  };
  fill(70, 40, 20, 60);
  fill(75, 26, 10, 12);
  fill(92, Math.round(60 + 18 * swing(time)), 18, 7);
  return picture;
}

interface Outlet {
  open(): Promise<void>;
  close(): Promise<void>;
  send(parts: Uint8Array[]): void;
}

function tcp(): Outlet {
  const clients = new Set<Socket>();
  const server = createServer((socket) => {
    clients.add(socket);
    socket.on('error', () => undefined).on('close', () => clients.delete(socket));
  });
  return {
    async open() {
      server.listen(Number(port), '127.0.0.1');
      await once(server, 'listening');
    },
    async close() {
      for (const client of clients) client.destroy();
      server.close();
      await once(server, 'close');
    },
    send: ([bytes]) => clients.forEach((client) => client.write(bytes!)),
  };
}

function zmq(): Outlet {
  let socket: XPublisher | undefined;
  let sending = Promise.resolve();
  return {
    async open() {
      socket = new XPublisher({ linger: 0, sendHighWaterMark: 16 });
      await socket.bind(`tcp://127.0.0.1:${port}`);
    },
    async close() {
      const old = socket!;
      socket = undefined;
      await sending;
      await old.unbind(`tcp://127.0.0.1:${port}`);
      old.close();
    },
    send(parts) {
      sending = sending.then(() => socket?.send(parts)).catch(() => undefined);
    },
  };
}

const outlet = kind === 'wrist' ? tcp() : zmq();
await outlet.open();
process.send!('open');

process.on('message', (message: Trouble) => {
  const was = trouble.closed;
  Object.assign(trouble, message);
  if (trouble.closed === was) return;
  void (trouble.closed ? outlet.close() : outlet.open().then(() => process.send!('open')));
});
// The parent is gone: nobody is to be left behind.
process.on('disconnect', () => process.exit());

const start = performance.now();
let latest = measure(0);
let message: Uint8Array[] = [];
for (let frame = 0; ; frame++) {
  const due = start + (1000 * frame) / Number(rate);
  const wait = due - performance.now();
  if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
  const time = frame / Number(rate);
  if (!trouble.frozen) latest = measure(time);
  if (!trouble.stuck) message = latest(Date.UTC(2026, 0, 1) / 1000 + time + trouble.clock, frame);
  if (!trouble.closed) outlet.send(message);
}
