/** WitMotion WT901 family (WT901, WT901C, BWT901CL, HWT901B, …), standard protocol over serial, or TCP as ser2net serves it.
 *
 *     55 TT  d0 d1 d2 d3 d4 d5 d6 d7  SUM     SUM = low byte of the sum of the ten bytes before it
 *
 *     55 50  YY MM DD hh mm ss msL msH        the device's clock: year − 2000, milliseconds uint16
 *     55 51  XL XH YL YH ZL ZH TL TH          acceleration, int16 × range g / 32768 (temperature / 100 °C)
 *     55 52  XL XH YL YH ZL ZH .. ..          angular rate, int16 × range °/s / 32768
 *     55 53  RL RH PL PH YL YH .. ..          roll, pitch, yaw, int16 × 180° / 32768
 *     55 54 … 58, 5A                          magnetic field, ports, pressure, position, speed, accuracy: not used
 *     55 59  Q0 Q0 Q1 Q1 Q2 Q2 Q3 Q3          quaternion w x y z, int16 / 32768
 *     55 5F                                   a register's value, sent when asked for: not part of a cycle
 *
 * All numbers are little-endian. Once an output period the device sends the packets that it was told to send, in ascending
 * order of type; these make one frame. A frame needs 51 and 52.
 *
 * Sources: WitMotion, 'WIT Standard Communication Protocol' (wit-motion.gitbook.io/witmotion-sdk), and the WT901 data sheet
 * v20-0702, sections 5.1 (output) and 5.2 (settings). Not yet seen on a device.
 */
import { z } from 'zod';
import type { Decoder, Driver } from '../driver.js';
import type { ImuFrame } from '../frames.js';
import { streamBuffer } from '../stream-buffer.js';

const settings = z.strictObject({
  accelerationRange: z
    .literal([2, 4, 8, 16])
    .default(16)
    .describe(
      'Full scale of the acceleration in g, as set in the device (register 0x21); most models are fixed at 16.',
    ),
  angularRateRange: z
    .literal([250, 500, 1000, 2000])
    .default(2000)
    .describe(
      'Full scale of the angular rate in °/s, as set in the device (register 0x20); most models are fixed at 2000.',
    ),
  outputRate: z
    .literal([0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 125, 200])
    .default(50)
    .describe(
      'Output cycles a second, as set in the device (register 0x03). It leaves the factory with 10, too slow for activities.',
    ),
});
export type WitmotionSettings = z.infer<typeof settings>;

const standardGravity = 9.80665; // m/s², which the device calls 1 g
const radiansPerDegree = Math.PI / 180;

const packetLength = 11;
const header = 0x55;
const types = {
  clock: 0x50,
  acceleration: 0x51,
  angularRate: 0x52,
  angle: 0x53,
  quaternion: 0x59,
  lastOfCycle: 0x5a,
  registerValue: 0x5f,
} as const;

const isKnown = (type: number) => (type >= types.clock && type <= types.lastOfCycle) || type === types.registerValue;

