/** Livox Mid-360 (and Mid-360S): point packets over UDP from its port 56300 to the host's port 56301, commands on its port 56100.
 *
 *     00  LL LL  II II  NN NN  CC CC  FF  TT  KK  12 × 00  RR RR RR RR  8 × S  points
 *         L  length of the packet with its 36 bytes of header       I  0.1 µs from the first point to the last
 *         N  points     C  packets sent since the start, uint16     F  frame, not used
 *         T  0: inertial, 1: Cartesian in mm, 2: Cartesian in cm, 3: spherical
 *         K  0: time since power-on, 1: gPTP or PTP, 2: GPS         S  time of the first point, ns, uint64
 *         R  CRC-32 (as zlib's) of time and points; 0: not sent
 *
 *     X X X X  Y Y Y Y  Z Z Z Z  RR  GG      type 1: int32, mm; reflectivity 0 to 255; tag
 *     X X  Y Y  Z Z  RR  GG                  type 2: int16, cm
 *     D D D D  A A  P P  RR  GG              type 3: depth uint32, mm; zenith angle and azimuth uint16, 0.01°
 *
 * All numbers are little-endian. The tag, the sensor's own doubts about a point, is not used. A place without a return is all 0.
 *
 * The scan does not repeat: frames are stretches of equal duration on the sensor's clock.
 *
 * Source: 'Livox LiDAR Communication Protocol – Mid360' v1.4.11 (livox-wiki-en.readthedocs.io), 1.2.1.3 and 1.2.1.4.
 */
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import type { Decoder, Driver } from '../driver.js';
import type { LidarFrame } from '../frames.js';
import { startLivox } from './livox-commands.js';
import { PointBuffer } from './points.js';

const settings = z.strictObject({
  frameDuration: z.number().min(0.02).max(1).default(0.1).describe('Seconds of points that make one frame.'),
  sensorAddress: z
    .union([z.literal(''), z.ipv4()])
    .default('')
    .describe(
      "The sensor's IPv4 address (from the factory 192.168.1.1XX, XX the serial number's last digits), to start it; empty: it sends already.",
    ),
  hostAddress: z
    .union([z.literal(''), z.ipv4()])
    .default('')
    .describe(
      "This machine's IPv4 address, to which the sensor is told to send; empty: the one that reaches the sensor.",
    ),
  hostPort: z.int().min(1).max(65535).default(56301).describe('UDP port of this machine to which it is told to send.'),
  commandPort: z.int().min(1).max(65535).default(56100).describe("UDP port of the sensor's commands."),
});
export type LivoxSettings = z.infer<typeof settings>;

const headerLength = 36;
const pointLength: Readonly<Record<number, number>> = { 1: 14, 2: 8, 3: 10 };
const imu = 0;
const mostPoints = 400_000; // two seconds at the sensor's 200,000 a second
const wholeWithin = 2_000_000n; // ns: a frame that begins later after its beginning is a part

type Fault = 'tooShort' | 'badHeader' | 'badChecksum';

