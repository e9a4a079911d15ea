/** What an RPLIDAR sends while it scans, and how each kind of packet becomes places in its plane. Layouts are at the head of `rplidar.ts`. */

/** A measurement: degrees clockwise from straight ahead, millimetres (0: no return), quality 0 to 63 if the packet has it. */
export type Emit = (rawAngle: number, angle: number, distance: number, quality: number, start: boolean) => void;

export interface PacketKind {
  readonly name: 'standard' | 'express' | 'ultra' | 'dense';
  /** Type in the answer's descriptor. */
  readonly answer: number;
  readonly length: number;
}

export const packetKinds: readonly PacketKind[] = [
  { name: 'standard', answer: 0x81, length: 5 },
  { name: 'express', answer: 0x82, length: 84 },
  { name: 'ultra', answer: 0x84, length: 132 },
  { name: 'dense', answer: 0x85, length: 84 },
];

const widestCapsule = 90; // degrees; more means that capsules between are lost

export const nodeAngle = (bytes: Uint8Array, at: number) => ((bytes[at + 1]! >> 1) | (bytes[at + 2]! << 7)) / 64;

/** Whether the flags of a standard node stand here: start and its inverse, and a 1. */
export const isNode = (bytes: Uint8Array, at: number) =>
  ((bytes[at]! ^ (bytes[at]! >> 1)) & 1) === 1 && (bytes[at + 1]! & 1) === 1 && nodeAngle(bytes, at) < 361;

export function readNode(bytes: Uint8Array, at: number, emit: Emit): void {
  const angle = nodeAngle(bytes, at);
  const distance = (bytes[at + 3]! | (bytes[at + 4]! << 8)) / 4;
  emit(angle, angle, distance, bytes[at]! >> 2, (bytes[at]! & 1) === 1);
}

export const hasCapsuleSync = (bytes: Uint8Array, at: number) => bytes[at]! >> 4 === 0xa && bytes[at + 1]! >> 4 === 0x5;

export function capsuleSumIsRight(bytes: Uint8Array, at: number, length: number): boolean {
  let sum = 0;
  for (let i = at + 2; i < at + length; i++) sum ^= bytes[i]!;
  return sum === ((bytes[at]! & 0xf) | ((bytes[at + 1]! & 0xf) << 4));
}

/** A capsule says where its first measurement looked; where the others did shows with the next capsule. */
export class CapsuleReader {
  readonly #kind: PacketKind;
  readonly #before: Uint8Array;
  readonly #view: DataView;
  #hasBefore = false;

  constructor(kind: PacketKind) {
    this.#kind = kind;
    this.#before = new Uint8Array(kind.length);
    this.#view = new DataView(this.#before.buffer);
  }

  /** The next capsule does not follow on the one before. */
  interrupt(): void {
    this.#hasBefore = false;
  }

  /** Emits the measurements of the capsule before. @returns false if this one does not follow on it */
  read(capsule: Uint8Array, emit: Emit): boolean {
    const start = capsule[2]! | (capsule[3]! << 8);
    if ((start & 0x8000) !== 0) this.#hasBefore = false; // a scan begins
    let follows = true;
    if (this.#hasBefore) {
      const from = (this.#view.getUint16(2, true) & 0x7fff) / 64;
      let span = (start & 0x7fff) / 64 - from;
      if (span < 0) span += 360;
      follows = span <= widestCapsule;
      if (follows && this.#kind.name === 'express') this.#express(from, span, emit);
      else if (follows && this.#kind.name === 'dense') this.#dense(from, span, emit);
      else if (follows) this.#ultra(from, span, capsule, emit);
    }
    this.#before.set(capsule);
    this.#hasBefore = true;
    return follows;
  }

  #express(from: number, span: number, emit: Emit): void {
    for (let i = 0; i < 32; i++) {
      const cabin = 4 + 5 * (i >> 1);
      const word = this.#view.getUint16(cabin + 2 * (i & 1), true);
      const low = (this.#before[cabin + 4]! >> (4 * (i & 1))) & 0xf;
      const offset = (low | ((word & 3) << 4)) / 8;
      const raw = from + (span * i) / 32;
      emit(raw, raw - offset, word >> 2, 0, false);
    }
  }

  #dense(from: number, span: number, emit: Emit): void {
    for (let i = 0; i < 40; i++) {
      const raw = from + (span * i) / 40;
      emit(raw, raw, this.#view.getUint16(4 + 2 * i, true), 0, false);
    }
  }

  #ultra(from: number, span: number, next: Uint8Array, emit: Emit): void {
    for (let cabin = 0; cabin < 32; cabin++) {
      const word = this.#view.getUint32(4 + 4 * cabin, true);
      const following = cabin < 31 ? this.#view.getUint16(8 + 4 * cabin, true) : next[4]! | (next[5]! << 8);
      const major = scaled(word & 0xfff);
      const major2 = scaled(following & 0xfff);
      const base = major.value === 0 && major2.value !== 0 ? major2 : major;
      // Two differences of 10 bits with a sign; the extremes say that there was no return.
      const predicted = (bits: number, { value, shift }: Scaled) =>
        bits === 511 || bits === -512 ? 0 : Math.max(0, value + bits * 2 ** shift);
      const distances = [major.value, predicted((word << 10) >> 22, base), predicted(word >> 22, major2)];
      for (let i = 0; i < 3; i++) {
        const raw = from + (span * (3 * cabin + i)) / 96;
        emit(raw, raw - parallax(distances[i]!), distances[i]!, 0, false);
      }
    }
  }
}

interface Scaled {
  /** Millimetres. */
  readonly value: number;
  /** Bits by which the differences to it are shifted. */
  readonly shift: number;
}

/** 12 bits hold up to 16 m and more: the farther, the coarser. */
function scaled(code: number): Scaled {
  if (code >= 3328) return { value: 16384 + 16 * (code - 3328), shift: 4 };
  if (code >= 1792) return { value: 4096 + 8 * (code - 1792), shift: 3 };
  if (code >= 1280) return { value: 2048 + 4 * (code - 1280), shift: 2 };
  if (code >= 512) return { value: 512 + 2 * (code - 512), shift: 1 };
  return { value: code, shift: 0 };
}

/** Degrees by which the sensor's receiver sees a place of that distance aside; the maker's formula. */
function parallax(distance: number): number {
  if (distance < 50) return 7.5;
  const k = Math.floor(98361 / (4 * distance));
  return 8 - (((64 * k + Math.floor(k ** 3 / 98304)) / 65536) * 180) / Math.PI;
}
