/** The transports of single messages: http, websocket, mqtt. */
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { Aedes } from 'aedes';
import { createServer } from 'node:net';
import { connectAsync } from 'mqtt';
import t from 'tap';
import WebSocket from 'ws';
import { openTransport, transportSettings } from '../../../drivers/transports/registry.js';
import { monotonicSeconds } from '../../../drivers/transports/transport.js';
import { freePort, listen } from './listener.js';

type Tap = Pick<typeof t, 'teardown'>;
const host = '127.0.0.1';
const settings = (more: { type: string; [key: string]: unknown }) =>
  transportSettings.parse({ ...(more.type !== 'mqtt' && { address: host }), ...more });

void t.test('http: one POST is one message, answered; the rest is refused', async (t) => {
  const port = await freePort();
  const heard = listen();
  const before = monotonicSeconds();
  const connection = await openTransport(
    settings({ type: 'http', port, path: '/data', longestMessage: 1024 }),
    heard.handlers,
  );
  const post = async (path: string, init: RequestInit) => {
    const response = await fetch(`http://${host}:${port}${path}`, init);
    return [response.status, await response.text()];
  };
  t.strictSame(await post('/data', { method: 'POST', body: '{"a":1}' }), [200, 'ok\n']);
  t.strictSame(await post('/data?device=phone', { method: 'POST', body: 'x'.repeat(1024) }), [200, 'ok\n']);
  t.strictSame(await post('/other', { method: 'POST', body: 'x' }), [404, 'messages go to /data\n']);
  t.strictSame(await post('/data', { method: 'GET' }), [405, 'send messages with POST\n']);
  t.strictSame(await post('/data', { method: 'POST', body: 'x'.repeat(1025) }), [
    413,
    'messages may have 1024 bytes\n',
  ]);
  t.strictSame(heard.texts(), ['{"a":1}', 'x'.repeat(1024)]);
  t.ok(heard.pieces.every(({ arrivalTime }) => arrivalTime >= before && arrivalTime <= monotonicSeconds()));
  t.equal(connection.failures?.['refusedMessages'], 3);

  // The server says `continue` when it has read the head: before that, nobody would know of a message that breaks off.
  const headers = { 'Content-Length': 100, Expect: '100-continue' };
  const broken = request({ host, port, path: '/data', method: 'POST', headers });
  broken.on('error', () => undefined).write('only this');
  await once(broken, 'continue');
  broken.destroy();
  while (connection.failures?.['brokenMessages'] !== 1) await new Promise((done) => setTimeout(done, 5));

  const junk = connect(port, host);
  junk.on('error', () => undefined).end('\x00\x01 what?\r\n\r\n');
  await once(junk.resume(), 'close');
  t.strictSame(await post('/data', { method: 'POST', body: 'still there' }), [200, 'ok\n']);
  await t.rejects(connection.write(Uint8Array.of(1)), /only takes messages/);
  await Promise.all([connection.close(), connection.close()]);
  t.strictSame(heard.reasons, []);
});

void t.test('http and websocket: a port that is taken or an address that is none', async (t) => {
  const port = await freePort();
  for (const type of ['http', 'websocket']) {
    const open = (more: object) => openTransport(settings({ type, port, ...more }), listen().handlers);
    const first = await open({});
    await t.rejects(open({}), { message: new RegExp(`^${type} ${host}:${port}/: another program.*ss -tlnp`) });
    await first.close();
    await t.rejects(open({ address: '192.0.2.1' }), { message: /no interface of this machine has this address/ });
  }
});

void t.test('websocket: one message is one call; devices may be several, and get what is written', async (t) => {
  const port = await freePort();
  const heard = listen();
  const connection = await openTransport(
    settings({ type: 'websocket', port, path: '/data', longestMessage: 1024 }),
    heard.handlers,
  );
  await t.rejects(connection.write(Buffer.from('x')), /no device is connected/);
  const [one, two] = await Promise.all(
    [1, 2].map(async () => {
      const socket = new WebSocket(`ws://${host}:${port}/data`);
      await once(socket, 'open');
      return socket;
    }),
  );
  one!.send('text');
  await heard.until(() => heard.pieces.length === 1);
  two!.send(Uint8Array.of(0x62, 0x69, 0x6e));
  await heard.until(() => heard.pieces.length === 2);
  t.strictSame(heard.texts(), ['text', 'bin']);
  const answers = Promise.all([once(one!, 'message'), once(two!, 'message')]);
  await connection.write(Buffer.from('go'));
  t.strictSame(
    (await answers).map(([data]) => String(data)),
    ['go', 'go'],
  );

  one!.send('x'.repeat(1025));
  const [code] = (await once(one!, 'close')) as [number];
  t.equal(code, 1009, 'message too big (RFC 6455, 7.4.1)');
  const refused = new WebSocket(`ws://${host}:${port}/other`);
  t.match(((await once(refused, 'error')) as [Error])[0].message, /404/);
  t.equal((await fetch(`http://${host}:${port}/data`)).status, 426);
  t.strictSame({ ...connection.failures }, { refusedConnections: 2, brokenConnections: 1, lostMessages: 0 });

  const ended = once(two!, 'close');
  await Promise.all([connection.close(), connection.close()]);
  await ended;
  t.strictSame(heard.reasons, []);
});

