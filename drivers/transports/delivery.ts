/** Whole messages on their way to handlers that may be slow.
 *
 * The handlers run between two turns of the event loop, not where the message came in, so that what waits in the socket is fetched
 * meanwhile. A consumer that falls behind then loses the oldest messages of a bounded queue, counted, instead of the newest in the
 * kernel or at the sender, which nobody counts. */
import { boundedQueue, type QueueLimit } from './bounded-queue.js';
import { monotonicSeconds, type TransportHandlers } from './transport.js';

/** 2 s of a LiDAR of 128 lines (1280 datagrams of 24,896 bytes a second) are less; more would only make what is delivered older. */
const usualLimit: QueueLimit = { items: 8192, bytes: 64 * 1024 * 1024 };
/** Seconds that fast handlers may take messages one after the other before the sockets are looked at again. */
const longestTurn = 0.005;

export interface Delivery {
  /** @param bytes are kept until they are delivered: the caller leaves them alone */
  onBytes(bytes: Uint8Array, arrivalTime: number): void;
  /** Tells the handlers, once, after what still waits. */
  onClose(reason: string): void;
  /** Nothing is delivered any more. */
  readonly stop: () => void;
  /** `lostMessages`: the handlers were too slow for them. */
  readonly failures: { readonly lostMessages: number };
}

export function deliverTo(handlers: TransportHandlers, limit = usualLimit): Delivery {
  const queue = boundedQueue<{ bytes: Uint8Array; arrivalTime: number }>(limit);
  let turn: NodeJS.Immediate | undefined;
  let end: string | undefined;
  let stopped = false;

  function work(): void {
    turn = undefined;
    const until = monotonicSeconds() + longestTurn;
    // Set before the handlers run: one that throws must not leave the rest undelivered.
    if (queue.length > 1) turn = setImmediate(work);
    do {
      const message = queue.shift();
      if (message) handlers.onBytes(message.bytes, message.arrivalTime);
    } while (!isStopped() && queue.length > 0 && monotonicSeconds() < until);
    if (isStopped()) return;
    if (queue.length > 0) turn ??= setImmediate(work);
    else if (end !== undefined) {
      stop();
      handlers.onClose(end);
    }
  }

  // The handlers may call `stop`, which TypeScript's narrowing does not see.
  const isStopped = () => stopped;

  function stop(): void {
    stopped = true;
    clearImmediate(turn);
    turn = undefined;
    while (queue.shift() !== undefined);
  }

  return {
    failures: {
      get lostMessages() {
        return queue.lost.items;
      },
    },
    onBytes(bytes, arrivalTime) {
      if (stopped || end !== undefined) return;
      queue.push({ bytes, arrivalTime }, bytes.length);
      if (queue.length > 0) turn ??= setImmediate(work);
    },
    onClose(reason) {
      if (stopped || end !== undefined) return;
      end = reason;
      turn ??= setImmediate(work);
    },
    stop,
  };
}
