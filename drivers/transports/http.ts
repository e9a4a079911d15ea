/** A small HTTP server that a device posts its messages to: one POST is one message. For instance Sensor Logger on a phone. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { z } from 'zod';
import { deliverTo } from './delivery.js';
import { monotonicSeconds, type Transport } from './transport.js';

/** What a server for devices needs to know; `http` and `websocket` have the same. */
export const serverSettings = {
  port: z.int().min(1).max(65535).describe('Port that the gateway listens on.'),
  address: z
    .string()
    .min(1)
    .default('0.0.0.0')
    .describe(
      'Own address that is listened on; `0.0.0.0` is every IPv4 address. Nobody is asked for a password: everybody in that network can send.',
    ),
  path: z
    .string()
    .regex(/^\/[^?#\s]*$/, 'expected a path, for instance /data')
    .default('/')
    .describe('Path that the device sends to; others are refused.'),
  longestMessage: z
    .int()
    .min(1024)
    .max(64 * 1024 * 1024)
    .default(1024 * 1024)
    .describe('Bytes of the longest message that is taken.'),
};

const settings = z.strictObject({ type: z.literal('http'), ...serverSettings });
export type HttpSettings = z.infer<typeof settings>;

/** Seconds for a device to send a whole message. */
const patience = 10;

export const http = {
  name: 'http',
  settings,
  async open({ port, address, path, longestMessage }, handlers) {
    const delivery = deliverTo(handlers);
    const failures = {
      /** Requests for another path, with another method or longer than is taken. */
      refusedMessages: 0,
      /** Posts that broke off. */
      brokenMessages: 0,
      get lostMessages() {
        return delivery.failures.lostMessages;
      },
    };

    function refuse(response: ServerResponse, status: number, text: string): void {
      failures.refusedMessages++;
      // The rest of the body is not read: the connection ends with the answer.
      response.writeHead(status, { 'Content-Type': 'text/plain', Connection: 'close' }).end(`${text}\n`);
    }

    function take(request: IncomingMessage, response: ServerResponse): void {
      response.on('error', () => undefined);
      if (pathOf(request) !== path) {
        refuse(response, 404, `messages go to ${path}`);
        return;
      }
      if (request.method !== 'POST') {
        response.setHeader('Allow', 'POST');
        refuse(response, 405, 'send messages with POST');
        return;
      }
      const pieces: Buffer[] = [];
      let length = 0;
      let over = false;
      request.on('data', (piece: Buffer) => {
        length += piece.length;
        if (over) return;
        if (length > longestMessage) {
          over = true;
          pieces.length = 0;
          refuse(response, 413, `messages may have ${longestMessage} bytes`);
        } else pieces.push(piece);
      });
      request.on('end', () => {
        if (over) return;
        over = true;
        delivery.onBytes(Buffer.concat(pieces), monotonicSeconds());
        // The length is said, so that simple devices need not know about chunks.
        response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': 3 }).end('ok\n');
      });
      request.on('error', () => undefined);
      request.on('close', () => {
        if (!over) failures.brokenMessages++;
      });
    }

    const server = createServer(
      { requestTimeout: patience * 1000, headersTimeout: patience * 1000, maxHeaderSize: 16384 },
      take,
    );
    const name = `http ${address}:${port}${path}`;
    await listening(server, name, address, port);
    return {
      failures,
      write: () => Promise.reject(new Error(`${name} only takes messages; it sends none`)),
      close: closer(server, delivery.stop),
    };
  },
} satisfies Transport<HttpSettings>;

export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').replace(/\?.*$/, '');
}

/** Most connections that devices may hold at a time: more are an error or an attack. */
const mostConnections = 64;

/** Starts to listen. @throws Error that says what failed and what to do */
export async function listening(server: Server, name: string, address: string, port: number): Promise<void> {
  server.maxConnections = mostConnections;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new Error(describeServerError(name, error), { cause: error })));
    server.listen({ port, host: address, exclusive: true }, resolve);
  });
  // Errors of single connections do not come here; there is nothing that could end a server that listens.
  server.removeAllListeners('error').on('error', () => undefined);
}

/** @returns what closes the server and its connections, once */
export function closer(server: Server, stop: () => void): () => Promise<void> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  let closed: Promise<void> | undefined;
  return () => {
    stop();
    return (closed ??= new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    }));
  };
}

/** One line that says what failed and what to do. */
export function describeServerError(name: string, error: NodeJS.ErrnoException): string {
  const remedies: Record<string, string | undefined> = {
    EADDRINUSE: 'another program or another sensor has this port. `sudo ss -tlnp` names it',
    EADDRNOTAVAIL: 'no interface of this machine has this address. `ip -brief address` lists them',
    EACCES:
      'ports below 1024 need a right. Take a higher port, or give the unit AmbientCapabilities=CAP_NET_BIND_SERVICE and CapabilityBoundingSet=CAP_NET_BIND_SERVICE',
  };
  return `${name}: ${remedies[error.code ?? ''] ?? error.message}`;
}
