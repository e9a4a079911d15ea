import { setTimeout as delay } from 'node:timers/promises';

/** Waits until `condition` gives a value that is not undefined or false; fails after `seconds`, saying `what` was awaited. */
export async function until<T>(what: string, condition: () => T | undefined | false, seconds = 30): Promise<T> {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    const value = condition();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > end) throw new Error(`waited ${seconds} s in vain for ${what}`);
    await delay(10);
  }
}
