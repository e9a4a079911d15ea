/** A message of the app Sensor Logger: hostile JSON in, samples in SI units out. The format is told in `sensor-logger.ts`. */
import type { Sample } from './track.js';

/** Bytes of a message that is read: camera pictures that the app may send along are larger than any motion. */
const longestMessage = 8 * 1024 * 1024;
/** A message has four levels. */
const deepestLevel = 16;
const mostReadings = 100_000;
/** No part of an inertial sensor measures this much, m/s² or rad/s; times of our age, seconds. */
const largestValue = 1e5;
const [firstTime, lastTime] = [0, 1e10];

const standardGravity = 9.80665; // m/s², which the app calls 1 g

export interface Message {
  readonly number: number | undefined;
  readonly session: string | undefined;
  readonly device: string | undefined;
  /** Each sorted by time; accelerations are specific forces, m/s². */
  readonly readings: {
    /** With gravity. */
    readonly total: Sample[];
    /** Without gravity. */
    readonly linear: Sample[];
    readonly gravity: Sample[];
    /** With gravity, as the chip gives it. */
    readonly uncalibrated: Sample[];
    /** rad/s. */
    readonly rotation: Sample[];
  };
  /** Readings of motion that could not be read. */
  readonly badReadings: number;
}

export type Source = 'phone' | 'watch' | 'headphone';
export type Convention = 'android' | 'ios';
export type Refusal = 'badJson' | 'tooLong' | 'tooDeep' | 'notAMessage';

const text = new TextDecoder('utf-8', { fatal: true });

export function readMessage(bytes: Uint8Array, source: Source, convention: Convention): Message | Refusal {
  if (bytes.length > longestMessage) return 'tooLong';
  if (isDeep(bytes)) return 'tooDeep';
  let json: unknown;
  try {
    json = JSON.parse(text.decode(bytes));
  } catch {
    return 'badJson';
  }
  if (!isObject(json) || !Array.isArray(json['payload'])) return 'notAMessage';
  const payload: readonly unknown[] = json['payload'];
  if (payload.length > mostReadings) return 'tooLong';

  const number = json['messageId'];
  const message = {
    number: typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined,
    session: asText(json['sessionId']),
    device: asText(json['deviceId']),
    readings: { total: [], linear: [], gravity: [], uncalibrated: [], rotation: [] } as Message['readings'],
    badReadings: 0,
  };
  const meanings = readingsOf(source, convention);
  for (const reading of payload) {
    if (!isObject(reading) || typeof reading['name'] !== 'string') {
      message.badReadings++;
      continue;
    }
    const parts = meanings.get(reading['name'].toLowerCase().replace(/[\s_]/g, ''));
    if (parts === undefined) continue;
    const time = seconds(reading['time']);
    const values = reading['values'];
    const samples = parts.map(([, prefix, scale]) =>
      isObject(values) ? sample(time, values, prefix, scale) : undefined,
    );
    if (samples.includes(undefined)) message.badReadings++;
    else parts.forEach(([kind], i) => message.readings[kind].push(samples[i]!));
  }
  for (const samples of Object.values(message.readings)) samples.sort((a, b) => a.time - b.time);
  return message;
}

/** What a reading holds: the kind of sample, the beginning of its three names, and what makes it SI and a specific force. */
type Part = readonly [kind: keyof Message['readings'], prefix: string, scale: number];

/** The readings of each source by their name, without spaces. */
function readingsOf(source: Source, convention: Convention): ReadonlyMap<string, readonly Part[]> {
  const sign = convention === 'ios' ? -1 : 1;
  const inG = convention === 'ios' ? -standardGravity : 1;
  const worn = (gravityScale: number): readonly Part[] => [
    ['linear', 'acceleration', inG],
    ['gravity', 'gravity', gravityScale],
    ['rotation', 'rotationRate', 1],
  ];
  switch (source) {
    case 'phone':
      return new Map([
        ['totalacceleration', [['total', '', sign]]],
        ['accelerometer', [['linear', '', sign]]],
        ['gravity', [['gravity', '', sign]]],
        ['accelerometeruncalibrated', [['uncalibrated', '', inG]]],
        ['gyroscope', [['rotation', '', 1]]],
      ]);
    case 'watch':
      return new Map([['wristmotion', worn(inG)]]);
    case 'headphone':
      return new Map([['headphone', worn(sign)]]);
  }
}

function sample(time: number, values: Record<string, unknown>, prefix: string, scale: number): Sample | undefined {
  const [nameX, nameY, nameZ] = prefix === '' ? ['x', 'y', 'z'] : [`${prefix}X`, `${prefix}Y`, `${prefix}Z`];
  const x = asNumber(values[nameX]) * scale;
  const y = asNumber(values[nameY]) * scale;
  const z = asNumber(values[nameZ]) * scale;
  const fits = Math.max(Math.abs(x), Math.abs(y), Math.abs(z)) < largestValue && time > firstTime && time < lastTime;
  return fits ? { time, x, y, z } : undefined;
}

/** Nanoseconds to seconds; a double holds them to a quarter of a microsecond. */
const seconds = (time: unknown) => asNumber(time) / 1e9;

/** The app's exports write numbers as text; NaN for all that is none. */
function asNumber(value: unknown): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : NaN;
}

const asText = (value: unknown) => (typeof value === 'string' ? value : undefined);

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether brackets nest too deep, strings aside. */
function isDeep(bytes: Uint8Array): boolean {
  let level = 0;
  let inString = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (inString) {
      if (byte === 0x5c) i++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x7b || byte === 0x5b) {
      if (++level > deepestLevel) return true;
    } else if (byte === 0x7d || byte === 0x5d) level--;
  }
  return false;
}
