/** Handlers that keep what they were told. */
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import type { TransportHandlers } from '../../../drivers/transports/transport.js';

export function listen() {
  const pieces: { bytes: Buffer; arrivalTime: number }[] = [];
  const reasons: string[] = [];
  const warnings: string[] = [];
  let told: () => void = () => undefined;
  const handlers: TransportHandlers = {
    onBytes: (bytes, arrivalTime) => {
      pieces.push({ bytes: Buffer.from(bytes), arrivalTime });
      told();
    },
    onClose: (reason) => {
      reasons.push(reason);
      told();
    },
    onWarning: (warning) => warnings.push(warning),
  };
  return {
    pieces,
    reasons,
    warnings,
    handlers,
    texts: () => pieces.map(({ bytes }) => bytes.toString()),
    async until(condition: () => boolean) {
      while (!condition()) await new Promise<void>((resolve) => (told = resolve));
    },
  };
}

/** A TCP port that nobody has just now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
