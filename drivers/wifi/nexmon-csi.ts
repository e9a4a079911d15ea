/** Nexmon CSI (Broadcom BCM4339, BCM43455c0, BCM4358, BCM4366c0): UDP payloads to port 5500, one for each core (receiving
 *  antenna) and spatial stream of a Wi-Fi frame.
 *
 *     11 11  R  F  M M M M M M  Q Q  C C  H H  V V  csi …          all numbers little-endian
 *
 *     R    int8, dBm, and F first byte of the Wi-Fi frame; older firmware has 11 11 here
 *     M    source MAC address
 *     Q    sequence control of the Wi-Fi frame: number << 4 | fragment; 0 for control frames
 *     C    core (bits 0–2), spatial stream (bits 3–5); big-endian on some routers
 *     H    channel: number of its centre (bits 0–7), width (bits 11–13: 2, 3, 4, 5 = 20, 40, 80, 160 MHz), band (bits 14–15: 0 is
 *          2.4, 3 is 5 GHz)
 *     V    chip: 0001 BCM4339, 0065 BCM43455c0, 0003 or DEAD BCM4358, 006A or E834 BCM4366c0
 *     csi  64, 128, 256 or 512 words (20 to 160 MHz), subcarriers 0, 1, …, n/2 − 1, −n/2, …, −1:
 *          BCM4339, BCM43455c0   int16 real, int16 imaginary part
 *          BCM4358               1 bit sign, 8 bits real; 1 bit sign, 8 bits imaginary part; 5 bits exponent, two's complement
 *          BCM4366c0             1 + 11 bits, 1 + 11 bits, 6 bits
 *
 * A value is its mantissa · 2^exponent; the exponents are not made equal over a packet, so packets stay comparable.
 * Null and guard subcarriers hold whatever was in the chip's memory, and are given as 0. Firmware that gives R also writes 12
 * bytes of receiver status over the csi: over the words 28 to 30 at 20 MHz, which takes subcarrier 28, and over 0 to 2 at other
 * widths, which takes subcarrier 2; they are given as 0 too.
 *
 * Packets of one Wi-Fi frame follow one another and make one frame. How many there are is learnt from the stream.
 *
 * Sources: seemoo-lab/nexmon_csi fdb25ef, README.md ('Analyzing the CSI', 'Frequently Asked Questions'), src/csi_extractor.c,
 * utils/matlab/csireader.m and unpack_float.c; Broadcom's bcmwifi_channels.h (H). Seen on: captures of BCM4339, BCM43455c0 and
 * BCM4358, and a packet of a BCM4366c0.
 */
import { z } from 'zod';
import type { Decoder, Driver } from '../driver.js';
import type { WifiFrame } from '../frames.js';
import { channelFrequency, macAddress, subcarrierRange } from './ieee80211.js';

const settings = z.strictObject({
  packetsPerFrame: z
    .int()
    .min(0)
    .max(16)
    .default(0)
    .describe(
      'Cores times spatial streams, as set with makecsiparams -C and -N. 0: learnt from the first two frames, which each come with the next one only.',
    ),
  packetRate: z
    .number()
    .positive()
    .max(5000)
    .default(100)
    .describe('Wi-Fi frames a second that match the filter, and so frames a second of the device.'),
});
export type NexmonCsiSettings = z.infer<typeof settings>;

const headerLength = 18;
const magic = 0x1111;
const longestGap = 0.1; // seconds between packets of one frame
const patience = 8; // Wi-Fi frames in a row with other packets until the device is taken to send these

/** Bits of a mantissa with its sign, and of the exponent; none: 16-bit integers. */
interface Packed {
  readonly mantissa: number;
  readonly exponent: number;
}
const packedByChip: Readonly<Record<number, Packed | 'integers'>> = {
  0x0001: 'integers',
  0x0065: 'integers',
  0x0003: { mantissa: 9, exponent: 5 },
  0xdead: { mantissa: 9, exponent: 5 },
  0x006a: { mantissa: 12, exponent: 6 },
  0xe834: { mantissa: 12, exponent: 6 },
};

