import { once } from 'node:events';
import { connect } from 'node:net';
import fc from 'fast-check';
import { connectAsync } from 'mqtt';
import t, { type Test } from 'tap';
import { startBroker } from '../../daemon/broker.js';
import { silentLog } from './helpers/log.js';
import { subscribe } from './helpers/subscriber.js';
import { until } from './helpers/wait.js';

async function broker(t: Test) {
  const started = await startBroker({ port: 0, log: silentLog });
  t.teardown(() => started.close());
  return started;
}

void t.test('listens on loopback and says what to do when its port is taken', async (t) => {
  const first = await broker(t);
  t.match(first.url, /^mqtt:\/\/127\.0\.0\.1:\d+$/);
  const port = Number(new URL(first.url).port);
  await t.rejects(startBroker({ port, log: silentLog }), {
    message: `port ${port} is in use, probably by another broker; set mqtt.broker to mqtt://127.0.0.1:${port} to use that one, or choose mqtt.port`,
  });
  await t.rejects(startBroker({ host: '192.0.2.1', port: 0, log: silentLog }), { message: /mqtt.host/ });
});

void t.test('survives any bytes, before and after a valid greeting', async (t) => {
  const { url } = await broker(t);
  const port = Number(new URL(url).port);
  const hello = Buffer.from([0x10, 14, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, 2, 0x61, 0x62]);
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.uint8Array({ minLength: 1, maxLength: 200 }), async (greets, bytes) => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.resume();
      await once(socket, 'connect');
      socket.end(greets ? Buffer.concat([hello, bytes]) : bytes);
      await once(socket, 'close');
    }),
    { numRuns: 200 },
  );
  const subscriber = await subscribe(url, 'a/#');
  const client = await connectAsync(url);
  await client.publishAsync('a/b', '{}', { qos: 1 });
  await until('a message, still', () => subscriber.received.length === 1);
  await client.endAsync();
  await subscriber.end();
});

void t.test('keeps no session for an absent subscriber, and no payload that is too large', async (t) => {
  const { url } = await broker(t);
  const first = await subscribe(url, 'a/#', 'absent');
  await first.end();
  const client = await connectAsync(url, { reconnectPeriod: 0 });
  client.on('error', () => undefined);
  await client.publishAsync('a/b', '1', { qos: 1 });
  const back = await subscribe(url, 'a/#', 'absent');
  await client.publishAsync('a/b', '2', { qos: 1 });
  await until('the second', () => back.received.length > 0);
  t.same(
    back.received.map(({ payload }) => payload),
    [2],
  );
  const refused = new Promise<void>((resolve) => client.once('close', resolve));
  client.publish('a/b', Buffer.alloc(1024 * 1024 + 1, 0x31), { qos: 1, retain: true }, () => undefined);
  await refused;
  const late = await subscribe(url, '#');
  const other = await connectAsync(url);
  await other.publishAsync('a/c', '3', { qos: 1 });
  await other.endAsync();
  await until('the third', () => late.received.length > 0);
  t.same(
    late.received.map(({ topic }) => topic),
    ['a/c'],
  );
  await back.end();
  await late.end();
});

void t.test('closes with connections that never greeted', async (t) => {
  const started = await startBroker({ port: 0, log: silentLog });
  const socket = connect(Number(new URL(started.url).port), '127.0.0.1');
  await once(socket, 'connect');
  const closed = once(socket, 'close');
  await started.close();
  await closed;
  t.pass();
});
