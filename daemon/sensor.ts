/** Supervision of one sensor: opened, watched, opened again, reported, and never the end of anything else.
 *
 *    connecting ──frame──▶ live ──no frame for silenceTimeout──▶ silent
 *                           │                                      │
 *                           └──closed──▶ unreachable ◀──refused────┘      any ──frame──▶ live     any ──stop()──▶ stopped
 *
 *  A state changes only on evidence: a frame, a silence, a refusal or a close. An attempt alone changes nothing, so that a
 *  device that is away for a day makes one line in the log. Attempts follow each other with exponential back-off. */
import type { Logger } from 'pino';
import type { Decoder, Driver } from '../drivers/driver.js';
import type { Frame } from '../drivers/frames.js';
import { monotonicSeconds, type Connection, type TransportHandlers } from '../drivers/transports/transport.js';
import { isoTime } from './time.js';
import type { SensorHealth } from './topics.js';

export interface SensorOptions {
  name: string;
  place: string;
  driver: Driver;
  /** As the driver's schema validated them. */
  driverSettings: unknown;
  /** Reads the text files that the driver's settings name, at each opening; rejects with a message that says what to do. */
  readFiles?: () => Promise<Readonly<Record<string, string>>>;
  /** Opens the device; rejects with a message that says what failed and what to do. */
  openTransport: (handlers: TransportHandlers) => Promise<Connection>;
  transportName: string;
  /** Seconds without a frame after which an open connection is closed and opened again; at least the time of three frames. */
  silenceTimeout: number;
  virtual: boolean;
  recorded: boolean;
  /** All bytes as they arrive, before they are decoded; not kept after the call. */
  onBytes?: (bytes: Uint8Array, arrivalTime: number) => void;
  /** The frames that one arrival of bytes completed, oldest first; never none. */
  onFrames: (frames: Frame[]) => void;
  /** The sensor was live and is no longer; not called by `stop()`. */
  onGone: () => void;
  /** At each change of state, and every 5 s in between. */
  onHealth: (health: SensorHealth) => void;
  /** Opens the device once only: a recording that has been played is over. */
  once?: boolean;
  log: Logger;
  /** Seconds: the first wait between two attempts, doubled each time up to the longest. */
  backOff?: { first: number; longest: number };
  /** Seconds after which an attempt to open counts as failed, and a connection that does not close is left behind. */
  patience?: { open: number; close: number };
  /** Seconds on the host's monotonic clock. */
  now?: () => number;
}

export interface SupervisedSensor {
  /** Closes the device; nothing is called any more but `onHealth` once, with `stopped`. */
  stop(): Promise<void>;
  health(): SensorHealth;
  /** Resolves when the device is not opened any more: it was stopped, or with `once`, its connection has ended. */
  readonly ended: Promise<void>;
}

/** How a connection ended, or why there was none. */
interface End {
  state: 'silent' | 'unreachable';
  reason: string;
}

const healthPeriod = 5;
/** Seconds over which the frame rate is counted. */
const rateSpan = 5;

