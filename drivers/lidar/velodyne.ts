/** Velodyne VLP-16 (Puck, Puck LITE), Puck Hi-Res, VLP-32C (Ultra Puck) and HDL-32E: data packets over UDP, port 2368.
 *
 *     12 blocks of 100 bytes     U0 U1 U2 U3  MM  FF        1206 bytes
 *         U   microseconds since the top of the hour at which the packet's first laser fired, uint32
 *         MM  37: strongest return, 38: last return, 39: both
 *         FF  21: HDL-32E, 22: VLP-16, 24: Puck Hi-Res, 28: VLP-32C
 *
 *     FF EE  A0 A1  32 × (D0 D1 RR)                         one block
 *         A   azimuth of the block's first firing, uint16, hundredths of a degree, 0 to 35999, clockwise from above
 *         D   distance, uint16, steps of 2 mm (VLP-32C: 4 mm), 0: no return
 *         RR  calibrated reflectivity, 0 to 255 (up to 100: diffuse reflectors, in percent; above: retroreflectors)
 *
 * All numbers are little-endian. Models of 16 lasers put two firings into a block. With both returns, blocks come in pairs of one
 * azimuth: the last return in the first, and in the second the strongest or, if the last is the strongest, the second strongest;
 * the pair is the same if there was only one return.
 *
 * The axes are the manual's: x to the right, y forward (azimuth 0), z up. The azimuth of each point is the block's, turned on by the
 * time from the block's firing to the point's at the packet's mean rate.
 *
 * Sources: VLP-16 User Manual 63-9243 and VLP-32C User Manual 63-9325, chapter 9 (9.2 coordinates, 9.3.2 packets, 9.4 times, 9.5
 * azimuth); HDL-32E application note 63-9277.
 */
import { z } from 'zod';
import type { Decoder, Driver } from '../driver.js';
import type { LidarFrame } from '../frames.js';
import { streamBuffer } from '../stream-buffer.js';
import { PointBuffer } from './points.js';
import { velodyneModels, type VelodyneModel } from './velodyne-models.js';

const settings = z.strictObject({
  turnsPerSecond: z
    .number()
    .min(5)
    .max(20)
    .default(10)
    .describe("Turns a second, as set on the device's web page (there in turns a minute)."),
});
export type VelodyneSettings = z.infer<typeof settings>;

const packetLength = 1206;
const blocks = 12;
const blockLength = 100;
const measurements = 32;
const fullTurn = 36000; // hundredths of a degree
const strongest = 0x37;
const both = 0x39;

const largestStep = 200; // hundredths of a degree from block to block; 80 is the most at 20 turns a second
const jitter = 20; // hundredths of a degree that a reading may go back
const longestGap = 0.5; // seconds without packets after which a turn is not continued
const mostPoints = 800_000; // a turn of the slowest, 5 Hz, has 280,000

const sine = Float64Array.from({ length: fullTurn }, (_, i) => Math.sin((i * Math.PI) / (fullTurn / 2)));
const cosine = Float64Array.from({ length: fullTurn }, (_, i) => Math.cos((i * Math.PI) / (fullTurn / 2)));

const azimuthOf = (bytes: Uint8Array, block: number) => bytes[block + 2]! | (bytes[block + 3]! << 8);

/** From azimuth a to b, −18000 to 17999. */
function stepBetween(a: number, b: number): number {
  const step = b - a;
  if (step < -fullTurn / 2) return step + fullTurn;
  return step < fullTurn / 2 ? step : step - fullTurn;
}

/** Whether a packet's frame of flags stands here; `bytes` has a whole packet from `at`. */
function hasFlags(bytes: Uint8Array, at: number): boolean {
  for (let i = 0, block = at; i < blocks; i++, block += blockLength)
    if (bytes[block] !== 0xff || bytes[block + 1] !== 0xee) return false;
  const mode = bytes[at + 1204]!;
  return mode >= strongest && mode <= both;
}

