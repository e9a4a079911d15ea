/**
 * A picture as v4l2-ctl writes it. Its source writes v4l2_fourcc('V','h','d','r'), which has the 'V' in its lowest byte, and
 * the length, both by htonl: highest byte first.
 */
export function written(depth: Uint16Array, padding = 0, height = 4): Uint8Array {
  const width = depth.length / height;
  const bytes = Buffer.alloc(8 + (2 * width + padding) * height, 0xee);
  bytes.writeUInt32BE(
    ('V'.charCodeAt(0) | ('h'.charCodeAt(0) << 8) | ('d'.charCodeAt(0) << 16) | ('r'.charCodeAt(0) << 24)) >>> 0,
  );
  bytes.writeUInt32BE(bytes.length - 8, 4);
  depth.forEach((value, i) => {
    bytes.writeUInt16LE(value, 8 + Math.floor(i / width) * (2 * width + padding) + 2 * (i % width));
  });
  return Uint8Array.from(bytes);
}
