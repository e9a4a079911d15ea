import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import t from 'tap';
import { createNpy } from '../../daemon/decode/npy.js';
import { readNpy } from '../../learning/datasets/npy.js';
import { readPng } from '../../learning/datasets/png.js';
import { npyFile, pngFile } from './datasets-folder.js';

const bytesOf = (array: { buffer: ArrayBufferLike }) => new Uint8Array(array.buffer);

void t.test('NumPy files: types, orders and formats', (t) => {
  t.strictSame(readNpy(npyFile('<f4', [2, 3], bytesOf(Float32Array.of(1, 2, 3, 4, 5, -6.5)))), {
    shape: [2, 3],
    data: Float32Array.of(1, 2, 3, 4, 5, -6.5),
  });
  // 258 and −2 with the high byte first
  t.strictSame(readNpy(npyFile('>i2', [2], Uint8Array.of(1, 2, 255, 254))).data, Int16Array.of(258, -2));
  t.strictSame(readNpy(npyFile('|u1', [3], Uint8Array.of(7, 0, 255))).data, Uint8Array.of(7, 0, 255));
  t.strictSame(readNpy(npyFile('|b1', [2], Uint8Array.of(1, 0))).data, Uint8Array.of(1, 0));
  t.strictSame(readNpy(npyFile('<i8', [2], bytesOf(BigInt64Array.of(-5n, 2n ** 40n)))).data, Float64Array.of(-5, 2 ** 40)); // prettier-ignore
  // 1, −2, 2^−24, the largest: 65504
  const halves = bytesOf(Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff));
  t.strictSame(readNpy(npyFile('<f2', [4], halves)).data, Float32Array.of(1, -2, 2 ** -24, 65504));
  t.strictSame(readNpy(npyFile('<f8', [], bytesOf(Float64Array.of(3)))), { shape: [], data: Float64Array.of(3) });
  t.strictSame(readNpy(npyFile('<f8', [0, 4], new Uint8Array())).shape, [0, 4]);

  // [[[0, 1], [2, 3], [4, 5]]] as its columns lie in memory
  const columns = npyFile('<i4', [1, 3, 2], bytesOf(Int32Array.of(0, 2, 4, 1, 3, 5)), { fortran: true });
  t.strictSame(readNpy(columns).data, Int32Array.of(0, 1, 2, 3, 4, 5));
  t.strictSame(readNpy(npyFile('<i2', [2], bytesOf(Int16Array.of(1, 2)), { major: 2 })).data, Int16Array.of(1, 2));
  // A view at an odd place of a larger buffer.
  const whole = npyFile('<f4', [1], bytesOf(Float32Array.of(9)));
  const shifted = Buffer.concat([Buffer.alloc(3), whole, Buffer.alloc(2)]).subarray(3, 3 + whole.length);
  t.strictSame(readNpy(shifted).data, Float32Array.of(9));
  t.end();
});

void t.test('what `decode` writes is read', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'npy-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const file = join(folder, 'a.npy');
  const writer = await createNpy(file, new Float64Array(), [2]);
  await writer.append(Float64Array.of(1, 2, 3, 4), 2);
  await writer.close();
  t.strictSame(readNpy(await readFile(file)), { shape: [2, 2], data: Float64Array.of(1, 2, 3, 4) });
});

void t.test('what is wrong with a NumPy file', (t) => {
  const four = new Uint8Array(16);
  const cases: [Uint8Array, RegExp][] = [
    [Buffer.alloc(0), /^it is no NumPy file$/],
    [Buffer.from('0.5,0.25,1\n1,2,3\n'), /^it is no NumPy file$/],
    [npyFile('<f4', [4], four, { major: 9 }), /^it is a NumPy file of format 9/],
    [npyFile('<f4', [4], four).subarray(0, 40), /^it is cut off$/],
    [npyFile('<f4', [4], four.subarray(1)), /^it says \[4\] and holds 15 bytes of numbers$/],
    [npyFile('<f4', [1e9, 1e9], four), /^it says \[1000000000, 1000000000\] and holds 16 bytes/],
    [npyFile('<f4', Array<number>(40).fill(1), four.subarray(0, 4)), /^it has no shape that can be$/],
    [npyFile('<c8', [2], four), /^it holds "c8", which is no type of number/],
    [npyFile('|O8', [2], four), /^it holds "O8", which is no type of number/],
    [npyFile('<i8', [1], bytesOf(BigInt64Array.of(2n ** 60n))), /^it holds integers above 2\^53/],
  ];
  for (const [bytes, message] of cases) t.throws(() => readNpy(bytes), { message }, message.source);
  t.end();
});

