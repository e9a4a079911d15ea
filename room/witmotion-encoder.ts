/** What a WitMotion WT901 would send: samples to the bytes of its standard protocol.
 *
 *     55 TT  d0 … d7  SUM        SUM = low byte of the sum of the ten bytes before it, numbers little-endian
 *     50 clock (YY MM DD hh mm ss, ms uint16)   51 acceleration   52 angular rate   (int16, 32768 = range)
 *
 * Source: WitMotion, 'WIT Standard Communication Protocol', and the WT901 data sheet v20-0702, section 5.1.
 */

export interface WitmotionSample {
  /** [x, y, z] specific force with gravity, m/s². */
  readonly acceleration: ArrayLike<number>;
  /** [x, y, z] angular rate, rad/s. */
  readonly angularRate: ArrayLike<number>;
  /** The device's clock, Unix time in seconds between the years 2000 and 2255; absent: the clock is not sent. */
  readonly time?: number;
}

export interface WitmotionRanges {
  /** Full scale of the acceleration, g. */
  readonly accelerationRange: number;
  /** Full scale of the angular rate, °/s. */
  readonly angularRateRange: number;
}

const packetLength = 11;
const standardGravity = 9.80665; // m/s²
const temperature = 25; // °C; nobody measures it here, and the gateway does not read it

/**
 * One output cycle: the clock if the sample has a time, acceleration, angular rate.
 * Values beyond the range saturate, as the device's converter does.
 */
export function encodeWitmotion(
  sample: WitmotionSample,
  { accelerationRange, angularRateRange }: WitmotionRanges = { accelerationRange: 16, angularRateRange: 2000 },
): Uint8Array {
  const packets = sample.time === undefined ? 2 : 3;
  const bytes = new Uint8Array(packets * packetLength);
  const view = new DataView(bytes.buffer);
  let at = 0;
  if (sample.time !== undefined) {
    const date = new Date(Math.round(sample.time * 1000));
    bytes.set([date.getUTCFullYear() - 2000, date.getUTCMonth() + 1, date.getUTCDate()], at + 2);
    bytes.set([date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()], at + 5);
    view.setUint16(at + 8, date.getUTCMilliseconds(), true);
    at = finishPacket(bytes, at, 0x50);
  }
  setVector(view, at + 2, sample.acceleration, 32768 / (accelerationRange * standardGravity));
  view.setInt16(at + 8, temperature * 100, true);
  at = finishPacket(bytes, at, 0x51);
  setVector(view, at + 2, sample.angularRate, 32768 / ((angularRateRange * Math.PI) / 180));
  view.setInt16(at + 8, temperature * 100, true);
  finishPacket(bytes, at, 0x52);
  return bytes;
}

function setVector(view: DataView, at: number, values: ArrayLike<number>, stepsPerUnit: number): void {
  for (let i = 0; i < 3; i++) {
    const steps = Math.round(values[i]! * stepsPerUnit);
    view.setInt16(at + 2 * i, Math.max(-32768, Math.min(32767, steps)), true);
  }
}

/** Writes header, type and sum around the data. @returns where the next packet begins */
function finishPacket(bytes: Uint8Array, at: number, type: number): number {
  bytes[at] = 0x55;
  bytes[at + 1] = type;
  const end = at + packetLength - 1;
  let sum = 0;
  for (let i = at; i < end; i++) sum += bytes[i]!;
  bytes[end] = sum; // stored modulo 256
  return end + 1;
}
