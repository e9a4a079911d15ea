/** Ouster OS0, OS1, OS2 and OSDome: lidar packets over UDP, port 7502.
 *
 * A turn is a picture of `columns_per_frame` columns, one row a beam; a packet carries some consecutive columns of it. How is in
 * `ouster-packets.ts` (headers) and `ouster-profiles.ts` (pixels). Which of those a sensor sends, and where its beams look, is in its
 * metadata, so that the driver needs that file.
 *
 * Rows look ahead or behind by their beam's azimuth: pictures are destaggered, which is shifting each row until a column is one
 * azimuth. Points are in the sensor's axes (x forward, y to the left, z up, origin at the bottom).
 *
 * A turn is complete with its last packet, or when two packets of another turn have come; one alone may be damaged or early.
 *
 * Source: Ouster sensor documentation, 'Sensor Data' (firmware 2.0 and 3.x).
 */
import { z } from 'zod';
import type { Decoder, Driver } from '../driver.js';
import type { LidarFrame } from '../frames.js';
import { parseOusterMetadata, type OusterSensor } from './ouster-metadata.js';
import { columnStatus, columnTime, measurementId, ousterLayout, packetHeader } from './ouster-packets.js';
import { OusterPictures } from './ouster-pictures.js';
import { OusterPoints, type OusterReturn } from './ouster-points.js';
import { ousterProfileNames } from './ouster-profiles.js';

const settings = z.strictObject({
  metadata: z
    .string()
    .default('ouster.json')
    .describe("Path of the sensor's metadata, as http://SENSOR/api/v1/sensor/metadata gives it (JSON)."),
  turnsPerSecond: z
    .literal([5, 10, 20])
    .default(10)
    .describe("Turns a second: the number after the x of the sensor's lidar_mode, for instance 10 in 1024x10."),
});
export type OusterSettings = z.infer<typeof settings>;

/** The turn in progress. */
interface Turn {
  readonly frame: number;
  /** Device's time of the first column that came, ns. */
  start: bigint | undefined;
  /** Of each column: seconds after `start`; NaN: not come. */
  readonly columnTime: Float64Array;
  /** 1: this packet of the turn has come. */
  readonly packets: Uint8Array;
  packetCount: number;
  arrivalTime: number;
}

