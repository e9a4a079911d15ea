/** PicoScenes: its .csi files as a stream, from Intel AX200 and AX210, Intel 5300, Atheros QCA9300 and SDR.
 *
 *     LEN:4  15 03 15 20  01 00  N:1  segment × N  the Wi-Fi frame itself      LEN bytes behind LEN; numbers little-endian
 *     segment = LEN:4  NAME-LENGTH:1  NAME (may end with 00)  VERSION:2  content             LEN bytes behind LEN
 *
 *     RxSBasic  1, 2   device:2 time:8 frequency:2 format:1 width:2 guard:2 mcs:1 streams:1 extra:1 receivers:1
 *                      (2: users:1 user:1) noise:1 rssi:1 rssi of three chains:3; rssi counts from noise
 *               3, 4   device:2 time:8 (4: system time:8) frequency:2 control:2 width:2 format:1 width of packet:2 guard:2
 *                      mcs:1 streams:1 extra:1 receivers:1 users:1 user:1 noise:1 rssi:1 rssi of three chains:3
 *     CSI       1 … 4  device:2 (4: firmware:1) format:1 width:2 centre, Hz:8 sampling rate:8 spacing:4 subcarriers:2 streams:1
 *                      receivers:1 extra streams:1 (3, 4: measurements:2) antennas:1 (2 … 4: offset of subcarriers:2) LEN:4 csi
 *     MVMExtra  1      LEN:2 and the header of FeitCSI's records (`feitcsi.ts`): firmware's clock, microseconds, at 2 + 88
 *
 *     format: 0 legacy, 1 HT, 2 VHT, 3 HE of one user; width in MHz; time in microseconds (SDR: nanoseconds), 0 on the AX200
 *     csi by device: 2000 AX200, 2100 AX210: for each receiver, stream, subcarrier int16 real, int16 imaginary part
 *                    5300: as csitool's (`intel-5300-csi.ts`)
 *                    9300: for each subcarrier, stream, receiver 10 bits imaginary, 10 bits real part, lowest bit first
 *                    1234: subcarrier indices, int16 each; 'BBv1' or 'BBv2', number of dimensions:1, dimensions (4 or 8 bytes
 *                    each), 'C' 'D' 64 'C', for each measurement, receiver, stream, subcarrier float64 real, imaginary part
 *
 * Other segments are read past. Versions and devices that are not above are counted. Subcarriers of the AX200 and QCA9300 are
 * those in use, as IEEE 802.11 numbers them.
 *
 * Sources: PicoScenes' own parsing core (wifisensing/RXS-Parsing-Core, as csiread 138f58f has it: ModularPicoScenesFrame,
 * RxSBasicSegment, CSISegment, SignalMatrix); versions 4 of RxSBasic and CSI, and MVMExtra: CSIKit d2705ab, reader/readers/pico.
 * Seen on: PicoScenes logs of an AX200 and an Intel 5300.
 */
import { z } from 'zod';
import type { Decoder, Driver } from '../driver.js';
import type { WifiFrame } from '../frames.js';
import { streamBuffer } from '../stream-buffer.js';
import { macAddress, unwrapper } from './ieee80211.js';
import { readCsi, sdr, type Csi } from './picoscenes-csi.js';

const settings = z.strictObject({
  packetRate: z
    .number()
    .positive()
    .max(5000)
    .default(100)
    .describe('Packets a second that the transmitter sends, and so measurements a second of the device.'),
});
export type PicoscenesSettings = z.infer<typeof settings>;

const headerLength = 11;
const magic = 0x20150315;
const firstSegment = Uint8Array.from('RxSBasic', (character) => character.charCodeAt(0));
const beginning = headerLength + 5 + firstSegment.length; // bytes that tell a frame
const maximalFrame = 1 << 18; // bytes; frames with baseband samples may be longer, and are left out