/** Whether the azimuths are angles, and follow on one another as those of a turning head do. */
function azimuthsAreSound(bytes: Uint8Array, at: number): boolean {
  for (let i = 0, before = -1; i < blocks; i++) {
    const azimuth = azimuthOf(bytes, at + i * blockLength);
    if (azimuth >= fullTurn) return false;
    if (before >= 0) {
      const step = stepBetween(before, azimuth);
      if (step < -jitter || step > largestStep) return false;
    }
    before = azimuth;
  }
  return true;
}

/** Says where one turn ends and the next begins: where the azimuth passes 0, or would have but for lost packets. */
class TurnBatcher {
  #latest = -1; // azimuth, or −1 before the first

  /** The first block of a stream, or after a gap, begins a whole turn only if it lies at the beginning of one. */
  begin(azimuth: number): 'whole' | 'part' {
    this.#latest = azimuth;
    return azimuth < largestStep ? 'whole' : 'part';
  }

  /** @returns true if the block of this azimuth is the first of a new turn */
  next(azimuth: number): boolean {
    const step = stepBetween(this.#latest, azimuth);
    if (step < 0 && step >= -jitter) return false;
    const passed = azimuth < this.#latest;
    this.#latest = azimuth;
    return passed;
  }
}

/** Turns the measurements of one packet into points. */
class PacketDecoder {
  #model: VelodyneModel | undefined;
  // Of each measurement of a block: metres a step of distance along the block's azimuth, across it (clockwise) and upwards; the first
  // two for a head at rest, and for the packet's rate of rotation.
  readonly #alongAtRest = new Float64Array(measurements);
  readonly #acrossAtRest = new Float64Array(measurements);
  readonly #along = new Float64Array(measurements);
  readonly #across = new Float64Array(measurements);
  readonly #upward = new Float64Array(measurements);

  /** To be called once a packet, before its blocks. @param rate of rotation, radians a second */
  prepare(model: VelodyneModel, rate: number): void {
    if (model !== this.#model) {
      this.#model = model;
      for (let i = 0; i < measurements; i++) {
        const level = Math.cos(model.elevation[i]!) * model.metresPerStep;
        this.#alongAtRest[i] = level * Math.cos(model.azimuthOffset[i]!);
        this.#acrossAtRest[i] = level * Math.sin(model.azimuthOffset[i]!);
        this.#upward[i] = Math.sin(model.elevation[i]!) * model.metresPerStep;
      }
    }
    for (let i = 0; i < measurements; i++) {
      // At most 1° is turned within a block, so that these three and two terms are exact to 10⁻¹⁰.
      const angle = rate * model.fireTime[i]!;
      const square = angle * angle;
      const sin = angle * (1 - square / 6);
      const cos = 1 - square / 2 + (square * square) / 24;
      this.#along[i] = this.#alongAtRest[i]! * cos - this.#acrossAtRest[i]! * sin;
      this.#across[i] = this.#acrossAtRest[i]! * cos + this.#alongAtRest[i]! * sin;
    }
  }

  /**
   * Appends the points of some consecutive blocks.
   * @param time of the first block's firing, seconds after the frame's beginning
   */
  append(bytes: Uint8Array, at: number, count: number, time: number, points: PointBuffer): void {
    const { position, intensity, ring, time: times } = points;
    const { fireTime, height, ring: rings, blockTime } = this.#model!;
    const along = this.#along;
    const across = this.#across;
    const upward = this.#upward;
    let point = points.count;
    let p = 3 * point;
    for (let b = 0; b < count; b++, time += blockTime) {
      const azimuth = azimuthOf(bytes, at);
      const s = sine[azimuth]!;
      const c = cosine[azimuth]!;
      at += 4;
      for (let i = 0; i < measurements; i++, at += 3) {
        const distance = bytes[at]! | (bytes[at + 1]! << 8);
        if (distance === 0) continue;
        position[p] = distance * (s * along[i]! + c * across[i]!);
        position[p + 1] = distance * (c * along[i]! - s * across[i]!);
        position[p + 2] = distance * upward[i]! + height[i]!;
        p += 3;
        intensity[point] = bytes[at + 2]!;
        times[point] = time + fireTime[i]!;
        ring[point++] = rings[i]!;
      }
    }
    points.count = point;
  }

