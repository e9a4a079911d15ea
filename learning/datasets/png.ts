/** Pictures of PNG files: grey or colour without a palette, 8 or 16 bits, not interlaced, as depth cameras' pictures are kept.
 *
 *     89 'PNG' 0D 0A 1A 0A, then chunks: length u32  type[4]  data  CRC-32 u32
 *     IHDR   width u32  height u32  bits u8  colour type u8 (0 grey, 2 RGB, 4 grey and alpha, 6 RGBA)  0  filter 0  interlaced u8
 *     IDAT   together one zlib stream: for each row a filter u8 and the row's bytes, numbers big-endian
 *
 *  Source: W3C, 'Portable Network Graphics (PNG) Specification', sections 5, 9, 11. */
import { inflateSync } from 'node:zlib';

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA. */
  readonly channels: number;
  /** [height, width, channels] */
  readonly data: Uint8Array | Uint16Array;
}

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const channelsOf: Readonly<Record<number, number | undefined>> = { 0: 1, 2: 3, 4: 2, 6: 4 };
const largestSide = 1 << 14;
const mostBytes = 1 << 28;

/** @throws Error that begins with 'it' */
function chunksOf(file: Buffer): { header: Buffer; stream: Buffer } {
  if (!file.subarray(0, 8).equals(signature)) throw new Error('it is no PNG file');
  let header: Buffer | undefined;
  const parts: Buffer[] = [];
  for (let at = 8; at + 12 <= file.length;) {
    const length = file.readUInt32BE(at);
    const type = file.toString('latin1', at + 4, at + 8);
    if (length > file.length - at - 12) throw new Error('it is cut off');
    const data = file.subarray(at + 8, at + 8 + length);
    if (type === 'IHDR') header = data;
    else if (type === 'IDAT') parts.push(data);
    else if (type === 'IEND') break;
    at += 12 + length;
  }
  if (header?.length !== 13 || parts.length === 0) throw new Error('it is cut off');
  return { header, stream: Buffer.concat(parts) };
}

/** Undoes the rows' filters in place; `bytes` [height, 1 + stride]. @throws Error that begins with 'it' */
function unfilter(bytes: Buffer, height: number, stride: number, step: number): void {
  for (let y = 0; y < height; y++) {
    const row = y * (1 + stride);
    const filter = bytes[row]!;
    if (filter > 4) throw new Error(`it has a row of filter ${filter}`);
    for (let i = 1; i <= stride; i++) {
      const left = i > step ? bytes[row + i - step]! : 0;
      const above = y > 0 ? bytes[row + i - 1 - stride]! : 0;
      const corner = y > 0 && i > step ? bytes[row + i - 1 - stride - step]! : 0;
      bytes[row + i] = (bytes[row + i]! + predicted(filter, left, above, corner)) & 0xff;
    }
  }
}

function predicted(filter: number, left: number, above: number, corner: number): number {
  if (filter < 3) return filter === 0 ? 0 : filter === 1 ? left : above;
  if (filter === 3) return (left + above) >> 1;
  const [toLeft, toAbove, toCorner] = [left, above, corner].map((value) => Math.abs(left + above - corner - value)) as [
    number,
    number,
    number,
  ];
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}

/**
 * @param bytes a whole .png file; checksums are not looked at
 * @throws Error with what is wrong, beginning with 'it'
 */
export function readPng(bytes: Uint8Array): Picture {
  const { header, stream } = chunksOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const [bits, colour, , , interlaced] = header.subarray(8) as unknown as number[];
  const channels = channelsOf[colour!];
  if ((bits !== 8 && bits !== 16) || channels === undefined || interlaced !== 0)
    throw new Error('it is a PNG file with a palette, few bits or interlaced, which is not read here');
  if (width === 0 || height === 0 || width > largestSide || height > largestSide)
    throw new Error(`it is a picture of ${width} × ${height}`);
  const step = channels * (bits / 8);
  const stride = width * step;
  const size = height * (1 + stride);
  if (size > mostBytes) throw new Error(`it is a picture of ${width} × ${height}`);
  const rows = inflated(stream, size);
  unfilter(rows, height, stride, step);
  const data = bits === 8 ? new Uint8Array(height * width * channels) : new Uint16Array(height * width * channels);
  for (let y = 0, to = 0; y < height; y++)
    for (let at = y * (1 + stride) + 1, end = at + stride; at < end; at += bits / 8)
      data[to++] = bits === 8 ? rows[at]! : rows.readUInt16BE(at);
  return { width, height, channels, data };
}

function inflated(stream: Buffer, size: number): Buffer {
  let rows: Buffer;
  try {
    rows = inflateSync(stream, { maxOutputLength: size });
  } catch (error) {
    throw new Error(`it is damaged: ${(error as Error).message}`, { cause: error });
  }
  if (rows.length !== size) throw new Error('it is cut off');
  return rows;
}
