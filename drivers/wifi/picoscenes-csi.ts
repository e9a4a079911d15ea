/** The CSI segment of PicoScenes' frames; `picoscenes.ts` says what it looks like. */
import { usedSubcarriers, type PacketFormat } from './ieee80211.js';
import { csiLength, narrowSubcarriers, subcarrierCount, unpackCsi, wideSubcarriers } from './intel-5300-csi.js';

export interface Csi {
  readonly device: number;
  readonly receivers: number;
  readonly transmitters: number;
  readonly subcarriers: Int16Array;
  /** [receivers, transmitters, subcarriers, 2] */
  readonly values: Float32Array;
  /** Hz. */
  readonly frequency: number;
  readonly bandwidth: number;
}

export const sdr = 0x1234;
const formats: readonly PacketFormat[] = ['legacy', 'ht', 'vht', 'he'];
const maximalAntennas = 16;
const maximalSubcarriers = 4096;

/** What stands before the csi. */
interface Head {
  readonly device: number;
  readonly format: PacketFormat | undefined;
  readonly megahertz: number;
  readonly subcarriers: number;
  readonly streams: number;
  readonly receivers: number;
  readonly extra: number;
  readonly measurements: number;
  readonly antennas: number;
  readonly offset: number;
  /** The csi, [at, end). */
  readonly at: number;
  readonly end: number;
}

function readHead(bytes: Uint8Array, view: DataView, version: number, at: number, end: number): Head | undefined {
  const format = at + (version === 4 ? 3 : 2);
  const dimensions = format + 23; // behind format, width, centre, sampling rate, spacing
  const hasCount = version >= 3;
  const antennas = dimensions + (hasCount ? 7 : 5);
  const offset = antennas + 1;
  const length = offset + (version >= 2 ? 2 : 0);
  if (length + 4 > end) return undefined;
  const size = view.getUint32(length, true);
  if (size > end - length - 4) return undefined;
  return {
    device: view.getUint16(at, true),
    format: formats[bytes[format]!],
    megahertz: view.getUint16(format + 1, true),
    subcarriers: view.getUint16(dimensions, true),
    streams: bytes[dimensions + 2]!,
    receivers: bytes[dimensions + 3]!,
    extra: bytes[dimensions + 4]!,
    measurements: hasCount ? view.getUint16(dimensions + 5, true) : 1,
    antennas: bytes[antennas]!,
    offset: version >= 2 ? view.getInt16(offset, true) : 0,
    at: length + 4,
    end: length + 4 + size,
  };
}

/** Subcarriers and values; undefined if the numbers do not agree. */
type Content = { subcarriers: Int16Array; transmitters: number; values: Float32Array } | undefined;

function readAx200({ format, megahertz, receivers, streams, subcarriers: n, at, end }: Head, view: DataView): Content {
  const subcarriers = format === undefined ? undefined : usedSubcarriers(format, megahertz);
  if (subcarriers?.length !== n || end - at !== 4 * receivers * streams * n) return undefined;
  const values = new Float32Array(2 * receivers * streams * n);
  for (let i = 0; i < values.length; i++) values[i] = view.getInt16(at + 2 * i, true);
  return { subcarriers, transmitters: streams, values };
}

function read5300({ megahertz, receivers, antennas, at, end }: Head, bytes: Uint8Array): Content {
  // Streams of extra soundings count too: as many as the bytes hold.
  let streams = 1;
  while (streams < 4 && csiLength(receivers, streams) < end - at) streams++;
  if (csiLength(receivers, streams) !== end - at || receivers > 3) return undefined;
  const values = new Float32Array(2 * receivers * streams * subcarrierCount);
  unpackCsi(bytes, at, receivers, streams, antennas, values);
  return { subcarriers: megahertz === 40 ? wideSubcarriers : narrowSubcarriers, transmitters: streams, values };
}

