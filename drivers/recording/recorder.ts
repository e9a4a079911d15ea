/** Records what arrives from sensors into MCAP files: each call of a transport is one message, unchanged.
 *
 * `write` copies the bytes and returns; the disk is written to behind it. Where the disk is too slow, the oldest messages that
 * wait are lost, whole, and counted; the messages' sequence numbers show where. */
import { open, mkdir, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { boundedQueue } from '../transports/bounded-queue.js';
import { wallClockOffset } from '../transports/transport.js';
import { deviceBytesName, deviceBytesSchema, encodeDeviceBytes } from './device-bytes.js';
import { ChunkedMcapWriter } from './mcap-writer.js';
import { toMetadata, type SensorDescription } from './sensor-description.js';

/** Either `file`, which must not exist yet, or `directory`, in which files are named by the time of their beginning. */
export type RecorderTarget =
  | { readonly file: string; readonly directory?: never; readonly rotate?: never }
  | { readonly file?: never; readonly directory: string; readonly rotate?: Rotation };

/** A file that has become this large or this old is followed by the next. */
export interface Rotation {
  readonly bytes?: number;
  readonly seconds?: number;
}

export type RecorderOptions = RecorderTarget & {
  /** Seconds after which what has arrived is on the way to the disk: what a killed process loses at most. */
  readonly flushPeriod?: number;
  /** Called once, with one line: nothing is recorded any more. */
  readonly onError: (problem: string) => void;
};

export interface Recorder {
  /**
   * Never blocks and never throws.
   * @param sensor the same object at each call: it is a channel of its own
   * @param bytes may be reused after the call
   * @param arrivalTime on the host's monotonic clock, seconds
   */
  write(sensor: SensorDescription, bytes: Uint8Array, arrivalTime: number): void;
  /** Writes what is left and ends the file. */
  close(): Promise<void>;
  readonly counters: Readonly<RecorderCounters>;
  /** The file that is written now. */
  readonly file: string;
}

export interface RecorderCounters {
  messages: number;
  /** Bytes of the sensors in these messages. */
  bytes: number;
  files: number;
  /** Messages that were not recorded because the disk was too slow, or full. */
  lostMessages: number;
}

const usualRotation: Rotation = { bytes: 512 * 1024 * 1024, seconds: 3600 };
const chunkSize = 256 * 1024;
const mostWaiting = { items: 65_536, bytes: 64 * 1024 * 1024 };

interface Waiting {
  readonly sensor: SensorDescription;
  /** As the file holds it. */
  readonly data: Uint8Array;
  /** Bytes of the sensor in it. */
  readonly length: number;
  readonly wallTime: number;
  readonly sequence: number;
}

/** @throws Error with one line that says what failed and what to do */
export async function createRecorder(options: RecorderOptions): Promise<Recorder> {
  const { flushPeriod = 1, onError } = options;
  const rotate = options.file === undefined ? { ...usualRotation, ...options.rotate } : {};
  const queue = boundedQueue<Waiting>(mostWaiting);
  const counters = { messages: 0, bytes: 0, files: 0, refused: 0 };
  const sequences = new Map<SensorDescription, number>();
  let current = await begin();
  let chunkIsDue = false;
  let failed = false;
  let closing: Promise<void> | undefined;
  let working: Promise<void> | undefined;

  async function begin(): Promise<OpenFile> {
    const file = await OpenFile.create(options).catch((error: unknown) => {
      throw new Error(describeRecordingError(options.file ?? options.directory, error), { cause: error });
    });
    counters.files++;
    return file;
  }

  /** Writes what waits. One runs at a time. */
  async function work(): Promise<void> {
    try {
      for (;;) {
        const next = queue.shift();
        if (next === undefined) {
          if (!chunkIsDue) return;
          chunkIsDue = false;
          await current.writer.endChunk();
          continue;
        }
        if (isOver(current, rotate, next.wallTime)) {
          await current.end();
          current = await begin();
        }
        current.add(next);
        counters.messages++;
        counters.bytes += next.length;
        if (current.writer.chunkBytes >= chunkSize) await current.writer.endChunk();
      }
    } catch (error) {
      fail(error);
    }
  }

  function fail(error: unknown): void {
    if (failed) return;
    failed = true;
    clearInterval(timer);
    while (queue.shift() !== undefined) counters.refused++;
    // What was begun cannot be ended; it is readable up to its last whole chunk.
    void current.abandon();
    onError(error instanceof Error && error.cause ? error.message : describeRecordingError(current.path, error));
  }

  function startWork(): void {
    if (working !== undefined || failed) return;
    working = work().finally(() => (working = undefined));
  }

  const timer = setInterval(() => {
    chunkIsDue = true;
    startWork();
  }, flushPeriod * 1000);
  // Recording alone keeps no process alive.
  timer.unref();
  let offset = wallClockOffset();

  return {
    counters: {
      get messages() {
        return counters.messages;
      },
      get bytes() {
        return counters.bytes;
      },
      get files() {
        return counters.files;
      },
      get lostMessages() {
        return queue.lost.items + counters.refused;
      },
    },
    get file() {
      return current.path;
    },
    write(sensor, bytes, arrivalTime) {
      const sequence = (sequences.get(sensor) ?? 0) + 1;
      sequences.set(sensor, sequence);
      if (failed || closing) {
        counters.refused++;
        return;
      }
      const fresh = wallClockOffset();
      // Both clocks are read a moment apart; only a clock that was set is worth a step.
      if (Math.abs(fresh - offset) > 0.05) offset = fresh;
      const wallTime = arrivalTime + offset;
      const data = encodeDeviceBytes({ arrivalTime, bytes });
      queue.push({ sensor, data, length: bytes.length, wallTime, sequence }, data.length);
      if (queue.bytes >= chunkSize) startWork();
    },
    close() {
      return (closing ??= (async () => {
        clearInterval(timer);
        await working;
        if (!failed) await work();
        if (!failed) await current.end().catch(fail);
        if (failed) await current.abandon();
      })());
    },
  };
}

/** One file of a recording. */
class OpenFile {
  readonly writer: ChunkedMcapWriter;
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #channels = new Map<SensorDescription, number>();
  #schema: number | undefined;
  /** Wall time of the first message. */
  begun: number | undefined;

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
    this.writer = new ChunkedMcapWriter(async (bytes) => {
      // One call may write less than it is given, for instance on the last free bytes of a disk.
      for (let at = 0; at < bytes.length;) at += (await handle.write(bytes, at)).bytesWritten;
    });
  }

  static async create({ file, directory }: RecorderTarget): Promise<OpenFile> {
    await mkdir(directory ?? dirname(file), { recursive: true });
    const [path, handle] = directory === undefined ? [file, await open(file, 'wx')] : await openNamedByTime(directory);
    const created = new OpenFile(path, handle);
    try {
      await created.writer.start('babel-gateway');
    } catch (error) {
      await created.abandon();
      throw error;
    }
    return created;
  }

  add({ sensor, data, wallTime, sequence }: Waiting): void {
    this.begun ??= wallTime;
    const { writer } = this;
    this.#schema ??= writer.addSchema({ name: deviceBytesName, encoding: 'protobuf', data: deviceBytesSchema() });
    let channelId = this.#channels.get(sensor);
    if (channelId === undefined) {
      const metadata = toMetadata(sensor);
      const topic = `/${sensor.sensor}`;
      channelId = writer.addChannel({ topic, messageEncoding: 'protobuf', schemaId: this.#schema, metadata });
      this.#channels.set(sensor, channelId);
    }
    const logTime = BigInt(Math.round(wallTime * 1e6)) * 1000n;
    writer.addMessage({ channelId, sequence: sequence >>> 0, logTime, publishTime: logTime, data });
  }

  async end(): Promise<void> {
    await this.writer.end();
    await this.#handle.sync();
    await this.#handle.close();
  }

  async abandon(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
  }
}

function isOver({ writer, begun }: OpenFile, { bytes, seconds }: Rotation, wallTime: number): boolean {
  if (begun === undefined) return false;
  return (bytes !== undefined && writer.bytes >= bytes) || (seconds !== undefined && wallTime - begun >= seconds);
}

/** `2026-03-01T12-00-00Z.mcap`, with a number if there is one of that second already. */
async function openNamedByTime(directory: string): Promise<[string, FileHandle]> {
  const time = new Date().toISOString().replace(/\.\d+/, '').replaceAll(':', '-');
  for (let i = 1; ; i++) {
    const path = join(directory, `${time}${i === 1 ? '' : `-${i}`}.mcap`);
    try {
      return [path, await open(path, 'wx')];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** One line that says what failed and what to do. */
export function describeRecordingError(path: string, error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const remedies: Record<string, string | undefined> = {
    ENOSPC: 'the disk is full: recording has ended. What is recorded so far can be read; make room and record anew',
    EDQUOT: "the user's share of the disk is full: recording has ended. What is recorded so far can be read",
    EROFS:
      'read-only. The service may write to its state directory, and to where ReadWritePaths= of its unit says; else: is the disk damaged, or mounted so?',
    EACCES: 'permission denied: may the user that runs the gateway write there?',
    EEXIST: 'there is such a file already; recordings are not written over',
    EIO: 'the disk fails: recording has ended. `sudo dmesg` says more',
    EFBIG: 'the file has become larger than its file system or a limit allows: recording has ended',
    ENOTDIR: 'a part of this path is a file, not a folder',
  };
  return `recording ${path}: ${remedies[code] ?? message}`;
}
