/** Files of devices' bytes as one stream of pieces, whatever the container: pcap, pcapng, this gateway's recordings, raw bytes. */
import { open } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { readRecording } from '../../drivers/recording/reader.js';
import type { SensorDescription } from '../../drivers/recording/sensor-description.js';
import { captureReader } from '../../drivers/transports/pcap-file.js';

export type Container = 'pcap' | 'recording' | 'raw';

/** Bytes as a transport would have brought them. */
export interface Piece {
  readonly bytes: Uint8Array;
  /** Seconds; undefined in raw files, which have no times. */
  readonly arrivalTime: number | undefined;
  /** UDP port that a captured datagram was sent to. */
  readonly port?: number;
  /** What a recording says of the sensor. */
  readonly sensor?: SensorDescription;
}

const pieceSize = 64 * 1024;
const mcap = [0x89, 0x4d, 0x43, 0x41, 0x50];
const captures = ['d4c3b2a1', 'a1b2c3d4', '4d3cb2a1', 'a1b23c4d', '0a0d0d0a'];

/** @throws Error with one line if the file cannot be read */
export async function containerOf(file: string): Promise<Container> {
  const beginning = Buffer.alloc(8);
  let length: number;
  try {
    const handle = await open(file);
    ({ bytesRead: length } = await handle.read(beginning, 0, beginning.length, 0).finally(() => handle.close()));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reasons: Record<string, string> = { ENOENT: 'no such file', EISDIR: 'this is a folder; name a file in it' };
    throw new Error(`${file}: ${reasons[code ?? ''] ?? message}`, { cause: error });
  }
  if (length === 0) throw new Error(`${file}: the file is empty`);
  if (mcap.every((value, i) => beginning[i] === value)) return 'recording';
  return captures.includes(beginning.subarray(0, 4).toString('hex')) ? 'pcap' : 'raw';
}

/**
 * The pieces of a file in its order.
 * @param onProblem told what is wrong with the container, in one line
 */
export async function* pieces(
  file: string,
  container: Container,
  onProblem: (problem: string) => void = () => undefined,
): AsyncGenerator<Piece> {
  if (container === 'recording') {
    const messages = readRecording(file, ({ problem }) => {
      if (problem !== undefined) onProblem(`${file}: ${problem}`);
    });
    for await (const { bytes, arrivalTime, sensor } of messages) yield { bytes, arrivalTime, sensor };
    return;
  }
  const reader = container === 'pcap' ? captureReader() : undefined;
  for await (const chunk of createReadStream(file, { highWaterMark: pieceSize })) {
    const bytes = chunk as Buffer;
    if (!reader) yield { bytes, arrivalTime: undefined };
    else
      for (const { payload, time, destinationPort } of reader.push(bytes))
        yield { bytes: payload, arrivalTime: time, port: destinationPort };
  }
  if (!reader) return;
  const failures = Object.entries(reader.counters.failures).filter(([, count]) => count > 0);
  if (failures.length > 0)
    onProblem(`${file}: in the capture itself: ${failures.map(([kind, count]) => `${kind} ${count}`).join(', ')}`);
}