function readQca9300({ megahertz, receivers, streams, extra, at, end }: Head, bytes: Uint8Array): Content {
  const subcarriers = usedSubcarriers('ht', megahertz);
  const transmitters = streams + extra;
  if (subcarriers === undefined) return undefined;
  const n = subcarriers.length;
  if (end - at !== Math.ceil((20 * receivers * transmitters * n) / 8)) return undefined;
  const values = new Float32Array(2 * receivers * transmitters * n);
  /** The 10 bits of which the first is `bit`, with their sign. */
  const part = (bit: number) => {
    const byte = at + (bit >> 3);
    return ((bytes[byte]! | (bytes[byte + 1]! << 8)) << (22 - (bit & 7))) >> 22;
  };
  let bit = 0;
  for (let k = 0; k < n; k++)
    for (let stream = 0; stream < transmitters; stream++)
      for (let receiver = 0; receiver < receivers; receiver++) {
        const place = 2 * ((receiver * transmitters + stream) * n + k);
        values[place + 1] = part(bit);
        values[place] = part(bit + 10);
        bit += 20;
      }
  return { subcarriers, transmitters, values };
}

/** Letters of a matrix' head as one number. */
const letters = (text: string) =>
  Array.from(text, (letter, i) => letter.charCodeAt(0) * 256 ** i).reduce((a, b) => a + b);
const matrixVersions: Readonly<Record<number, 4 | 8>> = { [letters('BBv1')]: 4, [letters('BBv2')]: 8 };
const complexDoubles = letters('CD@C'); // '@' is 64, the bits of a number

function readSdr(head: Head, bytes: Uint8Array, view: DataView): Content {
  const { receivers, subcarriers: n, measurements, at, end } = head;
  const transmitters = head.streams + head.extra;
  let place = at + 2 * n;
  if (place + 5 > end || measurements !== 1) return undefined;
  const width = matrixVersions[view.getUint32(place, true)];
  if (width === undefined) return undefined;
  place += 5 + bytes[place + 4]! * width;
  const parts = 2 * receivers * transmitters * n;
  if (place + 4 + 8 * parts !== end || view.getUint32(place, true) !== complexDoubles) return undefined;
  const subcarriers = Int16Array.from({ length: n }, (_, i) => view.getInt16(at + 2 * i, true));
  const values = Float32Array.from({ length: parts }, (_, i) => view.getFloat64(place + 4 + 8 * i, true));
  const ascending = subcarriers.every((k, i) => i === 0 || k > subcarriers[i - 1]!);
  return ascending ? { subcarriers, transmitters, values } : undefined;
}

/** @param at content of a CSI segment of that version, up to `end` */
export function readCsi(
  bytes: Uint8Array,
  view: DataView,
  version: number,
  at: number,
  end: number,
): Csi | 'unknownVersion' | 'unknownDevice' | 'badCsi' {
  if (version < 1 || version > 4) return 'unknownVersion';
  const head = readHead(bytes, view, version, at, end);
  if (head === undefined) return 'badCsi';
  const { device, receivers, streams, extra, subcarriers: n } = head;
  if (receivers < 1 || receivers > maximalAntennas || streams < 1 || streams + extra > maximalAntennas) return 'badCsi';
  if (n < 1 || n > maximalSubcarriers) return 'badCsi';
  let content: Content;
  if (device === 0x2000 || device === 0x2100) content = readAx200(head, view);
  else if (device === 0x5300) content = read5300(head, bytes);
  else if (device === 0x9300) content = readQca9300(head, bytes);
  else if (device === sdr) content = readSdr(head, bytes, view);
  else return 'unknownDevice';
  if (content === undefined) return 'badCsi';
  return {
    device,
    receivers,
    transmitters: content.transmitters,
    subcarriers: content.subcarriers.map((k) => k + (device === sdr ? 0 : head.offset)),
    values: content.values,
    frequency: Number(view.getBigUint64(at + (version === 4 ? 6 : 5), true)),
    bandwidth: head.megahertz * 1e6,
  };
}