/** Starts to supervise one sensor. Throws nothing: whatever goes wrong is in the health and in the log. */
export function superviseSensor(options: SensorOptions): SupervisedSensor {
  const { name, driver, log, now = monotonicSeconds } = options;
  const { backOff = { first: 1, longest: 30 }, patience = { open: 15, close: 1 } } = options;

  // A device that is set to one frame in 5 s is not silent after 2 s.
  const silenceTimeout = Math.max(options.silenceTimeout, 3 / driver.nominalRate(options.driverSettings));

  let state: SensorHealth['state'] = 'connecting';
  let since = now();
  let reason: string | undefined;
  let lastFrame: number | undefined;
  let opened = 0;
  // Totals of the decoders that are no more; a decoder lives as long as its connection.
  const past = { frames: 0, bytes: 0, skippedBytes: 0, failures: {} as Record<string, number> };
  let decoder: Decoder | undefined;
  /** What the open connection itself counts. */
  let transportFailures: Readonly<Record<string, number>> = {};
  // [time, frames until then], oldest first, from which the frame rate is counted.
  let rateMarks: [number, number][] = [];

  const stopping = new AbortController();

  function health(): SensorHealth {
    const failures: Record<string, number> = {};
    for (const counts of [past.failures, decoder?.counters.failures ?? {}, transportFailures])
      for (const [kind, n] of Object.entries(counts)) if (n > 0) failures[kind] = (failures[kind] ?? 0) + n;
    return {
      state,
      since: isoTime(since),
      ...(reason !== undefined && { reason }),
      driver: driver.name,
      transport: options.transportName,
      place: options.place,
      virtual: options.virtual,
      recorded: options.recorded,
      frames: totalFrames(),
      frameRate: frameRate(),
      bytes: past.bytes + (decoder?.counters.bytes ?? 0),
      skippedBytes: past.skippedBytes + (decoder?.counters.skippedBytes ?? 0),
      failures,
      reconnects: Math.max(0, opened - 1),
      ...(lastFrame !== undefined && { lastFrame: isoTime(lastFrame) }),
    };
  }

  function totalFrames(): number {
    return past.frames + (decoder?.counters.frames ?? 0);
  }

  function frameRate(): number {
    const [time, frames] = rateMarks[0] ?? [];
    if (state !== 'live' || time === undefined || frames === undefined) return 0;
    const span = now() - time;
    return span > 0 ? Math.round(((totalFrames() - frames) / span) * 10) / 10 : 0;
  }

  function markRate(time: number): void {
    const last = rateMarks.at(-1);
    if (last && time - last[0] < rateSpan / 10) return;
    rateMarks.push([time, totalFrames()]);
    while (rateMarks.length > 1 && time - rateMarks[1]![0] >= rateSpan) rateMarks.shift();
  }

  const told = new Set<string>();
  /** An error of our own code or of a driver: counted each time, logged once. */
  function ourError(kind: string, error: unknown): void {
    past.failures[kind] = (past.failures[kind] ?? 0) + 1;
    if (told.has(kind)) return;
    told.add(kind);
    log.error(
      { sensor: name, error: message(error), stack: error instanceof Error ? error.stack : undefined },
      `${kind}: this is a fault of babel-gateway or of its driver, please report it; further ones are only counted`,
    );
  }

  function guarded(kind: string, call: () => void): void {
    try {
      call();
    } catch (error) {
      ourError(kind, error);
    }
  }

  function report(): void {
    guarded('healthError', () => options.onHealth(health()));
  }

  function enter(next: SensorHealth['state'], why?: string): void {
    const before = state;
    reason = why;
    if (next === before) return;
    state = next;
    since = now();
    if (next === 'live') rateMarks = [];
    const line = `sensor ${name} is ${next}${why === undefined ? '' : `: ${why}`}`;
    if (next === 'silent' || next === 'unreachable') log.warn({ sensor: name }, line);
    else log.info({ sensor: name }, line);
    if (before === 'live' && next !== 'stopped') guarded('goneError', options.onGone);
    report();
  }

  function keep(failures: Readonly<Record<string, number>>): void {
    for (const [kind, n] of Object.entries(failures)) past.failures[kind] = (past.failures[kind] ?? 0) + n;
  }

  function retire(old: Decoder): void {
    past.frames += old.counters.frames;
    past.bytes += old.counters.bytes;
    past.skippedBytes += old.counters.skippedBytes;
    keep(old.counters.failures);
    decoder = undefined;
  }

  /** Opens the device and stays until the connection has ended. Gives the seconds from its first frame to its last. */
  async function connection(): Promise<number> {
    let over = false;
    let end: (end?: End) => void = () => undefined;
    const ended = new Promise<End | undefined>((resolve) => (end = resolve));
    const onStop = () => end();
    stopping.signal.addEventListener('abort', onStop, { once: true });

    let bytes = 0;
    let frames = 0;
    let lastSign = now();
    let watch: NodeJS.Timeout | undefined;
    let files: Readonly<Record<string, string>> = {};

    const handlers: TransportHandlers = {
      onBytes(chunk, arrivalTime) {
        if (over) return;
        if (options.onBytes) guarded('consumerError', () => options.onBytes?.(chunk, arrivalTime));
        bytes += chunk.length;
        let fresh: Frame[];
        try {
          decoder ??= driver.decoder(options.driverSettings, files);
          fresh = decoder.push(chunk, arrivalTime);
        } catch (error) {
          ourError('decoderError', error);
          // Its state is not to be trusted any more.
          if (decoder) retire(decoder);
          return;
        }
        if (fresh.length === 0) return;
        lastSign = now();
        lastFrame = arrivalTime;
        bytes = 0;
        frames += fresh.length;
        if (state !== 'live') enter('live');
        markRate(lastSign);
        guarded('consumerError', () => options.onFrames(fresh));
      },
      onClose: (why) => end({ state: 'unreachable', reason: why }),
      onWarning: (warning) => log.warn({ sensor: name }, warning),
    };

    function watchSilence(): void {
      if (over) return;
      const left = lastSign + silenceTimeout - now();
      // A timer's resolution is a millisecond; a rest below it would spin.
      if (left > 0.001) {
        // A busy main thread runs a timer that is due before it reads what lies in the sockets: let it read first.
        watch = setTimeout(() => setImmediate(watchSilence), left * 1000);
      } else end({ state: 'silent', reason: silence(bytes, frames) });
    }

    /** @returns what stops the device; nothing if it needs none or could not be started, which has ended the connection */
    async function startDevice(open: Connection): Promise<(() => Promise<void>) | undefined> {
      try {
        const stopDevice = await driver.start?.(open, options.driverSettings, files);
        lastSign = now();
        watchSilence();
        return stopDevice;
      } catch (error) {
        end({ state: 'unreachable', reason: message(error) });
        return undefined;
      }
    }

    const opening = (async () => {
      if (options.readFiles) files = await options.readFiles();
      // A file that the decoder cannot work with is told before the device is asked for anything.
      decoder = driver.decoder(options.driverSettings, files);
      return options.openTransport(handlers);
    })();
    // Whenever it comes: a connection that nobody waits for any more must not stay open.
    const closed = opening.then(
      async (open) => {
        opened += 1;
        transportFailures = open.failures ?? {};
        const started = startDevice(open);
        await ended;
        await (
          await started
        )?.();
        await open.close();
        keep(transportFailures);
        transportFailures = {};
      },
      (error: unknown) => end({ state: 'unreachable', reason: message(error) }),
    );
    closed.catch((error: unknown) => log.debug({ sensor: name, reason: message(error) }, 'closing the device failed'));
    const late = setTimeout(
      () =>
        end({
          state: 'unreachable',
          reason: `opening took more than ${patience.open} s: is the device switched on and reachable?`,
        }),
      patience.open * 1000,
    );
    void opening.then(
      () => clearTimeout(late),
      () => clearTimeout(late),
    );

    const how = await ended;
    const lived = state === 'live' ? lastSign - since : 0;
    over = true;
    clearTimeout(late);
    clearTimeout(watch);
    stopping.signal.removeEventListener('abort', onStop);
    if (decoder) retire(decoder);
    if (how) enter(how.state, how.reason);
    await atMost(patience.close, closed);
    return lived;
  }

  function silence(bytes: number, frames: number): string {
    const waited = `for ${silenceTimeout} s`;
    if (bytes === 0) {
      return frames === 0
        ? `open, but nothing arrives ${waited}: is the device switched on and connected?`
        : `nothing arrives any more ${waited}: is the device still switched on and connected?`;
    }
    const { serial } = driver.transports;
    const remedy = serial
      ? `is the baud rate right (the driver's usual is ${serial.baudRate})?`
      : 'is it the device that the configuration names?';
    const since = frames === 0 ? 'arrived' : 'arrived since the last frame';
    return `${bytes.toLocaleString('en-GB')} bytes ${since}, none a valid ${driver.name} frame: ${remedy}`;
  }

  async function supervise(): Promise<void> {
    let wait = backOff.first;
    while (!stopping.signal.aborted) {
      const lived = await connection();
      if (options.once) return;
      // Back to short waits for a device that was worth its last wait, not for one that says a word and goes.
      if (lived > wait) wait = backOff.first;
      // Jitter, so that the sensors of one serial server do not all come at once.
      await pause(wait * (0.5 + Math.random() / 2), stopping.signal);
      wait = Math.min(backOff.longest, wait * 2);
    }
  }

  const heartbeat = setInterval(report, healthPeriod * 1000);
  report();
  const running = supervise();

  return {
    health,
    ended: running,
    async stop() {
      stopping.abort();
      await running;
      clearInterval(heartbeat);
      enter('stopped');
    },
  };
}

/** Waits, unless and until the signal says stop. */
function pause(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, seconds * 1000);
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}

/** Waits for `promise`, but not longer than `seconds`; what becomes of it is not told. */
async function atMost(seconds: number, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<void>((resolve) => (timer = setTimeout(resolve, seconds * 1000)));
  await Promise.race([promise.catch(() => undefined), enough]);
  clearTimeout(timer);
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
