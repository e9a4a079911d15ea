import t from 'tap';
import { bytesAllocated } from '../../bench/allocation.js';

void t.test('memory of arrays in and outside the heap, and what is let go at once', (t) => {
  const near = (bytes: number, expected: number, what: string) =>
    t.ok(bytes > 0.99 * expected && bytes < 1.1 * expected, `${what}: ${bytes} for ${expected}`);
  for (let i = 0; i < 3; i++) {
    near(bytesAllocated(() => new Uint8Array(1_000_000)).bytes, 1_000_000, 'outside the heap');
    // 100 doubles of 8 bytes each, and what V8 puts around an array.
    near(bytesAllocated(() => Array.from({ length: 1000 }, () => new Array<number>(100).fill(0.5))).bytes, 840_000, 'in the heap'); // prettier-ignore
    const garbage = bytesAllocated(() => {
      for (let k = 0; k < 10; k++) new Uint8Array(100_000).fill(k);
    });
    near(garbage.bytes, 1_000_000, 'garbage');
  }
  t.end();
});
