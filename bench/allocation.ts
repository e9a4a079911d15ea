/** Bytes that code allocates, with those that it lets go at once. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** The heap, and the memory of typed arrays outside it. */
function allocated(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/**
 * By how much the heap and the arrays outside it grow while `run` works. The garbage is collected before, and `run` must allocate
 * less than would make V8 collect it in between: its young generation holds 16 MiB.
 * @returns also what `run` gave, which stays reachable until the memory has been read
 */
export function bytesAllocated<T>(run: () => T): { bytes: number; result: T } {
  collectGarbage();
  collectGarbage(); // the first one's arrays are let go by a thread of its own, which the second waits for
  const before = allocated();
  const result = run();
  return { bytes: allocated() - before, result };
}

/**
 * What the heap and the arrays outside it grow by a call: the median of several rows of calls, less what the reading itself allocates;
 * so a collection in one row does not hide it.
 */
export function allocatedPerCall(call: () => void, calls = 50, rows = 15): number {
  const growth = (count: number) => {
    const before = allocated();
    for (let i = 0; i < count; i++) call();
    return allocated() - before;
  };
  growth(0);
  const found = Array.from({ length: rows }, () => (growth(calls) - growth(0)) / calls).sort((a, b) => a - b);
  return found[rows >> 1]!;
}
