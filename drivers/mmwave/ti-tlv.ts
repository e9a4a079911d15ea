/** The items (type, length, value) of TI's mmWave packets, and what they say in SI units. `ti-mmwave.ts` has the packets' heads.
 *
 *      u32 TYPE  u32 LENGTH  value                LENGTH without these 8 bytes; with them under the 48-byte head
 *
 *     Demo of SDK 1 to 3 (36- or 40-byte head)
 *      1  points          SDK 1, 2:  u16 N  u16 Q  N × { u16 range bin, i16 Doppler bin, u16 peak, i16 x, y, z }   metres · 2^Q
 *                         SDK 3:     N × { f32 x, y, z, velocity }                                                  m, m/s
 *      2  range profile   u16 × range bins                    levels of Doppler bin 0, see levels.ts
 *      3  noise profile   u16 × range bins                    levels of the highest Doppler bin
 *      4  azimuth static heat map       { i16 imaginary, i16 real } × range bins × azimuth antennas, at Doppler bin 0
 *      5  range-Doppler heat map        u16 × range bins × Doppler bins                     levels
 *      6  statistics      u32 × 6    µs, µs, µs, µs, %, %
 *      7  side information              N × { u16 snr, u16 noise }                          0.1 dB
 *      8  azimuth and elevation static heat map               as 4, with all virtual antennas
 *      9  temperature     i32 RESULT (0: valid)  u32 ms  i16 × 10                           °C
 *
 *     People tracking: ids of the Radar Toolbox (40-byte head), and in brackets those of the 3D People Counting lab in the
 *     Industrial Toolbox 4.2 to 4.8 (48-byte head)
 *     1020 [6]  points    f32 units of { elevation rad, azimuth rad, velocity m/s, range m, snr (a ratio) }
 *                         N × { i8 elevation, i8 azimuth, i16 velocity, u16 range, u16 snr }    multiples of the units
 *     1010 [7]  targets   N × { u32 id, f32 position 3, velocity 3, acceleration 3, error covariance 16, gate gain, confidence }
 *     1011 [8]  target of each point of the frame before, u8; 253: too weak, 254: outside, 255: noise
 *     1012      heights   N × { u32 id, f32 highest z, f32 lowest z }
 *     1021 [11] presence  u32, 1: someone is in the zone
 *
 * Sources: TI, mmWave SDK 1.2 and 3.5, packages/ti/demo (mmw_output.h, detected_obj.h, dpif_pointcloud.h and the demo's Doxygen page,
 * 'Output information sent to host'); 'Understanding the Out of Box Demo Data Output'; '3D People Counting Demo User Guide', 'UART
 * Output Data Format'; Radar Toolbox, 'Understanding UART Data Output Format' and mmwdemo_tlvs.h. */
import type { RadarFrame, RadarTargets } from '../frames.js';
import { chips, dopplerBins, levelScale, type LevelContext, type LevelScale } from './levels.js';
import type { RadarProfile, RadarSubframe } from './profile.js';

export type RadarParts = { -readonly [K in keyof RadarFrame]?: RadarFrame[K] };

export interface PacketHead {
  /** `demo`: 36 or 40 bytes; `tracking`: 48 bytes, with other types and lengths. */
  readonly kind: 'demo' | 'tracking';
  /** As the device says, for instance 0xA1843. */
  readonly chip: number;
  /** Major and minor version of the SDK: 0x0305 for 3.5. */
  readonly version: number;
  readonly frameNumber: number;
  readonly subframe: number;
  /** Points that were detected, sent or not; absent in the head of 48 bytes, whose firmware sends all that it has. */
  readonly points?: number;
  /** Only of the demo's head. */
  readonly cycles?: number;
  /** Number of the items, and where they begin. */
  readonly items: number;
  readonly itemsAt: number;
}

export interface TlvFailures {
  badItem: number;
  unknownType: number;
  noProfile: number;
  wrongProfile: number;
  unknownChip: number;
}

