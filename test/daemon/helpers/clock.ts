/** Time in the test's hands: `setTimeout` and `setInterval` of the whole process run when the test lets time pass.
 *  (`node:test` has such timers, but those of Node.js 20 hang when a timer's callback sets an earlier one.) */
import type { Test } from 'tap';

interface Timer {
  due: number;
  every?: number;
  run: () => void;
}

export interface Clock {
  /** Seconds. */
  now: () => number;
  /** Lets time pass in steps of 50 ms; after each, what became due has run and promises have settled. */
  pass: (seconds: number, each?: () => void) => Promise<void>;
}

/** Takes the process's timers over until the test ends. */
export function takeClock(t: Test): Clock {
  const real = { setTimeout, clearTimeout, setInterval, clearInterval };
  const timers = new Map<object, Timer>();
  let milliseconds = 1_000_000;

  const set = (repeats: boolean) => (run: () => void, delay: number) => {
    const handle = {};
    timers.set(handle, { due: milliseconds + delay, run, ...(repeats && { every: delay }) });
    return handle;
  };
  const clear = (handle: NodeJS.Timeout | undefined) => {
    // Timers that were set before are the test runner's.
    if (handle !== undefined && !timers.delete(handle)) real.clearTimeout(handle);
  };
  Object.assign(globalThis, {
    setTimeout: set(false),
    setInterval: set(true),
    clearTimeout: clear,
    clearInterval: clear,
  });
  t.teardown(() => void Object.assign(globalThis, real));

  return {
    now: () => milliseconds / 1000,
    pass: async (seconds, each) => {
      for (let i = 0; i < Math.round(seconds * 20); i++) {
        milliseconds += 50;
        for (const [handle, timer] of [...timers]) {
          if (timer.due > milliseconds || !timers.has(handle)) continue;
          if (timer.every === undefined) timers.delete(handle);
          else timer.due += timer.every;
          timer.run();
        }
        await settled();
        each?.();
      }
    },
  };
}

/** Until promises that depend on nothing but each other have settled, and immediates have run. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 2; i++) await new Promise((resolve) => setImmediate(resolve));
}
