/** What decoders of byte streams share: the beginning of a packet is held until the rest of it has come. */
import type { Decoder, DecoderCounters } from './driver.js';
import type { Frame } from './frames.js';

export interface StreamBuffer {
  readonly bytes: Uint8Array;
  /** Over all of `bytes`. */
  readonly view: DataView;
  /** How many of `bytes` have come and are not used. */
  readonly held: number;
  /**
   * @param take decodes what is whole of the held bytes, adds the frames to `frames`, and returns how many bytes are done with;
   *   it must be done with some where the buffer is full
   */
  decoder<F extends Frame>(counters: DecoderCounters, take: (arrivalTime: number, frames: F[]) => number): Decoder<F>;
}

/** @param size more than the longest packet, bytes */
export function streamBuffer(size: number): StreamBuffer {
  const bytes = new Uint8Array(size);
  const stream = { bytes, view: new DataView(bytes.buffer), held: 0, decoder };

  function decoder<F extends Frame>(
    counters: DecoderCounters,
    take: (arrivalTime: number, frames: F[]) => number,
  ): Decoder<F> {
    return {
      counters,
      push(incoming, arrivalTime) {
        const frames: F[] = [];
        counters.bytes += incoming.length;
        for (let from = 0; from < incoming.length;) {
          const to = Math.min(incoming.length, from + size - stream.held);
          bytes.set(incoming.subarray(from, to), stream.held);
          stream.held += to - from;
          from = to;
          const used = take(arrivalTime, frames);
          bytes.copyWithin(0, used, stream.held);
          stream.held -= used;
        }
        return frames;
      },
    };
  }
  return stream;
}