/** Whether a frame begins at `at`, of which the first bytes are there. */
function isBeginning(bytes: Uint8Array, view: DataView, at: number): boolean {
  if (view.getUint32(at + 4, true) !== magic || view.getUint16(at + 8, true) !== 1) return false;
  for (let i = 0; i < firstSegment.length; i++) if (bytes[at + headerLength + 5 + i] !== firstSegment[i]) return false;
  return true;
}

/** Content of one segment. */
interface Segment {
  version: number;
  at: number;
  end: number;
}
type Segments = Partial<Record<'RxSBasic' | 'CSI' | 'MVMExtra', Segment>>;

/** Finds the segments of the frame in view[at, end); where the Wi-Fi frame begins; undefined if they do not fit. */
function findSegments(bytes: Uint8Array, view: DataView, at: number, end: number) {
  const found: Segments = {};
  let place = at + headerLength;
  for (let left = bytes[at + 10]!; left > 0; left--) {
    if (end - place < 7) return undefined;
    const segmentEnd = place + 4 + view.getUint32(place, true);
    const nameEnd = place + 5 + bytes[place + 4]!;
    if (segmentEnd > end || nameEnd + 2 > segmentEnd) return undefined;
    const last = bytes[nameEnd - 1] === 0 ? nameEnd - 1 : nameEnd;
    const name = String.fromCharCode(...bytes.subarray(place + 5, last));
    if (name === 'RxSBasic' || name === 'CSI' || name === 'MVMExtra')
      found[name] = { version: view.getUint16(nameEnd, true), at: nameEnd + 2, end: segmentEnd };
    place = segmentEnd;
  }
  return { segments: found, wifiFrame: place };
}

interface Basic {
  readonly time: number;
  readonly noise: number;
  readonly rssi: number;
  readonly chains: readonly number[];
}

/** Offsets of time and noise, and length, by version. */
const basicLayouts: Readonly<Record<number, { noise: number; length: number; absolute: boolean }>> = {
  1: { noise: 21, length: 26, absolute: false },
  2: { noise: 23, length: 28, absolute: false },
  3: { noise: 27, length: 32, absolute: true },
  4: { noise: 35, length: 40, absolute: true },
};

function readBasic(view: DataView, { version, at, end }: Segment): Basic | undefined {
  const layout = basicLayouts[version];
  if (layout === undefined || end - at < layout.length) return undefined;
  const noise = view.getInt8(at + layout.noise);
  const level = (i: number) => view.getInt8(at + layout.noise + 1 + i) + (layout.absolute ? 0 : noise);
  return {
    time: Number(view.getBigUint64(at + 2, true)),
    noise,
    rssi: level(0),
    chains: layout.absolute ? [level(1), level(2), level(3)] : [],
  };
}

