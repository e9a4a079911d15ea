/** Slamtec RPLIDAR A and S series and C1: triangulating and time-of-flight scanners of one plane, over a serial port or TCP.
 *
 *     A5 5A  LL LL LL 40  TT            descriptor before the first packet: packets of L bytes, type T
 *
 *     QS  AA A1  DD DD                  T = 81, 'standard': Q quality << 2, S inverse of start << 1 | start of a turn; A angle << 1 | 1,
 *                                       angle in 1/64°; D distance in 1/4 mm
 *     A. 5.  SS SS  cabins              capsules: two nibbles of an XOR of all bytes from S on; S angle of the first measurement in 1/64°,
 *                                       bit 15: a scan begins
 *     D1 D1 D2 D2 OO × 16               T = 82, 'express': distance in mm << 2 | upper bits of an offset, whose lower four are in O, in 1/8°
 *     PPPPPPPPPP pppppppppp MMM… × 32   T = 84, 'ultra' (extended): 12 bits distance, and two differences of 10 bits to its neighbours
 *     DD DD × 40                        T = 85, 'dense': distance in mm
 *
 * All numbers are little-endian. Express and dense capsules are of one length, so that without the descriptor they cannot be told apart.
 * Angles go clockwise from straight ahead; points have x ahead, y to the left, z = 0.
 *
 * Sources: Slamtec, 'RPLIDAR Interface Protocol and Application Notes' v2.8 (commands, descriptors, standard and express packets), and the
 * declarations of rplidar_sdk (sl_lidar_cmd.h: ultra and dense capsules). Not yet seen on a device.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import type { Decoder, Driver } from '../driver.js';
import type { LidarFrame } from '../frames.js';
import { streamBuffer } from '../stream-buffer.js';
import type { Connection } from '../transports/transport.js';
import {
  CapsuleReader,
  capsuleSumIsRight,
  hasCapsuleSync,
  isNode,
  nodeAngle,
  packetKinds,
  readNode,
} from './rplidar-packets.js';

const settings = z.strictObject({
  scan: z
    .literal(['express', 'standard'])
    .default('express')
    .describe('How the device is told to scan: `standard` is slower, but says how good each point is.'),
  scanMode: z
    .int()
    .min(0)
    .max(255)
    .default(0)
    .describe("Number of the device's scan mode for `express`; 0: the first one."),
  motor: z
    .literal(['pwm', 'speed', 'none'])
    .default('pwm')
    .describe('How the motor is started: `pwm` for A2 and A3, `speed` for S and C series, `none`: it turns by itself.'),
  turnsPerSecond: z
    .number()
    .min(1)
    .max(20)
    .default(10)
    .describe('Turns a second: the usual ones, or for motor `speed` those to set.'),
  packets: z
    .literal(['auto', 'standard', 'express', 'ultra', 'dense'])
    .default('auto')
    .describe('Kind of packets in a recording that begins in the midst of a scan; `auto`: as the device announces.'),
});
export type RplidarSettings = z.infer<typeof settings>;

const descriptorLength = 7;
const nodeLength = 5;
const widestStep = 20; // degrees from node to node
const nodesToTrust = 5; // that follow on one another, before standard nodes are believed
const mostPoints = 40_000; // a turn of one second at 32,000 measurements a second
const fewestToTurn = 20; // measurements between two passings of 0°, but for the start flag

type Kind = (typeof packetKinds)[number];

function descriptorAt(bytes: Uint8Array, at: number): Kind | undefined {
  if (
    bytes[at] !== 0xa5 ||
    bytes[at + 1] !== 0x5a ||
    bytes[at + 3] !== 0 ||
    bytes[at + 4] !== 0 ||
    bytes[at + 5] !== 0x40
  )
    return undefined;
  return packetKinds.find(({ answer, length }) => bytes[at + 2] === length && bytes[at + 6] === answer);
}

/** Whether a node at `angle` may follow on one at `before`, −1 if that is unknown. */
function isNext(before: number, angle: number): boolean {
  const step = (angle - before + 360) % 360;
  return before < 0 || step <= widestStep || step >= 359;
}