  /** Appends the points of pairs of blocks: of each measurement the second block's return, which is never the farther, then the last. */
  appendPairs(bytes: Uint8Array, at: number, count: number, time: number, points: PointBuffer): void {
    for (let pair = 0; pair < count; pair++, at += 2 * blockLength, time += this.#model!.blockTime) {
      const azimuth = azimuthOf(bytes, at);
      for (let i = 0, last = at + 4, other = last + blockLength; i < measurements; i++, last += 3, other += 3) {
        const distance = bytes[other]! | (bytes[other + 1]! << 8);
        const lastDistance = bytes[last]! | (bytes[last + 1]! << 8);
        if (distance !== 0) this.#appendOne(i, azimuth, distance, bytes[other + 2]!, time, 0, points);
        if (lastDistance !== 0 && (lastDistance !== distance || bytes[last + 2] !== bytes[other + 2]))
          this.#appendOne(i, azimuth, lastDistance, bytes[last + 2]!, time, distance === 0 ? 0 : 1, points);
      }
    }
  }

  #appendOne(
    measurement: number,
    azimuth: number,
    distance: number,
    reflectivity: number,
    blockTime: number,
    returnNumber: number,
    points: PointBuffer,
  ): void {
    const model = this.#model!;
    const along = distance * this.#along[measurement]!;
    const across = distance * this.#across[measurement]!;
    const { count } = points;
    points.position[3 * count] = sine[azimuth]! * along + cosine[azimuth]! * across;
    points.position[3 * count + 1] = cosine[azimuth]! * along - sine[azimuth]! * across;
    points.position[3 * count + 2] = distance * this.#upward[measurement]! + model.height[measurement]!;
    points.intensity[count] = reflectivity;
    points.time[count] = blockTime + model.fireTime[measurement]!;
    points.ring[count] = model.ring[measurement]!;
    points.returnNumber[count] = returnNumber;
    points.count++;
  }
}

