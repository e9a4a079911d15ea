/** TI mmWave radars (xWR14xx, 16xx, 18xx, 64xx, 68xx) with TI's own firmware: data port of the mmWave demo of SDK 1 to 3 and of people tracking.
 *
 *     02 01 04 03 06 05 08 07                    magic word
 *     u32 VERSION                                SDK: major · 2²⁴ + minor · 2¹⁶ + bugfix · 2⁸ + build
 *     u32 LENGTH                                 of the whole packet, with this head and padding to a multiple of 32
 *     u32 PLATFORM                               0xA1443, 0xA1642, 0xA1843, 0xA6443, 0xA6843
 *     u32 FRAME                                  counted from 1
 *
 *     then, in the demo                          40 bytes; 36 on the xWR14xx and in SDK 1.0, without SUBFRAME
 *     u32 CYCLES                                 processor's clock: 200 MHz; 600 MHz on the xWR16xx with SDK 1 and 2
 *     u32 POINTS  u32 ITEMS  u32 SUBFRAME
 *
 *     or, in the 3D People Counting lab of the Industrial Toolbox          48 bytes
 *     u32 SUBFRAME  u32 × 4 timing  u16 ITEMS  u16 CHECKSUM                sum of all u16 words of the head, folded to 16 bit, is 0xFFFF
 *
 *     then ITEMS items, which ti-tlv.ts describes. All numbers are little-endian.
 *
 * The 52-byte head of older labs (2D people counting, long range people detection: PLATFORM in the place of LENGTH) is not read.
 * Which head it is shows in the platform, the version, the checksum and whether the items fill the packet. The demo's packets have no
 * checksum: one whose items do not fill it, or that holds a magic word within, is left out.
 *
 * Sources: those of ti-tlv.ts. Checked against a capture of an AWR1843 with SDK 3.5 (darshanakgr/mmwave-api), and packets of an
 * IWR1642 with SDK 1.0 and an IWR6843 with the 3D People Counting lab that were posted to TI's forum (E2E threads 610679, 994264).
 */
import { z } from 'zod';
import type { Decoder, Driver } from '../driver.js';
import type { RadarFrame } from '../frames.js';
import { chips } from './levels.js';
import { commandPortSettings, startByCommandPort } from './command-port.js';
import { cycleClock } from './cycle-clock.js';
import { parseProfile } from './profile.js';
import { itemsEnd, readItems, type PacketHead } from './ti-tlv.js';

const settings = z.strictObject({
  profile: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Path of the .cfg profile that the radar runs. Levels in dB, and velocities of SDK 1 and 2, need it; and it is what `commandPort` sends.',
    ),
  ...commandPortSettings,
  frameRate: z
    .number()
    .positive()
    .max(1000)
    .default(20)
    .describe('Frames a second, as the profile says: 1000 / the fifth number of frameCfg.'),
});
export type TiMmwaveSettings = z.infer<typeof settings>;

const magic = Uint8Array.of(2, 1, 4, 3, 6, 5, 8, 7);
const longestPacket = 128 * 1024;

