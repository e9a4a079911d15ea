/** Devices of the ingest benchmark, played over loopback sockets. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Publisher } from 'zeromq';
import { encodeWitmotion } from '../room/witmotion-encoder.js';
import { packet as velodynePacket } from '../test/drivers/lidar/velodyne-encoder.js';
import {
  dca1000DatagramsPerFrame,
  dca1000Frame,
  dca1000FramesIn,
  newDca1000Datagram,
  writeDca1000Datagram,
} from './dca1000.js';
import { freePort, freeUdpPort } from './gateway-process.js';

/** A device that sends numbered units: datagrams, messages or samples. */
export interface Sender {
  readonly driver: string;
  readonly transport: object;
  readonly settings: object;
  /** Units a second. */
  readonly rate: number;
  /** Units are numbered from 0 on, without gap. */
  send(unit: number): void;
  /** Frames that the first so many units complete. */
  framesIn(units: number): number;
  close(): void;
}

const each = (units: number) => units;

async function overUdp(datagram: (unit: number) => Uint8Array) {
  const socket = createSocket('udp4');
  socket.on('error', () => undefined); // nobody listens yet
  const port = await freeUdpPort();
  return {
    transport: { type: 'udp', port, address: '127.0.0.1' },
    send: (unit: number) => socket.send(datagram(unit), port, '127.0.0.1'),
    close: () => socket.close(),
  };
}

/** 20 frames of 262,144 bytes a second, evenly: 3,601 datagrams. */
async function dca1000(): Promise<Sender> {
  const frame = dca1000Frame();
  return {
    driver: 'ti-dca1000',
    settings: { profile: 'radar.cfg', frameRate: 20 },
    rate: 20 * dca1000DatagramsPerFrame,
    framesIn: dca1000FramesIn,
    ...(await overUdp((unit) => writeDca1000Datagram(newDca1000Datagram(), frame, unit))),
  };
}

/** 754 packets a second, as the VLP-16 sends them with one return, and 75 to a turn: 10.05 turns a second. */
async function vlp16(): Promise<Sender> {
  const [packetsPerTurn, microseconds] = [75, 1327.104];
  const turn = Array.from({ length: packetsPerTurn }, (_, k) =>
    velodynePacket({
      factory: 0x22,
      azimuth: k * 480,
      microseconds: 0,
      measure: (block, i) => [800 + 10 * block + i, i],
    }),
  );
  return {
    driver: 'velodyne',
    settings: {},
    rate: 1e6 / microseconds,
    // A turn is complete with the first block of the next.
    framesIn: (units) => Math.max(0, Math.floor((units - 1) / packetsPerTurn)),
    ...(await overUdp((unit) => {
      const bytes = turn[unit % packetsPerTurn]!.slice();
      new DataView(bytes.buffer).setUint32(1200, Math.round(unit * microseconds) % 3.6e9, true);
      return bytes;
    })),
  };
}

/** Nexmon CSI of a BCM43455c0, 80 MHz: 100 packets a second. */
async function csi(): Promise<Sender> {
  const packet = new Uint8Array(18 + 4 * 256);
  const view = new DataView(packet.buffer);
  packet.set([0x11, 0x11, -50 & 0xff, 0x88, 2, 0, 0, 0, 0, 1]);
  view.setUint16(14, (3 << 14) | (4 << 11) | 106, true); // channel 106, 80 MHz, 5 GHz
  view.setUint16(16, 0x65, true);
  for (let at = 18; at < packet.length; at += 2) view.setInt16(at, 500 * Math.sin(at / 20), true);
  return {
    driver: 'nexmon-csi',
    settings: { packetsPerFrame: 1, packetRate: 100 },
    rate: 100,
    framesIn: each,
    ...(await overUdp((unit) => {
      const bytes = packet.slice();
      new DataView(bytes.buffer).setUint16(10, (unit << 4) & 0xffff, true);
      return bytes;
    })),
  };
}

/** 200 samples a second, in motion, so that the gateway asks its model about every window. */
async function imu(): Promise<Sender> {
  const rate = 200;
  let client: Socket | undefined;
  const server = createServer((socket) => {
    socket.setNoDelay(true).on('error', () => socket.destroy());
    client = socket;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    driver: 'witmotion-wt901',
    transport: { type: 'tcp', host: '127.0.0.1', port: (server.address() as AddressInfo).port },
    settings: { outputRate: rate },
    rate,
    framesIn: each,
    send(unit) {
      const swing = Math.sin((2 * Math.PI * 1.5 * unit) / rate);
      client?.write(
        encodeWitmotion({
          acceleration: [9.8 + 6 * swing, 4 * swing, 2],
          angularRate: [2 * swing, 3 * swing, 1],
          time: 1_700_000_000 + unit / rate,
        }),
      );
    },
    close() {
      client?.destroy();
      server.close();
    },
  };
}

/** Pictures of 640 × 480, 15 a second, over ZeroMQ. */
async function depth(): Promise<Sender> {
  const [width, height] = [640, 480];
  const picture = Buffer.from(Uint16Array.from({ length: width * height }, (_, i) => 500 + (i % 3000)).buffer);
  const endpoint = `tcp://127.0.0.1:${await freePort()}`;
  const socket = new Publisher({ linger: 0 });
  await socket.bind(endpoint);
  let sent: Promise<void> = Promise.resolve(); // one message at a time
  return {
    driver: 'depth-zmq',
    transport: { type: 'zmq', endpoint },
    settings: { rate: 15 },
    rate: 15,
    framesIn: each,
    send(unit) {
      const header = { version: 1, kind: 'depth', width, height, encoding: 'z16', metresPerStep: 0.001, frame: unit };
      sent = sent.then(() => socket.send([JSON.stringify(header), picture]));
    },
    close: () => socket.close(),
  };
}

export const startSenders = async () => ({
  radar: await dca1000(),
  lidar: await vlp16(),
  wifi: await csi(),
  wrist: await imu(),
  depth: await depth(),
});