function faultOf(bytes: Uint8Array, view: DataView): Fault | undefined {
  if (bytes.length < headerLength) return 'tooShort';
  if (bytes[0] !== 0 || view.getUint16(1, true) !== bytes.length) return 'badHeader';
  const type = bytes[10]!;
  const length = type === imu ? 24 : pointLength[type];
  if (length === undefined || headerLength + view.getUint16(5, true) * length !== bytes.length) return 'badHeader';
  const sum = view.getUint32(24, true);
  if (sum !== 0 && sum !== crc32(bytes.subarray(28))) return 'badChecksum';
  return undefined;
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

function decoder({ frameDuration }: LivoxSettings): Decoder<LidarFrame> {
  const failures = { tooShort: 0, badHeader: 0, badChecksum: 0, lostPackets: 0, overlongFrame: 0 };
  const counters = { frames: 0, bytes: 0, skippedBytes: 0, failures, imuPackets: 0 };
  const points = new PointBuffer(mostPoints);
  const duration = BigInt(Math.round(frameDuration * 1e9)); // ns
  let frame = -1n; // number of the stretch in progress since the clock's origin
  let whole = false; // it was seen from its beginning
  let start = 0n; // time of its first point, ns
  let arrived = 0; // arrival of its latest packet
  let sequence = -1;

  function countLost(view: DataView): void {
    const next = view.getUint16(7, true);
    const ahead = (next - sequence - 1) & 0xffff;
    // More than a second's worth of packets is a new start, or damage.
    if (sequence >= 0 && ahead < 3000) failures.lostPackets += ahead;
    sequence = next;
  }

  function beginFrame(time: bigint, frames: LidarFrame[]): void {
    const number = time / duration;
    if (number === frame) return;
    if (whole) {
      frames.push(points.take(arrived, Number(start) / 1e9));
      counters.frames++;
    }
    points.clear();
    whole = frame !== -1n || time % duration < wholeWithin;
    frame = number;
    start = time;
  }

  function takePoints(bytes: Uint8Array, view: DataView, time: bigint): void {
    const type = bytes[10]!;
    const count = view.getUint16(5, true);
    if (!points.reserve(count)) {
      failures.overlongFrame++;
      whole = false;
      points.clear();
      return;
    }
    const first = Number(time - start) / 1e9;
    const step = count > 1 ? (view.getUint16(3, true) * 1e-7) / count : 0;
    const length = pointLength[type]!;
    const { position, intensity, time: times } = points;
    let n = points.count;
    for (let i = 0, at = headerLength; i < count; i++, at += length) {
      let x: number;
      let y: number;
      let z: number;
      if (type === 1) {
        x = view.getInt32(at, true) / 1000;
        y = view.getInt32(at + 4, true) / 1000;
        z = view.getInt32(at + 8, true) / 1000;
      } else if (type === 2) {
        x = view.getInt16(at, true) / 100;
        y = view.getInt16(at + 2, true) / 100;
        z = view.getInt16(at + 4, true) / 100;
      } else {
        const depth = view.getUint32(at, true) / 1000;
        const zenith = (view.getUint16(at + 4, true) * Math.PI) / 18000;
        const azimuth = (view.getUint16(at + 6, true) * Math.PI) / 18000;
        x = depth * Math.sin(zenith) * Math.cos(azimuth);
        y = depth * Math.sin(zenith) * Math.sin(azimuth);
        z = depth * Math.cos(zenith);
      }
      if (x === 0 && y === 0 && z === 0) continue;
      position[3 * n] = x;
      position[3 * n + 1] = y;
      position[3 * n + 2] = z;
      intensity[n] = bytes[at + length - 2]!;
      times[n++] = first + i * step;
    }
    points.count = n;
  }

  return {
    counters,
    push(bytes, arrivalTime) {
      counters.bytes += bytes.length;
      const frames: LidarFrame[] = [];
      const view = viewOf(bytes);
      const fault = faultOf(bytes, view);
      if (fault !== undefined) {
        failures[fault]++;
        counters.skippedBytes += bytes.length;
      } else if (bytes[10] === imu) counters.imuPackets++;
      else {
        countLost(view);
        const time = view.getBigUint64(28, true);
        beginFrame(time, frames);
        arrived = arrivalTime;
        if (whole) takePoints(bytes, view, time);
      }
      return frames;
    },
  };
}

export const livoxMid360: Driver<LidarFrame, LivoxSettings> = {
  name: 'livox-mid360',
  title: 'Livox Mid-360',
  modality: 'lidar',
  settings,
  transports: { udp: { port: 56301 }, pcap: { port: 56301 } },
  seenOn: 'not yet seen on a device',
  decoder,
  recognises: (bytes) => faultOf(bytes, viewOf(bytes)) === undefined && bytes[10] !== imu,
  start: (_, options) => startLivox(options),
  nominalRate: ({ frameDuration }) => 1 / frameDuration,
};