function decoder(): Decoder<WifiFrame> {
  const failures = { badFrame: 0, tooLong: 0, noCsi: 0, unknownVersion: 0, unknownDevice: 0, badCsi: 0 };
  const counters = { frames: 0, bytes: 0, skippedBytes: 0, failures };

  const stream = streamBuffer(2 * maximalFrame);
  const { bytes: buffer, view } = stream;
  let inStep = true;
  let searched = 0; // bytes of the frame in progress in which no other begins
  const clock = unwrapper();

  function timeOf(device: number, basic: Basic, extra: Segment | undefined): number | undefined {
    if (device === sdr) return basic.time / 1e9;
    if (basic.time > 0) return basic.time / 1e6;
    const hasClock = extra?.version === 1 && extra.end - extra.at >= 94;
    return hasClock ? clock(view.getUint32(extra.at + 90, true)) / 1e6 : undefined;
  }

  /** What the Wi-Fi frame in [at, end) says: its transmitter, and its number if it has one (data and management frames). */
  function address(at: number, end: number): { source?: string; sequence?: number } {
    if (end - at < 16) return {};
    const source = macAddress(buffer, at + 10);
    const type = (buffer[at]! >> 2) & 3;
    return end - at >= 24 && (type === 0 || type === 2)
      ? { source, sequence: view.getUint16(at + 22, true) >> 4 }
      : { source };
  }

  /** The frame in the buffer's [at, end); undefined, and counted why, if there is none. */
  function readFrame(at: number, end: number, arrivalTime: number): WifiFrame | undefined {
    const found = findSegments(buffer, view, at, end);
    if (found === undefined) {
      failures.badFrame++;
      return undefined;
    }
    const { RxSBasic, CSI, MVMExtra } = found.segments;
    if (RxSBasic === undefined || CSI === undefined) {
      failures.noCsi++;
      return undefined;
    }
    const basic = readBasic(view, RxSBasic);
    const csi: Csi | 'unknownVersion' | 'unknownDevice' | 'badCsi' =
      basic === undefined ? 'unknownVersion' : readCsi(buffer, view, CSI.version, CSI.at, CSI.end);
    if (basic === undefined || typeof csi === 'string') {
      failures[typeof csi === 'string' ? csi : 'unknownVersion']++;
      return undefined;
    }
    const deviceTime = timeOf(csi.device, basic, MVMExtra);
    const chains = basic.chains.slice(0, csi.receivers);
    const perReceiver = chains.length === csi.receivers && chains.every((level) => level < 0 && level > -128);
    return {
      kind: 'wifi',
      arrivalTime,
      ...(deviceTime === undefined ? {} : { deviceTime }),
      receivers: csi.receivers,
      transmitters: csi.transmitters,
      subcarriers: csi.subcarriers,
      csi: csi.values,
      scale: 'raw',
      // SDR measures neither.
      ...(csi.device === sdr ? {} : { rssi: Float32Array.from(perReceiver ? chains : [basic.rssi]) }),
      ...(csi.device === sdr || basic.noise <= -127 ? {} : { noise: basic.noise }),
      frequency: csi.frequency,
      bandwidth: csi.bandwidth,
      ...address(found.wifiFrame, end),
    };
  }

  /** Where in [from, to) the next frame begins, or `to`. */
  function nextBeginning(from: number, to: number): number {
    for (let at = from; at < to; at++) if (isBeginning(buffer, view, at)) return at;
    return to;
  }

  function skip(count: number): void {
    counters.skippedBytes += count;
    inStep = false;
  }

  /** Takes what can be taken of the buffer; what is left is the beginning of a frame. */
  function takeBuffer(arrivalTime: number, frames: WifiFrame[]): number {
    let at = 0;
    while (stream.held - at >= beginning) {
      const length = 4 + view.getUint32(at, true);
      if (!isBeginning(buffer, view, at) || length > maximalFrame) {
        if (inStep) failures[length > maximalFrame ? 'tooLong' : 'badFrame']++;
        const next = nextBeginning(at + 1, stream.held - beginning + 1);
        skip(next - at);
        at = next;
        searched = 0;
        continue;
      }
      // A damaged length must not swallow the frames behind it.
      const to = Math.min(at + length, stream.held - beginning + 1);
      const next = nextBeginning(at + Math.max(searched, 1), to);
      if (next < to) {
        failures.badFrame++;
        skip(next - at);
        at = next;
        searched = 0;
        continue;
      }
      searched = to - at;
      if (stream.held - at < length) break;
      const frame = readFrame(at, at + length, arrivalTime);
      searched = 0;
      if (frame === undefined) {
        skip(1); // what is wrong may be the length: the next frame is searched from here
        at++;
        continue;
      }
      frames.push(frame);
      counters.frames++;
      inStep = true;
      at += length;
    }
    return at;
  }

  return stream.decoder(counters, takeBuffer);
}

export const picoscenes: Driver<WifiFrame, PicoscenesSettings> = {
  name: 'picoscenes',
  title: 'PicoScenes (Intel AX200, AX210, 5300, Atheros QCA9300, SDR)',
  modality: 'wifi',
  settings,
  transports: { tcp: true },
  seenOn: 'captures of an Intel AX200 and an Intel 5300 with PicoScenes',
  decoder,
  recognises: (bytes) =>
    bytes.length >= beginning && isBeginning(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0),
  nominalRate: ({ packetRate }) => packetRate,
};
