import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import t from 'tap';
import { openTransport, transportSettings } from '../../../drivers/transports/registry.js';
import { describeTcpError } from '../../../drivers/transports/tcp.js';
import { monotonicSeconds } from '../../../drivers/transports/transport.js';

const host = '127.0.0.1';

/** A device server on a free port, with its first client. */
async function serve(t: Tap): Promise<{ server: Server; port: number; client: Promise<Socket> }> {
  const server = createServer().listen(0, host);
  const sockets: Socket[] = [];
  server.on('connection', (socket) => sockets.push(socket.on('error', () => undefined)));
  const client = once(server, 'connection').then(() => sockets[0]!);
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { server, port: (server.address() as AddressInfo).port, client };
}
type Tap = Pick<typeof t, 'teardown'>;

/** Handlers that keep what they were told. */
function listen() {
  const pieces: { bytes: Buffer; arrivalTime: number }[] = [];
  const reasons: string[] = [];
  let told: () => void = () => undefined;
  return {
    pieces,
    reasons,
    received: () => Buffer.concat(pieces.map(({ bytes }) => bytes)).toString(),
    handlers: {
      onBytes: (bytes: Uint8Array, arrivalTime: number) => {
        pieces.push({ bytes: Buffer.from(bytes), arrivalTime });
        told();
      },
      onClose: (reason: string) => {
        reasons.push(reason);
        told();
      },
    },
    async until(condition: () => boolean) {
      while (!condition()) await new Promise<void>((resolve) => (told = resolve));
    },
  };
}

void t.test('bytes come in with their arrival time, and go out', async (t) => {
  const { port, client } = await serve(t);
  const heard = listen();
  const before = monotonicSeconds();
  const connection = await openTransport({ type: 'tcp', host, port }, heard.handlers);
  const device = await client;
  device.write('hello');
  await heard.until(() => heard.received() === 'hello');
  const { arrivalTime } = heard.pieces[0]!;
  t.ok(arrivalTime >= before && arrivalTime <= monotonicSeconds());
  const answer = once(device, 'data');
  await connection.write(Buffer.from('rate 50'));
  t.equal(String((await answer)[0]), 'rate 50');
  const ended = once(device, 'close');
  device.resume();
  await connection.close();
  await connection.close();
  await ended;
  t.strictSame(heard.reasons, [], 'close() is not reported as a loss');
  await t.rejects(connection.write(Buffer.from('x')), /is closed/);
});

void t.test('the other side closes', async (t) => {
  const { port, client } = await serve(t);
  const heard = listen();
  const connection = await openTransport({ type: 'tcp', host, port }, heard.handlers);
  (await client).end('last words');
  await heard.until(() => heard.reasons.length > 0);
  t.equal(heard.received(), 'last words');
  await connection.close();
  t.strictSame(heard.reasons, [`tcp ${host}:${port}: the other side closed the connection`], 'told once');
});

void t.test('the other side breaks off', async (t) => {
  const { port, client } = await serve(t);
  const heard = listen();
  await openTransport({ type: 'tcp', host, port }, heard.handlers);
  (await client).resetAndDestroy();
  await heard.until(() => heard.reasons.length > 0);
  t.strictSame(heard.reasons, [`tcp ${host}:${port}: the other side broke the connection off`]);
});

void t.test('commands to a device that reads nothing are refused, not heaped up', async (t) => {
  const { port, client } = await serve(t);
  const heard = listen();
  const connection = await openTransport({ type: 'tcp', host, port }, heard.handlers);
  (await client).pause();
  const command = Buffer.alloc(32 * 1024);
  const refused: Error[] = [];
  const stuck: Promise<void>[] = [];
  for (let i = 0; i < 1000 && refused.length === 0; i++) {
    const written = connection.write(command);
    stuck.push(written.catch((error: unknown) => void refused.push(error as Error)));
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.match(refused[0]?.message, /takes no bytes: \d+ are waiting/);
  await connection.close();
  await Promise.all(stuck);
  t.ok(refused.length > 1, 'what still waited was told of the end');
});

void t.test('a port on which nothing listens', async (t) => {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  await t.rejects(openTransport({ type: 'tcp', host, port }, listen().handlers), {
    message: new RegExp(`^tcp ${host}:${port}: connection refused.*is ser2net`),
  });
  await t.rejects(openTransport({ type: 'tcp', host: 'localhost', port }, listen().handlers), {
    message: /connection refused/, // localhost: both its addresses are tried
  });
});

void t.test('a machine that does not answer is given up after 5 s', async (t) => {
  // A listener that accepts nothing: once its queue is full the kernel drops further connections, as a silent host does.
  const program = `
    const server = require('node:net').createServer().listen({ port: 0, host: '${host}', backlog: 1 }, () => {
      require('node:fs').writeSync(1, String(server.address().port));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const open: { close(): Promise<void> }[] = [];
  t.teardown(async () => {
    child.kill('SIGKILL');
    await Promise.all(open.map((connection) => connection.close()));
  });
  const port = Number(String((await once(child.stdout, 'data'))[0]));
  const attempts = [1, 2, 3, 4].map(async () => {
    const connection = await openTransport({ type: 'tcp', host, port }, listen().handlers);
    open.push(connection);
  });
  const results = await Promise.allSettled(attempts);
  const failed = results.filter((result) => result.status === 'rejected');
  t.ok(failed.length > 0 && open.length > 0, `${open.length} in the queue, ${failed.length} given up`);
  for (const { reason } of failed) t.match((reason as Error).message, /no answer\. Is the machine on/);
});

void t.test('every error has one line, with the remedy where one is known', (t) => {
  const of = (code: string) => describeTcpError('tcp shelf:4001', Object.assign(new Error('words'), { code }));
  t.match(of('ENOTFOUND'), /^tcp shelf:4001: no such host\. Check the name/);
  t.match(of('EHOSTUNREACH'), /in this network/);
  t.equal(of('EWHATEVER'), 'tcp shelf:4001: words');
  t.equal(describeTcpError('tcp a:1', new AggregateError([], '')), 'tcp a:1: AggregateError');
  t.end();
});

void t.test('settings', (t) => {
  const ok = (settings: unknown) => transportSettings.safeParse(settings).success;
  t.ok(ok({ type: 'tcp', host, port: 4001 }));
  t.ok(ok({ type: 'serial', path: '/dev/ttyUSB0' }));
  t.ok(ok({ type: 'serial', path: '/dev/ttyUSB0', baudRate: 9600 }));
  t.notOk(ok({ type: 'tcp', host, port: 0 }));
  t.notOk(ok({ type: 'tcp', host, port: 70000 }));
  t.notOk(ok({ type: 'tcp', host, port: 4001, prot: 1 }));
  t.notOk(ok({ type: 'serial', path: '' }));
  t.notOk(ok({ type: 'serial', path: '/dev/ttyUSB0', baudRate: 0 }));
  t.notOk(ok({ type: 'carrier pigeon' }));
  t.end();
});