function decoder(): Decoder<LidarFrame> {
  const failures = {
    badPacket: 0,
    unknownModel: 0,
    badAzimuth: 0,
    badTimestamp: 0,
    lostPackets: 0,
    gaps: 0,
    overlongTurn: 0,
  };
  const counters = { frames: 0, bytes: 0, skippedBytes: 0, failures };

  const stream = streamBuffer(16 * packetLength);
  const { bytes: buffer } = stream;
  let inStep = true; // a packet ended where the next is expected

  const packetDecoder = new PacketDecoder();
  const batcher = new TurnBatcher();
  const points = new PointBuffer(mostPoints, ['ring', 'returnNumber']);
  let started = false; // a turn is in progress
  let whole = false; // and began at its beginning
  let turnStart = 0; // device's time of its first firing, seconds
  let turnArrival = 0; // arrival of the latest packet of it

  let packetTime: number | undefined; // device's time of the latest packet, seconds, the hours counted on
  let packetArrival = 0;
  let packetDuration = 0;

  /** The device's time without the step back at each hour: of all hours the one that fits best to the time since the last packet. */
  function unwrapped(sinceHour: number, arrivalTime: number): number {
    if (packetTime === undefined) return sinceHour;
    const expected = packetTime + Math.max(0, arrivalTime - packetArrival);
    return sinceHour + 3600 * Math.round((expected - sinceHour) / 3600);
  }

  function takePacket(model: VelodyneModel, at: number, sinceHour: number, arrivalTime: number, frames: LidarFrame[]) {
    const time = unwrapped(sinceHour, arrivalTime);
    if (packetTime !== undefined) {
      const gap = time - packetTime;
      if (Math.abs(gap) > longestGap) {
        failures.gaps++;
        started = false;
        points.clear();
      } else if (gap > 0) failures.lostPackets += Math.max(0, Math.round(gap / packetDuration) - 1);
    }
    const step = buffer[at + 1204] === both ? 2 : 1;
    packetTime = time;
    packetArrival = arrivalTime;
    packetDuration = (blocks / step) * model.blockTime;

    const turned = stepBetween(azimuthOf(buffer, at), azimuthOf(buffer, at + (blocks - 1) * blockLength));
    packetDecoder.prepare(model, (turned * Math.PI) / (fullTurn / 2) / ((blocks / step - 1) * model.blockTime));

    let from = 0; // first block that is not yet in the turn
    for (let i = 0; i < blocks; i += step) {
      const azimuth = azimuthOf(buffer, at + i * blockLength);
      if (started && !batcher.next(azimuth)) continue;
      appendBlocks(at, from, i, model, step, time);
      from = i;
      if (started && whole) {
        frames.push(points.take(turnArrival, turnStart));
        counters.frames++;
      }
      whole = started || batcher.begin(azimuth) === 'whole';
      started = true;
      points.clear();
      turnStart = time + (i / step) * model.blockTime;
    }
    appendBlocks(at, from, blocks, model, step, time);
  }

  function appendBlocks(at: number, from: number, to: number, model: VelodyneModel, step: number, time: number): void {
    if (from === to || !started) return;
    turnArrival = packetArrival;
    if (!whole) return;
    if (!points.reserve((to - from) * measurements)) {
      failures.overlongTurn++;
      whole = false;
      points.clear();
      return;
    }
    const start = time + (from / step) * model.blockTime - turnStart;
    if (step === 1) packetDecoder.append(buffer, at + from * blockLength, to - from, start, points);
    else packetDecoder.appendPairs(buffer, at + from * blockLength, (to - from) / 2, start, points);
  }

  /** @returns false if no valid packet stands here */
  function tryPacket(at: number, arrivalTime: number, frames: LidarFrame[]): boolean {
    if (!hasFlags(buffer, at)) {
      if (inStep) failures.badPacket++;
      return false;
    }
    const model = velodyneModels.get(buffer[at + 1205]!);
    const microseconds =
      (buffer[at + 1200]! | (buffer[at + 1201]! << 8) | (buffer[at + 1202]! << 16) | (buffer[at + 1203]! << 24)) >>> 0;
    if (model === undefined) failures.unknownModel++;
    else if (microseconds >= 3.6e9) failures.badTimestamp++;
    else if (!azimuthsAreSound(buffer, at)) failures.badAzimuth++;
    else {
      takePacket(model, at, microseconds / 1e6, arrivalTime, frames);
      return true;
    }
    return false;
  }

  /** Takes what can be taken of the buffer; what is left is the beginning of a packet. */
  function takeBuffer(arrivalTime: number, frames: LidarFrame[]): number {
    let at = 0;
    while (at < stream.held) {
      if (buffer[at] === 0xff && (at + 1 === stream.held || buffer[at + 1] === 0xee)) {
        if (stream.held - at < packetLength) break;
        if (tryPacket(at, arrivalTime, frames)) {
          at += packetLength;
          inStep = true;
          continue;
        }
      } else if (inStep) failures.badPacket++;
      inStep = false;
      counters.skippedBytes++;
      at++;
    }
    return at;
  }

  return stream.decoder(counters, takeBuffer);
}

export const velodyne: Driver<LidarFrame, VelodyneSettings> = {
  name: 'velodyne',
  title: 'Velodyne VLP-16, Puck Hi-Res, VLP-32C and HDL-32E',
  modality: 'lidar',
  settings,
  transports: { udp: { port: 2368 }, pcap: { port: 2368 } },
  seenOn: 'a capture of a VLP-16 (1,000 packets, strongest return); the other models and both returns not yet',
  decoder,
  recognises: (bytes) =>
    bytes.length >= packetLength &&
    hasFlags(bytes, 0) &&
    velodyneModels.has(bytes[1205]!) &&
    azimuthsAreSound(bytes, 0),
  nominalRate: ({ turnsPerSecond }) => turnsPerSecond,
};
