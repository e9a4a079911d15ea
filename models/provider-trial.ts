/** Whether a provider computes what the CPU does, and how fast each is. `run` blocks its thread: for child processes and benchmarks. */
import { performance } from 'node:perf_hooks';
import type { Classification, TowerSession } from './tower-session.js';

/** Largest difference of an embedding's element. Measured between sound ones: below 1e-4. */
export const tolerance = 1e-2;

/** Pseudo-random windows [count, length], uniform in 0 … 1, the same at each call (linear congruential generator of Numerical Recipes, 7.1). */
export function trialWindows(count: number, length: number): Float32Array[] {
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return Array.from({ length: count }, () => Float32Array.from({ length }, next));
}

export function largestDifference(a: Float32Array, b: Float32Array): number {
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}

/** Index of the largest of one window's probabilities. */
export function label({ probabilities }: Pick<Classification, 'probabilities'>): number {
  return probabilities.indexOf(Math.max(...probabilities));
}

/** @returns why a provider's results are not the CPU's, or `undefined` */
export async function disagreement(
  session: TowerSession,
  cpu: TowerSession,
  windows: readonly Float32Array[],
): Promise<string | undefined> {
  for (const window of windows) {
    const found = await session.run(window, 1);
    const wanted = await cpu.run(window, 1);
    const difference = largestDifference(found.embedding, wanted.embedding);
    if (difference >= tolerance)
      return `its embeddings differ from the CPU's by ${difference.toPrecision(2)}; allowed is less than ${tolerance}`;
    if (label(found) !== label(wanted)) return "it gives another label than the CPU's";
  }
  return undefined;
}

/**
 * Median of at most `most` runs that take `seconds` or a little more in all, and of three at least. Two runs before warm up.
 * @returns milliseconds, to the microsecond
 */
export async function medianMilliseconds(run: () => Promise<unknown>, most = 50, seconds = 1): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 2; i++) await run();
  const end = performance.now() + seconds * 1000;
  while (times.length < most && (times.length < 3 || performance.now() < end)) {
    const before = performance.now();
    await run();
    times.push(performance.now() - before);
  }
  times.sort((a, b) => a - b);
  return Number(times[times.length >> 1]!.toFixed(3));
}
