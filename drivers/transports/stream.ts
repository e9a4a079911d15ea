import type { Duplex } from 'node:stream';
import { monotonicSeconds, type Connection, type TransportHandlers } from './transport.js';

/** Devices get short commands; more than this waiting means that the other side reads nothing. */
const longestWriteQueue = 64 * 1024;

/** What differs between the kinds of stream. */
export interface StreamEnds {
  /** Names the other side in messages, for instance `tcp 10.0.0.5:4001`. */
  readonly name: string;
  /** What to tell when the stream ends without an error. */
  readonly ended: string;
  /** What to tell for an error, with the remedy where there is one. */
  describe(error: Error): string;
  /** Gives the device or socket back; called once. */
  release(): Promise<void>;
}

/** A connection over an open stream: bytes go straight to the handler, nothing is kept; its end is reported once. */
export function connectStream(stream: Duplex, ends: StreamEnds, handlers: TransportHandlers): Connection {
  let released: Promise<void> | undefined;
  const waiting = new Set<(error: Error) => void>();

  function end(reason: string): Promise<void> {
    for (const reject of waiting) reject(new Error(reason));
    waiting.clear();
    stream.pause();
    return ends.release();
  }
  function lose(reason: string): void {
    if (released) return;
    released = end(reason);
    handlers.onClose(reason);
  }

  // The error listener stays for good: an error after the end must not become an uncaught exception.
  stream.on('error', (error: Error) => lose(ends.describe(error)));
  stream.on('end', () => lose(ends.ended));
  stream.on('close', (error?: Error | null) => lose(error instanceof Error ? ends.describe(error) : ends.ended));
  stream.on('data', (bytes: Buffer) => {
    if (!released) handlers.onBytes(bytes, monotonicSeconds());
  });

  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        if (released) {
          reject(new Error(`${ends.name} is closed`));
          return;
        }
        if (stream.writableLength + bytes.length > longestWriteQueue) {
          reject(new Error(`${ends.name} takes no bytes: ${stream.writableLength} are waiting already`));
          return;
        }
        waiting.add(reject);
        stream.write(Buffer.from(bytes), (error) => {
          waiting.delete(reject);
          if (error) reject(new Error(ends.describe(error)));
          else resolve();
        });
      }),
    close: () => (released ??= end(`${ends.name} was closed`)),
  };
}
