/** Intel Wi-Fi Link 5300 with the Linux 802.11n CSI Tool: the stream of log_to_file and, over TCP, of log_to_server.
 *
 *     LEN LEN BB  T T T T  C C  . .  NRX NTX  A B C  N  G  S  L L  R R  csi …
 *
 *     LEN   uint16 big-endian, bytes from the code BB on; all numbers after it are little-endian
 *     T     uint32, card's clock, microseconds, wraps
 *     C     uint16, measurements so far, wraps: gaps are lost ones
 *     A B C uint8, received power at the antenna sockets A, B, C; dBm = value − 44 − G; 0: none
 *     N     int8, noise, dBm; −127: not known (monitor mode)
 *     G     uint8, automatic gain, dB
 *     S     which socket each receive chain was switched to, two bits a chain: bits 0–1 first, 2–3 second, 4–5 third
 *     L     uint16, bytes of csi = (30 (NRX NTX 16 + 3) + 7) / 8
 *     R     uint16, rate and flags of the packet; bit 11: 40 MHz
 *     csi   bits, lowest first; for each of 30 subcarriers 3 bits to skip, then for each receive chain and in it each stream
 *           int8 real, int8 imaginary part
 *
 * Records with another code are read past. Three chains are put back to the order of the sockets by S; fewer are left as they
 * come, as csitool does, for what S says of them is not known. The scaling is that of
 * get_scaled_csi.m, so that |csi|² is signal over noise power: the csi's power over all pairs of antennas, averaged over the
 * subcarriers, is set to the power received; noise is N (−92 dBm if not known) and the error of the 8-bit numbers; 2 streams
 * count √2, 3 streams 4.5 dB, as the card halves its power between them.
 *
 * `intel-5300-csi.ts` says which subcarriers.
 *
 * Sources: dhalperi/linux-80211n-csitool-supplementary 08ea7cc: netlink/log_to_file.c, matlab/read_bfee.c, read_bf_file.m,
 * get_scaled_csi.m, get_total_rss.m, and its FAQ. Seen on: csitool logs and the WiAR data set.
 */
import { z } from 'zod';
import type { Decoder, Driver } from '../driver.js';
import type { WifiFrame } from '../frames.js';
import { streamBuffer } from '../stream-buffer.js';
import { unwrapper } from './ieee80211.js';
import { csiLength, isPermutation, narrowSubcarriers, subcarrierCount, unpackCsi, wideSubcarriers } from './intel-5300-csi.js'; // prettier-ignore

const settings = z.strictObject({
  packetRate: z
    .number()
    .positive()
    .max(5000)
    .default(30)
    .describe('Packets a second that the transmitter sends, and so measurements a second of the card.'),
});
export type Intel5300Settings = z.infer<typeof settings>;

const code = 0xbb;
const headerLength = 23; // length, code and 20 bytes
const wideFlag = 1 << 11;
const noiseUnknown = -127;
const usualNoise = -92; // dBm
const powerOffset = 44; // dB

const fromDecibels = (decibels: number) => 10 ** (decibels / 10);

/** Length of the whole record at `at`, of which the header is there; 0 if it is none. */
function recordLength(bytes: Uint8Array, view: DataView, at: number): number {
  if (bytes[at + 2] !== code) return 0;
  const receivers = bytes[at + 11]!;
  const streams = bytes[at + 12]!;
  if (receivers < 1 || receivers > 3 || streams < 1 || streams > 3) return 0;
  const length = csiLength(receivers, streams);
  const fits = view.getUint16(at + 19, true) === length && view.getUint16(at) === headerLength - 2 + length;
  return fits ? headerLength + length : 0;
}