/** Where the items end, or -1 if they do not fit into the packet. */
export function itemsEnd(view: DataView, head: Pick<PacketHead, 'kind' | 'items' | 'itemsAt'>, end: number): number {
  let at = head.itemsAt;
  const counted = head.kind === 'tracking' ? 8 : 0;
  for (let i = 0; i < head.items; i++) {
    if (at + 8 > end) return -1;
    const length = view.getUint32(at + 4, true) - counted;
    if (length < 0 || length > end - at - 8) return -1;
    at += 8 + length;
  }
  return at;
}

const trackingTypes = new Map([
  [6, 1020],
  [7, 1010],
  [8, 1011],
  [11, 1021],
]);

/** What all items of a packet say, or undefined if a position is none: bytes were lost within the packet. */
export function readItems(
  view: DataView,
  head: PacketHead,
  profile: RadarProfile | undefined,
  failures: TlvFailures,
): RadarParts | undefined {
  const parts: RadarParts = {};
  const heights: Heights = [];
  const scaling = profile && makeScaling(head, profile);
  if (scaling) {
    parts.rangeBins = scaling.context.rangeBins;
    parts.rangeStep = scaling.subframe.rangeStep;
    parts.velocityStep = scaling.velocityStep;
  }
  let at = head.itemsAt;
  for (let i = 0; i < head.items; i++) {
    const sent = view.getUint32(at, true);
    const type = head.kind === 'tracking' ? (trackingTypes.get(sent) ?? -1) : sent;
    const length = view.getUint32(at + 4, true) - (head.kind === 'tracking' ? 8 : 0);
    readItem(view, type, at + 8, length, head, scaling, parts, heights, failures);
    at += 8 + length;
  }
  // What there is none of is not sent.
  if (head.kind === 'tracking') parts.targets ??= readTargets(view, at, 0);
  if ((head.points ?? 0) === 0) {
    parts.position ??= new Float32Array(0);
    parts.velocity ??= new Float32Array(0);
  }
  if (parts.targets && heights.length > 0)
    parts.targets = { ...parts.targets, height: byTarget(parts.targets, heights) };
  return isPlausible(parts.position) && isPlausible(parts.targets?.position) ? parts : undefined;
}

interface Scaling {
  readonly subframe: RadarSubframe;
  /** With the range bins that are sent. */
  readonly context: LevelContext;
  readonly velocityStep: number;
}

type Heights = { id: number; lowest: number; highest: number }[];

function makeScaling(head: PacketHead, profile: RadarProfile): Scaling | undefined {
  const subframe = profile.subframes[head.subframe];
  if (!subframe) return undefined;
  const context = {
    chip: head.chip,
    version: head.version,
    antennaOnPackage: profile.platform?.includes('AOP') ?? false,
    transmitters: subframe.transmitters,
    receivers: profile.receivers,
    rangeBins: subframe.rangeBins,
    chirpLoops: subframe.chirpLoops,
  };
  // The firmware of these leaves two bins out to save memory (TI MMWSDK-1627).
  if (head.version >= 0x0301 && head.chip !== chips.xwr16 && context.transmitters * context.receivers === 12)
    context.rangeBins = Math.min(1022, context.rangeBins);
  return { subframe, context, velocityStep: (2 * subframe.maximumVelocity) / dopplerBins(context) };
}