function decoder({ accelerationRange, angularRateRange }: WitmotionSettings): Decoder<ImuFrame> {
  const failures = { badChecksum: 0, unknownType: 0, incomplete: 0 };
  const counters = { frames: 0, bytes: 0, skippedBytes: 0, failures };

  const stream = streamBuffer(4096);
  const { bytes: buffer, view } = stream;
  let inStep = true; // a packet ended where the next is expected

  // The cycle in progress: a cycle lasts until a type comes that is not greater than the one before.
  let parts: { -readonly [K in keyof ImuFrame]?: ImuFrame[K] } = {};
  let arrived = 0; // arrival of the last packet in `parts`
  let latestType: number = types.lastOfCycle;
  let settled = true; // emitted, or counted as incomplete
  let damaged = false; // bytes were lost: what follows may belong to a later cycle
  let endType: number = types.lastOfCycle; // the type that ends a cycle, learnt from the cycle before

  function vector(at: number, length: number, scale: number): Float32Array {
    const values = new Float32Array(length);
    for (let i = 0; i < length; i++) values[i] = view.getInt16(at + 2 * i, true) * scale;
    return values;
  }

  /** Emits the cycle's frame; if its end is sure and the frame cannot be made, counts that instead. */
  function settle(frames: ImuFrame[], ended: boolean): void {
    if (settled) return;
    const { acceleration, angularRate } = parts;
    if (acceleration !== undefined && angularRate !== undefined) {
      frames.push({ ...parts, kind: 'imu', arrivalTime: arrived, acceleration, angularRate });
      counters.frames++;
      settled = true;
    } else if (ended) {
      failures.incomplete++;
      settled = true;
    }
  }

  function takePacket(type: number, at: number, arrivalTime: number, frames: ImuFrame[]): void {
    if (type <= latestType) {
      settle(frames, true);
      if (!damaged) endType = latestType;
      parts = {};
      settled = false;
      damaged = false;
    }
    latestType = type;
    if (!settled && !damaged) {
      arrived = arrivalTime;
      if (type === types.acceleration)
        parts.acceleration = vector(at, 3, (accelerationRange * standardGravity) / 32768);
      else if (type === types.angularRate)
        parts.angularRate = vector(at, 3, (angularRateRange * radiansPerDegree) / 32768);
      else if (type === types.angle) parts.angle = vector(at, 3, Math.PI / 32768);
      else if (type === types.quaternion) parts.quaternion = vector(at, 4, 1 / 32768);
      else if (type === types.clock) parts.deviceTime = clockSeconds(view, at);
    }
    if (type === endType) settle(frames, false);
  }

  function skipByte(): void {
    counters.skippedBytes++;
    inStep = false;
    damaged = true;
  }

  /** Takes what can be taken of the buffer; what is left is the beginning of a packet. */
  function takeBuffer(arrivalTime: number, frames: ImuFrame[]): number {
    let at = 0;
    while (at < stream.held) {
      if (buffer[at] !== header) {
        skipByte();
        at++;
        continue;
      }
      if (stream.held - at < packetLength) break;
      const type = buffer[at + 1]!;
      let sum = 0;
      for (let i = at; i < at + packetLength - 1; i++) sum += buffer[i]!;
      const valid = (sum & 0xff) === buffer[at + packetLength - 1];
      // Out of step, a 0x55 is probably data; an unknown type behind it makes that certain enough.
      if (!valid || (!isKnown(type) && !inStep)) {
        if (!valid && isKnown(type)) failures.badChecksum++;
        skipByte();
        at++;
        continue;
      }
      inStep = true;
      if (!isKnown(type)) failures.unknownType++;
      else if (type !== types.registerValue) takePacket(type, at + 2, arrivalTime, frames);
      at += packetLength;
    }
    return at;
  }

  return stream.decoder(counters, takeBuffer);
}

/** The device's calendar clock as Unix time would count it, seconds: without steps over midnight or a month's end. */
function clockSeconds(view: DataView, at: number): number {
  const field = (i: number) => view.getUint8(at + i);
  const milliseconds = view.getUint16(at + 6, true);
  return Date.UTC(2000 + field(0), field(1) - 1, field(2), field(3), field(4), field(5), milliseconds) / 1000;
}

export const witmotion: Driver<ImuFrame, WitmotionSettings> = {
  name: 'witmotion-wt901',
  title: 'WitMotion WT901 family (standard protocol)',
  modality: 'imu',
  settings,
  transports: { serial: { baudRate: 115200 }, tcp: true },
  seenOn: 'not yet seen on a device',
  decoder,
  recognises: (bytes) => decoder(settings.parse({})).push(bytes.subarray(0, 4096), 0).length > 0,
  nominalRate: ({ outputRate }) => outputRate,
};
