import type { z } from 'zod';

/** Steps of the clock in a second: a power of two, so that sums and differences of its times are exact, and a replay computes with
 *  the very distances that were recorded. */
const steps = 2 ** 20;

/** Seconds on the host's monotonic clock, to the microsecond. Every arrival time, window and deadline of the gateway uses it. */
export function monotonicSeconds(): number {
  return Math.round((performance.now() / 1000) * steps) / steps;
}

/** Offset from `monotonicSeconds` to Unix time, seconds. Taken anew at each call, so that a stepped wall clock is followed. */
export function wallClockOffset(): number {
  return Date.now() / 1000 - monotonicSeconds();
}

export interface TransportHandlers {
  /** `bytes` may be reused after the call returns. */
  onBytes(bytes: Uint8Array, arrivalTime: number): void;
  /** Called once, whether the other side closed, the device vanished or an error ended it; never after `close()`. */
  onClose(reason: string): void;
  /** The connection works, but will lose data as it is: what is wrong and what to do. At most once a connection. */
  onWarning?(warning: string): void;
}

export interface Connection {
  /** Sends bytes to the device. */
  write(bytes: Uint8Array): Promise<void>;
  /** What the transport itself lost or refused, by kind, for instance `{ lostMessages: 3 }`; absent where it can lose nothing. */
  readonly failures?: Readonly<Record<string, number>>;
  close(): Promise<void>;
}

/** One way for bytes to come in. */
export interface Transport<Settings = unknown> {
  /** The name in configurations, for instance `serial`. */
  readonly name: string;
  readonly settings: z.ZodType<Settings>;
  /** Opens the device or connection; rejects with a message that says what failed and what to do. */
  open(settings: Settings, handlers: TransportHandlers): Promise<Connection>;
}
