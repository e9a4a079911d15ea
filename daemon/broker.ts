/** The embedded MQTT broker (aedes, MQTT 3.1 and 3.1.1), so that the gateway works where nothing else is set up.
 *
 *  Everything it keeps is in memory and bounded: no sessions for absent subscribers, slow ones are disconnected. Who
 *  needs more than that (passwords, TLS, sessions, MQTT 5) runs a broker such as Mosquitto and configures its address. */
import type { EventEmitter } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Aedes } from 'aedes';
import type { Logger } from 'pino';
import { largestInstall } from './topics.js';

export interface Broker {
  /** What a client connects to, for instance `mqtt://127.0.0.1:1883`. */
  readonly url: string;
  close(): Promise<void>;
}

export interface BrokerOptions {
  /** Address to listen on; loopback as a rule, since the broker asks for no password. */
  host?: string;
  /** 0 takes a free one. */
  port?: number;
  log: Logger;
}

/** More than any home has; keeps a client in a loop from eating all file descriptors. */
const mostConnections = 256;
/** A subscriber that takes nothing for so long is disconnected: until then, its messages wait in memory. */
const slowClientMilliseconds = 5000;
/** Payloads above this are refused: the broker keeps retained ones. A request that brings a model may be longer, and is not kept. */
const mostPayloadBytes = 1024 * 1024;

const mostBytes = ({ topic, retain }: { topic: string; retain: boolean }) =>
  /^babel\/[^/]+\/request\/model$/.test(topic) && !retain ? largestInstall : mostPayloadBytes;

/** @throws Error that says what to do, if the port is in use or not permitted */
export async function startBroker({ host = '127.0.0.1', port = 1883, log }: BrokerOptions): Promise<Broker> {
  const aedes = await Aedes.createBroker({
    drainTimeout: slowClientMilliseconds,
    connectTimeout: 10_000,
    preConnect: (_client, packet, done) => {
      // A session would queue every change for an absent subscriber, in memory and for ever.
      packet.clean = true;
      done(null, true);
    },
    authorizePublish: (_client, packet, done) => {
      if (packet.topic.startsWith('$SYS/')) done(new Error('topics that begin with $SYS/ belong to the broker'));
      else if (packet.payload.length > mostBytes(packet)) done(new Error(`payload above ${mostBytes(packet)} bytes`));
      else done(null);
    },
  });
  /** A slow client fails once for each message that waited for it. */
  const told = new WeakSet<object>();
  const clientFailed = (client: { id: string }, error: Error) => {
    if (told.has(client)) return;
    told.add(client);
    log.debug({ client: client.id, reason: error.message }, 'an MQTT client was disconnected');
  };
  aedes.on('clientError', clientFailed);
  aedes.on('connectionError', clientFailed);
  // Emitted where it cannot go on with a message; its types do not list it.
  (aedes as EventEmitter).on('error', (error: Error) => log.error({ reason: error.message }, 'embedded MQTT broker'));

  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.setNoDelay(true);
    aedes.handle(socket);
  });
  server.maxConnections = mostConnections;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, resolve);
    });
  } catch (error) {
    aedes.close();
    throw new Error(whyNot(error as NodeJS.ErrnoException, host, port), { cause: error });
  }
  server.on('error', (error) => log.error({ reason: error.message }, 'embedded MQTT broker'));
  const bound = (server.address() as AddressInfo).port;

  return {
    url: `mqtt://${inUrl(host)}:${bound}`,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      await new Promise<void>((resolve) => aedes.close(resolve));
      // Connections that never became MQTT clients are not the broker's, and would hold the server open.
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function whyNot(error: NodeJS.ErrnoException, host: string, port: number): string {
  if (error.code === 'EADDRINUSE')
    return `port ${port} is in use, probably by another broker; set mqtt.broker to mqtt://${inUrl(host)}:${port} to use that one, or choose mqtt.port`;
  if (error.code === 'EACCES') return `port ${port} needs root's permission; choose mqtt.port above 1023`;
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')
    return `this machine has no address ${host}; set mqtt.host to 127.0.0.1, or to one that 'ip address' shows`;
  return `the embedded MQTT broker cannot listen on ${host} port ${port}: ${error.message}`;
}