function readItem(
  view: DataView,
  type: number,
  at: number,
  length: number,
  head: PacketHead,
  scaling: Scaling | undefined,
  parts: RadarParts,
  heights: Heights,
  failures: TlvFailures,
): void {
  /** Whether the length is `fixed` bytes and a multiple of `each`; counts the item if not. */
  const fits = (fixed: number, each: number): boolean => {
    const good = length >= fixed && (each === 0 ? length === fixed : (length - fixed) % each === 0);
    if (!good) failures.badItem++;
    return good;
  };
  /** Whether there is a profile, and the length a multiple of `each` bytes a range bin; counts the item if not. */
  const suits = (each: number): boolean => {
    const good = scaling !== undefined && length > 0 && length % (each * scaling.context.rangeBins) === 0;
    if (!good) failures[scaling ? 'wrongProfile' : 'noProfile']++;
    return good;
  };
  const levels = (): Float32Array | undefined => {
    const scale = scaling && levelScale(scaling.context);
    if (!scale) failures.unknownChip++;
    return scale && readLevels(view, at, length / 2, scale);
  };
  switch (type) {
    case 1:
      if (head.version >= 0x0300) {
        if (fits(0, 16)) readFloatPoints(view, at, length / 16, parts);
      } else if (fits(4, 12)) {
        readFixedPoints(view, at, Math.min(view.getUint16(at, true), (length - 4) / 12), head, scaling, parts);
        if (!scaling) failures.noProfile++;
      }
      return;
    case 2:
    case 3: {
      const profile = suits(2) ? levels() : undefined;
      if (profile) parts[type === 2 ? 'rangeProfile' : 'noiseProfile'] = profile;
      return;
    }
    case 4:
    case 8:
      if (suits(4)) parts.azimuthStatic = readComplex(view, at, length / 4);
      return;
    case 5: {
      const map = suits(2) ? levels() : undefined;
      if (!map || !scaling) return;
      parts.rangeDoppler = map;
      parts.velocityStep = (2 * scaling.subframe.maximumVelocity * scaling.context.rangeBins) / map.length;
      return;
    }
    case 6:
      if (fits(24, 0)) parts.statistics = readStatistics(view, at);
      return;
    case 7:
      if (fits(0, 4)) readSideInformation(view, at, length / 4, parts);
      return;
    case 9:
      if (!fits(28, 0) || view.getInt32(at, true) !== 0) return;
      parts.temperature = Object.fromEntries(places.map((place, i) => [place, view.getInt16(at + 8 + 2 * i, true)]));
      return;
    case 1010:
      if (fits(0, 112)) parts.targets = readTargets(view, at, length / 112);
      return;
    case 1011:
      parts.pointTarget = new Uint8Array(
        view.buffer.slice(view.byteOffset + at, view.byteOffset + at + length) as ArrayBuffer,
      );
      return;
    case 1012:
      if (!fits(0, 12)) return;
      for (let k = at; k < at + length; k += 12)
        heights.push({
          id: view.getUint32(k, true),
          highest: view.getFloat32(k + 4, true),
          lowest: view.getFloat32(k + 8, true),
        });
      return;
    case 1020:
      if (fits(20, 8)) readSphericalPoints(view, at, (length - 20) / 8, parts);
      return;
    case 1021:
      if (fits(4, 0)) parts.presence = view.getUint32(at, true) !== 0;
      return;
    default:
      failures.unknownType++;
  }
}

function readFloatPoints(view: DataView, at: number, count: number, parts: RadarParts): void {
  const position = new Float32Array(3 * count);
  const velocity = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < 3; k++) position[3 * i + k] = view.getFloat32(at + 16 * i + 4 * k, true);
    velocity[i] = view.getFloat32(at + 16 * i + 12, true);
  }
  parts.position = position;
  parts.velocity = velocity;
}

function readFixedPoints(
  view: DataView,
  at: number,
  count: number,
  { version }: PacketHead,
  scaling: Scaling | undefined,
  parts: RadarParts,
): void {
  const metre = 2 ** view.getUint16(at + 2, true);
  const position = new Float32Array(3 * count);
  const velocity = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const point = at + 4 + 12 * i;
    for (let k = 0; k < 3; k++) position[3 * i + k] = view.getInt16(point + 6 + 2 * k, true) / metre;
    if (!scaling) continue;
    const bin = view.getInt16(point + 2, true);
    const bins = dopplerBins(scaling.context);
    // SDK 1.0 counts the bins from 0 on; later ones send them with a sign, which extended velocities go beyond.
    velocity[i] = (version < 0x0101 && bin >= bins / 2 ? bin - bins : bin) * scaling.velocityStep;
  }
  parts.position = position;
  if (scaling) parts.velocity = velocity;
}

