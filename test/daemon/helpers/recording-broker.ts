import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Aedes } from 'aedes';
import type { Received } from './subscriber.js';

export interface RecordingBroker {
  readonly url: string;
  readonly port: number;
  /** What its clients published, in order, retained ones marked. */
  readonly received: Received[];
  close(): Promise<void>;
}

/**
 * A broker that records what arrives.
 * @param cutAfter called for each message that has arrived and is not yet confirmed; true cuts the connection there
 */
export async function recordingBroker(
  port = 0,
  cutAfter: (message: Received) => boolean = () => false,
): Promise<RecordingBroker> {
  const received: Received[] = [];
  const aedes = await Aedes.createBroker({
    authorizePublish: (client, { topic, payload, retain, qos }, done) => {
      // What came in one piece with the message at the cut.
      if ((client?.conn as Socket | undefined)?.destroyed) return;
      const message = { topic, payload: JSON.parse(payload.toString()) as unknown, retained: retain, qos };
      received.push(message);
      if (cutAfter(message)) (client?.conn as Socket).destroy();
      else done(null);
    },
  });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    aedes.handle(socket);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `mqtt://127.0.0.1:${bound}`,
    port: bound,
    received,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      await new Promise<void>((resolve) => aedes.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
