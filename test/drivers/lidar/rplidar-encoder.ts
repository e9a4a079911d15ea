/** Packets of an RPLIDAR, as the maker's protocol document lays them out. */

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'));

// Descriptors as the maker's protocol document lists them.
export const descriptors = {
  standard: hex('A5 5A 05 00 00 40 81'),
  express: hex('A5 5A 54 00 00 40 82'),
  ultra: hex('A5 5A 84 00 00 40 84'),
  dense: hex('A5 5A 54 00 00 40 85'),
};
export type Kind = keyof typeof descriptors;

export function node(degrees: number, millimetres: number, quality: number, start: boolean): Uint8Array {
  const bytes = new Uint8Array(5);
  const view = new DataView(bytes.buffer);
  bytes[0] = (quality << 2) | (start ? 1 : 2);
  view.setUint16(1, (Math.round(degrees * 64) << 1) | 1, true);
  view.setUint16(3, Math.round(millimetres * 4), true);
  return bytes;
}

/** A capsule around its cabins, with sync nibbles and sum. */
export function capsule(degrees: number, cabins: Uint8Array, start = false): Uint8Array {
  const bytes = new Uint8Array(4 + cabins.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(2, Math.round(degrees * 64) | (start ? 0x8000 : 0), true);
  bytes.set(cabins, 4);
  const sum = bytes.subarray(2).reduce((xor, byte) => xor ^ byte, 0);
  bytes[0] = 0xa0 | (sum & 0xf);
  bytes[1] = 0x50 | (sum >> 4);
  return bytes;
}

/** 32 measurements: millimetres, and degrees (multiples of 1/8) that the measurement looks behind its place in the capsule. */
export function expressCabins(measurements: readonly (readonly [millimetres: number, offset: number])[]): Uint8Array {
  const bytes = new Uint8Array(80);
  const view = new DataView(bytes.buffer);
  measurements.forEach(([millimetres, offset], i) => {
    const cabin = 5 * (i >> 1);
    const eighths = Math.round(offset * 8);
    view.setUint16(cabin + 2 * (i & 1), (millimetres << 2) | (eighths >> 4), true);
    bytes[cabin + 4]! |= (eighths & 0xf) << (4 * (i & 1));
  });
  return bytes;
}

export function denseCabins(millimetres: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(80);
  millimetres.forEach((value, i) => new DataView(bytes.buffer).setUint16(2 * i, value, true));
  return bytes;
}

export function ultraCabins(
  cabins: readonly (readonly [major: number, predict1: number, predict2: number])[],
): Uint8Array {
  const bytes = new Uint8Array(128);
  cabins.forEach(([major, predict1, predict2], i) => {
    const word = (predict2 & 0x3ff) * 2 ** 22 + (predict1 & 0x3ff) * 2 ** 12 + major;
    new DataView(bytes.buffer).setUint32(4 * i, word, true);
  });
  return bytes;
}