/** Subcarriers on which nothing is sent, 802.11n and ac (README.md): up to `dc` from the centre, and beyond `last`. */
const nulls: Readonly<Record<number, { dc: number; last: number }>> = {
  64: { dc: 0, last: 28 },
  128: { dc: 1, last: 58 },
  256: { dc: 1, last: 122 },
  512: { dc: 5, last: 250 },
};

/** What a datagram's header says, or why it is none. */
type Header =
  'tooShort' | 'badMagic' | 'unknownChip' | 'unknownChannel' | 'wrongLength' | { subcarriers: number; packed: Packed | 'integers' }; // prettier-ignore

function readHeader(bytes: Uint8Array, view: DataView): Header {
  if (bytes.length < headerLength) return 'tooShort';
  if (view.getUint16(0) !== magic) return 'badMagic';
  const packed = packedByChip[view.getUint16(16, true)];
  if (packed === undefined) return 'unknownChip';
  const width = (view.getUint16(14, true) >> 11) & 7;
  if (width < 2 || width > 5) return 'unknownChannel';
  const subcarriers = 16 << width;
  return bytes.length === headerLength + 4 * subcarriers ? { subcarriers, packed } : 'wrongLength';
}

/** Packets of one Wi-Fi frame, as far as they have come. */
interface Group {
  readonly sequence: number;
  readonly source: string;
  readonly channel: number;
  readonly subcarriers: number;
  readonly rssi: number | undefined;
  /** csi of each core and stream, by core + 8 · stream. */
  readonly parts: Map<number, Float32Array>;
  arrivalTime: number;
  given: boolean;
}

function decoder({ packetsPerFrame }: NexmonCsiSettings): Decoder<WifiFrame> {
  const failures = { tooShort: 0, badMagic: 0, unknownChip: 0, unknownChannel: 0, wrongLength: 0, incomplete: 0 };
  const counters = { frames: 0, bytes: 0, skippedBytes: 0, failures };

  let group: Group | undefined;
  let expected: ReadonlySet<number> | undefined; // parts of a whole frame
  let latest = { key: '', times: 0 }; // how often in a row the same parts came

  function isWhole({ parts }: Group): boolean {
    if (packetsPerFrame > 0) return parts.size === packetsPerFrame;
    if (expected?.size !== parts.size) return false;
    for (const part of parts.keys()) if (!expected.has(part)) return false;
    return true;
  }

  /** Learns from a group that nothing more belongs to which parts the device sends. */
  function learn({ parts }: Group): void {
    const more = expected !== undefined && parts.size > expected.size && [...expected].every((part) => parts.has(part));
    const key = [...parts.keys()].sort((a, b) => a - b).join();
    latest = { key, times: key === latest.key ? latest.times + 1 : 1 };
    if (more || latest.times >= (expected === undefined ? 2 : patience)) expected = new Set(parts.keys());
  }

  function give(whole: Group, frames: WifiFrame[]): void {
    const cores = [...new Set([...whole.parts.keys()].map((part) => part & 7))].sort((a, b) => a - b);
    const streams = [...new Set([...whole.parts.keys()].map((part) => part >> 3))].sort((a, b) => a - b);
    if (cores.length * streams.length !== whole.parts.size) {
      failures.incomplete++;
      return;
    }
    const { subcarriers: n, rssi, channel, source } = whole;
    const csi = new Float32Array(2 * n * whole.parts.size);
    cores.forEach((core, i) =>
      streams.forEach((stream, j) => csi.set(whole.parts.get(core + 8 * stream)!, 2 * n * (i * streams.length + j))),
    );
    const is5GHz = channel >> 14 === 3;
    const number = channel & 0xff;
    const frequency = is5GHz === number > 14 ? channelFrequency(number) : undefined;
    frames.push({
      kind: 'wifi',
      arrivalTime: whole.arrivalTime,
      receivers: cores.length,
      transmitters: streams.length,
      subcarriers: subcarrierRange(-n / 2, n / 2 - 1),
      csi,
      scale: 'raw',
      ...(rssi === undefined ? {} : { rssi: Float32Array.of(rssi) }),
      ...(frequency === undefined ? {} : { frequency }),
      bandwidth: (n / 64) * 20e6,
      source,
      sequence: whole.sequence >> 4,
    });
    counters.frames++;
  }

  function close(frames: WifiFrame[]): void {
    if (group === undefined) return;
    if (packetsPerFrame === 0) learn(group);
    if (!group.given) {
      if (isWhole(group) || (packetsPerFrame === 0 && expected === undefined)) give(group, frames);
      else failures.incomplete++;
    }
    group = undefined;
  }

  return {
    counters,
    push(bytes, arrivalTime) {
      const frames: WifiFrame[] = [];
      counters.bytes += bytes.length;
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      const header = readHeader(bytes, view);
      if (typeof header === 'string') {
        failures[header]++;
        counters.skippedBytes += bytes.length;
        return frames;
      }
      const sequence = view.getUint16(10, true);
      const source = macAddress(bytes, 4);
      const channel = view.getUint16(14, true);
      const little = view.getUint16(12, true);
      const part = (little > 63 ? view.getUint16(12) : little) & 63;
      if (
        group !== undefined &&
        (group.sequence !== sequence ||
          group.source !== source ||
          group.channel !== channel ||
          group.parts.has(part) ||
          arrivalTime - group.arrivalTime > longestGap)
      )
        close(frames);
      const hasStatus = view.getUint16(2) !== magic;
      group ??= {
        sequence,
        source,
        channel,
        subcarriers: header.subcarriers,
        rssi: hasStatus ? view.getInt8(2) : undefined,
        parts: new Map(),
        arrivalTime,
        given: false,
      };
      group.parts.set(part, readCsi(view, header.subcarriers, header.packed, hasStatus));
      group.arrivalTime = arrivalTime;
      if (!group.given && isWhole(group)) {
        give(group, frames);
        group.given = true;
      }
      return frames;
    },
  };
}

