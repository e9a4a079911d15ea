/** A device that is played: timed bytes, served on a loopback TCP port as ser2net serves a serial device.
 *
 *  Every chunk has its time in the performance, and is sent at start + time: timers that ring late do not add up. Nobody connected,
 *  the performance waits at the chunk that is due. A client that does not read is waited for, and then gets what it missed at once,
 *  as it would from a socket's buffer. */
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export interface PlayedChunk {
  /** Seconds from the performance's beginning; never before the chunk ahead of it. */
  readonly at: number;
  /** Seconds that the chunk stands for: a sample's share of the time. */
  readonly lasts: number;
  /** What is performed in that time. */
  readonly label: string;
  /** @param deviceTime the device's clock at this chunk, Unix time in seconds */
  readonly bytes: (deviceTime: number) => Uint8Array;
}

export interface PlayedDevice {
  readonly host: string;
  readonly port: number;
  /**
   * What was performed in most of `[start, end)`, of what was sent in it; undefined if nothing was, or if it is minutes ago.
   * Seconds on the host's monotonic clock, the one of `performance.now()`.
   */
  performing(start: number, end: number): string | undefined;
  /** Disconnects the client and gives the port back. */
  close(): Promise<void>;
}

const loopback = '127.0.0.1';
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
 * Serves one client, always the newest; the performance begins with the first one.
 * @param onEnd called once, after the last chunk
 * @throws Error if no port of the loopback interface can be had
 */
export async function playDevice(chunks: Iterable<PlayedChunk>, onEnd?: () => void): Promise<PlayedDevice> {
  const iterator = chunks[Symbol.iterator]();
  let next = iterator.next();
  let begun: number | undefined; // when the first chunk was due
  let zero = 0; // when the performance began, moved on by waits for a client
  let client: Socket | undefined;
  let timer: NodeJS.Timeout | undefined;
  const spans: Span[] = [];

  function play(): void {
    clearTimeout(timer);
    while (client?.writableNeedDrain === false && next.done !== true) {
      const { at, lasts, label, bytes } = next.value;
      const due = zero + at;
      const wait = due - now();
      if (wait > 0) {
        timer = setTimeout(play, Math.ceil(wait * 1000));
        return;
      }
      begun ??= due;
      client.write(bytes(clockStart + due - begun));
      remember(label, due, due + lasts);
      next = iterator.next();
      if (next.done === true) onEnd?.();
    }
  }

  function remember(label: string, start: number, end: number): void {
    const last = spans.at(-1);
    // A gap is at least a chunk long; less is rounding.
    if (last?.label === label && start - last.end < (end - start) / 2) last.end = end;
    else spans.push({ label, start, end });
    while (spans[0] && spans[0].end < end - memory) spans.shift();
  }

  const server = createServer({ noDelay: true }, (socket) => {
    // The one before is gone, or its end has not come through yet.
    client?.destroy();
    client = socket;
    socket.on('drain', play);
    socket.on('error', () => undefined); // `close` follows
    socket.on('close', () => {
      if (client !== socket) return;
      client = undefined;
      clearTimeout(timer);
    });
    socket.resume(); // commands to the device: read, or the end would not be seen
    if (next.done !== true) zero = Math.max(zero, now() - next.value.at);
    play();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, loopback, resolve);
  });
  // A connection that could not be accepted: whoever made it is told by the system.
  server.on('error', () => undefined);

  return {
    host: loopback,
    port: (server.address() as AddressInfo).port,
    performing(start, end) {
      const seconds = new Map<string, number>();
      for (const span of spans) {
        const common = Math.min(end, span.end) - Math.max(start, span.start);
        if (common > 0) seconds.set(span.label, (seconds.get(span.label) ?? 0) + common);
      }
      return [...seconds].reduce<[string?, number?]>((most, one) => (one[1] > (most[1] ?? 0) ? one : most), [])[0];
    },
    close() {
      clearTimeout(timer);
      client?.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
