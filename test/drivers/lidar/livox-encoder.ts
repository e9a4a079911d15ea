/** CRC-32 bit by bit: reflected polynomial EDB88320, from FFFFFFFF, inverted. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) !== 0 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

interface Sent {
  type?: number;
  sequence?: number;
  nanoseconds: bigint;
  /** Tenths of a microsecond. */
  interval?: number;
  points: readonly (readonly [number, number, number, reflectivity?: number, tag?: number])[];
  checksum?: boolean;
}

/** A packet as the maker's document lays it out; the numbers of a point are those of the wire. */
export function packet({
  type = 1,
  sequence = 0,
  nanoseconds,
  interval = 4800,
  points,
  checksum = true,
}: Sent): Uint8Array {
  const length = { 0: 24, 1: 14, 2: 8, 3: 10 }[type]!;
  const bytes = new Uint8Array(36 + length * points.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(1, bytes.length, true);
  view.setUint16(3, interval, true);
  view.setUint16(5, points.length, true);
  view.setUint16(7, sequence & 0xffff, true);
  bytes[10] = type;
  view.setBigUint64(28, nanoseconds, true);
  points.forEach(([a, b, c, reflectivity = 0, tag = 0], i) => {
    const at = 36 + i * length;
    if (type === 1) [a, b, c].forEach((value, k) => view.setInt32(at + 4 * k, value, true));
    else if (type === 2) [a, b, c].forEach((value, k) => view.setInt16(at + 2 * k, value, true));
    else if (type === 3) {
      view.setUint32(at, a, true);
      view.setUint16(at + 4, b, true);
      view.setUint16(at + 6, c, true);
    }
    bytes.set([reflectivity, tag], at + length - 2);
  });
  if (checksum) view.setUint32(24, crc32(bytes.subarray(28)), true);
  return bytes;
}
