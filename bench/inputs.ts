/**
 * What each device sends at its full rate, for the benchmarks of decoding: a real capture where there is one (`SENSING_DATA`), else
 * bytes built from the maker's document. A new driver needs an entry here.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeParts } from '../drivers/transports/zmq.js';
import { captureReader } from '../drivers/transports/pcap-file.js';
import { encodeWitmotion } from '../room/witmotion-encoder.js';
import { written } from '../test/drivers/depth/v4l2-encoder.js';
import { report } from '../test/drivers/imu/bno08x-encoder.js';
import { sample as xsensSample } from '../test/drivers/imu/xsens-encoder.js';
import { packet as livoxPacket } from '../test/drivers/lidar/livox-encoder.js';
import { capsule, denseCabins, descriptors } from '../test/drivers/lidar/rplidar-encoder.js';
import { packet as velodynePacket } from '../test/drivers/lidar/velodyne-encoder.js';
import { encodePacket, f32, i16, join as joined, u16, u32 } from '../test/drivers/mmwave/ti-encoder.js';
import { dca1000Datagrams, dca1000Frame, dca1000Profile } from './dca1000.js';

export interface Piece {
  readonly bytes: Uint8Array;
  /** Seconds. */
  readonly arrivalTime: number;
}

export interface Input {
  /** A capture's path below SENSING_DATA, or 'encoder'. */
  readonly source: string;
  /** As the transport hands them on: datagrams, messages, or pieces of a stream. */
  readonly pieces: readonly Piece[];
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Text of the files that the driver's settings name. */
  readonly files?: Readonly<Record<string, string>>;
  /** The most that one device sends a second. */
  readonly fullRate: { readonly perSecond: number; readonly of: 'frames' | 'bytes' };
}

const range = <T>(length: number, value: (k: number) => T): T[] => Array.from({ length }, (_, k) => value(k));

/** A read of a serial port or of a TCP connection while a device sends. */
const streamPiece = 4096;
/** A full pipe. */
const pipePiece = 65536;

function chopped(stream: Uint8Array, length = streamPiece): Piece[] {
  return range(Math.ceil(stream.length / length), (k) => ({
    bytes: stream.subarray(k * length, (k + 1) * length),
    arrivalTime: k * 1e-3,
  }));
}

/** @param period seconds from one to the next */
function messages(all: readonly Uint8Array[], period: number): Piece[] {
  return all.map((bytes, k) => ({ bytes, arrivalTime: k * period }));
}

const recorded = (path: string) => existsSync(join(process.env['SENSING_DATA'] ?? '', path));

function recording(path: string): Buffer {
  if (process.env['SENSING_DATA'] === undefined)
    throw new Error(`reads a capture, ${path}: set SENSING_DATA to the folder of the recordings`);
  return readFileSync(join(process.env['SENSING_DATA'], path));
}

/** Datagrams of a capture file that were sent to a port. */
function captured(path: string, port: number): Piece[] {
  return captureReader()
    .push(recording(path))
    .filter(({ destinationPort }) => destinationPort === port)
    .map(({ payload, time }) => ({ bytes: payload, arrivalTime: time }));
}

/** From the packet in which the azimuth first passes 0 to the one in which it last does, lest a part of a turn be decoded in vain. */
function wholeTurns(packets: readonly Uint8Array[]): readonly Uint8Array[] {
  const azimuth = (bytes: Uint8Array, block: number) => bytes[100 * block + 2]! | (bytes[100 * block + 3]! << 8);
  const passes = packets.map((bytes, k) => azimuth(bytes, 11) < azimuth(packets[Math.max(0, k - 1)]!, 11));
  return packets.slice(passes.indexOf(true), passes.lastIndexOf(true) + 1);
}

/** Wi-Fi cards measure each packet that they receive: 1000 a second is what Widar3.0 (Zheng et al., MobiSys 2019) had. */
const wifiPackets = { perSecond: 1000, of: 'frames' } as const;

/** Intel 'RealSense D400 Series Data Sheet': depth 848 × 480 at 90 pictures a second, colour 1920 × 1080 at 30. */
const depth = { width: 848, height: 480, perSecond: 90 };
const colour = { width: 1920, height: 1080, perSecond: 30 };

const distances = Uint16Array.from({ length: depth.width * depth.height }, (_, i) => 500 + ((i * 7919) % 4000));

const zmqMessage = (header: object, ...parts: Uint8Array[]) =>
  encodeParts([Buffer.from(JSON.stringify({ version: 1, ...header })), ...parts]);