/** [subcarriers, 2], lowest subcarrier first. */
function readCsi(view: DataView, n: number, packed: Packed | 'integers', hasStatus: boolean): Float32Array {
  const csi = new Float32Array(2 * n);
  const { dc, last } = nulls[n]!;
  const spoilt = !hasStatus ? NaN : n === 64 ? 28 : 2;
  const scale = packed === 'integers' ? undefined : powers(packed.exponent);
  for (let k = -last; k <= last; k++) {
    if (Math.abs(k) <= dc || k === spoilt) continue;
    const at = headerLength + 4 * (k < 0 ? k + n : k);
    const i = 2 * (k + n / 2);
    if (packed === 'integers' || scale === undefined) {
      csi[i] = view.getInt16(at, true);
      csi[i + 1] = view.getInt16(at + 2, true);
    } else {
      const word = view.getUint32(at, true);
      const factor = scale[word & (scale.length - 1)]!;
      csi[i] = factor * signed(word >>> (packed.exponent + packed.mantissa), packed.mantissa);
      csi[i + 1] = factor * signed(word >>> packed.exponent, packed.mantissa);
    }
  }
  return csi;
}

/** Sign and magnitude in the lowest bits. */
function signed(word: number, bits: number): number {
  const magnitude = word & ((1 << (bits - 1)) - 1);
  return (word & (1 << (bits - 1))) === 0 ? magnitude : -magnitude;
}

const powersByBits = new Map<number, Float64Array>();

/** 2^e for each e in two's complement. */
function powers(bits: number): Float64Array {
  let table = powersByBits.get(bits);
  if (table === undefined) {
    const half = 1 << (bits - 1);
    table = Float64Array.from({ length: 2 * half }, (_, e) => 2 ** (e < half ? e : e - 2 * half));
    powersByBits.set(bits, table);
  }
  return table;
}

export const nexmonCsi: Driver<WifiFrame, NexmonCsiSettings> = {
  name: 'nexmon-csi',
  title: 'Nexmon CSI (Broadcom BCM4339, BCM43455c0, BCM4358, BCM4366c0)',
  modality: 'wifi',
  settings,
  transports: { udp: { port: 5500 }, pcap: { port: 5500 } },
  seenOn: 'captures of a BCM4339, a BCM43455c0 and a BCM4358, and a packet of a BCM4366c0',
  decoder,
  recognises: (bytes) =>
    typeof readHeader(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length)) !== 'string',
  nominalRate: ({ packetRate }) => packetRate,
};
