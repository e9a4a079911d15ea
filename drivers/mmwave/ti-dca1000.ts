/** TI DCA1000EVM: raw samples of a mmWave radar (xWR1243, 1443, 1642, 1843, 6843) over UDP, port 4098, in raw mode.
 *
 *     u32 SEQUENCE      counted from 1, from the record's start on
 *     u48 BYTES         data bytes that were sent before this packet
 *     …                 data, 1456 bytes in all packets but a record's last
 *
 * All little-endian. The data are one stream, which frames cut without any mark: frame n begins at byte n × the frame's length, so that
 * the stream can be joined at any time. Length and order of the samples follow from the radar's profile, see lvds.ts.
 *
 * A packet's place follows from BYTES, which SEQUENCE must agree with. A frame is passed on when it is complete, or when a packet comes
 * that lies 32 packets behind it: what is missing then is zeros.
 *
 * Sources: TI SPRUIJ4A 'DCA1000EVM Data Capture Card User's Guide', section 5.2; TI SWRA581B. Packets of a real board: TI E2E thread
 * 753787. Not yet seen on a device.
 */
import { z } from 'zod';
import type { Decoder, Driver } from '../driver.js';
import type { RadarCubeFrame } from '../frames.js';
import { commandPortSettings } from './command-port.js';
import { startCapture } from './dca1000-control.js';
import { cubeLayout, lanes, type BoardFamily } from './lvds.js';
import { parseProfile } from './profile.js';

const settings = z.strictObject({
  profile: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Path of the .cfg profile that the radar runs; needed, since nothing else says how the samples are ordered.',
    ),
  board: z
    .literal(Object.keys(lanes) as BoardFamily[])
    .default('xwr1843')
    .describe(
      "The radar on the DCA1000: xWR12xx and 14xx send over four lanes, the others over two. 'xwr1843' stands for AWR and IWR.",
    ),
  boardAddress: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Address of the DCA1000, which leaves the factory as 192.168.33.180: the gateway then sets it up and starts it. Without it, start it with another program.',
    ),
  controlPort: z.int().min(1).max(65535).default(4096).describe("The DCA1000's port for commands, here and there."),
  localAddress: z
    .string()
    .min(1)
    .default('0.0.0.0')
    .describe(
      "This machine's address on the DCA1000's network, which must be 192.168.33.30 for a board from the factory.",
    ),
  packetDelay: z
    .number()
    .min(5)
    .max(500)
    .default(25)
    .describe('Pause between packets, µs: 25 lets 325 Mbit/s through; more of it relieves a slow machine.'),
  ...commandPortSettings,
  frameRate: z
    .number()
    .positive()
    .max(1000)
    .default(20)
    .describe('Frames a second, as the profile says: 1000 / the fifth number of frameCfg.'),
});
export type TiDca1000Settings = z.infer<typeof settings>;

const headLength = 10;
/** Packets that a packet may come late; a power of two. */
const reorderWindow = 32;

interface OpenFrame {
  readonly raw: ArrayBuffer;
  readonly bytes: Uint8Array;
  filled: number;
  arrivalTime: number;
}

