/** Arrays of many frames as NumPy files (format 1.0: numpy/lib/format.py), written piece by piece.
 *
 *     93 'NUMPY' 01 00  length u16  {'descr': '<f4', 'fortran_order': False, 'shape': (N, …), }  blanks  0A     then the numbers
 *
 *  The number of rows is known at the end only: the header is of a fixed length, and written again then. */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { endianness } from 'node:os';
import type { FieldNumbers } from '../../drivers/frame-fields.js';

const headerLength = 256;
/** Bytes that are gathered before they are written. */
const gathered = 1 << 20;

const descriptions = new Map<unknown, string>([
  [Int8Array, '|i1'],
  [Uint8Array, '|u1'],
  [Int16Array, '<i2'],
  [Uint16Array, '<u2'],
  [Int32Array, '<i4'],
  [Uint32Array, '<u4'],
  [Float32Array, '<f4'],
  [Float64Array, '<f8'],
]);

export interface NpyWriter {
  /** Appends rows: `data` [rows, …shape of a row]. Kept by copy. */
  append(data: FieldNumbers, rows: number): Promise<void>;
  /** @returns rows written */
  close(): Promise<number>;
}

function header(descr: string, rows: number, row: readonly number[]): Uint8Array {
  const shape = [rows, ...row];
  const tuple = shape.length === 1 ? `(${rows},)` : `(${shape.join(', ')})`;
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const bytes = Buffer.alloc(headerLength, ' ');
  bytes.set([0x93, ...Buffer.from('NUMPY'), 1, 0, (headerLength - 10) & 0xff, (headerLength - 10) >> 8]);
  bytes.write(text, 10, 'latin1');
  bytes[headerLength - 1] = 0x0a;
  return bytes;
}

/**
 * @param type a typed array of the type that the file holds
 * @param row shape of one row; empty: rows are single numbers
 */
export async function createNpy(file: string, type: FieldNumbers, row: readonly number[]): Promise<NpyWriter> {
  if (endianness() !== 'LE') throw new Error('NumPy files are written on little-endian machines only');
  const descr = descriptions.get(type.constructor);
  if (descr === undefined) throw new Error(`${file}: arrays of this type are not written`);
  const handle: FileHandle = await open(file, 'w');
  await handle.write(header(descr, 0, row));
  let rows = 0;
  let waiting: Uint8Array[] = [];
  let size = 0;

  async function flush(): Promise<void> {
    const bytes = Buffer.concat(waiting);
    waiting = [];
    size = 0;
    if (bytes.length > 0) await handle.write(bytes);
  }

  return {
    async append(data, count) {
      waiting.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice());
      size += data.byteLength;
      rows += count;
      if (size >= gathered) await flush();
    },
    async close() {
      await flush();
      await handle.write(header(descr, rows, row), 0, headerLength, 0);
      await handle.close();
      return rows;
    },
  };
}
