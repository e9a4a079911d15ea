import { deepStrictEqual } from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import t from 'tap';
import { Publisher } from 'zeromq';
import { openTransport, transportSettings } from '../../../drivers/transports/registry.js';
import { decodeParts, encodeParts } from '../../../drivers/transports/zmq.js';
import { listen } from './listener.js';

const settings = (more: object) => transportSettings.parse({ type: 'zmq', ...more });

void t.test('parts become bytes and parts again; other bytes are refused without harm', (t) => {
  t.strictSame(
    [...encodeParts([Buffer.from('hi'), new Uint8Array(0), Uint8Array.of(7)])],
    [...[2, 0, 0, 0, 0x68, 0x69], ...[0, 0, 0, 0], ...[1, 0, 0, 0, 7]],
  );
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (parts) => {
      deepStrictEqual(decodeParts(encodeParts(parts)), parts);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const parts = decodeParts(bytes);
      if (parts) deepStrictEqual(encodeParts(parts), bytes);
    }),
  );
  t.equal(decodeParts(Uint8Array.of(1, 0, 0)), undefined);
  t.equal(decodeParts(Uint8Array.of(2, 0, 0, 0, 1)), undefined);
  t.end();
});

/** Everything that was bound: zeromq forgets a socket that nobody holds, and with it what is waited for. */
const publishers: Publisher[] = [];

/** A publisher at an endpoint that another one has just left, which takes it a moment. */
async function publisherAt(endpoint: string): Promise<Publisher> {
  for (;;) {
    const publisher = new Publisher({ linger: 0 });
    publishers.push(publisher);
    const given = delay(500, false);
    if (
      await Promise.race([
        publisher
          .bind(endpoint)
          .then(() => true)
          .catch(() => given),
        given,
      ])
    )
      return publisher;
    publisher.close();
  }
}

void t.test('one message of several parts is one call; a publisher may come later and again', async (t) => {
  const publisher = await publisherAt('tcp://127.0.0.1:*');
  const endpoint = publisher.lastEndpoint!;
  publisher.close();
  const heard = listen();
  const connection = await openTransport(settings({ endpoint, topic: 'csi' }), heard.handlers);
  for (const turn of [0, 1]) {
    const again = await publisherAt(endpoint);
    // A subscription takes its time to reach the publisher.
    while (heard.pieces.filter(({ bytes }) => bytes.includes(turn + 100)).length === 0) {
      await again.send(['other', Uint8Array.of(turn + 100)]);
      await again.send(['csi', Uint8Array.of(turn + 100), new Uint8Array(0)]);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    again.close();
  }
  for (const { bytes } of heard.pieces) {
    const parts = decodeParts(bytes)!;
    t.equal(Buffer.from(parts[0]!).toString(), 'csi');
    t.equal(parts.length, 3);
  }
  await t.rejects(connection.write(Uint8Array.of(1)), /takes no bytes/);
  await Promise.all([connection.close(), connection.close()]);
  t.strictSame(heard.reasons, []);
});

/** Publishes numbered messages of three parts and 1000 bytes each; says on its output how many, and where. */
const source = `
  const { Publisher } = require('zeromq');
  (async () => {
    const publisher = new Publisher({ sendHighWaterMark: 1000 });
    await publisher.bind('tcp://127.0.0.1:*');
    console.log(publisher.lastEndpoint);
    for (let i = 0; i < 100; i++) { await publisher.send(['hello']); await new Promise((done) => setTimeout(done, 20)); }
    for (let i = 0; i < 200000; i++) {
      const number = Buffer.alloc(4);
      number.writeUInt32LE(i);
      await publisher.send(['n', number, Buffer.alloc(1000, i & 255)]);
    }
    console.log('sent');
    for (;;) { await publisher.send(['end']); await new Promise((done) => setTimeout(done, 50)); }
  })();`;

void t.test('a consumer that stands still loses whole messages, and never the order', async (t) => {
  const child = spawn(process.execPath, ['-e', source], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  const lines = createInterface(child.stdout);
  const [endpoint] = (await once(lines, 'line')) as [string];
  const sent = once(lines, 'line');
  const numbers: number[] = [];
  let broken = 0;
  let ended: () => void = () => undefined;
  const end = new Promise<void>((resolve) => (ended = resolve));
  const connection = await openTransport(settings({ endpoint, highWaterMark: 100 }), {
    onBytes: (bytes) => {
      const [topic, number, body] = decodeParts(bytes) ?? [];
      const name = Buffer.from(topic ?? []).toString();
      if (name === 'end') ended();
      if (name !== 'n') return;
      const i = Buffer.from(number!).readUInt32LE();
      if (body?.length !== 1000 || body.some((byte) => byte !== (i & 255))) broken++;
      numbers.push(i);
      // Stands still twice, for longer than the publisher needs to fill all queues and sockets.
      if (numbers.length === 10 || numbers.length === 1000)
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
    },
    onClose: (reason) => t.fail(reason),
  });
  await sent;
  await end;
  await connection.close();
  t.equal(broken, 0);
  t.ok(
    numbers.every((number, i) => i === 0 || number > numbers[i - 1]!),
    'ascending: nothing twice, nothing exchanged',
  );
  t.ok(numbers.length > 1000 && numbers.length < 200_000, `${numbers.length} of 200,000 arrived`);
});

void t.test('settings and endpoints', async (t) => {
  const ok = (more: object) => transportSettings.safeParse({ type: 'zmq', ...more }).success;
  t.ok(ok({ endpoint: 'tcp://127.0.0.1:5555' }));
  t.ok(ok({ endpoint: 'ipc:///run/csi.sock', topic: 'csi', highWaterMark: 10 }));
  t.notOk(ok({ endpoint: 'tcp://127.0.0.1' }));
  t.notOk(ok({ endpoint: 'http://127.0.0.1:80' }));
  t.notOk(ok({ endpoint: 'tcp://127.0.0.1:5555', highWaterMark: 0 }));
  t.notOk(ok({ endpoint: 'tcp://127.0.0.1:99999' }));
  await t.rejects(openTransport(settings({ endpoint: 'tcp://*:5' }), listen().handlers), {
    message: 'zmq tcp://*:5: Invalid argument',
  });
});
