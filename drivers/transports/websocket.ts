/** A WebSocket server that a device sends its messages to: one message, text or binary, is one call. For instance Sensor Logger. */
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { z } from 'zod';
import { deliverTo } from './delivery.js';
import { closer, listening, pathOf, serverSettings } from './http.js';
import { monotonicSeconds, type Transport } from './transport.js';

const settings = z.strictObject({ type: z.literal('websocket'), ...serverSettings });
export type WebsocketSettings = z.infer<typeof settings>;

export const websocket = {
  name: 'websocket',
  settings,
  async open({ port, address, path, longestMessage }, handlers) {
    const delivery = deliverTo(handlers);
    const failures = {
      /** Connections for another path, or none of a WebSocket. */
      refusedConnections: 0,
      /** Connections that ended with an error, such as a message longer than is taken. */
      brokenConnections: 0,
      get lostMessages() {
        return delivery.failures.lostMessages;
      },
    };
    const server = createServer((_, response) => {
      failures.refusedConnections++;
      response.writeHead(426, { Connection: 'close', Upgrade: 'websocket' }).end('this is a WebSocket\n');
    });
    // Compression would let a small message become a large one, at the gateway's cost.
    const sockets = new WebSocketServer({ noServer: true, maxPayload: longestMessage, perMessageDeflate: false });
    server.on('upgrade', (request, socket, head) => {
      socket.on('error', () => undefined);
      if (pathOf(request) !== path) {
        failures.refusedConnections++;
        socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
        return;
      }
      sockets.handleUpgrade(request, socket, head, (one) => {
        one.on('error', () => {
          failures.brokenConnections++;
        });
        one.on('message', (data) => {
          // 'nodebuffer' is the usual kind of `data`; it is nobody else's.
          delivery.onBytes(data as Buffer, monotonicSeconds());
        });
      });
    });
    sockets.on('wsClientError', () => {
      failures.refusedConnections++;
    });
    const name = `websocket ${address}:${port}${path}`;
    await listening(server, name, address, port);
    return {
      failures,
      /** Sends to every device that is connected. */
      async write(bytes) {
        const open = [...sockets.clients].filter((one) => one.readyState === one.OPEN);
        if (open.length === 0) throw new Error(`${name}: no device is connected`);
        await Promise.all(
          open.map(
            (one) =>
              new Promise<void>((resolve, reject) => {
                one.send(bytes, (error) => {
                  if (error) reject(error);
                  else resolve();
                });
              }),
          ),
        );
      },
      close: closer(server, () => {
        delivery.stop();
        for (const one of sockets.clients) one.terminate();
      }),
    };
  },
} satisfies Transport<WebsocketSettings>;
