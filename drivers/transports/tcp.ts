/** A TCP connection to a device or to a program that serves one, such as ser2net or socat. */
import { connect, type Socket } from 'node:net';
import { z } from 'zod';
import { connectStream } from './stream.js';
import type { Transport } from './transport.js';

const connectTimeout = 5; // seconds
const keepAliveDelay = 10; // seconds of silence before the first probe; Node.js gives up some 10 s later

const settings = z.strictObject({
  type: z.literal('tcp'),
  host: z.string().min(1).describe('Name or address of the machine that serves the device.'),
  port: z.int().min(1).max(65535).describe('TCP port that the device is served on, as in ser2net.yaml.'),
});
export type TcpSettings = z.infer<typeof settings>;

export const tcp = {
  name: 'tcp',
  settings,
  async open({ host, port }, handlers) {
    const name = `tcp ${host}:${port}`;
    const socket = await connected(host, port).catch((error: unknown) => {
      throw new Error(describeTcpError(name, error), { cause: error });
    });
    return connectStream(
      socket,
      {
        name,
        ended: `${name}: the other side closed the connection`,
        describe: (error) => describeTcpError(name, error),
        release: () =>
          new Promise((resolve) => {
            if (socket.closed) resolve();
            else socket.once('close', () => resolve()).destroy();
          }),
      },
      handlers,
    );
  },
} satisfies Transport<TcpSettings>;

function connected(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveDelay * 1000,
    });
    const timer = setTimeout(
      () => socket.destroy(Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' })),
      connectTimeout * 1000,
    );
    socket.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(socket);
    });
  });
}

/** One line that says what failed and what to do. */
export function describeTcpError(name: string, error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const remedy = remedies[code];
  if (remedy !== undefined) return `${name}: ${remedy}`;
  return `${name}: ${error instanceof Error && error.message !== '' ? error.message : code || String(error)}`;
}

const remedies: Record<string, string | undefined> = {
  ECONNREFUSED:
    'connection refused. Nothing listens on that port: is ser2net (or the device) running there, with this port?',
  ENOTFOUND: 'no such host. Check the name, or give the address instead',
  EAI_AGAIN: 'the name cannot be looked up just now. Check the network, or give the address instead',
  ETIMEDOUT: 'no answer. Is the machine on, in this network, and the port open in its firewall?',
  EHOSTUNREACH: 'the host cannot be reached. Is it on, and in this network?',
  ENETUNREACH: 'the network cannot be reached. Is this machine connected?',
  ECONNRESET: 'the other side broke the connection off',
  EPIPE: 'the other side closed the connection',
};
