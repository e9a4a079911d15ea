/** Where the bytes of a played device go out: a TCP port, as ser2net serves a serial device, or a ZeroMQ PUB socket. */
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export interface Outlet<Message> {
  /** Somebody listens. */
  readonly heard: boolean;
  /** It takes more now. */
  readonly free: boolean;
  send(message: Message): void;
  /** Called when `heard` or `free` may have changed; the device that plays sets it. */
  onChange: () => void;
  /** Disconnects whoever listens and gives the port back (ZeroMQ: soon after). */
  close(): Promise<void>;
}

export interface TcpOutlet extends Outlet<Uint8Array> {
  readonly host: string;
  readonly port: number;
}

export interface ZmqOutlet extends Outlet<Uint8Array[]> {
  readonly endpoint: string;
}

const loopback = '127.0.0.1';

/**
 * Serves one client, always the newest, on a free port of the loopback interface. A client that does not read is waited for.
 * @throws Error if no port can be had
 */
export async function tcpOutlet(): Promise<TcpOutlet> {
  let client: Socket | undefined;
  const setClient = (socket: Socket | undefined) => {
    client = socket;
    outlet.onChange();
  };
  const server = createServer({ noDelay: true }, (socket) => {
    // The one before is gone, or its end has not come through yet.
    if (client) {
      client.destroy();
      setClient(undefined);
    }
    socket.on('drain', () => outlet.onChange());
    socket.on('error', () => undefined); // `close` follows
    socket.on('close', () => {
      if (client === socket) setClient(undefined);
    });
    socket.resume(); // commands to the device: read, or the end would not be seen
    setClient(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, loopback, resolve);
  });
  // A connection that could not be accepted: whoever made it is told by the system.
  server.on('error', () => undefined);

  const outlet: TcpOutlet = {
    host: loopback,
    port: (server.address() as AddressInfo).port,
    get heard() {
      return client !== undefined;
    },
    get free() {
      return client?.writableNeedDrain === false;
    },
    send: (bytes) => void client?.write(bytes),
    onChange: () => undefined,
    close() {
      client?.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return outlet;
}

/** Messages that wait for a subscriber that does not read; what is more is lost, as PUB sockets do it. */
const highWaterMark = 64;

/**
 * Publishes messages of several parts on a free port of the loopback interface. (An XPUB socket is a PUB socket that is told of
 * subscriptions, so that nothing is sent before anybody can hear it.)
 * @throws Error with one line if the package zeromq does not load, or if no port can be had
 */
export async function zmqOutlet(): Promise<ZmqOutlet> {
  const { XPublisher } = await import('zeromq').catch((error: unknown) => {
    throw new Error(
      `the package zeromq does not load on this machine: ${error instanceof Error ? error.message : String(error)}. \`npm rebuild zeromq\` builds it`,
      { cause: error },
    );
  });
  const socket = new XPublisher({ linger: 0, sendHighWaterMark: highWaterMark });
  await socket.bind(`tcp://${loopback}:*`);
  const endpoint = socket.lastEndpoint!;
  let heard = false;
  let free = true;
  let closed = false;

  async function listen(): Promise<void> {
    // 01 topic: the first subscription to it; 00 topic: the last one has gone.
    for await (const [message] of socket) {
      heard = message?.[0] === 1;
      outlet.onChange();
    }
  }
  const outlet: ZmqOutlet = {
    endpoint,
    get heard() {
      return heard;
    },
    get free() {
      return free && !closed;
    },
    send(parts) {
      free = false;
      // It waits for nobody; what no queue has room for is lost. Refused is what comes while the socket closes.
      void socket
        .send(parts)
        .catch(() => undefined)
        .then(() => {
          free = true;
          outlet.onChange();
        });
    },
    onChange: () => undefined,
    async close() {
      closed = true;
      heard = false;
      socket.close();
      await listening;
    },
  };
  const listening = listen();
  return outlet;
}