export const inputs: Readonly<Record<string, () => Input>> = {
  'witmotion-wt901': () => ({
    source: 'encoder',
    pieces: chopped(
      Buffer.concat(
        range(20_000, (k) =>
          encodeWitmotion({
            acceleration: [9.8, Math.sin(k / 30), 1],
            angularRate: [Math.cos(k / 30), 0, 1],
            time: 1_700_000_000 + k / 200,
          }),
        ),
      ),
    ),
    // WT901 data sheet v20-0702: its greatest output rate is 200 Hz.
    fullRate: { perSecond: 200, of: 'frames' },
  }),

  'xsens-mti': () => ({
    source: 'encoder',
    pieces: chopped(Buffer.concat(range(20_000, (k) => xsensSample(k)))),
    // 'MTi 600-series Datasheet': acceleration and rate of turn at up to 2 kHz.
    fullRate: { perSecond: 2000, of: 'frames' },
  }),

  'bno08x-rvc': () => ({
    source: 'encoder',
    pieces: chopped(Buffer.concat(range(20_000, (k) => report(k, [k % 360, Math.sin(k / 50), 2])))),
    // 'BNO080/85/86 Data Sheet', 1.3.5.2: 100 reports a second.
    fullRate: { perSecond: 100, of: 'frames' },
  }),

  'sensor-logger': () => {
    // 400 samples a second of each sensor, which Android's Compatibility Definition, 7.3.9, asks of phones with high fidelity sensors.
    const rate = 400;
    const reading = (name: string, seconds: number, [x, y, z]: readonly [number, number, number]) => ({
      name,
      time: Math.round((1_700_000_000 + seconds) * 1e6) * 1000,
      values: { z, y, x },
    });
    const batch = (k: number) =>
      range(rate / 10, (i) => (k * rate) / 10 + i).flatMap((i) => [
        reading('totalacceleration', i / rate, [Math.sin(i / 100), 0.123456789, 9.80665]),
        reading('gyroscope', i / rate - 1e-3, [0.012345678, Math.cos(i / 100), -0.5]),
      ]);
    return {
      source: 'encoder',
      settings: { rate },
      pieces: messages(
        range(200, (k) =>
          Buffer.from(JSON.stringify({ messageId: k, sessionId: 'bench', deviceId: 'phone', payload: batch(k) })),
        ),
        0.1,
      ),
      fullRate: { perSecond: rate, of: 'frames' },
    };
  },

  'esp32-csi': () => {
    const source = 'captures/esp32/example_100hz_pitraffic.csv';
    // esp-csi's and ESP32-CSI-Tool's console: 921,600 baud, 10 bits a byte.
    return { source, pieces: chopped(recording(source)), fullRate: { perSecond: 92_160, of: 'bytes' } };
  },
  'nexmon-csi': () => {
    const source = 'captures/nexmon/example_4339.pcap';
    return { source, pieces: captured(source, 5500), fullRate: wifiPackets };
  },
  'intel-5300': () => {
    const source = 'wiar/distance-1/csi_a12_1.dat';
    // What CARM (Wang et al., MobiCom 2015) had of this card.
    return { source, pieces: chopped(recording(source)), fullRate: { perSecond: 2500, of: 'frames' } };
  },
  feitcsi: () => {
    const source = 'captures/feitcsi/HESU160_5500.csi'; // the longest records
    return { source, pieces: chopped(recording(source)), fullRate: wifiPackets };
  },
  picoscenes: () => {
    const source = 'captures/picoscenes/picoscenes_ax200_example.csi';
    return { source, pieces: chopped(recording(source)), fullRate: wifiPackets };
  },

  'ti-mmwave': () => ({
    source: 'encoder',
    files: { profile: dca1000Profile },
    settings: { profile: 'radar.cfg' },
    pieces: chopped(
      Buffer.concat(
        range(2000, (k) =>
          encodePacket({
            frame: k + 1,
            cycles: (10_000_000 * k) % 2 ** 32,
            points: 60,
            items: [
              { type: 1, value: joined(...range(60, (i) => f32(i / 20 - 1.5, i / 10, 0.5, Math.sin(i + k)))) },
              { type: 7, value: i16(...range(120, (i) => 100 + ((i * 37) % 300))) },
              { type: 2, value: u16(...range(128, (i) => 3000 + ((i * 97 + k) % 2000))) },
              { type: 6, value: u32(100, 200, 300, 400, 55, 66) },
            ],
          }),
        ),
      ),
    ),
    // 'mmWave SDK User Guide' 3.5: the data port has 921,600 baud, 10 bits a byte.
    fullRate: { perSecond: 92_160, of: 'bytes' },
  }),

  'ti-dca1000': () => ({
    source: 'encoder',
    files: { profile: dca1000Profile },
    settings: { profile: 'radar.cfg' },
    pieces: messages([...dca1000Datagrams(dca1000Frame(), 20)], 1 / 21_000),
    // What the goal asks for; the board passes up to 325 Mbit/s (TI SPRUIJ4A, 'DCA1000EVM User's Guide').
    fullRate: { perSecond: 250e6 / 8, of: 'bytes' },
  }),

  velodyne: () => {
    const source = 'captures/velodyne/vlp16-recording.bin';
    const packets = recorded(source)
      ? range(1000, (k) => recording(source).subarray(k * 1206, (k + 1) * 1206))
      : range(1000, (k) =>
          velodynePacket({
            factory: 0x22,
            azimuth: (k * 12 * 40) % 36000,
            microseconds: Math.round(k * 1327.104),
            measure: (block, i) => [1000 + k + i, block],
          }),
        );
    return {
      source: recorded(source) ? source : 'encoder',
      pieces: messages(wholeTurns(packets), 1.327104e-3),
      // 'VLP-16 User Manual' 63-9243, 9.4: a packet of 24 firings each 1.327104 ms, strongest return: 754 a second.
      fullRate: { perSecond: 1206 / 1.327104e-3, of: 'bytes' },
    };
  },

  ouster: () => {
    const name = 'captures/ouster/OS-1-128_v2.3.0_1024x10_lb_n3';
    const turns = captured(`${name}.pcap`, 7502); // three
    return {
      source: `${name}.pcap`,
      files: { metadata: recording(`${name}.json`).toString() },
      pieces: [...turns, ...turns, ...turns],
      // 'OS1 Datasheet': 2,621,440 points a second, which are 20 turns of 128 beams and 1024 columns.
      fullRate: { perSecond: 20, of: 'frames' },
    };
  },

  'livox-mid360': () => ({
    source: 'encoder',
    pieces: messages(
      range(4000, (k) =>
        livoxPacket({
          sequence: k,
          nanoseconds: 1_000_000_000n + 480_000n * BigInt(k),
          points: range(96, (i) => [1000 + ((i * 37 + k) % 5000), i * 20 - 1000, (k % 100) * 10, i] as const),
        }),
      ),
      480e-6,
    ),
    // 'Livox Mid-360 User Manual', specifications: 200,000 points a second, here 96 to a packet of 1,380 bytes.
    fullRate: { perSecond: (200_000 / 96) * 1380, of: 'bytes' },
  }),

  rplidar: () => {
    const perTurn = 80;
    const dense = range(perTurn, (k) => capsule((k * 360) / perTurn, denseCabins(range(40, (i) => 500 + 10 * k + i))));
    return {
      source: 'encoder',
      pieces: chopped(Buffer.concat([descriptors.dense, ...range(40, () => dense).flat()])),
      // 'RPLIDAR S2 Datasheet': 32,000 measurements a second, dense: 40 to a capsule of 84 bytes.
      fullRate: { perSecond: (32_000 / 40) * 84, of: 'bytes' },
    };
  },

  'v4l2-depth': () => ({
    source: 'encoder',
    settings: { width: depth.width, height: depth.height, rate: depth.perSecond },
    pieces: chopped(Buffer.concat(range(60, () => written(distances, 0, depth.height))), pipePiece),
    fullRate: { perSecond: depth.perSecond, of: 'frames' },
  }),

  'depth-zmq': () => ({
    source: 'encoder',
    settings: { rate: depth.perSecond },
    pieces: messages(
      range(10, (k) =>
        zmqMessage(
          { kind: 'depth', width: depth.width, height: depth.height, encoding: 'z16', metresPerStep: 0.001, frame: k },
          new Uint8Array(distances.buffer),
        ),
      ),
      1 / depth.perSecond,
    ),
    fullRate: { perSecond: depth.perSecond, of: 'frames' },
  }),

  'skeleton-zmq': () => ({
    source: 'encoder',
    pieces: messages(
      range(1000, (k) =>
        zmqMessage(
          {
            kind: 'skeleton',
            layout: 'kinect-v2',
            people: 6,
            joints: 25,
            id: [1, 2, 3, 4, 5, 6],
            frame: k,
            time: k / 30,
          },
          new Uint8Array(Float32Array.from({ length: 450 }, (_, i) => Math.sin(i + k)).buffer),
          new Uint8Array(new Float32Array(150).fill(1).buffer),
        ),
      ),
      1 / 30,
    ),
    // Microsoft, 'Kinect for Windows SDK 2.0', body frames: six bodies of 25 joints, 30 times a second.
    fullRate: { perSecond: 30, of: 'frames' },
  }),

  'video-zmq': () => ({
    source: 'encoder',
    settings: { rate: colour.perSecond },
    pieces: messages(
      range(5, (k) =>
        zmqMessage(
          { kind: 'video', width: colour.width, height: colour.height, encoding: 'bgr8', frame: k },
          Uint8Array.from({ length: 3 * colour.width * colour.height }, (_, i) => i * 31 + k),
        ),
      ),
      1 / colour.perSecond,
    ),
    fullRate: { perSecond: colour.perSecond, of: 'frames' },
  }),
};
