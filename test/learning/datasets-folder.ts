/** A folder for a data set that a test writes itself. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { deflateSync } from 'node:zlib';
import type tap from 'tap';

/** @param files content by path */
export async function folderWith(
  t: Pick<typeof tap, 'teardown'>,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'datasets-'));
  t.teardown(() => rm(folder, { recursive: true }));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return folder;
}

export const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;

export function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  const product = (x: readonly number[], meanX: number, y: readonly number[], meanY: number) =>
    x.reduce((sum, value, i) => sum + (value - meanX) * (y[i]! - meanY), 0);
  return product(a, meanA, b, meanB) / Math.sqrt(product(a, meanA, a, meanA) * product(b, meanB, b, meanB));
}

export const isAscending = (times: readonly number[]) => times.every((time, i) => i === 0 || time > times[i - 1]!);

/** A NumPy file as numpy/lib/format.py describes it. */
export function npyFile(
  descr: string,
  shape: readonly number[],
  numbers: Uint8Array,
  { fortran = false, major = 1 } = {},
): Buffer {
  const tuple = shape.length === 1 ? `(${shape[0]!},)` : `(${shape.join(', ')})`;
  const text = `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': ${tuple}, }`;
  const before = major === 1 ? 10 : 12;
  const header = Buffer.alloc(Math.ceil((before + text.length + 1) / 64) * 64, ' ');
  header.set([0x93, ...Buffer.from('NUMPY'), major, 0]);
  if (major === 1) header.writeUInt16LE(header.length - before, 8);
  else header.writeUInt32LE(header.length - before, 8);
  header.write(text, before);
  header[header.length - 1] = 0x0a;
  return Buffer.concat([header, numbers]);
}

export const npyOf = (
  shape: readonly number[],
  numbers: Float32Array | Float64Array | Uint8Array | Int32Array,
): Buffer =>
  npyFile(
    { Float32Array: '<f4', Float64Array: '<f8', Uint8Array: '|u1', Int32Array: '<i4' }[numbers.constructor.name]!,
    shape,
    new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength),
  );

function chunk(type: string, data: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  return Buffer.concat([length, Buffer.from(type), data, Buffer.alloc(4)]); // the checksum is not looked at
}

/** A PNG file of grey (1 channel) or RGB (3). @param filter of every row @param stream instead of the numbers' own */
export function pngFile(
  width: number,
  height: number,
  channels: 1 | 3,
  numbers: Uint8Array | Uint16Array,
  filter: number,
  stream?: Uint8Array,
): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  const size = numbers.BYTES_PER_ELEMENT;
  header.set([8 * size, channels === 1 ? 0 : 2], 8);
  const plain = Buffer.alloc(numbers.length * size);
  numbers.forEach((value: number, i: number) => plain.writeUIntBE(value, i * size, size));
  const step = size * channels;
  const stride = step * width;
  const at = (y: number, i: number) => (y < 0 || i < 0 ? 0 : plain[y * stride + i]!);
  const rows = Array.from({ length: height }, (_, y) => {
    const row = Array.from({ length: stride }, (_, i) => {
      const [a, b, c] = [at(y, i - step), at(y - 1, i), y > 0 ? at(y - 1, i - step) : 0];
      const estimate = a + b - c;
      const nearest = [a, b, c].reduce((best, one) =>
        Math.abs(estimate - one) < Math.abs(estimate - best) ? one : best,
      );
      return (at(y, i) - [0, a, b, (a + b) >> 1, nearest][filter]!) & 0xff;
    });
    return Buffer.from([filter, ...row]);
  });
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', stream ?? deflateSync(Buffer.concat(rows))),
    chunk('IEND', new Uint8Array()),
  ]);
}