function decoder(): Decoder<WifiFrame> {
  const failures = { badRecord: 0, otherRecord: 0, badPermutation: 0, lostPackets: 0 };
  const counters = { frames: 0, bytes: 0, skippedBytes: 0, failures };

  const stream = streamBuffer(8192);
  const { bytes: buffer, view } = stream;
  let inStep = true; // a record ended where the next is expected

  const clock = unwrapper();
  let latestCount: number | undefined;

  function countLost(count: number): void {
    const gap = latestCount === undefined ? 1 : (count - latestCount) & 0xffff;
    // A larger step is a driver that was loaded anew.
    if (gap > 1 && gap <= 1000) failures.lostPackets += gap - 1;
    latestCount = count;
  }

  function readFrame(at: number, arrivalTime: number): WifiFrame {
    const receivers = buffer[at + 11]!;
    const streams = buffer[at + 12]!;
    const noise = view.getInt8(at + 16);
    const gain = buffer[at + 17]!;
    const isWide = (view.getUint16(at + 21, true) & wideFlag) !== 0;
    countLost(view.getUint16(at + 7, true));

    const csi = new Float32Array(2 * receivers * streams * subcarrierCount);
    const selection = buffer[at + 18]!;
    if (receivers === 3 && !isPermutation(selection)) failures.badPermutation++;
    const power = unpackCsi(buffer, at + headerLength, receivers, streams, selection, csi);
    const sockets = [buffer[at + 13]!, buffer[at + 14]!, buffer[at + 15]!];
    const received = sockets.reduce((sum, value) => sum + (value === 0 ? 0 : fromDecibels(value)), 0);
    const isAbsolute = power > 0 && received > 0;
    const offset = powerOffset + gain;
    if (isAbsolute) {
      const scale = (received * fromDecibels(-offset)) / (power / subcarrierCount);
      const noisePower = fromDecibels(noise === noiseUnknown ? usualNoise : noise) + scale * receivers * streams;
      const split = streams === 3 ? fromDecibels(4.5) : streams;
      const factor = Math.sqrt((scale / noisePower) * split);
      for (let i = 0; i < csi.length; i++) csi[i]! *= factor;
    }
    const perAntenna = receivers === 3 && sockets.every((value) => value !== 0);
    const total = 10 * Math.log10(received) - offset;
    return {
      kind: 'wifi',
      arrivalTime,
      deviceTime: clock(view.getUint32(at + 3, true)) / 1e6,
      receivers,
      transmitters: streams,
      subcarriers: (isWide ? wideSubcarriers : narrowSubcarriers).slice(),
      csi,
      scale: isAbsolute ? 'absolute' : 'raw',
      ...(received === 0
        ? {}
        : { rssi: perAntenna ? Float32Array.from(sockets, (value) => value - offset) : Float32Array.of(total) }),
      ...(noise === noiseUnknown ? {} : { noise }),
      gain,
      bandwidth: isWide ? 40e6 : 20e6,
    };
  }

  /** Takes what can be taken of the buffer; what is left is the beginning of a record. */
  function takeBuffer(arrivalTime: number, frames: WifiFrame[]): number {
    let at = 0;
    while (stream.held - at >= headerLength) {
      const length = recordLength(buffer, view, at);
      if (length === 0) {
        if (inStep) {
          if (buffer[at + 2] === code) failures.badRecord++;
          else failures.otherRecord++;
        }
        inStep = false;
        counters.skippedBytes++;
        at++;
        continue;
      }
      if (stream.held - at < length) break;
      frames.push(readFrame(at, arrivalTime));
      counters.frames++;
      inStep = true;
      at += length;
    }
    return at;
  }

  return stream.decoder(counters, takeBuffer);
}

export const intel5300: Driver<WifiFrame, Intel5300Settings> = {
  name: 'intel-5300',
  title: 'Intel Wi-Fi Link 5300, Linux 802.11n CSI Tool',
  modality: 'wifi',
  settings,
  transports: { tcp: true },
  seenOn: 'captures of an Intel 5300 (csitool logs)',
  decoder,
  recognises: (bytes) =>
    bytes.length >= headerLength &&
    recordLength(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0) > 0,
  nominalRate: ({ packetRate }) => packetRate,
};
