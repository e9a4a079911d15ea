/** ESP32 family (ESP32, S2, S3, C3, C5, C61, C6): the text lines of esp-csi and of ESP32-CSI-Tool, over serial or TCP.
 *
 *     CSI_DATA,id,mac,rssi,rate,sig_mode,mcs,bandwidth,smoothing,not_sounding,aggregation,stbc,fec_coding,sgi,noise_floor,
 *         ampdu_cnt,channel,secondary_channel,local_timestamp,ant,sig_len,rx_state,len,first_word,"[v,v,…]"     esp-csi
 *     CSI_DATA,role,mac,rssi,…,rx_state,real_time_set,real_timestamp,len,[v v … ]                      ESP32-CSI-Tool
 *     CSI_DATA,seq,mac,rssi,rate,noise_floor,fft_gain,agc_gain,channel,local_timestamp,sig_len,rx_state,len,first_word,"[v,…]"
 *                                                                                              esp-csi on C5, C61, C6
 *
 * The number of columns before the bracket (23, 24, 13 after `CSI_DATA`) tells them apart. The values are signed bytes, for
 * each subcarrier the imaginary part, then the real one; `esp32-layout.ts` says which subcarriers. A C5 that is told to give
 * the legacy field only prints 26 subcarriers with 12 bits a part.
 *
 * local_timestamp: microseconds, 32 bits, printed signed or unsigned. rssi, noise_floor: dBm. Gain, dB: agc_gain + fft_gain / 4.
 * first_word 1: the first four bytes are invalid (the ESP32 puts the packet's length there); these two subcarriers are given as
 * 0. ESP32-CSI-Tool has no such column; the first pair belongs to a null subcarrier, so what is not zero there is invalid. It may
 * print the legacy field only, 128 values, while `len` says 384.
 *
 * Lines have no checksum; a line with another number of values than `len` says, or with anything but numbers, is left out.
 *
 * Sources: espressif/esp-csi 0fc6f85, examples/get-started (app_main.c, README.md) and esp_csi_gain_ctrl (the gain's formula);
 * StevenMHernandez/ESP32-CSI-Tool cce5b1a, _components/csi_component.h. Checked on captures of an ESP32 with ESP32-CSI-Tool;
 * the other chips' subcarriers on recorded values of S3, C3, C5 and C6.
 */
import { z } from 'zod';
import type { Decoder, Driver } from '../driver.js';
import type { WifiFrame } from '../frames.js';
import { classicPlan, newerPlan, type Plan, type TrainingField } from './esp32-layout.js';
import { channelFrequency, unwrapper } from './ieee80211.js';

const settings = z.strictObject({
  trainingField: z
    .enum(['auto', 'legacy'])
    .default('auto')
    .describe(
      "Where a packet has several: 'auto' takes the HT or HE training field if there, and the legacy one if not; 'legacy' takes the legacy one, which packets of all kinds have (lines without it are counted as otherField).",
    ),
  packetRate: z
    .number()
    .positive()
    .max(2000)
    .default(100)
    .describe('Packets a second that the transmitter sends, and so lines a second that the chip prints.'),
});
export type Esp32CsiSettings = z.infer<typeof settings>;

const marker = Uint8Array.from('CSI_DATA,', (character) => character.charCodeAt(0));
const lineCapacity = 8192; // the longest line, HT 40 MHz with STBC, has 612 values
const maximalValues = 1024;
const [lineFeed, space, quote, comma, minus, zero, nine, opening, closing] = [
  10, 32, 34, 44, 45, 48, 57, 91, 93,
] as const;

/** Numbers of the columns after `CSI_DATA`, by how many there are. */
interface Columns {
  readonly length: number;
  readonly timestamp: number;
  readonly noise: number;
  readonly channel: number;
  readonly firstWord?: number;
  readonly newer?: true;
}
const columnsByCount: Readonly<Record<number, Columns>> = {
  23: { noise: 13, channel: 15, timestamp: 17, length: 21, firstWord: 22 },
  24: { noise: 13, channel: 15, timestamp: 17, length: 23 },
  13: { noise: 4, channel: 7, timestamp: 8, length: 11, firstWord: 12, newer: true },
};
const maximalColumns = 24;
/** Columns that all or both of the older layouts have in one place. */
const at = {
  number: 0,
  mac: 1,
  rssi: 2,
  signalMode: 4,
  wide: 6,
  stbc: 10,
  secondary: 16,
  fftGain: 5,
  agcGain: 6,
} as const;

