/** A device that is played: timed messages, sent as the device would send them.
 *
 *  Every message has its time in the performance, and is sent at its beginning + time: timers that ring late do not add up. When
 *  the performance begins and waits: stage.ts. An outlet that is not free is waited for, and then gets what it missed at once, as a
 *  client would from a socket's buffer. */
import type { Outlet } from './outlet.js';
import { Stage } from './stage.js';
import type { Player } from './stage.js';

export interface PlayedChunk<Message = Uint8Array> {
  /** Seconds from the performance's beginning; never before the chunk ahead of it. */
  readonly at: number;
  /** Seconds that the chunk stands for: a sample's share of the time. */
  readonly lasts: number;
  /** What is performed in that time. */
  readonly label: string;
  /** @param deviceTime the device's clock at this chunk, Unix time in seconds */
  readonly message: (deviceTime: number) => Message;
}

export interface PlayedDevice {
  /**
   * What was performed in most of `[start, end)`, of what was sent in it; undefined if nothing was, or if it is minutes ago.
   * Seconds on the host's monotonic clock, the one of `performance.now()`.
   */
  performing(start: number, end: number): string | undefined;
  /** Closes the outlet. */
  close(): Promise<void>;
}

/** What the device's clock shows at the first chunk: a device without a battery starts at a date of its own. */
const clockStart = Date.UTC(2020, 0, 1) / 1000;
/** Seconds for which what was performed is remembered. */
const memory = 300;

const now = () => performance.now() / 1000;

interface Span {
  readonly label: string;
  readonly start: number;
  end: number;
}

/**
 * Plays the chunks. Those that come from files may be read as they are needed: the next one is asked for when one was sent.
 * @param stage of the devices that play together; without it, the device plays alone
 * @param onEnd called once, after the last chunk
 */
export function playDevice<Message>(
  chunks: Iterable<PlayedChunk<Message>> | AsyncIterable<PlayedChunk<Message>>,
  outlet: Outlet<Message>,
  { stage = new Stage(), onEnd }: { stage?: Stage | undefined; onEnd?: () => void } = {},
): PlayedDevice {
  let next = Infinity;
  let wake: () => void = () => undefined;
  let closed = false;
  const spans: Span[] = [];
  const player: Player = { heard: () => outlet.heard, at: () => next, wake: () => wake() };

  async function play(): Promise<void> {
    let begun: number | undefined; // when the first chunk was due
    for await (const { at, lasts, label, message } of chunks) {
      next = at;
      if (stage.zero === Infinity) stage.changed();
      for (;;) {
        if (closed) return;
        const due = stage.zero + at;
        const wait = due - now();
        if (wait <= 0) {
          if (outlet.heard && outlet.free) {
            outlet.send(message(clockStart + due - (begun ??= due)));
            remember(label, due, due + lasts);
            break;
          }
          if (!outlet.heard && stage.heard) break; // unheard
        }
        await change(wait);
      }
      next = Infinity;
    }
    if (!closed) onEnd?.();
  }

  /** Waits for whatever may be a reason to send, or until so many seconds have passed if that is ahead. */
  function change(seconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = seconds > 0 && seconds < Infinity ? setTimeout(resolve, Math.ceil(seconds * 1000)) : undefined;
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  function remember(label: string, start: number, end: number): void {
    const last = spans.at(-1);
    // A gap is at least a chunk long; less is rounding.
    if (last?.label === label && start - last.end < (end - start) / 2) last.end = end;
    else spans.push({ label, start, end });
    while (spans[0] && spans[0].end < end - memory) spans.shift();
  }

  stage.enter(player);
  outlet.onChange = () => stage.changed();
  const playing = play().finally(() => stage.leave(player));

  return {
    performing(start, end) {
      const seconds = new Map<string, number>();
      for (const span of spans) {
        const common = Math.min(end, span.end) - Math.max(start, span.start);
        if (common > 0) seconds.set(span.label, (seconds.get(span.label) ?? 0) + common);
      }
      return [...seconds].reduce<[string?, number?]>((most, one) => (one[1] > (most[1] ?? 0) ? one : most), [])[0];
    },
    async close() {
      closed = true;
      wake();
      await outlet.close();
      await playing;
    },
  };
}