function readSphericalPoints(view: DataView, at: number, count: number, parts: RadarParts): void {
  const unit = (i: number) => view.getFloat32(at + 4 * i, true);
  const [elevationUnit, azimuthUnit, velocityUnit, rangeUnit, snrUnit] = [unit(0), unit(1), unit(2), unit(3), unit(4)];
  const position = new Float32Array(3 * count);
  const velocity = new Float32Array(count);
  const snr = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const point = at + 20 + 8 * i;
    const elevation = view.getInt8(point) * elevationUnit;
    const azimuth = view.getInt8(point + 1) * azimuthUnit;
    const range = view.getUint16(point + 4, true) * rangeUnit;
    position[3 * i] = range * Math.sin(azimuth) * Math.cos(elevation);
    position[3 * i + 1] = range * Math.cos(azimuth) * Math.cos(elevation);
    position[3 * i + 2] = range * Math.sin(elevation);
    velocity[i] = view.getInt16(point + 2, true) * velocityUnit;
    snr[i] = 10 * Math.log10(view.getUint16(point + 6, true) * snrUnit);
  }
  parts.position = position;
  parts.velocity = velocity;
  parts.snr = snr;
}

function readSideInformation(view: DataView, at: number, count: number, parts: RadarParts): void {
  const snr = new Float32Array(count);
  const noise = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    snr[i] = view.getUint16(at + 4 * i, true) / 10;
    noise[i] = view.getUint16(at + 4 * i + 2, true) / 10;
  }
  parts.snr = snr;
  parts.noise = noise;
}

function readTargets(view: DataView, at: number, count: number): RadarTargets {
  const id = new Uint32Array(count);
  const confidence = new Float32Array(count);
  const [position, velocity, acceleration] = [0, 1, 2].map(() => new Float32Array(3 * count));
  for (let i = 0; i < count; i++) {
    const target = at + 112 * i;
    id[i] = view.getUint32(target, true);
    for (let k = 0; k < 3; k++) {
      position![3 * i + k] = view.getFloat32(target + 4 + 4 * k, true);
      velocity![3 * i + k] = view.getFloat32(target + 16 + 4 * k, true);
      acceleration![3 * i + k] = view.getFloat32(target + 28 + 4 * k, true);
    }
    confidence[i] = view.getFloat32(target + 108, true);
  }
  return { id, position: position!, velocity: velocity!, acceleration: acceleration!, confidence };
}

/** [targets, 2] lowest and highest z; NaN for a target without one. */
function byTarget({ id }: RadarTargets, heights: Heights): Float32Array {
  const height = new Float32Array(2 * id.length).fill(NaN);
  id.forEach((target, i) => {
    const own = heights.find((one) => one.id === target);
    if (own) height.set([own.lowest, own.highest], 2 * i);
  });
  return height;
}

function readLevels(view: DataView, at: number, count: number, { step, offset }: LevelScale): Float32Array {
  const levels = new Float32Array(count);
  for (let i = 0; i < count; i++) levels[i] = view.getUint16(at + 2 * i, true) * step + offset;
  return levels;
}

function readComplex(view: DataView, at: number, count: number): Float32Array {
  const values = new Float32Array(2 * count);
  for (let i = 0; i < count; i++) {
    values[2 * i] = view.getInt16(at + 4 * i + 2, true);
    values[2 * i + 1] = view.getInt16(at + 4 * i, true);
  }
  return values;
}

const places = [
  'receiver0',
  'receiver1',
  'receiver2',
  'receiver3',
  'transmitter0',
  'transmitter1',
  'transmitter2',
  'powerManagement',
  'digital0',
  'digital1',
];

/** µs but for the loads, which are per cent. */
function readStatistics(view: DataView, at: number): Record<string, number> {
  const figure = (i: number) => view.getUint32(at + 4 * i, true);
  return {
    interFrameProcessingTime: figure(0),
    transmitOutputTime: figure(1),
    interFrameProcessingMargin: figure(2),
    interChirpProcessingMargin: figure(3),
    activeFrameCPULoad: figure(4),
    interFrameCPULoad: figure(5),
  };
}

/** No such radar sees further than 1 km: other figures mean that bytes are missing before them. */
function isPlausible(position: Float32Array | undefined): boolean {
  return position === undefined || position.every((value) => Math.abs(value) < 1000);
}