function decoder({ trainingField }: Esp32CsiSettings): Decoder<WifiFrame> {
  const failures = { malformed: 0, unknownColumns: 0, wrongLength: 0, unknownLayout: 0, otherField: 0, tooLong: 0, lostPackets: 0 }; // prettier-ignore
  const counters = { frames: 0, bytes: 0, skippedBytes: 0, failures };

  const line = new Uint8Array(lineCapacity);
  let held = 0;
  let overlong = false;

  const starts = new Uint16Array(maximalColumns + 1); // of each column; the last is where they end
  const values = new Int16Array(maximalValues);
  const plans = new Map<number, Plan>();
  const clock = unwrapper();
  let latest: { source: string; sequence: number } | undefined;

  /** The whole number in [from, to), NaN if it is none. */
  function integer(from: number, to: number): number {
    const negative = line[from] === minus;
    let value = 0;
    let i = negative ? from + 1 : from;
    if (i >= to || to - i > 10) return NaN;
    for (; i < to; i++) {
      const digit = line[i]!;
      if (digit < zero || digit > nine) return NaN;
      value = 10 * value + digit - zero;
    }
    return negative ? -value : value;
  }
  const column = (number: number) => integer(starts[number]!, starts[number + 1]! - 1);

  /** Finds the columns between the marker and the bracket; gives how many, or 0. */
  function splitColumns(from: number, bracket: number): number {
    let count = 0;
    starts[0] = from;
    for (let i = from; i < bracket; i++) {
      if (line[i] !== comma) continue;
      if (++count > maximalColumns) return 0;
      starts[count] = i + 1;
    }
    const last = starts[count]!;
    return bracket === last || (bracket === last + 1 && line[last] === quote) ? count : 0;
  }

  /** Reads the values after the bracket; gives how many, or −1 if there is anything else. */
  function readValues(from: number, end: number): number {
    let count = 0;
    for (let i = from; i < end;) {
      const byte = line[i]!;
      if (byte === closing) return count;
      if (byte === comma || byte === space) {
        i++;
        continue;
      }
      let to = i;
      while (to < end && to - i < 6 && (line[to] === minus || (line[to]! >= zero && line[to]! <= nine))) to++;
      const value = integer(i, to);
      if (Number.isNaN(value) || value < -2048 || value > 2047 || count === maximalValues) return -1;
      values[count++] = value;
      i = to;
    }
    return -1;
  }

  function planOf(columns: Columns, count: number, wanted: TrainingField): Plan | undefined {
    const pairs = count >> 1;
    // The order of the newer chips' pairs depends on the values.
    if (columns.newer === true) return newerPlan(pairs, values, wanted);
    const kind = {
      highThroughput: column(at.signalMode) !== 0,
      wide: column(at.wide) === 1,
      stbc: column(at.stbc) === 1,
      secondary: column(at.secondary),
    };
    if (!(kind.secondary >= 0 && kind.secondary <= 2)) return undefined;
    const key = (((pairs * 3 + kind.secondary) * 2 + +kind.highThroughput) * 2 + +kind.wide) * 4 + +kind.stbc * 2 + +(wanted === 'legacy'); // prettier-ignore
    let plan = plans.get(key);
    if (plan === undefined) {
      plan = classicPlan(pairs, kind, wanted);
      if (plan !== undefined) plans.set(key, plan);
    }
    return plan;
  }

  /** Centre of the measured band, Hz; undefined where the line does not say on which side the secondary channel is. */
  function frequencyOf(columns: Columns, bandwidth: number): number | undefined {
    const primary = channelFrequency(column(columns.channel));
    if (primary === undefined || bandwidth === 20e6) return primary;
    if (columns.newer === true) return undefined;
    return primary + (column(at.secondary) === 1 ? 10e6 : -10e6);
  }

  function countLost(source: string, sequence: number): void {
    const gap = latest?.source === source ? sequence - latest.sequence : 0;
    // A larger step is a transmitter that started anew, or a packet without a number.
    if (gap > 1 && gap <= 1000) failures.lostPackets += gap - 1;
    latest = { source, sequence };
  }

  /** The frame of line[from, end), which begins after the marker; undefined, and counted why, if there is none. */
  function readFrame(from: number, end: number, arrivalTime: number): WifiFrame | undefined {
    const bracket = line.indexOf(opening, from);
    if (bracket === -1 || bracket >= end) {
      failures.malformed++;
      return undefined;
    }
    const columns = columnsByCount[splitColumns(from, bracket)];
    if (columns === undefined) {
      failures.unknownColumns++;
      return undefined;
    }
    const count = readValues(bracket + 1, end);
    const source = macText(line, starts[at.mac]!, starts[at.mac + 1]! - 1);
    const rssi = signedByte(column(at.rssi));
    const noise = signedByte(column(columns.noise));
    const timestamp = column(columns.timestamp);
    if (count < 0 || source === undefined || Number.isNaN(rssi + noise + timestamp)) {
      failures.malformed++;
      return undefined;
    }
    const length = column(columns.length);
    const legacyOnly = columns.firstWord === undefined && count === 128 && length > count;
    if (count === 0 || count % 2 === 1 || (count !== length && !legacyOnly)) {
      failures.wrongLength++;
      return undefined;
    }
    // A null or guard subcarrier with a value is the ESP32's invalid word.
    const invalid =
      columns.firstWord === undefined ? values[0] !== 0 || values[1] !== 0 : column(columns.firstWord) === 1;
    if (invalid) values.fill(0, 0, 4);
    const plan = planOf(columns, count, trainingField);
    if (plan === undefined) {
      if (planOf(columns, count, 'auto') !== undefined) failures.otherField++;
      else failures.unknownLayout++;
      return undefined;
    }
    const { subcarriers, pairs, streams, bandwidth } = plan;
    const csi = new Float32Array(2 * pairs.length);
    for (let i = 0; i < pairs.length; i++) {
      const pair = 2 * pairs[i]!;
      csi[2 * i] = values[pair + 1]!;
      csi[2 * i + 1] = values[pair]!;
    }
    const frequency = frequencyOf(columns, bandwidth);
    const sequence = columns.firstWord === undefined ? NaN : column(at.number);
    if (!Number.isNaN(sequence)) countLost(source, sequence);
    const gain = columns.newer === true ? column(at.agcGain) + signedByte(column(at.fftGain)) / 4 : NaN;
    return {
      kind: 'wifi',
      arrivalTime,
      deviceTime: clock(timestamp) / 1e6,
      receivers: 1,
      transmitters: streams,
      subcarriers: subcarriers.slice(),
      csi,
      scale: 'raw',
      rssi: Float32Array.of(rssi),
      noise,
      ...(Number.isNaN(gain) ? {} : { gain }),
      ...(frequency === undefined ? {} : { frequency }),
      bandwidth,
      source,
      ...(Number.isNaN(sequence) ? {} : { sequence }),
    };
  }

  /** Takes the line in the buffer. If it was cut short, another may have begun in it: the last beginning counts. */
  function takeLine(arrivalTime: number, frames: WifiFrame[]): void {
    const start = lastMarker(line, held);
    const frame = start === -1 ? undefined : readFrame(start + marker.length, held, arrivalTime);
    counters.skippedBytes += frame === undefined ? held : start;
    if (frame !== undefined) {
      frames.push(frame);
      counters.frames++;
    }
    held = 0;
  }

  return {
    counters,
    push(bytes, arrivalTime) {
      const frames: WifiFrame[] = [];
      counters.bytes += bytes.length;
      for (let from = 0; from < bytes.length;) {
        const found = bytes.indexOf(lineFeed, from);
        const to = found === -1 ? bytes.length : found + 1;
        const fits = Math.min(to - from, lineCapacity - held);
        line.set(bytes.subarray(from, from + fits), held);
        held += fits;
        if (held === lineCapacity && line[held - 1] !== lineFeed) {
          if (!overlong) failures.tooLong++;
          overlong = true;
          counters.skippedBytes += held;
          held = 0;
        } else if (line[held - 1] === lineFeed) {
          if (overlong) counters.skippedBytes += held;
          else takeLine(arrivalTime, frames);
          held = 0;
          overlong = false;
        }
        from += fits;
      }
      return frames;
    },
  };
}

