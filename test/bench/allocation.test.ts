import t from 'tap';
import { bytesAllocated } from '../../bench/allocation.js';

void t.test('memory of arrays in and outside the heap, and what is let go at once', (t) => {
  // Of several readings the least: what the engine does beside it, only adds.
  const near = (run: () => unknown, expected: number, what: string) => {
    const bytes = Math.min(...Array.from({ length: 5 }, () => bytesAllocated(run).bytes));
    t.ok(bytes > 0.99 * expected && bytes < 1.1 * expected, `${what}: ${bytes} for ${expected}`);
  };
  near(() => new Uint8Array(1_000_000), 1_000_000, 'outside the heap');
  // 100 doubles of 8 bytes each, and what V8 puts around an array.
  near(() => Array.from({ length: 1000 }, () => new Array<number>(100).fill(0.5)), 840_000, 'in the heap');
  const garbage = () => {
    for (let k = 0; k < 10; k++) new Uint8Array(100_000).fill(k);
  };
  near(garbage, 1_000_000, 'garbage');
  t.end();
});
