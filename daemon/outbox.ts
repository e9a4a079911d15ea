/** The queue of activity changes that the broker has not yet confirmed: on disk, in order, bounded.
 *
 *    change:0000000000000042    what was appended, text
 *    next                       the next sequence number, so that numbers grow over restarts
 *
 *  LevelDB (`classic-level`). An append is on the disk before it resolves, and survives kill -9 and a power cut. */
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ClassicLevel } from 'classic-level';
import type { Logger } from 'pino';

export interface Entry {
  readonly sequence: number;
  readonly text: string;
}

export interface Outbox {
  /**
   * Stores a change durably; drops the oldest ones where that makes more than the bound.
   * @returns its sequence number, and the failure if it could not be stored (a full disk, for instance)
   */
  append(text: string): Promise<{ sequence: number; failure?: Error }>;
  /** The oldest entries, in order, at most `limit`. */
  peek(limit: number): Promise<Entry[]>;
  /** Removes every entry up to and including this number. */
  acknowledge(sequence: number): Promise<void>;
  /** Entries in the queue. */
  readonly size: number;
  /** Entries that were dropped since opening because the queue was full. */
  readonly dropped: number;
  close(): Promise<void>;
}

export interface OutboxOptions {
  directory: string;
  log: Logger;
  /** Most entries to keep. */
  bound?: number;
  /** Unix time, milliseconds. */
  now?: () => number;
}

const prefix = 'change:';
const nextKey = 'next';
/** Zero-padded to the digits of the largest safe integer, so that the order of keys is the order of numbers. */
const keyOf = (sequence: number) => prefix + String(sequence).padStart(16, '0');
const sequenceOf = (key: string) => Number(key.slice(prefix.length));
const last = keyOf(Number.MAX_SAFE_INTEGER);

/**
 * Opens the queue in `directory`, which is made where absent. One that cannot be read is moved to `<directory>.damaged`,
 * and an empty one is begun.
 * @throws Error that says what to do, if another process has it open or the directory is not permitted
 */
export async function openOutbox({ directory, log, bound = 10_000, now = Date.now }: OutboxOptions): Promise<Outbox> {
  const store = await openStore(directory, log, now);
  const { db } = store;
  let { size, next } = store;
  /** Below it, nothing is left: reading begins here and skips what was deleted. */
  let first = 0;
  let dropped = 0;
  /** Operations run one after the other: LevelDB would run concurrent ones in any order. */
  let tail: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = tail.then(work);
    tail = result.catch(() => undefined);
    return result;
  };
  /** Not synced: a removal that a power cut undoes only sends the change again. */
  const remove = async (oldest: string[]) => {
    if (oldest.length === 0) return;
    await db.batch(oldest.map((key) => ({ type: 'del', key })));
    size = Math.max(0, size - oldest.length);
    first = sequenceOf(oldest.at(-1)!) + 1;
  };

  return {
    append: (text) =>
      inTurn(async () => {
        // The number is taken even where storing fails: no two changes may bear the same.
        const sequence = next++;
        try {
          await db.batch(
            [
              { type: 'put', key: keyOf(sequence), value: text },
              { type: 'put', key: nextKey, value: String(next) },
            ],
            { sync: true },
          );
          size++;
          if (size > bound) {
            const oldest = await db.keys({ gte: keyOf(first), lte: last, limit: size - bound }).all();
            await remove(oldest);
            dropped += oldest.length;
          }
          return { sequence };
        } catch (error) {
          return { sequence, failure: error as Error };
        }
      }),
    peek: (limit) =>
      inTurn(async () => {
        const entries = await db.iterator({ gte: keyOf(first), lte: last, limit }).all();
        return entries.map(([key, text]) => ({ sequence: sequenceOf(key), text }));
      }),
    acknowledge: (sequence) =>
      inTurn(async () => remove(await db.keys({ gte: keyOf(first), lte: keyOf(sequence) }).all())),
    get size() {
      return size;
    },
    get dropped() {
      return dropped;
    },
    close: () => inTurn(() => db.close()),
  };
}

interface Store {
  db: ClassicLevel;
  size: number;
  next: number;
}

async function openStore(directory: string, log: Logger, now: () => number): Promise<Store> {
  try {
    await mkdir(dirname(directory), { recursive: true });
  } catch (error) {
    throw notPermitted(directory, error);
  }
  try {
    return await readStore(directory);
  } catch (error) {
    const { code, message } = cause(error);
    if (code === 'LEVEL_LOCKED')
      throw new Error(
        `the outbox ${directory} is in use by another process, probably another babel-gateway: stop that one, or give this one another state directory`,
        { cause: error },
      );
    if (/permission denied|read-only file system|no space left|disk quota|too many open files/i.test(message))
      throw notPermitted(directory, error);
    const aside = `${directory}.damaged`;
    await rm(aside, { recursive: true, force: true });
    await rename(directory, aside);
    log.error(
      { reason: message, movedTo: aside },
      'the outbox cannot be read: it was moved aside and an empty one begun; activity changes that had not been delivered are lost',
    );
    const store = await readStore(directory);
    // The count is lost too; the time in milliseconds is above any count that can have been reached, and whole.
    store.next = Math.max(store.next, now());
    return store;
  }
}

async function readStore(directory: string): Promise<Store> {
  const db = new ClassicLevel(directory, { writeBufferSize: 1024 * 1024, cacheSize: 1024 * 1024 });
  await db.open();
  try {
    let size = 0;
    let highest = 0;
    for await (const key of db.keys({ gte: keyOf(0), lte: last })) {
      highest = sequenceOf(key);
      if (!Number.isSafeInteger(highest)) throw new Error(`unexpected key ${key}`);
      size++;
    }
    const stored = await db.get(nextKey);
    const next = stored === undefined ? 1 : Number(stored);
    if (!Number.isSafeInteger(next) || next <= highest)
      throw new Error(`next sequence number ${next} after ${highest}`);
    return { db, size, next };
  } catch (error) {
    await db.close();
    throw error;
  }
}

/** abstract-level wraps LevelDB's own error in 'Database failed to open'. */
function cause(error: unknown): { code: string | undefined; message: string } {
  const inner = (error instanceof Error && error.cause instanceof Error ? error.cause : error) as NodeJS.ErrnoException;
  return { code: inner.code, message: inner.message };
}

function notPermitted(directory: string, error: unknown): Error {
  return new Error(
    `the outbox ${directory} cannot be written: ${cause(error).message}; check the directory's owner and free space, or choose another state directory`,
    { cause: error },
  );
}
