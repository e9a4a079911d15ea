/** Xsens (Movella) MTi family (1, 10, 100, 600 series), binary protocol Xbus over serial or USB, or TCP as ser2net serves it.
 *
 *     FA FF MID LEN  data …  SUM                  LEN 0 to 254 bytes of data
 *     FA FF MID FF LENH LENL  data …  SUM         LEN 255 to 2048
 *
 *     SUM: the low byte of the sum of all bytes after FA, SUM among them, is 0
 *
 * MID 36 (MTData2) carries one sample, a sequence of items, each present if it was asked for and is due:
 *
 *     IDH IDL SIZE  values …                      ID = group (5 bits), 3 bits 0, type (4), coordinate system (2), format (2)
 *
 *     10 20 02      packet counter, uint16
 *     10 60 04      sample time fine, uint32 × 0.1 ms
 *     20 1f         quaternion w x y z
 *     20 3f         roll, pitch, yaw, °
 *     40 2f         acceleration x y z, m/s²: specific force, with gravity
 *     80 2f         rate of turn x y z, rad/s
 *     others        time of day, increments, field, pressure, position, status: not used
 *
 *     f & 3 = 0  float32    1  fp12.20: int32 / 2²⁰    2  fp16.32: uint32 / 2³² (6 bytes) then int16    3  float64
 *     f & C = 0  east, north, up    4  north, east, down    8  north, west, up: the frame of the orientation
 *
 * All numbers are big-endian. A frame needs acceleration and rate of turn in one message.
 *
 * Source: Xsens, 'MT Low Level Communication Protocol Documentation', MT0101P revision Y, sections on the message
 * structure, MTData2 and output formats. Seen on: captures of an MTi-G-710.
 */
import { z } from 'zod';
import type { Decoder, Driver } from '../driver.js';
import type { ImuFrame } from '../frames.js';
import { streamBuffer } from '../stream-buffer.js';

const settings = z.strictObject({
  outputRate: z
    .number()
    .positive()
    .max(2000)
    .default(100)
    .describe('Samples a second of acceleration and rate of turn, as set in the device (SetOutputConfiguration).'),
});
export type XsensSettings = z.infer<typeof settings>;

const [preamble, busId, mtData2] = [0xfa, 0xff, 0x36];
const longestData = 2048;
/** Messages other than MTData2 that come while measuring (wake-up, error, acknowledgement) are short; a longer one is damage. */
const longestOther = 32;

const radiansPerDegree = Math.PI / 180;
const ticksPerSecond = 10_000;

/** Items by group and type. */
const items = {
  packetCounter: 0x1020,
  sampleTimeFine: 0x1060,
  quaternion: 0x2010,
  eulerAngles: 0x2030,
  acceleration: 0x4020,
  rateOfTurn: 0x8020,
} as const;
const typeMask = 0xf8f0;
/** Bytes of one value by the last two bits of the identifier. */
const valueBytes = [4, 4, 6, 8] as const;

/** Values of an item whose values have the format that the identifier says. */
const valuesOf: ReadonlyMap<number, number> = new Map([
  [0x0810, 1],
  [items.quaternion, 4],
  [0x2020, 9],
  [items.eulerAngles, 3],
  [0x4010, 3],
  [items.acceleration, 3],
  [0x4030, 3],
  [0x4040, 3],
  [0x5020, 1],
  [0x5030, 3],
  [0x5040, 2],
  [items.rateOfTurn, 3],
  [0x8030, 4],
  [0x8040, 3],
  [0xc020, 3],
  [0xd010, 3],
]);
/** Bytes of an item that has one format only. */
const bytesOf: ReadonlyMap<number, number> = new Map([
  [0x1010, 12],
  [items.packetCounter, 2],
  [items.sampleTimeFine, 4],
  [0x1070, 4],
  [0x3010, 4],
  [0xe010, 1],
  [0xe020, 4],
]);

/** Whether an item of this size can be: a length that was damaged shows here, long before its message would end. */
function isItem(id: number, size: number): boolean {
  if ((id & 0x0700) !== 0 || (id & 0xf0) === 0xf0) return false;
  const values = valuesOf.get(id & typeMask);
  const expected = values === undefined ? bytesOf.get(id & typeMask) : values * valueBytes[id & 3]!;
  return expected === undefined || expected === size;
}

/** The sample time wraps between two samples that are no further apart, in its ticks: a minute. */
const longestWrap = 60 * ticksPerSecond;

const isFiniteVector = (vector: Float32Array | undefined) => vector?.every((value) => Number.isFinite(value)) ?? true;