function lastMarker(line: Uint8Array, length: number): number {
  for (let i = length - marker.length; i >= 0; i--) if (isMarker(line, i)) return i;
  return -1;
}

function isMarker(bytes: Uint8Array, from: number): boolean {
  for (let i = 0; i < marker.length; i++) if (bytes[from + i] !== marker[i]) return false;
  return true;
}

/** Some firmwares print a signed byte without its sign. */
function signedByte(value: number): number {
  return value > 127 && value < 256 ? value - 256 : value;
}

/** `aa:bb:cc:dd:ee:ff` in small letters; undefined if it is no MAC address. */
function macText(line: Uint8Array, from: number, to: number): string | undefined {
  if (to - from !== 17) return undefined;
  const text = String.fromCharCode(...line.subarray(from, to)).toLowerCase();
  return /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(text) ? text : undefined;
}

export const esp32Csi: Driver<WifiFrame, Esp32CsiSettings> = {
  name: 'esp32-csi',
  title: 'ESP32 family, CSI lines of esp-csi and ESP32-CSI-Tool',
  modality: 'wifi',
  settings,
  transports: { serial: { baudRate: 921600 }, tcp: true },
  seenOn: 'captures of an ESP32 with ESP32-CSI-Tool; lines of esp-csi from its documents',
  decoder,
  recognises: (bytes) => lastMarker(bytes, Math.min(bytes.length, 65536)) !== -1,
  nominalRate: ({ packetRate }) => packetRate,
};
