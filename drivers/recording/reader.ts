/** Reads recordings, also those that a killed process or a full disk left without an end. */
import { createReadStream } from 'node:fs';
import { McapStreamReader, type McapTypes } from '@mcap/core';
import { decodeDeviceBytes } from './device-bytes.js';
import { fromMetadata, type SensorDescription } from './sensor-description.js';

export interface RecordedMessage {
  /** The same object for all messages of a channel. */
  readonly sensor: SensorDescription;
  readonly bytes: Uint8Array;
  /** Seconds on the monotonic clock of the host that recorded. */
  readonly arrivalTime: number;
  /** Unix time of arrival, seconds. */
  readonly wallTime: number;
  /** Counts a sensor's messages from 1; a gap is what was lost in recording. */
  readonly sequence: number;
}

/** How a file's reading ended. */
export interface RecordingEnd {
  /** False: the file has no end, because its writing was cut off, or is damaged; `problem` says which. */
  readonly complete: boolean;
  readonly problem?: string;
  /** Messages of channels that are not a sensor's, or not as this program writes them. */
  readonly foreignMessages: number;
}

/** No record of a recording is longer: chunks end with the first message that goes beyond 256 KiB. */
const longestRecord = 128 * 1024 * 1024;

/**
 * The messages of a recording in the order of their arrival.
 * @param onEnd told once all that can be read has been
 * @throws Error with one line if the file cannot be opened or is no MCAP file
 */
export async function* readRecording(
  file: string,
  onEnd: (end: RecordingEnd) => void = () => undefined,
): AsyncGenerator<RecordedMessage, void> {
  const reader = new McapStreamReader();
  const channels = new Map<number, SensorDescription | undefined>();
  let foreignMessages = 0;
  let begun = false;
  let problem: string | undefined;

  function message({ channelId, data, logTime, sequence }: McapTypes.Message): RecordedMessage | undefined {
    const sensor = channels.get(channelId);
    const decoded = sensor && decodeDeviceBytes(data);
    if (!decoded) {
      foreignMessages++;
      return undefined;
    }
    return { sensor, ...decoded, wallTime: Number(logTime) / 1e9, sequence };
  }

  const stream = createReadStream(file, { highWaterMark: 256 * 1024 });
  try {
    for await (const bytes of stream) {
      // Foreign bytes after the end, for instance of a file that was joined to it, are not read.
      if (reader.done()) break;
      reader.append(bytes as Buffer);
      for (;;) {
        let record: McapTypes.TypedMcapRecord | undefined;
        try {
          record = reader.nextRecord();
        } catch (error) {
          if (!begun) throw Object.assign(new Error('not MCAP', { cause: error }), { code: 'NOT_MCAP' });
          problem = `it is damaged (${error instanceof Error ? error.message : String(error)})`;
          return;
        }
        if (record === undefined) break;
        begun = true;
        // A chunk's channel may be said again in the summary.
        if (record.type === 'Channel' && !channels.has(record.id)) channels.set(record.id, sensorOf(record));
        if (record.type !== 'Message') continue;
        const one = message(record);
        if (one) yield one;
      }
      if (reader.bytesRemaining() > longestRecord) {
        problem = 'it is damaged (a record is longer than any can be)';
        return;
      }
    }
    if (!begun) throw Object.assign(new Error('not MCAP'), { code: 'NOT_MCAP' });
    if (!reader.done()) problem = 'its writing was cut off';
  } catch (error) {
    throw new Error(describeReadingError(file, error), { cause: error });
  } finally {
    stream.destroy();
    if (begun) onEnd({ complete: problem === undefined, ...(problem !== undefined && { problem }), foreignMessages });
  }
}

function sensorOf({ messageEncoding, metadata }: McapTypes.Channel): SensorDescription | undefined {
  return messageEncoding === 'protobuf' ? fromMetadata(metadata) : undefined;
}

/** What one sensor has in a recording. */
export interface SensorSummary {
  readonly sensor: SensorDescription;
  messages: number;
  bytes: number;
  /** Messages that were lost in recording, by the gaps of their numbers. */
  lostMessages: number;
  /** Unix times of the first and last message, seconds. */
  firstTime: number;
  lastTime: number;
}

/** Reads a whole file to say what is in it. */
export async function summariseRecording(file: string): Promise<{ sensors: SensorSummary[]; end: RecordingEnd }> {
  const sensors = new Map<SensorDescription, SensorSummary>();
  const sequences = new Map<SensorDescription, number>();
  let end: RecordingEnd = { complete: false, foreignMessages: 0 };
  const messages = readRecording(file, (how) => {
    end = how;
  });
  for await (const { sensor, bytes, wallTime, sequence } of messages) {
    let one = sensors.get(sensor);
    if (!one) {
      one = { sensor, messages: 0, bytes: 0, lostMessages: 0, firstTime: wallTime, lastTime: wallTime };
      sensors.set(sensor, one);
    }
    // A file may begin in the middle of a recording: what came before its first message is in another file, not lost.
    const before = sequences.get(sensor) ?? sequence - 1;
    sequences.set(sensor, sequence);
    one.messages++;
    one.bytes += bytes.length;
    one.lostMessages += Math.max(0, sequence - before - 1);
    one.lastTime = wallTime;
  }
  return { sensors: [...sensors.values()], end };
}

/** One line that says what failed and what to do. */
export function describeReadingError(file: string, error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const remedies: Record<string, string | undefined> = {
    NOT_MCAP: 'this is not an MCAP file',
    ENOENT: 'no such file',
    EISDIR: 'this is a folder, not a recording',
    EACCES: 'permission denied: may the user that runs the gateway read it?',
  };
  return `recording ${file}: ${remedies[code] ?? message}`;
}
