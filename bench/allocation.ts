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
 * By how much the heap and the arrays outside it grow. The garbage is collected before, and `run` must allocate less than would
 * make V8 collect it in between (its young generation holds 16 MiB).
 * @param run gives what must stay reachable until the memory has been read
 */
export function bytesAllocated(run: () => unknown): number {
  collectGarbage();
  collectGarbage(); // the first one's arrays are let go by a thread of its own, which the second waits for
  const before = allocated();
  const kept = run();
  const after = allocated();
  return kept === collectGarbage ? NaN : after - before;
}