/** A broker on a free port; with a password if one is given. */
async function broker(t: Tap, password?: string) {
  const aedes = await Aedes.createBroker();
  if (password !== undefined)
    aedes.authenticate = (_, __, given, done) => {
      if (given?.toString() === password) done(null, true);
      else done(Object.assign(new Error('no'), { returnCode: 5 }), false);
    };
  const server = createServer((socket) => void aedes.handle(socket)).listen(0, host);
  await once(server, 'listening');
  const address = server.address() as { port: number };
  const close = () => {
    server.close();
    aedes.close();
  };
  t.teardown(close);
  return { url: `mqtt://${host}:${address.port}`, close };
}

void t.test('mqtt: one message of the topic is one call; a broker that goes away is reported once', async (t) => {
  const { url, close } = await broker(t, 'secret');
  const device = await connectAsync(url, { password: 'secret', username: 'phone', reconnectPeriod: 0 });
  device.on('error', () => undefined);
  await device.publishAsync('phone/1/data', 'of yesterday', { retain: true });
  const heard = listen();
  const connection = await openTransport(
    settings({
      type: 'mqtt',
      broker: url,
      topic: 'phone/+/data',
      username: 'x',
      password: 'secret',
      longestMessage: 1024,
    }),
    heard.handlers,
  );
  await device.publishAsync('phone/2/other', 'elsewhere');
  await device.publishAsync('phone/2/data', 'x'.repeat(1025), { qos: 1 });
  await device.publishAsync('phone/2/data', '{"a":1}', { qos: 1 });
  await heard.until(() => heard.pieces.length > 0);
  t.strictSame(heard.texts(), ['{"a":1}'], 'nothing that was kept, elsewhere or too long');
  t.strictSame({ ...connection.failures }, { refusedMessages: 1, lostMessages: 0 });
  await t.rejects(connection.write(Uint8Array.of(1)), /takes no bytes/);
  close();
  await heard.until(() => heard.reasons.length > 0);
  await connection.close();
  t.strictSame(heard.reasons, [`mqtt ${url} phone/+/data: the broker closed the connection`]);
  device.end(true);
});

void t.test('mqtt: close is quiet, and what cannot be opened says why', async (t) => {
  const { url } = await broker(t, 'secret');
  const heard = listen();
  const open = (more: object) =>
    openTransport(settings({ type: 'mqtt', broker: url, topic: 'a', ...more }), heard.handlers);
  const connection = await open({ username: 'x', password: 'secret' });
  await Promise.all([connection.close(), connection.close()]);
  t.strictSame(heard.reasons, []);
  await t.rejects(open({ username: 'x', password: 'wrong' }), {
    message: `mqtt ${url} a: the broker wants another user name or password: set username and password`,
  });
  const nobody = `mqtt://${host}:${await freePort()}`;
  await t.rejects(open({ broker: nobody }), {
    message: `mqtt ${nobody} a: connection refused. Is a broker running there, with this port?`,
  });
});

void t.test('settings', (t) => {
  const ok = (more: object) => transportSettings.safeParse(more).success;
  t.ok(ok({ type: 'http', port: 8000 }));
  t.notOk(ok({ type: 'http', port: 8000, path: 'data' }));
  t.notOk(ok({ type: 'http', port: 0 }));
  t.ok(ok({ type: 'websocket', port: 8000, path: '/a/b', longestMessage: 2000 }));
  t.notOk(ok({ type: 'websocket', port: 8000, longestMessage: 1e9 }));
  t.ok(ok({ type: 'mqtt', topic: 'phone/+/data/#' }));
  t.ok(ok({ type: 'mqtt', topic: 'a', broker: 'mqtts://broker.example:8883' }));
  t.notOk(ok({ type: 'mqtt', topic: 'phone+' }));
  t.notOk(ok({ type: 'mqtt', topic: '#/a' }));
  t.notOk(ok({ type: 'mqtt', topic: 'a', broker: 'mqtt://me:secret@broker' }));
  t.notOk(ok({ type: 'mqtt', topic: 'a', broker: 'embedded' }));
  t.end();
});
