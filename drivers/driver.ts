import type { z } from 'zod';
import type { Frame, Modality } from './frames.js';

/** Counts of one decoder since it was made. */
export interface DecoderCounters {
  frames: number;
  bytes: number;
  /** Bytes that belonged to no valid packet. */
  skippedBytes: number;
  /** How often each kind of failure happened, for instance `{ badChecksum: 2 }`. */
  failures: Record<string, number>;
}

/** A pure incremental decoder: it opens nothing, never throws on any bytes, and keeps bounded state. */
export interface Decoder<F extends Frame = Frame> {
  /**
   * @param bytes what arrived, cut anywhere (a stream) or one whole datagram; not kept after the call
   * @param arrivalTime host's monotonic time of arrival, seconds
   * @returns the frames that these bytes completed, oldest first
   */
  push(bytes: Uint8Array, arrivalTime: number): F[];
  readonly counters: Readonly<DecoderCounters>;
}

/** One device protocol: a description and a decoder. A new device is one file and one line in `registry.ts`. */
export interface Driver<F extends Frame = Frame, Settings = unknown> {
  /** The name in configurations, for instance `witmotion-wt901`. */
  readonly name: string;
  readonly title: string;
  readonly modality: Modality;
  /** The device's settings with their defaults; the configuration's validation and reference page come from it. */
  readonly settings: z.ZodType<Settings>;
  /** The transports that the device speaks over, with its usual parameters. */
  readonly transports: { readonly serial?: { readonly baudRate: number }; readonly tcp?: true };
  /** Where the decoder was checked against a real device, or 'not yet seen on a device'. */
  readonly seenOn: string;
  decoder(settings: Settings): Decoder<F>;
  /** Frames a second that the device sends with these settings. */
  nominalRate(settings: Settings): number;
}
