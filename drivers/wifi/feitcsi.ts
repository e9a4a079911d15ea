/** FeitCSI (Intel AX200, AX210): its .csi files as a stream, and the datagrams of its UDP socket, which are the same records.
 *
 *     0    uint32  bytes of csi = 4 · receivers · transmitters · subcarriers          all numbers little-endian
 *     8    uint32  clock of fine time measurement, 3.125 ns a step, wraps after 13.4 s
 *     12   uint64  computer's clock, microseconds since 1970; 0 in files of older versions
 *     46   uint8   receivers           47  uint8  transmitters (streams)
 *     52   uint32  subcarriers
 *     60   uint32  received power at the first antenna, −dBm          64  uint32  at the second
 *     68   6 bytes source MAC address
 *     88   uint32  firmware's clock, microseconds, wraps (CSIKit; the maker's page leaves it out)
 *     92   uint32  rate flags: bits 8–10 format (1 legacy, 2 HT, 3 VHT, 4 HE), bits 11–13 width (0 … 3: 20, 40, 80, 160 MHz)
 *     272  csi: for each receiver, transmitter, subcarrier (ascending) int16 real, int16 imaginary part
 *
 * Subcarriers are those that carry something, pilots among them, in IEEE 802.11's numbers. The firmware puts a
 * far too low value on the pilots (the maker's page); they are given as they come.
 *
 * Sources: feitcsi.kuskosoft.com, 'CSI format' and 'Matlab'; KuskoSoft/FeitCSI, include/Csi.h, src/Csi.cpp, src/UdpSocket.cpp.
 * Seen on: FeitCSI logs of HT
 * 20 MHz, VHT 80 MHz, HE 20 and 160 MHz.
 */
import { z } from 'zod';
import type { Decoder, Driver } from '../driver.js';
import type { WifiFrame } from '../frames.js';
import { streamBuffer } from '../stream-buffer.js';
import { macAddress, unwrapper, usedSubcarriers, type PacketFormat } from './ieee80211.js';

const settings = z.strictObject({
  packetRate: z
    .number()
    .positive()
    .max(5000)
    .default(100)
    .describe('Packets a second that the transmitter sends, and so measurements a second of the card.'),
});
export type FeitcsiSettings = z.infer<typeof settings>;

const headerLength = 272;
const maximalAntennas = 4;
const maximalSubcarriers = 1992;
const maximalCsi = 4 * 2 * 2 * maximalSubcarriers; // two receivers, two streams

const formats: readonly (PacketFormat | undefined)[] = [undefined, 'legacy', 'ht', 'vht', 'he'];

/** Subcarriers of a packet with these rate flags. */
function layoutOf(flags: number): Int16Array | undefined {
  const format = formats[(flags >> 8) & 7];
  return format === undefined ? undefined : usedSubcarriers(format, 20 << ((flags >> 11) & 7));
}

type Header = 'badHeader' | 'unknownLayout' | { length: number; layout: Int16Array };

/** @param at where the record begins; its first 96 bytes are there */
function readHeader(bytes: Uint8Array, view: DataView, at: number): Header {
  const length = view.getUint32(at, true);
  const receivers = bytes[at + 46]!;
  const transmitters = bytes[at + 47]!;
  const count = view.getUint32(at + 52, true);
  if (
    length === 0 || length > maximalCsi || count > maximalSubcarriers ||
    receivers > maximalAntennas || transmitters > maximalAntennas ||
    length !== 4 * receivers * transmitters * count
  )
    return 'badHeader'; // prettier-ignore
  const layout = layoutOf(view.getUint32(at + 92, true));
  return layout?.length === count ? { length, layout } : 'unknownLayout';
}

function decoder(): Decoder<WifiFrame> {
  const failures = { badHeader: 0, unknownLayout: 0 };
  const counters = { frames: 0, bytes: 0, skippedBytes: 0, failures };

  const stream = streamBuffer(2 * (headerLength + maximalCsi));
  const { bytes: buffer, view } = stream;
  let inStep = true;
  const clock = unwrapper();

  function readFrame(at: number, layout: Int16Array, arrivalTime: number): WifiFrame {
    const receivers = buffer[at + 46]!;
    const transmitters = buffer[at + 47]!;
    const parts = 2 * receivers * transmitters * layout.length;
    const csi = new Float32Array(parts);
    for (let i = 0; i < parts; i++) csi[i] = view.getInt16(at + headerLength + 2 * i, true);
    const width = (view.getUint32(at + 92, true) >> 11) & 7;
    const power = [-view.getUint32(at + 60, true), -view.getUint32(at + 64, true)];
    return {
      kind: 'wifi',
      arrivalTime,
      deviceTime: clock(view.getUint32(at + 88, true)) / 1e6,
      receivers,
      transmitters,
      subcarriers: layout.slice(),
      csi,
      scale: 'raw',
      ...(receivers <= 2 ? { rssi: Float32Array.from(power.slice(0, receivers)) } : {}),
      bandwidth: 20e6 * 2 ** width,
      source: macAddress(buffer, at + 68),
    };
  }

  /** Takes what can be taken of the buffer; what is left is the beginning of a record. */
  function takeBuffer(arrivalTime: number, frames: WifiFrame[]): number {
    let at = 0;
    while (stream.held - at >= headerLength) {
      const header = readHeader(buffer, view, at);
      if (typeof header === 'string') {
        if (inStep) failures[header]++;
        inStep = false;
        counters.skippedBytes++;
        at++;
        continue;
      }
      const length = headerLength + header.length;
      if (stream.held - at < length) break;
      frames.push(readFrame(at, header.layout, arrivalTime));
      counters.frames++;
      inStep = true;
      at += length;
    }
    return at;
  }

  return stream.decoder(counters, takeBuffer);
}

export const feitcsi: Driver<WifiFrame, FeitcsiSettings> = {
  name: 'feitcsi',
  title: 'FeitCSI (Intel AX200, AX210)',
  modality: 'wifi',
  settings,
  transports: { tcp: true, udp: { port: 8008 } },
  seenOn: 'captures of an Intel AX2xx with FeitCSI',
  decoder,
  recognises: (bytes) =>
    bytes.length >= headerLength &&
    typeof readHeader(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0) !== 'string',
  nominalRate: ({ packetRate }) => packetRate,
};