void t.test('PNG files: every filter, both depths', (t) => {
  const numbers = Array.from({ length: 5 * 7 }, (_, i) => (i * i * 977) & 0xffff);
  for (const filter of [0, 1, 2, 3, 4]) {
    const deep = readPng(pngFile(7, 5, 1, Uint16Array.from(numbers), filter));
    t.strictSame(deep, { width: 7, height: 5, channels: 1, data: Uint16Array.from(numbers) }, `filter ${filter}`);
    const colour = Uint8Array.from({ length: 4 * 3 * 3 }, (_, i) => (i * 89) & 0xff);
    t.strictSame(readPng(pngFile(4, 3, 3, colour, filter)).data, colour);
  }
  t.end();
});

void t.test('what is wrong with a PNG file', (t) => {
  const good = pngFile(2, 2, 1, Uint16Array.of(1, 2, 3, 4), 0);
  const changed = (at: number, value: number) => {
    const bytes = Buffer.from(good);
    bytes[at] = value;
    return bytes;
  };
  const header = 16;
  const cases: [Uint8Array, RegExp][] = [
    [Buffer.from('GIF89a'), /^it is no PNG file$/],
    [good.subarray(0, 30), /^it is cut off$/],
    [good.subarray(0, good.length - 20), /^it is cut off$/],
    [changed(header, 255), /^it is a picture of \d+ × 2$/],
    [changed(header + 3, 0), /^it is a picture of 0 × 2$/],
    [changed(header + 3, 9), /^it is cut off$/],
    [changed(header + 8, 4), /^it is a PNG file with a palette/],
    [changed(header + 9, 3), /^it is a PNG file with a palette/],
    [changed(header + 12, 1), /^it is a PNG file with a palette/],
    [changed(header + 17 + 8, 0), /^it is damaged: /],
    [pngFile(2, 2, 1, Uint16Array.of(1, 2, 3, 4), 0, deflateSync(Uint8Array.of(7, 0, 0, 0, 0, 0, 0, 0, 0, 0))), /^it has a row of filter 7$/],
  ]; // prettier-ignore
  for (const [bytes, message] of cases) t.throws(() => readPng(bytes), { message }, message.source);
  t.end();
});

void t.test('hostile bytes: an array that is what it says, or an error', (t) => {
  const npy = npyFile('<f4', [2, 3], bytesOf(Float32Array.of(1, 2, 3, 4, 5, 6)), { fortran: true });
  const png = pngFile(7, 5, 1, new Uint16Array(35), 4);
  const damaged = (whole: Buffer) =>
    fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 }).map((changes) => {
      const bytes = Buffer.from(whole);
      for (const [at, value] of changes) bytes[at] = value;
      return bytes;
    });
  const seen = { read: 0, refused: 0 };
  const holds = (read: () => boolean) => {
    try {
      seen.read++;
      return read();
    } catch (error) {
      seen.read--;
      seen.refused++;
      return error instanceof Error && /^it [^\n]{1,200}$/.test(error.message);
    }
  };
  fc.assert(
    fc.property(damaged(npy), damaged(png), fc.nat(200), (array, picture, cut) => {
      const product = (shape: readonly number[]) => shape.reduce((total, length) => total * length, 1);
      return (
        [array, array.subarray(0, cut)].every((bytes) =>
          holds(() => {
            const { shape, data } = readNpy(bytes);
            return product(shape) === data.length;
          }),
        ) &&
        [picture, picture.subarray(0, cut)].every((bytes) =>
          holds(() => {
            const { width, height, channels, data } = readPng(bytes);
            return width * height * channels === data.length;
          }),
        )
      );
    }),
    { numRuns: 1500, seed: 1 },
  );
  t.ok(seen.read > 100 && seen.refused > 100, `${seen.read} read, ${seen.refused} refused`);
  t.end();
});