/** Collects measurements to turns. */
class Turns {
  readonly frames: LidarFrame[] = [];
  arrivalTime = 0;
  overlong = 0;
  readonly #position = new Float32Array(3 * mostPoints);
  readonly #quality = new Float32Array(mostPoints);
  #count = 0;
  #measured = 0; // measurements of the turn, those without a return too
  #latest = -1; // angle, or −1 before the first
  #whole = false; // the turn was seen from its beginning
  #latestArrival = 0;
  hasQuality = false;

  readonly add = (rawAngle: number, angle: number, distance: number, quality: number, start: boolean): void => {
    const raw = rawAngle % 360;
    const passed = raw < this.#latest - 180 && this.#measured >= fewestToTurn;
    if (this.#latest < 0) this.#whole = raw < 2;
    else if (passed || (start && raw < this.#latest)) this.#finish();
    this.#latest = raw;
    this.#measured++;
    this.#latestArrival = this.arrivalTime;
    if (distance === 0 || !this.#whole) return;
    if (this.#count === mostPoints) {
      this.overlong++;
      this.#whole = false;
      this.#count = 0;
      return;
    }
    const radians = (angle * Math.PI) / 180;
    this.#position[3 * this.#count] = (distance / 1000) * Math.cos(radians);
    this.#position[3 * this.#count + 1] = (-distance / 1000) * Math.sin(radians);
    this.#quality[this.#count++] = quality;
  };

  /** What follows does not belong to the turn in progress. */
  restart(): void {
    this.#latest = -1;
    this.#count = 0;
    this.#measured = 0;
  }

  #finish(): void {
    if (this.#whole)
      this.frames.push({
        kind: 'lidar',
        arrivalTime: this.#latestArrival,
        position: this.#position.slice(0, 3 * this.#count),
        ...(this.hasQuality && { intensity: this.#quality.slice(0, this.#count) }),
      });
    this.#whole = true;
    this.#count = 0;
    this.#measured = 0;
  }
}

function decoder({ packets }: RplidarSettings): Decoder<LidarFrame> {
  const failures = { badChecksum: 0, badNode: 0, gaps: 0, unannounced: 0, overlongTurn: 0 };
  const counters = { frames: 0, bytes: 0, skippedBytes: 0, failures };
  const stream = streamBuffer(4096);
  const { bytes: buffer } = stream;
  let inStep = false; // a packet ended where the next is expected
  const turns = new Turns();
  let kind: Kind | undefined;
  let capsules: CapsuleReader | undefined;
  let latestAngle = -1; // of standard nodes; −1: unknown

  function begin(announced: Kind): void {
    kind = announced;
    capsules = announced.name === 'standard' ? undefined : new CapsuleReader(announced);
    turns.hasQuality = announced.name === 'standard';
    turns.restart();
    latestAngle = -1;
    inStep = true;
  }
  const given = packetKinds.find(({ name }) => name === packets);
  if (given !== undefined) begin(given);
  inStep = false;

  /** Whether some nodes that stand here follow on one another; undefined: too few bytes to say. */
  function nodesFollow(at: number): boolean | undefined {
    let before = -1;
    for (let i = 0; i < nodesToTrust; i++, at += nodeLength) {
      if (at + nodeLength > stream.held) return undefined;
      if (!isNode(buffer, at)) return false;
      const angle = nodeAngle(buffer, at);
      if (!isNext(before, angle)) return false;
      before = angle;
    }
    return true;
  }

  /** @returns bytes taken as a packet, 0 if none stands here, or −1 if more bytes are needed to say */
  function tryNode(at: number): number {
    if (inStep && isNode(buffer, at) && isNext(latestAngle, nodeAngle(buffer, at))) return takeNode(at);
    // In step, is one node damaged, or are bytes lost?
    const follow = nodesFollow(inStep ? at + nodeLength : at);
    if (follow === undefined) return -1;
    if (!inStep) return follow ? takeNode(at) : 0;
    failures.badNode++;
    latestAngle = -1;
    if (!follow) return 0;
    counters.skippedBytes += nodeLength;
    return nodeLength;
  }

  function takeNode(at: number): number {
    latestAngle = nodeAngle(buffer, at);
    readNode(buffer, at, turns.add);
    return nodeLength;
  }

  function tryCapsule(at: number, reader: CapsuleReader, length: number): number {
    if (!hasCapsuleSync(buffer, at)) return 0;
    if (!capsuleSumIsRight(buffer, at, length)) {
      failures.badChecksum++;
      return 0;
    }
    if (!reader.read(buffer.subarray(at, at + length), turns.add)) failures.gaps++;
    return length;
  }

  function takeBuffer(): number {
    let at = 0;
    while (at < stream.held) {
      // A descriptor begins like a capsule, and needs no more bytes than the shortest packets that are trusted.
      if (buffer[at] === 0xa5 && (at + 1 === stream.held || buffer[at + 1] === 0x5a)) {
        if (stream.held - at < descriptorLength) break;
        const announced = descriptorAt(buffer, at);
        if (announced !== undefined) {
          if (given === undefined) begin(announced);
          at += descriptorLength;
          continue;
        }
      }
      let taken = 0;
      if (kind === undefined) failures.unannounced = 1;
      else {
        if (stream.held - at < kind.length) break;
        taken = capsules === undefined ? tryNode(at) : tryCapsule(at, capsules, kind.length);
      }
      if (taken === -1) break;
      inStep = taken > 0;
      if (taken === 0) {
        capsules?.interrupt();
        counters.skippedBytes++;
      }
      at += Math.max(1, taken);
    }
    return at;
  }

  return stream.decoder(counters, (arrivalTime, frames: LidarFrame[]) => {
    turns.arrivalTime = arrivalTime;
    const used = takeBuffer();
    failures.overlongTurn = turns.overlong;
    const whole = turns.frames.splice(0);
    counters.frames += whole.length;
    frames.push(...whole);
    return used;
  });
}

const commands = { stop: 0x25, scan: 0x20, express: 0x82, motorPwm: 0xf0, motorSpeed: 0xa8 } as const;
const usualPwm = 660; // of 1023

/** `A5 command`, or with a payload `A5 command length payload sum`: the sum is the XOR of all bytes before it. */
function encodeCommand(command: number, payload: readonly number[] = []): Uint8Array {
  if (payload.length === 0) return Uint8Array.of(0xa5, command);
  const bytes = [0xa5, command, payload.length, ...payload];
  return Uint8Array.of(
    ...bytes,
    bytes.reduce((sum, byte) => sum ^ byte, 0),
  );
}

async function start(connection: Connection, { scan, scanMode, motor, turnsPerSecond }: RplidarSettings) {
  const send = async (command: number, payload?: readonly number[]) => {
    await connection.write(encodeCommand(command, payload));
    await wait(20); // the device takes up to 10 ms to stop or to begin
  };
  const turn = async (value: number) => {
    if (motor === 'none') return;
    await send(motor === 'pwm' ? commands.motorPwm : commands.motorSpeed, [value & 0xff, value >> 8]);
  };
  await send(commands.stop);
  await turn(motor === 'pwm' ? usualPwm : Math.round(60 * turnsPerSecond));
  if (scan === 'standard') await send(commands.scan);
  else await send(commands.express, [scanMode, 0, 0, 0, 0]);
  return async () => {
    await send(commands.stop);
    await turn(0);
  };
}

export const rplidar: Driver<LidarFrame, RplidarSettings> = {
  name: 'rplidar',
  title: 'Slamtec RPLIDAR A, S and C series',
  modality: 'lidar',
  settings,
  transports: { serial: { baudRate: 115200 }, tcp: true },
  seenOn: 'not yet seen on a device',
  decoder,
  recognises: (bytes) => descriptorAt(bytes, 0) !== undefined,
  start,
  nominalRate: ({ turnsPerSecond }) => turnsPerSecond,
};
