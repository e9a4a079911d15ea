/** A writer of MATLAB level 5 files, from MathWorks' 'MAT-File Format'. */
import { deflateSync } from 'node:zlib';

export const types = {
  int8: 1,
  uint8: 2,
  int16: 3,
  int32: 5,
  uint32: 6,
  double: 9,
  matrix: 14,
  compressed: 15,
  utf8: 16,
};
export const classes = { cell: 1, char: 4, double: 6, int16: 10 };
export const complex = 0x08;

export function element(type: number, content: Uint8Array): Buffer {
  const tag = Buffer.alloc(8);
  tag.writeUInt32LE(type, 0);
  tag.writeUInt32LE(content.length, 4);
  return Buffer.concat([tag, content, Buffer.alloc((8 - (content.length % 8)) % 8)]);
}

export function smallElement(type: number, content: Uint8Array): Buffer {
  const whole = Buffer.alloc(8);
  whole.writeUInt16LE(type, 0);
  whole.writeUInt16LE(content.length, 2);
  whole.set(content, 4);
  return whole;
}

const int32s = (numbers: number[]) => new Uint8Array(Int32Array.from(numbers).buffer);
export const doubles = (numbers: number[]) => new Uint8Array(Float64Array.from(numbers).buffer);
export const text = (characters: string) => Buffer.from(characters, 'latin1');

export function matrix(name: string, kind: number, dimensions: number[], parts: Buffer[], flags = 0): Buffer {
  return element(
    types.matrix,
    Buffer.concat([
      element(types.uint32, Uint8Array.of(kind, flags, 0, 0, 0, 0, 0, 0)),
      element(types.int32, int32s(dimensions)),
      name.length > 4 ? element(types.int8, text(name)) : smallElement(types.int8, text(name)),
      ...parts,
    ]),
  );
}

/** An element of type 15 is not filled up to 8 bytes. */
export function compressed(inner: Buffer): Buffer {
  const content = deflateSync(inner);
  return element(types.compressed, content).subarray(0, 8 + content.length);
}

export function matFile(...elements: Buffer[]): Buffer {
  const header = Buffer.alloc(128, ' ');
  header.write('MATLAB 5.0 MAT-file, written by a test');
  header.writeUInt16LE(0x0100, 124);
  header.write('IM', 126);
  return Buffer.concat([header, ...elements]);
}
