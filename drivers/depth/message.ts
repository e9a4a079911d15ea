/** Messages of a camera's sender: JSON, then the numbers as they are. Any program with a ZeroMQ PUB socket can send them.
 *
 *     part 1   JSON, UTF-8, at most 4096 bytes: version 1, kind, and what the kind needs
 *     part 2   the numbers, little-endian, rows without padding
 *     part 3   of a skeleton, optional
 *
 * Before them there may be one part more, the topic of the subscription: whatever does not begin with a brace. The transport
 * hands the parts on as uint32 little-endian length and bytes, one after the other (`drivers/transports/zmq.ts`).
 *
 *     { "version": 1, "kind": "depth", "width": 640, "height": 480, "encoding": "z16", "metresPerStep": 0.001,
 *       "time": 12.345, "frame": 370 }
 *
 *     time    optional: when the picture was taken, seconds on a clock of the sender's own
 *     frame   optional: number of the picture, one higher in each
 *
 * The kinds are told in `depth-zmq.ts`, `skeleton-zmq.ts` and `video-zmq.ts`; other keys are passed over.
 * Senders for cameras: docs/senders.
 */
import { z } from 'zod';
import type { Decoder } from '../driver.js';
import type { Frame } from '../frames.js';

const longestHeader = 4096;
const brace = 0x7b;
/** A larger step of the pictures' numbers is no loss. */
const longestLoss = 1000;

/** Keys of every header. */
export const commonHeader = {
  version: z.literal(1),
  time: z.number().optional(),
  frame: z.int().min(0).optional(),
};
interface CommonHeader {
  readonly time?: number | undefined;
  readonly frame?: number | undefined;
}

/** Pixels along one side: the largest sensors have some 8000. */
export const side = z.int().min(1).max(8192);

/** What a driver does with one message: a frame, or why there is none. */
type Reading<F> = F | 'wrongSize' | 'badNumber';

/**
 * @param header what the JSON of this kind must be
 * @param read makes the frame; `parts` are those after the JSON and belong to the transport
 */
export function messageDecoder<F extends Frame, H extends CommonHeader>(
  header: z.ZodType<H>,
  read: (header: H, parts: readonly Uint8Array[], time: { arrivalTime: number; deviceTime?: number }) => Reading<F>,
): Decoder<F> {
  const failures = { badParts: 0, badHeader: 0, wrongSize: 0, badNumber: 0, lostFrames: 0 };
  const counters = { frames: 0, bytes: 0, skippedBytes: 0, failures };
  let latest: number | undefined;

  function take(bytes: Uint8Array, arrivalTime: number): F | keyof typeof failures {
    const parts = split(bytes);
    if (parts !== undefined && parts[0]?.[0] !== brace) parts.shift();
    const first = parts?.shift();
    if (parts === undefined || first === undefined || parts.length === 0) return 'badParts';
    const found = header.safeParse(parse(first));
    if (!found.success) return 'badHeader';
    const { time, frame } = found.data;
    const reading = read(found.data, parts, { arrivalTime, ...(time !== undefined && { deviceTime: time }) });
    if (typeof reading === 'string') return reading;
    const step = frame === undefined || latest === undefined ? 1 : frame - latest;
    if (step > 1 && step <= longestLoss) failures.lostFrames += step - 1;
    latest = frame;
    return reading;
  }

  return {
    counters,
    push(bytes, arrivalTime) {
      counters.bytes += bytes.length;
      const frame = take(bytes, arrivalTime);
      if (typeof frame !== 'string') {
        counters.frames++;
        return [frame];
      }
      failures[frame]++;
      counters.skippedBytes += bytes.length;
      return [];
    },
  };
}

/** The parts, as views of `bytes`; undefined if their lengths do not fit, or if there are more than a message can have. */
function split(bytes: Uint8Array): Uint8Array[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    if (bytes.length - at < 4 || parts.length === 4) return undefined;
    const length = view.getUint32(at, true);
    if (length > bytes.length - at - 4) return undefined;
    parts.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return parts;
}

const text = new TextDecoder('utf-8', { fatal: true });

function parse(bytes: Uint8Array): unknown {
  if (bytes.length > longestHeader) return undefined;
  try {
    return JSON.parse(text.decode(bytes));
  } catch {
    return undefined;
  }
}

/** A part in memory of its own, which also aligns its numbers. (`slice` would not: of a Buffer it gives a view.) */
export const copied = (part: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(part);