function decoder(
  { profile: path, board }: TiDca1000Settings,
  files: Readonly<Record<string, string>> = {},
): Decoder<RadarCubeFrame> {
  const layout = cubeLayout(parseProfile(profileText(path, files)), board);
  const frameBytes = layout.bytes;
  const frameSamples = layout.shape.reduce((product, length) => product * length, 1);

  const failures = {
    tooShort: 0,
    badHeader: 0,
    lostPackets: 0,
    latePackets: 0,
    duplicatePackets: 0,
    lostFrames: 0,
    joined: 0,
  };
  const counters = { frames: 0, bytes: 0, skippedBytes: 0, failures };

  let packetData = 0; // data bytes of a packet; 0: none has come
  let first = 0; // index of the first packet, from 0
  let highest = -1; // greatest index so far
  const received = new Float64Array(reorderWindow).fill(-1); // index by index modulo the window
  let oldRun = 0; // packets in a row that are not new
  let nextFrame = 0; // the frame to be passed on next
  const open = new Map<number, OpenFrame>();
  const spare: OpenFrame[] = [];

  function begin(index: number): void {
    for (const frame of open.values()) release(frame);
    open.clear();
    received.fill(-1);
    first = index;
    highest = index - 1;
    oldRun = 0;
    nextFrame = Math.ceil((index * packetData) / frameBytes);
    if ((index * packetData) % frameBytes !== 0) failures.joined++;
  }

  function take(): OpenFrame {
    const frame = spare.pop();
    if (frame) {
      frame.bytes.fill(0);
      frame.filled = 0;
      return frame;
    }
    const raw = new ArrayBuffer(frameBytes);
    return { raw, bytes: new Uint8Array(raw), filled: 0, arrivalTime: 0 };
  }

  function release(frame: OpenFrame): void {
    if (spare.length < 2) spare.push(frame);
  }

  /** Whether the packet is new; counts what leaves the window without having come. */
  function enter(index: number): boolean {
    const slot = index % reorderWindow;
    if (index > highest) {
      const leaving = Math.min(highest, index - reorderWindow);
      for (let k = Math.max(first, highest + 1 - reorderWindow); k <= leaving; k++)
        if (received[k % reorderWindow] !== k) failures.lostPackets++;
      failures.lostPackets += Math.max(0, index - reorderWindow - highest);
      highest = index;
    } else if (highest - index >= reorderWindow || index < first) {
      failures.latePackets++;
      return false;
    } else if (received[slot] === index) {
      failures.duplicatePackets++;
      return false;
    }
    received[slot] = index;
    return true;
  }

  function place(bytes: Uint8Array, position: number, arrivalTime: number): void {
    for (let from = headLength, at = position; from < bytes.length;) {
      const number = Math.floor(at / frameBytes);
      const offset = at - number * frameBytes;
      const length = Math.min(frameBytes - offset, bytes.length - from);
      if (number >= nextFrame) {
        let frame = open.get(number);
        if (!frame) open.set(number, (frame = take()));
        frame.bytes.set(bytes.subarray(from, from + length), offset);
        frame.filled += length;
        frame.arrivalTime = arrivalTime;
      }
      from += length;
      at += length;
    }
  }

  /** Passes on what is complete, or will not become so. */
  function passOn(frames: RadarCubeFrame[]): void {
    const decided = (highest + 1 - reorderWindow) * packetData; // bytes before this have come, or never will
    for (;;) {
      const frame = open.get(nextFrame);
      const over = (nextFrame + 1) * frameBytes <= decided;
      if (frame?.filled !== frameBytes && !over) return;
      if (frame) {
        open.delete(nextFrame);
        frames.push({
          kind: 'radar-cube',
          arrivalTime: frame.arrivalTime,
          frameNumber: nextFrame,
          shape: layout.shape,
          components: layout.components,
          data: layout.arrange(frame.raw),
          missing: Math.round(((frameBytes - frame.filled) / frameBytes) * frameSamples),
        });
        counters.frames++;
        release(frame);
        nextFrame++;
      } else {
        const following = Math.min(Math.floor(decided / frameBytes), ...open.keys());
        failures.lostFrames += following - nextFrame;
        nextFrame = following;
      }
    }
  }

  return {
    counters,
    push(bytes, arrivalTime) {
      counters.bytes += bytes.length;
      const data = bytes.length - headLength;
      const position = data > 0 ? readPosition(bytes) : 0;
      const own = data > 0 && agrees(bytes, position, data);
      if (!own && !(data > 0 && data < packetData && agrees(bytes, position, packetData))) {
        failures[data > 0 ? 'badHeader' : 'tooShort']++;
        counters.skippedBytes += bytes.length;
        return [];
      }
      const index = position / (own ? data : packetData);
      if (own && data !== packetData) {
        packetData = data;
        begin(index);
      }
      if (enter(index)) {
        oldRun = 0;
      } else if ((index === 0 && highest >= reorderWindow) || ++oldRun >= reorderWindow) {
        // The board counts from the beginning again: a new record.
        begin(index);
        enter(index);
      } else {
        return [];
      }
      place(bytes, position, arrivalTime);
      const frames: RadarCubeFrame[] = [];
      passOn(frames);
      return frames;
    },
  };
}

function profileText(path: string | undefined, files: Readonly<Record<string, string>>): string {
  const text = files['profile'];
  if (text !== undefined) return text;
  throw new Error(
    path === undefined
      ? 'ti-dca1000 needs to know how the samples are ordered. Give the .cfg file that the radar runs as profile'
      : `profile ${path}: the file was not read`,
  );
}

function readPosition(bytes: Uint8Array): number {
  let position = 0;
  for (let i = 9; i >= 4; i--) position = position * 256 + bytes[i]!;
  return position;
}

/** Whether the packet's number is the one of its place, with packets of that many data bytes. */
function agrees(bytes: Uint8Array, position: number, packetData: number): boolean {
  const sequence = bytes[0]! + 256 * (bytes[1]! + 256 * (bytes[2]! + 256 * bytes[3]!));
  return position % packetData === 0 && (position / packetData + 1) % 2 ** 32 === sequence;
}

export const tiDca1000: Driver<RadarCubeFrame, TiDca1000Settings> = {
  name: 'ti-dca1000',
  title: 'TI DCA1000EVM capture board (raw radar samples)',
  modality: 'mmwave',
  settings,
  files: ['profile'],
  transports: { udp: { port: 4098 }, pcap: { port: 4098 } },
  seenOn: 'not yet seen on a device',
  decoder,
  recognises(bytes) {
    const data = bytes.length - headLength;
    // The board sends whole groups of 16 bytes; a short datagram of zeros but for a 1 may be anything.
    return data >= 48 && data <= 1462 && data % 16 === 0 && agrees(bytes, readPosition(bytes), data);
  },
  start: (_connection, own, files) => startCapture(own, files),
  nominalRate: ({ frameRate }) => frameRate,
};