function decoder(
  { profile: path }: TiMmwaveSettings,
  files: Readonly<Record<string, string>> = {},
): Decoder<RadarFrame> {
  const text = files['profile'];
  if (path !== undefined && text === undefined) throw new Error(`profile ${path}: the file was not read`);
  const profile = text === undefined ? undefined : parseProfile(text);

  const failures = {
    badLength: 0,
    badItem: 0,
    badPosition: 0,
    unknownType: 0,
    unknownHead: 0,
    lostPackets: 0,
    noProfile: 0,
    wrongProfile: 0,
    unknownChip: 0,
  };
  const counters = { frames: 0, bytes: 0, skippedBytes: 0, failures };

  const buffer = Buffer.alloc(2 * longestPacket);
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  let held = 0; // bytes in the buffer
  let accounted = 0; // of these, at the beginning, that are counted already
  let searched = 0; // up to here, the packet at the buffer's beginning holds no second magic word
  const clock = cycleClock();
  let latestFrame: number | undefined;

  function findMagic(from: number, to: number): number {
    return buffer.subarray(0, to).indexOf(magic, from);
  }

  function takePacket(head: PacketHead, arrivalTime: number, frames: RadarFrame[]): boolean {
    const parts = readItems(view, head, profile, failures);
    if (!parts) {
      failures.badPosition++;
      return false;
    }
    const gap = head.frameNumber - (latestFrame ?? head.frameNumber) - 1;
    if (gap > 0 && gap < 10_000) failures.lostPackets += gap; // a greater one is a damaged number, or a restart
    latestFrame = head.frameNumber;
    const deviceTime = head.cycles === undefined ? undefined : clock.seconds(head.cycles, cycleFrequency(head));
    frames.push({
      kind: 'mmwave',
      arrivalTime,
      ...(deviceTime !== undefined && { deviceTime }),
      frameNumber: head.frameNumber,
      ...parts,
    });
    counters.frames++;
    return true;
  }

  /** Takes what can be taken of the buffer; what is left is the beginning of a packet. */
  function takeBuffer(arrivalTime: number, frames: RadarFrame[]): void {
    let at = accounted;
    let from = 0; // where the next magic word may begin
    let base: number; // where the bytes begin that are kept
    for (;;) {
      const start = findMagic(from, held);
      base = start === -1 ? Math.max(from, held - (magic.length - 1)) : start;
      if (base > at) {
        counters.skippedBytes += base - at;
        at = base;
      }
      if (start === -1) break;
      from = start + magic.length;
      if (held - start < 20) break;
      const length = view.getUint32(start + 12, true);
      const end = start + length;
      if (isPlatform(length)) {
        failures.unknownHead++;
        continue;
      }
      if (length < 36 || length > longestPacket) {
        failures.badLength++;
        continue;
      }
      const second = findMagic(Math.max(from, start + searched - magic.length), Math.min(held, end));
      searched = 0;
      if (second !== -1) {
        failures.badLength++;
        continue;
      }
      if (held < end) {
        searched = held - start;
        break;
      }
      const head = readHead(view, start, length);
      if (!head) failures.unknownHead++;
      else if (takePacket(head, arrivalTime, frames)) {
        at = end;
        // If bytes were lost in this packet, the next one's magic word begins within its length.
        from = end - (magic.length - 1);
      }
    }
    buffer.copyWithin(0, base, held);
    held -= base;
    accounted = at - base;
  }

  return {
    counters,
    push(bytes, arrivalTime) {
      const frames: RadarFrame[] = [];
      counters.bytes += bytes.length;
      for (let from = 0; from < bytes.length;) {
        const to = Math.min(bytes.length, from + buffer.length - held);
        buffer.set(bytes.subarray(from, to), held);
        held += to - from;
        from = to;
        takeBuffer(arrivalTime, frames);
      }
      return frames;
    },
  };
}

function isPlatform(value: number): boolean {
  return value >= 0xa1000 && value <= 0xaffff;
}

/** The head of the packet at `at`, or undefined if it is none, or its items do not fill the packet. */
function readHead(view: DataView, at: number, length: number): PacketHead | undefined {
  const field = (offset: number) => view.getUint32(at + offset, true);
  const end = at + length;
  const chip = field(16);
  if (!isPlatform(chip)) return undefined;
  const common = { chip, version: field(8) >>> 16, frameNumber: field(20) };
  const fills = (head: PacketHead) => {
    const last = itemsEnd(view, head, end);
    return last !== -1 && end - last < 32;
  };

  if (length >= 48 && headSum(view, at) === 0xffff) {
    const head: PacketHead = {
      ...common,
      kind: 'tracking',
      subframe: field(24),
      items: view.getUint16(at + 44, true),
      itemsAt: at + 48,
    };
    if (head.items <= 16 && fills(head)) return head;
  }
  const items = field(32);
  if (items > 64) return undefined;
  const short: PacketHead = {
    ...common,
    kind: 'demo',
    subframe: 0,
    cycles: field(24),
    points: field(28),
    items,
    itemsAt: at + 36,
  };
  const long: PacketHead | undefined = length >= 40 ? { ...short, subframe: field(36), itemsAt: at + 40 } : undefined;
  const usual = chip === chips.xwr14 || common.version < 0x0101 ? [short, long] : [long, short];
  return usual.find((head) => head !== undefined && fills(head));
}

function headSum(view: DataView, at: number): number {
  let sum = 0;
  for (let i = 0; i < 48; i += 2) sum += view.getUint16(at + i, true);
  return (sum >>> 16) + (sum & 0xffff);
}

function cycleFrequency({ chip, version }: PacketHead): number {
  return chip === chips.xwr16 && version < 0x0300 ? 600e6 : 200e6;
}

export const tiMmwave: Driver<RadarFrame, TiMmwaveSettings> = {
  name: 'ti-mmwave',
  title: 'TI mmWave radar (mmWave SDK demo, people tracking)',
  modality: 'mmwave',
  settings,
  files: ['profile'],
  transports: { serial: { baudRate: 921600 }, tcp: true },
  seenOn: 'a capture of an AWR1843 with the demo of SDK 3.5',
  decoder,
  recognises(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(magic);
    return at !== -1 && at + 20 <= bytes.length && isPlatform(view.getUint32(at + 16, true));
  },
  start: (_connection, own, files) => startByCommandPort(own, files),
  nominalRate: ({ frameRate }) => frameRate,
};
