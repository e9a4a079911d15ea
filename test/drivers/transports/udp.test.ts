import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import t from 'tap';
import { openTransport, transportSettings, type TransportSettings } from '../../../drivers/transports/registry.js';
import { monotonicSeconds } from '../../../drivers/transports/transport.js';
import { describeUdpError, receiveBufferWarning } from '../../../drivers/transports/udp.js';
import { listen } from './listener.js';

const host = '127.0.0.1';

async function device(t: Pick<typeof import('tap').default, 'teardown'>, address = host): Promise<Socket> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.bind(0, address);
  await once(socket, 'listening');
  t.teardown(() => void socket.close());
  return socket;
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, host);
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

const settings = (more: object): TransportSettings => transportSettings.parse({ type: 'udp', address: host, ...more });

void t.test('a datagram is one call, whole and in order; answers go to the sender', async (t) => {
  const port = await freeUdpPort();
  const heard = listen();
  const before = monotonicSeconds();
  // The port is the driver's usual one here.
  const connection = await openTransport(settings({}), heard.handlers, { udp: { port } });
  await t.rejects(connection.write(Buffer.from('x')), /nothing has arrived yet/);
  const sensor = await device(t);
  const sizes = [0, 1, 1206, 9000, 65507];
  for (const [i, size] of sizes.entries()) sensor.send(Buffer.alloc(size, i + 1), port, host);
  await heard.until(() => heard.pieces.length === sizes.length);
  t.strictSame(
    heard.pieces.map(({ bytes }) => bytes.length),
    sizes,
  );
  t.ok(heard.pieces.every(({ bytes }, i) => bytes.every((byte) => byte === i + 1)));
  t.ok(heard.pieces.every(({ arrivalTime }) => arrivalTime >= before && arrivalTime <= monotonicSeconds()));

  await connection.write(Buffer.from('start'));
  t.equal(String((await once(sensor, 'message'))[0]), 'start');
  await Promise.all([connection.close(), connection.close()]);
  await t.rejects(connection.write(Buffer.from('x')), /is closed/);
  t.strictSame(heard.reasons, []);
  t.strictSame({ ...connection.failures }, { otherSender: 0, lostMessages: 0 });
});

void t.test('only the wanted sender is heard', async (t) => {
  const port = await freeUdpPort();
  const heard = listen();
  const connection = await openTransport(settings({ port, from: '127.0.0.2' }), heard.handlers);
  const [stranger, sensor] = [await device(t), await device(t, '127.0.0.2')];
  stranger.send('lies', port, host);
  sensor.send('truth', port, host);
  await heard.until(() => heard.pieces.length > 0);
  t.strictSame(heard.texts(), ['truth']);
  t.equal(connection.failures?.['otherSender'], 1);
  await connection.write(Buffer.from('hello'));
  t.equal(String((await once(sensor, 'message'))[0]), 'hello');
  await connection.close();
});

void t.test('a group is joined on the interface of that name', async (t) => {
  const name = Object.entries(networkInterfaces()).find(([, all]) =>
    all?.some(({ family, address }) => family === 'IPv4' && address === host),
  )?.[0];
  const port = await freeUdpPort();
  const heard = listen();
  const connection = await openTransport(
    settings({ port, address: '0.0.0.0', group: '239.255.77.1', interface: name }),
    heard.handlers,
  );
  const sensor = await device(t);
  sensor.setMulticastInterface(host);
  sensor.send('to all', port, '239.255.77.1');
  await heard.until(() => heard.pieces.length > 0);
  t.strictSame(heard.texts(), ['to all']);
  await connection.close();
});

void t.test('IPv6, and an IPv4 sender at an IPv6 address', async (t) => {
  const port = await freeUdpPort();
  const heard = listen();
  const connection = await openTransport(settings({ port, address: '::', from: host }), heard.handlers);
  (await device(t)).send('four', port, host);
  await heard.until(() => heard.pieces.length > 0);
  t.strictSame(heard.texts(), ['four']);
  await connection.close();
});

void t.test('what cannot be opened says why and what to do', async (t) => {
  const port = await freeUdpPort();
  const open = (more: object) => openTransport(settings({ port, ...more }), listen().handlers);
  const first = await open({});
  await t.rejects(open({}), { message: new RegExp(`^udp ${host}:${port}: another program.*ss -ulnp`) });
  await first.close();
  await (await open({})).close();
  await t.rejects(open({ address: '192.0.2.1' }), { message: /no interface of this machine has this address/ });
  await t.rejects(open({ group: '10.0.0.1' }), { message: /cannot join 10\.0\.0\.1\. Is it a multicast group/ });
  await t.rejects(open({ group: '239.1.1.1', interface: 'none0' }), { message: /cannot join 239.1.1.1 on none0/ });
  await t.rejects(openTransport(settings({}), listen().handlers), { message: /which port/ });
  t.match(describeUdpError('udp x', Object.assign(new Error('words'), { code: 'EACCES' })), /CAP_NET_BIND_SERVICE/);
  t.equal(describeUdpError('udp x', Object.assign(new Error('words'), { code: 'EODD' })), 'udp x: words');
});

const limitFile = '/proc/sys/net/core/rmem_max';
void t.test(
  'a receive buffer that the kernel cuts down is told, with the remedy',
  existsSync(limitFile) ? {} : { skip: 'skipped: no limit to read' },
  async (t) => {
    const limit = Number(readFileSync(limitFile, 'utf8'));
    const open = async (receiveBuffer: number) => {
      const heard = listen();
      await (await openTransport(settings({ port: await freeUdpPort(), receiveBuffer }), heard.handlers)).close();
      return heard.warnings;
    };
    t.strictSame(await open(Math.min(limit, 2 ** 30)), []);
    const [warning] = await open(Math.min(limit * 2, 2 ** 30));
    if (limit < 2 ** 30)
      t.match(
        warning,
        new RegExp(
          `receive buffer of ${limit} bytes instead of ${Math.min(limit * 2, 2 ** 30)}.*sysctl -w net.core.rmem_max=`,
        ),
      );
    t.equal(receiveBufferWarning('udp x', 1000, 1000), undefined);
  },
);

void t.test('settings', (t) => {
  const ok = (more: object) => transportSettings.safeParse({ type: 'udp', ...more }).success;
  t.ok(ok({}));
  t.ok(ok({ port: 2368, from: '192.168.1.201', group: 'ff02::1', interface: 'eth0', receiveBuffer: 8_000_000 }));
  t.notOk(ok({ port: 0 }));
  t.notOk(ok({ address: 'shelf' }));
  t.notOk(ok({ from: '192.168.1' }));
  t.notOk(ok({ receiveBuffer: 1 }));
  t.end();
});