class OusterDecoder implements Decoder<LidarFrame> {
  readonly #failures = {
    wrongLength: 0,
    notLidar: 0,
    otherSensor: 0,
    badColumn: 0,
    latePackets: 0,
    strayPackets: 0,
    lostPackets: 0,
    incomplete: 0,
  };
  readonly counters = { frames: 0, bytes: 0, skippedBytes: 0, failures: this.#failures };

  readonly #sensor: OusterSensor;
  readonly #layout;
  readonly #expected: number; // packets of a turn
  readonly #points: OusterPoints;
  readonly #pictures: OusterPictures;
  readonly #dual: boolean; // two returns

  #turn: Turn | undefined;
  #finished = -1; // frame id of the turn before
  /** A packet of another turn than the one in progress. */
  readonly #held: Uint8Array;
  #heldFrame = -1;
  #heldArrival = 0;

  constructor(sensor: OusterSensor) {
    this.#sensor = sensor;
    this.#layout = ousterLayout(sensor);
    this.#points = new OusterPoints(sensor);
    this.#pictures = new OusterPictures(sensor, this.#layout);
    this.#dual = this.#layout.profile.fields.some(({ name }) => name === 'range2');
    this.#held = new Uint8Array(this.#layout.packetLength);
    const [first, last] = sensor.columnWindow;
    const width = ((last - first + sensor.columns) % sensor.columns) + 1;
    const packets = new Set<number>();
    for (let i = 0; i < width; i++) packets.add(Math.floor(((first + i) % sensor.columns) / sensor.columnsPerPacket));
    this.#expected = packets.size;
  }

  push(bytes: Uint8Array, arrivalTime: number): LidarFrame[] {
    this.counters.bytes += bytes.length;
    const fault = this.#faultOf(bytes);
    if (fault !== undefined) {
      this.#failures[fault]++;
      this.counters.skippedBytes += bytes.length;
      return [];
    }
    const frames: LidarFrame[] = [];
    const { frame } = packetHeader(viewOf(bytes), this.#layout);
    if (this.#turn === undefined) {
      if (frame === this.#finished) this.#failures.latePackets++;
      else {
        this.#begin(frame, frames);
        this.#add(bytes, arrivalTime, frames);
      }
    } else if (frame === this.#turn.frame) this.#add(bytes, arrivalTime, frames);
    else if (frame === this.#finished) this.#failures.latePackets++;
    else if (frame === this.#heldFrame) {
      this.#finish(frames);
      this.#begin(frame, frames);
      this.#add(bytes, arrivalTime, frames);
    } else {
      if (this.#heldFrame !== -1) this.#failures.strayPackets++;
      this.#held.set(bytes);
      this.#heldFrame = frame;
      this.#heldArrival = arrivalTime;
    }
    return frames;
  }

  #faultOf(bytes: Uint8Array): 'wrongLength' | 'notLidar' | 'otherSensor' | 'badColumn' | undefined {
    const layout = this.#layout;
    if (bytes.length !== layout.packetLength) return 'wrongLength';
    const view = viewOf(bytes);
    const { type, serial } = packetHeader(view, layout);
    if (type !== 1) return 'notLidar';
    if (layout.kind !== 'LEGACY' && this.#sensor.serialNumber !== 0 && serial !== this.#sensor.serialNumber)
      return 'otherSensor';
    const { columns, columnsPerPacket } = this.#sensor;
    const packet = Math.floor(measurementId(view, layout.packetHeader) / columnsPerPacket);
    if (packet >= columns / columnsPerPacket) return 'badColumn';
    for (let i = 0, at = layout.packetHeader; i < columnsPerPacket; i++, at += layout.columnLength) {
      const valid = (columnStatus(view, at, layout) & 1) !== 0;
      if (valid && measurementId(view, at) !== packet * columnsPerPacket + i) return 'badColumn';
    }
    return undefined;
  }

  /** Begins a turn, with the held packet if it is of that turn. */
  #begin(frame: number, frames: LidarFrame[]): void {
    const { columns, columnsPerPacket } = this.#sensor;
    this.#pictures.clear();
    this.#turn = {
      frame,
      start: undefined,
      columnTime: new Float64Array(columns).fill(NaN),
      packets: new Uint8Array(columns / columnsPerPacket),
      packetCount: 0,
      arrivalTime: 0,
    };
    const heldFrame = this.#heldFrame;
    this.#heldFrame = -1;
    if (heldFrame === frame) this.#add(this.#held, this.#heldArrival, frames);
    else if (heldFrame !== -1) this.#failures.strayPackets++;
  }

  #add(bytes: Uint8Array, arrivalTime: number, frames: LidarFrame[]): void {
    const turn = this.#turn;
    if (turn === undefined) return; // the held packet completed it
    const layout = this.#layout;
    const { columnsPerPacket } = this.#sensor;
    const view = viewOf(bytes);
    const packet = Math.floor(measurementId(view, layout.packetHeader) / columnsPerPacket);
    if (turn.packets[packet] === 1) {
      this.#failures.latePackets++;
      return;
    }
    turn.packets[packet] = 1;
    turn.packetCount++;
    turn.arrivalTime = arrivalTime;
    for (let i = 0, at = layout.packetHeader; i < columnsPerPacket; i++, at += layout.columnLength) {
      if ((columnStatus(view, at, layout) & 1) === 0) continue;
      const time = columnTime(view, at);
      turn.start ??= time;
      turn.columnTime[packet * columnsPerPacket + i] = Number(time - turn.start) / 1e9;
    }
    this.#pictures.paint(bytes, packet * columnsPerPacket);
    if (turn.packetCount === this.#expected) this.#finish(frames);
  }

  #finish(frames: LidarFrame[]): void {
    const turn = this.#turn!;
    this.#turn = undefined;
    this.#finished = turn.frame;
    // What was joined in its midst, or begun by a damaged packet.
    if (2 * turn.packetCount < this.#expected) {
      this.#failures.incomplete++;
      return;
    }
    this.#failures.lostPackets += this.#expected - turn.packetCount;
    frames.push(this.#frameOf(turn));
    this.counters.frames++;
  }

  #frameOf({ start, columnTime: times, arrivalTime }: Turn): LidarFrame {
    const { rows, columns } = this.#sensor;
    const { fields } = this.#layout.profile;
    const pictures = fields.map((field) => this.#pictures.take(field));
    const named = (name: string) => pictures[fields.findIndex((field) => field.name === name)];
    // Of every profile, ranges are wider than 16 bits and reflectivities 8.
    const returnOf = (second: '' | '2') =>
      ({ range: named(`range${second}`), reflectivity: named(`reflectivity${second}`) }) as OusterReturn;

    let earliest = Infinity;
    for (const time of times) if (time < earliest) earliest = time;
    for (let i = 0; i < columns; i++) times[i]! -= earliest;
    const second = this.#dual ? returnOf('2') : undefined;
    const { returnNumber, ...points } = this.#points.of(returnOf(''), second, this.#pictures.shift, times);
    return {
      kind: 'lidar',
      arrivalTime,
      ...(start !== undefined && { deviceTime: Number(start) / 1e9 + earliest }),
      ...points,
      ...(second && { returnNumber }),
      images: Object.fromEntries(fields.map(({ name }, i) => [name, { rows, columns, data: pictures[i]! }])),
    };
  }
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/** Whether it is a packet of some profile and number of beams, with consecutive columns of one frame. */
function recognises(bytes: Uint8Array): boolean {
  const view = viewOf(bytes);
  for (const profile of ousterProfileNames)
    for (const rows of [16, 32, 64, 128])
      for (const columnsPerPacket of [16, 8, 4, 2, 1]) {
        const layout = ousterLayout({
          profile,
          header: profile.startsWith('FUSA') ? 'FUSA' : 'STANDARD',
          rows,
          columnsPerPacket,
        });
        if (layout.packetLength === bytes.length && looksSound(view, layout, columnsPerPacket)) return true;
      }
  return false;
}

function looksSound(view: DataView, layout: ReturnType<typeof ousterLayout>, columns: number): boolean {
  const { packetHeader: first, columnLength } = layout;
  if (packetHeader(view, layout).type !== 1) return false;
  const id = measurementId(view, first);
  if (id >= 4096 || id % columns !== 0) return false;
  for (let i = 0; i < columns; i++) {
    const at = first + i * columnLength;
    const status = columnStatus(view, at, layout);
    const known = layout.kind === 'LEGACY' ? status === 0 || status === 0xffffffff : status <= 0xff;
    if (!known || measurementId(view, at) !== id + i) return false;
  }
  return true;
}

export const ouster: Driver<LidarFrame, OusterSettings> = {
  name: 'ouster',
  title: 'Ouster OS0, OS1, OS2 and OSDome',
  modality: 'lidar',
  settings,
  files: ['metadata'],
  transports: { udp: { port: 7502 }, pcap: { port: 7502 } },
  seenOn:
    "the maker's captures of OS-0, OS-1 and OS-2 sensors in LEGACY, RNG15_RFL8_NIR8, RNG19_RFL8_SIG16_NIR16, its DUAL, and FUSA; all fields match its digests",
  decoder(_, files) {
    const metadata = files?.['metadata'];
    if (metadata === undefined)
      throw new Error(
        'ouster: no metadata. Save http://SENSOR/api/v1/sensor/metadata as a file and set `metadata` to its path',
      );
    return new OusterDecoder(parseOusterMetadata(metadata));
  },
  recognises,
  nominalRate: ({ turnsPerSecond }) => turnsPerSecond,
};