function decoder(): Decoder<ImuFrame> {
  const failures = { badChecksum: 0, badLayout: 0, incomplete: 0, notInertial: 0, notFinite: 0, lostPackets: 0 };
  const counters = { frames: 0, bytes: 0, skippedBytes: 0, failures };

  const stream = streamBuffer(8192);
  const { bytes: buffer, view } = stream;
  let inStep = true; // a message ended where the next is expected

  let packetCounter = -1;
  let ticks = -1; // newest sample time, as sent
  let wraps = 0; // of the sample time: one in five days

  function value(at: number, format: number): number {
    switch (format) {
      case 0:
        return view.getFloat32(at);
      case 1:
        return view.getInt32(at) / 2 ** 20;
      case 2:
        return view.getInt16(at + 4) + view.getUint32(at) / 2 ** 32;
      default:
        return view.getFloat64(at);
    }
  }

  function vector(at: number, id: number, scale: number): Float32Array {
    const format = id & 3;
    const values = new Float32Array(valuesOf.get(id & typeMask)!);
    for (let i = 0; i < values.length; i++) values[i] = value(at + i * valueBytes[format]!, format) * scale;
    return values;
  }

  /** How many bytes the message that begins here has; 0: not known yet; −1: none begins here. */
  function messageLength(at: number): number {
    const available = stream.held - at;
    if (buffer[at] !== preamble || (available > 1 && buffer[at + 1] !== busId)) return -1;
    if (available < 4) return 0;
    const isData = buffer[at + 2] === mtData2;
    let length = buffer[at + 3]!;
    let from = at + 4;
    if (!isData && (length > longestOther || !inStep)) return -1;
    if (length === 0xff) {
      if (available < 6) return 0;
      length = view.getUint16(from);
      from += 2;
      if (length < 0xff || length > longestData) return implausible();
    }
    const end = from + length;
    if (isData) {
      let item = from;
      while (item < end && item + 3 <= stream.held) {
        const size = buffer[item + 2]!;
        if (!isItem(view.getUint16(item), size)) return implausible();
        item += 3 + size;
      }
      if (item > end) return implausible();
    }
    return end + 1 - at;
  }

  function implausible(): number {
    if (inStep) failures.badLayout++;
    return -1;
  }

  function isIntact(at: number, length: number): boolean {
    let sum = 0;
    for (let i = at + 1; i < at + length; i++) sum += buffer[i]!;
    return (sum & 0xff) === 0;
  }

  function takeSample(from: number, end: number, arrivalTime: number, frames: ImuFrame[]): void {
    const parts: { -readonly [K in keyof ImuFrame]?: ImuFrame[K] } = {};
    for (let item = from; item < end; item += 3 + buffer[item + 2]!) {
      const id = view.getUint16(item);
      const at = item + 3;
      const type = id & typeMask;
      if (type === items.acceleration) parts.acceleration = vector(at, id, 1);
      else if (type === items.rateOfTurn) parts.angularRate = vector(at, id, 1);
      else if (type === items.quaternion) parts.quaternion = vector(at, id, 1);
      else if (type === items.eulerAngles) parts.angle = vector(at, id, radiansPerDegree);
      else if (type === items.packetCounter) countLost(view.getUint16(at));
      else if (type === items.sampleTimeFine) parts.deviceTime = seconds(view.getUint32(at));
    }
    const { acceleration, angularRate } = parts;
    if (acceleration !== undefined && angularRate !== undefined) {
      if (![acceleration, angularRate, parts.quaternion, parts.angle].every(isFiniteVector)) {
        failures.notFinite++;
        return;
      }
      frames.push({ ...parts, kind: 'imu', arrivalTime, acceleration, angularRate });
      counters.frames++;
    } else if (acceleration !== undefined || angularRate !== undefined) failures.incomplete++;
    else failures.notInertial++;
  }

  /** The counter is one higher in each MTData2 message; a step of more than half its range is a restart. */
  function countLost(count: number): void {
    const step = (count - packetCounter) & 0xffff;
    if (packetCounter >= 0 && step > 1 && step < 0x8000) failures.lostPackets += step - 1;
    packetCounter = count;
  }

  function seconds(newest: number): number {
    // No longer step is a wrap: a damaged time whose checksum is right must not move all that follow.
    if (newest < ticks && (newest - ticks) >>> 0 < longestWrap) wraps++;
    ticks = newest;
    return (wraps * 2 ** 32 + newest) / ticksPerSecond;
  }

  /** Takes what can be taken of the buffer; what is left is the beginning of a message. */
  function takeBuffer(arrivalTime: number, frames: ImuFrame[]): number {
    let at = 0;
    while (at < stream.held) {
      const length = messageLength(at);
      if (length === 0 || length > stream.held - at) break;
      const intact = length > 0 && isIntact(at, length);
      if (!intact) {
        if (length > 0) failures.badChecksum++;
        counters.skippedBytes++;
        inStep = false;
        at++;
        continue;
      }
      inStep = true;
      if (buffer[at + 2] === mtData2) {
        const from = at + (buffer[at + 3] === 0xff ? 6 : 4);
        takeSample(from, at + length - 1, arrivalTime, frames);
      }
      at += length;
    }
    return at;
  }

  return stream.decoder(counters, takeBuffer);
}

export const xsensMti: Driver<ImuFrame, XsensSettings> = {
  name: 'xsens-mti',
  title: 'Xsens MTi family (Xbus, MTData2)',
  modality: 'imu',
  settings,
  transports: { serial: { baudRate: 115200 }, tcp: true },
  seenOn: 'captures of an MTi-G-710 with every number format',
  decoder,
  recognises: (bytes) => decoder().push(bytes.subarray(0, 8192), 0).length > 0,
  nominalRate: ({ outputRate }) => outputRate,
};
