import type { z } from 'zod';
import type { Frame, Modality } from './frames.js';
import type { Connection } from './transports/transport.js';

/** Counts of one decoder since it was made. */
export interface DecoderCounters {
  frames: number;
  bytes: number;
  /** Bytes that belonged to no valid packet. */
  skippedBytes: number;
  /** How often each kind of failure happened, for instance `{ badChecksum: 2 }`; `lostPackets` where the device numbers them. */
  failures: Record<string, number>;
}

/** A pure incremental decoder: it opens nothing, never throws on any bytes, and keeps bounded state. */
export interface Decoder<F extends Frame = Frame> {
  /**
   * @param bytes what arrived, cut anywhere (a stream) or one whole datagram or message; not kept after the call
   * @param arrivalTime host's monotonic time of arrival, seconds
   * @returns the frames that these bytes completed, oldest first
   */
  push(bytes: Uint8Array, arrivalTime: number): F[];
  readonly counters: Readonly<DecoderCounters>;
}

/** The transports that a device speaks over, with its usual parameters. */
export interface DeviceTransports {
  readonly serial?: { readonly baudRate: number };
  readonly tcp?: true;
  /** Datagrams that the device sends to this machine; the port is its usual one. */
  readonly udp?: { readonly port: number };
  /** Datagrams taken from a network interface or a capture file, for devices whose packets no socket gets. */
  readonly pcap?: { readonly port: number };
  /** Multipart messages, PUB and SUB; `drivers/transports/zmq.ts` says how one becomes bytes. */
  readonly zmq?: true;
  /** JSON messages by an MQTT topic, an HTTP POST or a WebSocket. */
  readonly mqtt?: true;
  readonly http?: true;
  readonly websocket?: true;
  /** A camera of Video4Linux2. */
  readonly v4l2?: true;
}

/** One device protocol: a description and a decoder. A new device is one file and one line in `registry.ts`. */
export interface Driver<F extends Frame = Frame, Settings = unknown> {
  /** The name in configurations, for instance `witmotion-wt901`. */
  readonly name: string;
  readonly title: string;
  readonly modality: Modality;
  /** The device's settings with their defaults; the configuration's validation and reference page come from it. */
  readonly settings: z.ZodType<Settings>;
  /** Settings that are paths of text files, which `decoder` reads; whoever makes a decoder loads them. */
  readonly files?: readonly string[];
  readonly transports: DeviceTransports;
  /** Where the decoder was checked against a real device, or 'not yet seen on a device'. */
  readonly seenOn: string;
  /**
   * @param files text of the files that `files` names and the settings give, by the setting's name
   * @throws Error with one line that says what is wrong with such a file and what to do; for nothing else
   */
  decoder(settings: Settings, files?: Readonly<Record<string, string>>): Decoder<F>;
  /** Whether these bytes, the beginning of a stream or one datagram, look like this device's; for captures of unknown origin. */
  recognises?(bytes: Uint8Array): boolean;
  /**
   * Makes the device send, where it does not by itself; called each time that its connection has been opened, while bytes come in.
   * What it gives stops the device, and is called before the connection is closed. Rejects with one line: what failed, what to do.
   */
  start?(
    connection: Connection,
    settings: Settings,
    files?: Readonly<Record<string, string>>,
  ): Promise<() => Promise<void>>;
  /** Frames a second that the device sends with these settings. */
  nominalRate(settings: Settings): number;
}
