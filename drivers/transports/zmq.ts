/** ZeroMQ: the messages that a PUB socket of another program publishes.
 *
 * One message of one or more parts becomes bytes, part by part:
 *
 *     LL LL LL LL  length of the part, uint32 little-endian     then its bytes
 *
 * The topic of a publisher that sends one is simply the first part. When a consumer is slow, the oldest messages of the gateway's own
 * queue are lost, counted (`lostMessages`). When the whole process stands still, ZeroMQ's queues fill instead, first the receiver's
 * (`highWaterMark` messages), then the publisher's, and the publisher then leaves out the newest messages, whole, and tells nobody.
 */
import { z } from 'zod';
import { deliverTo } from './delivery.js';
import { monotonicSeconds, type Transport } from './transport.js';

const settings = z.strictObject({
  type: z.literal('zmq'),
  endpoint: z
    .string()
    .refine(isEndpoint, 'expected an endpoint, for instance tcp://127.0.0.1:5555')
    .describe("The publisher's endpoint, for instance `tcp://127.0.0.1:5555`, or `ipc:///run/csi.sock`."),
  topic: z
    .string()
    .default('')
    .describe('Takes only the messages whose first part begins with this.')
    .meta({ defaultText: 'every message' }),
  highWaterMark: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(1000)
    .describe('Messages that ZeroMQ keeps while the gateway is busy.'),
});
export type ZmqSettings = z.infer<typeof settings>;

function isEndpoint(text: string): boolean {
  const port = Number(/^tcp:\/\/.+:(\d+)$/.exec(text)?.[1] ?? 0);
  return text.startsWith('ipc://') ? text.length > 6 : port > 0 && port < 65536;
}

/** A message larger than this is none of a sensor's; ZeroMQ closes the connection of whoever sends one, and connects anew. */
const longestMessage = 64 * 1024 * 1024;

export const zmq = {
  name: 'zmq',
  settings,
  async open({ endpoint, topic, highWaterMark }, handlers) {
    const name = `zmq ${endpoint}`;
    const { Subscriber } = await import('zeromq').catch((error: unknown) => {
      throw new Error(
        `${name}: the package zeromq does not load on this machine: ${error instanceof Error ? error.message : String(error)}. \`npm rebuild zeromq\` builds it`,
        { cause: error },
      );
    });
    const socket = new Subscriber({ receiveHighWaterMark: highWaterMark, maxMessageSize: longestMessage, linger: 0 });
    try {
      // ZeroMQ connects in the background and again whenever the publisher comes back, so that only a bad endpoint fails here.
      socket.connect(endpoint);
      socket.subscribe(topic);
    } catch (error) {
      socket.close();
      throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
    const delivery = deliverTo(handlers);
    async function receive(): Promise<void> {
      for await (const parts of socket) delivery.onBytes(encodeParts(parts), monotonicSeconds());
    }
    const receiving = receive().catch((error: unknown) =>
      delivery.onClose(`${name}: ${error instanceof Error ? error.message : String(error)}`),
    );
    return {
      failures: delivery.failures,
      write: () => Promise.reject(new Error(`${name}: a subscription takes no bytes`)),
      async close() {
        delivery.stop();
        socket.close();
        await receiving;
      },
    };
  },
} satisfies Transport<ZmqSettings>;

export function encodeParts(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + 4 + part.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const part of parts) {
    view.setUint32(at, part.length, true);
    bytes.set(part, at + 4);
    at += 4 + part.length;
  }
  return bytes;
}

/** @returns the parts, as views of `bytes`; undefined if their lengths do not fit */
export function decodeParts(bytes: Uint8Array): Uint8Array[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (bytes.length - at < 4) return undefined;
    const length = view.getUint32(at, true);
    if (length > bytes.length - at - 4) return undefined;
    parts.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return parts;
}
