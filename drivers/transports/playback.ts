/** Plays recorded bytes into handlers as if a device sent them now. */
import { z } from 'zod';
import { monotonicSeconds, type Connection, type TransportHandlers } from './transport.js';

export interface RecordedBytes {
  readonly bytes: Uint8Array;
  /** Seconds on any clock that runs evenly. */
  readonly arrivalTime: number;
}

export const speedSetting = z
  .union([z.number().positive().max(1000), z.literal('fastest')])
  .default(1)
  .describe(
    'Times the speed at which it was recorded, or `fastest`. The times of arrival keep their recorded distances at every speed.',
  );

/**
 * A source again and again. Each round follows the one before by the mean distance of its pieces; a single piece comes once a
 * second. A round with nothing in it is the last.
 */
export async function* repeated(
  first: AsyncIterable<RecordedBytes>,
  again: () => AsyncIterable<RecordedBytes>,
): AsyncGenerator<RecordedBytes, void> {
  let shift = 0;
  for (let round = first; ; round = again()) {
    let begin: number | undefined;
    let end = 0;
    let count = 0;
    for await (const { bytes, arrivalTime } of round) {
      begin ??= arrivalTime;
      end = arrivalTime;
      count++;
      yield { bytes, arrivalTime: arrivalTime + shift };
    }
    if (begin === undefined) return;
    shift += end > begin ? ((end - begin) * count) / (count - 1) : 1;
  }
}

/** Seconds that are played without a rest before other work gets its turn. */
const longestTurn = 0.005;
export interface Played {
  /** Names what is played in messages, for instance `pcap walk.pcap`. */
  readonly name: string;
  readonly speed: number | 'fastest';
  /** One line for what went wrong in reading. */
  readonly describe: (error: unknown) => string;
  /** Called at the end; a text says what was wrong with the source. */
  readonly ended?: () => string | undefined;
}

/**
 * Begins to play. The first bytes get the time of this call, and the others follow with the distances that they were recorded with,
 * so that times of arrival run ahead of the clock where `speed` is above 1.
 */
export function play(
  source: AsyncIterable<RecordedBytes>,
  { name, speed, describe, ended }: Played,
  handlers: TransportHandlers,
): Connection {
  const stopping = new AbortController();
  const start = monotonicSeconds();

  async function run(): Promise<void> {
    let first: number | undefined;
    let turnEnd = start + longestTurn;
    for await (const { bytes, arrivalTime } of source) {
      first ??= arrivalTime;
      const passed = arrivalTime - first;
      const ahead = () => (speed === 'fastest' ? 0 : start + passed / speed - monotonicSeconds());
      // Timers count in milliseconds, from the beginning of the event loop's turn: one may fire some too early.
      while (ahead() > 0.001 || monotonicSeconds() > turnEnd) {
        await wait(Math.max(0, ahead()), stopping.signal);
        if (stopping.signal.aborted) return;
        turnEnd = monotonicSeconds() + longestTurn;
      }
      if (stopping.signal.aborted) return;
      handlers.onBytes(bytes, start + passed);
    }
  }

  const running = run().then(
    () => ended?.() ?? `${name} was played to its end`,
    (error: unknown) => describe(error),
  );
  const told = running.then((reason) => {
    if (!stopping.signal.aborted) handlers.onClose(reason);
  });
  return {
    write: () => Promise.reject(new Error(`${name} is a recording: it takes no bytes`)),
    async close() {
      stopping.abort();
      await told;
    },
  };
}

/** Waits, unless and until the signal says stop; 0 lets other work go first. */
function wait(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    if (seconds === 0) {
      setImmediate(resolve);
      return;
    }
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, seconds * 1000);
    signal.addEventListener('abort', done, { once: true });
  });
}
