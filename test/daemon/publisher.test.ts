import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { startBroker } from '../../daemon/broker.js';
import { openOutbox } from '../../daemon/outbox.js';
import { createPublisher, type Publisher, type PublisherOptions } from '../../daemon/publisher.js';
import { activityMessage, gatewayStatus, sensorHealth, type ActivityMessage } from '../../daemon/topics.js';
import { activity, health } from './helpers/activity.js';
import { keepingLog, levels, silentLog } from './helpers/log.js';
import { freePort } from './helpers/mosquitto.js';
import { recordingBroker } from './helpers/recording-broker.js';
import { changes, subscribe, type Received } from './helpers/subscriber.js';
import { until } from './helpers/wait.js';

const change = { change: true };
const update = { change: false };

async function publisherFor(t: Test, url: string, options: Partial<PublisherOptions> = {}): Promise<Publisher> {
  const publisher = await createPublisher({
    gateway: 'home',
    url,
    // A second call of testdir() would empty the folder.
    outboxDirectory: options.outboxDirectory ?? join(t.testdir(), 'outbox'),
    log: silentLog,
    ...options,
  });
  t.teardown(() => publisher.close());
  return publisher;
}

const activities = (received: Received[]) =>
  received.filter(({ topic }) => topic.endsWith('/activity')).map(({ payload }) => payload as ActivityMessage);

void t.test(
  'publishes status, activity and health through the embedded broker, retained, as the schemas say',
  async (t) => {
    const broker = await startBroker({ port: 0, log: silentLog });
    t.teardown(() => broker.close());
    const live = await subscribe(broker.url, 'babel/#');
    t.teardown(() => live.end());
    const publisher = await publisherFor(t, broker.url);
    const since = new Date().toISOString();
    publisher.publishStatus({
      version: '0.1.0',
      since,
      models: { imu: { name: 'imu-test', provider: 'cpu', passedOver: [] } },
    });
    publisher.publishSensor('wrist', health('live', 7));
    await publisher.publishActivity('living-room', activity('sit'), change);
    await until('the change', () => publisher.statistics().delivered === 1);
    await publisher.publishActivity('living-room', activity('sit', 1, 0.95), update);
    await until('the window update', () => activities(live.received).some(({ confidence }) => confidence === 0.95));

    const late = await subscribe(broker.url, 'babel/#');
    t.teardown(() => late.end());
    await until('what is retained', () => late.received.length >= 3);
    const retained = Object.fromEntries(late.received.map(({ topic, payload }) => [topic, payload]));
    t.ok(late.received.every(({ retained }) => retained));
    t.match(gatewayStatus.parse(retained['babel/home/status']), {
      state: 'online',
      version: '0.1.0',
      since,
      models: { imu: { name: 'imu-test', provider: 'cpu', passedOver: [] } },
    });
    t.match(sensorHealth.parse(retained['babel/home/sensor/wrist']), { state: 'live', frames: 7, virtual: true });
    t.same(activityMessage.parse(retained['babel/home/living-room/activity']), {
      ...activity('sit', 1, 0.95),
      sequence: 1,
      change: false,
    });

    await publisher.close();
    const last = await until('offline', () =>
      live.received.find(({ payload }) => (payload as { state?: string }).state === 'offline'),
    );
    t.equal(last.topic, 'babel/home/status');
  },
);

void t.test('numbers changes, and only them; the first of a place is one', async (t) => {
  const broker = await recordingBroker();
  t.teardown(() => broker.close());
  const publisher = await publisherFor(t, broker.url);
  await until('the connection', () => publisher.connected());
  const steps = [
    ['kitchen', 'still', update, 1, true],
    ['kitchen', 'still', update, 1, false],
    ['hall', 'walk', change, 2, true],
    ['kitchen', 'cook', change, 3, true],
    ['hall', 'walk', update, 2, false],
  ] as const;
  for (const [i, [place, name, kind]] of steps.entries()) {
    await publisher.publishActivity(place, activity(name, i), kind);
    await until('its arrival', () => activities(broker.received).length === i + 1);
    await until('its confirmation', () => publisher.statistics().waiting === 0);
  }
  t.same(
    activities(broker.received).map(({ activity, sequence, change }) => [activity, sequence, change]),
    steps.map(([, name, , sequence, isChange]) => [name, sequence, isChange]),
  );
  t.same(
    broker.received.filter(({ topic }) => topic.endsWith('/activity')).map(({ qos }) => qos),
    [1, 0, 1, 1, 0],
    'changes are confirmed, updates are not',
  );
});

void t.test('keeps changes in order while the broker is away, and only the newest of all else', async (t) => {
  const port = await freePort();
  const publisher = await publisherFor(t, `mqtt://127.0.0.1:${port}`);
  for (let i = 0; i < 40; i++) {
    await publisher.publishActivity(i % 3 ? 'hall' : 'kitchen', activity(`step-${i}`, i), change);
    await publisher.publishActivity(i % 3 ? 'hall' : 'kitchen', activity(`step-${i}`, i, 0.5), update);
    publisher.publishSensor('wrist', health('silent', i));
  }
  publisher.publishSensor('wrist', health('live', 40));
  t.match(publisher.statistics(), { connected: false, waiting: 40, superseded: 40, delivered: 0, dropped: 0 });

  const broker = await recordingBroker(port);
  t.teardown(() => broker.close());
  await until('delivery', () => publisher.statistics().delivered === 40);
  t.same(
    changes(broker.received).map(({ activity, sequence }) => [activity, sequence]),
    Array.from({ length: 40 }, (_, i) => [`step-${i}`, i + 1]),
  );
  const sensor = broker.received.filter(({ topic }) => topic === 'babel/home/sensor/wrist');
  t.same(
    sensor.map(({ payload }) => sensorHealth.parse(payload)),
    [health('live', 40)],
  );
  t.ok(broker.received.every(({ retained }) => retained));
  t.match(broker.received[0], { topic: 'babel/home/status', payload: { state: 'online' } });
  await until('the newest of each place', () => activities(broker.received).length === 42);
  t.same(
    activities(broker.received)
      .slice(-2)
      .map(({ activity, confidence, sequence, change }) => [activity, confidence, sequence, change]),
    [
      ['step-39', 0.5, 40, false],
      ['step-38', 0.5, 39, false],
    ],
    'retained again at the end, for a broker that has forgotten them',
  );
});

void t.test('lets no update overtake a change that is not yet confirmed', async (t) => {
  const broker = await recordingBroker();
  t.teardown(() => broker.close());
  const publisher = await publisherFor(t, broker.url);
  await publisher.publishActivity('hall', activity('sit'), change);
  await until('the first', () => publisher.statistics().delivered === 1);
  const stored = publisher.publishActivity('hall', activity('walk', 1), change);
  await publisher.publishActivity('hall', activity('walk', 2), update);
  t.equal(publisher.statistics().superseded, 1, 'while it is being stored');
  await stored;
  await publisher.publishActivity('hall', activity('walk', 3), update);
  await publisher.publishActivity('hall', activity('walk', 4), update);
  t.ok(publisher.statistics().waiting > 0, 'the second is on its way');
  const next = publisher.publishActivity('hall', activity('sit', 5), change);
  await publisher.publishActivity('kitchen', activity('sit', 6), change);
  await next;
  await publisher.publishActivity('hall', activity('sit', 7), update);
  await until('the rest', () => publisher.statistics().waiting === 0);
  await publisher.publishActivity('hall', activity('sit', 8), update);
  const since = (second: number) => activity('', second).since;
  const hall = () => activities(broker.received.filter(({ topic }) => topic.endsWith('/hall/activity')));
  await until('the last update', () => hall().some((one) => one.since === since(8)));
  t.same(
    hall()
      .slice(-6)
      .map((one) => [one.since, one.change]),
    [1, 3, 4, 5, 7, 8].map((second) => [since(second), second === 1 || second === 5]),
    'each once, in order',
  );
  t.equal(publisher.statistics().superseded, 1);
});

void t.test('sends again what was not confirmed, in order and with the same numbers', async (t) => {
  let cuts = 0;
  const broker = await recordingBroker(0, ({ payload }) => {
    const { activity } = payload as Partial<ActivityMessage>;
    return activity === 'step-5' && cuts++ < 2;
  });
  t.teardown(() => broker.close());
  const publisher = await publisherFor(t, broker.url);
  await Promise.all(
    Array.from({ length: 10 }, (_, i) => publisher.publishActivity('hall', activity(`step-${i}`, i), change)),
  );
  await until('delivery', () => publisher.statistics().delivered >= 10);
  t.equal(cuts, 3);
  t.same(
    changes(broker.received).map(({ activity, sequence }) => [activity, sequence]),
    Array.from({ length: 10 }, (_, i) => [`step-${i}`, i + 1]),
  );
  const sequences = activities(broker.received)
    .filter(({ change }) => change)
    .map(({ sequence }) => sequence);
  t.ok(sequences.length > 10, 'some came more than once');
  t.equal(publisher.statistics().waiting, 0);
});

void t.test('delivers after a restart what was left, and goes on with the numbers', async (t) => {
  const port = await freePort();
  const outboxDirectory = join(t.testdir(), 'outbox');
  const before = await publisherFor(t, `mqtt://127.0.0.1:${port}`, { outboxDirectory });
  for (let i = 1; i <= 3; i++) await before.publishActivity('hall', activity(`before-${i}`, i), change);
  await before.close();
  await before.publishActivity('hall', activity('too late'), change);

  const broker = await recordingBroker(port);
  t.teardown(() => broker.close());
  const after = await publisherFor(t, broker.url, { outboxDirectory });
  await after.publishActivity('hall', activity('after-4', 4), update);
  await until('delivery', () => after.statistics().delivered === 4);
  t.same(
    changes(broker.received).map(({ activity, sequence }) => [activity, sequence]),
    [
      ['before-1', 1],
      ['before-2', 2],
      ['before-3', 3],
      ['after-4', 4],
    ],
  );
});

void t.test('drops and counts the oldest changes when too many wait', async (t) => {
  const port = await freePort();
  const publisher = await publisherFor(t, `mqtt://127.0.0.1:${port}`, { outboxBound: 5 });
  for (let i = 1; i <= 12; i++) await publisher.publishActivity('hall', activity(`step-${i}`, i), change);
  t.match(publisher.statistics(), { waiting: 5, dropped: 7 });
  const broker = await recordingBroker(port);
  t.teardown(() => broker.close());
  await until('delivery', () => publisher.statistics().delivered === 5);
  t.same(
    changes(broker.received).map(({ sequence }) => sequence),
    [8, 9, 10, 11, 12],
  );
});

void t.test('leaves out a stored change that is damaged, and says so', async (t) => {
  const outboxDirectory = join(t.testdir(), 'outbox');
  const outbox = await openOutbox({ directory: outboxDirectory, log: silentLog });
  await outbox.append('no JSON');
  await outbox.close();
  const broker = await recordingBroker();
  t.teardown(() => broker.close());
  const { log, lines } = keepingLog();
  const publisher = await publisherFor(t, broker.url, { outboxDirectory, log });
  await publisher.publishActivity('hall', activity('sit'), change);
  await until('delivery', () => publisher.statistics().waiting === 0);
  t.same(
    changes(broker.received).map(({ sequence }) => sequence),
    [2],
  );
  t.equal(lines.filter(({ level, msg }) => level === levels.error && msg.includes('damaged')).length, 1);
});

void t.test('logs an outage once, with the remedy and without the password, however often it tries', async (t) => {
  let attempts = 0;
  const deaf = createServer((socket) => {
    attempts++;
    socket.destroy();
  });
  deaf.listen(0, '127.0.0.1');
  await once(deaf, 'listening');
  t.teardown(() => deaf.close());
  const { log, lines } = keepingLog();
  const { port } = deaf.address() as AddressInfo;
  const publisher = await publisherFor(t, `mqtt://someone:secret@127.0.0.1:${port}`, { log });
  await until('three attempts', () => attempts >= 3);
  t.equal(lines.length, 1);
  t.match(lines[0], { level: levels.warn, msg: /kept until it is back/ });
  t.notMatch(JSON.stringify(lines), /secret|someone/);
  t.equal(publisher.statistics().outages, 1);

  const refused = keepingLog();
  const nobody = await publisherFor(t, `mqtt://127.0.0.1:${await freePort()}`, {
    log: refused.log,
    outboxDirectory: join(t.testdirName, 'other'),
  });
  await until('the warning', () => refused.lines.length > 0);
  t.match(refused.lines[0], { level: levels.warn, msg: /does not answer.*start it, or correct mqtt.broker/ });
  await nobody.close();
});

void t.test('refuses an address that is none, without showing its password', async (t) => {
  for (const url of ['192.168.1.10', 'http://a:secret@host', 'mqtt://', ''])
    await t.rejects(
      createPublisher({ gateway: 'home', url, outboxDirectory: join(t.testdir(), 'outbox'), log: silentLog }),
      { message: /^(?!.*secret).*it looks like mqtt:\/\// },
    );
});

void t.test('closes twice, while away, and at once after it was made', async (t) => {
  const publisher = await publisherFor(t, `mqtt://127.0.0.1:${await freePort()}`);
  await Promise.all([publisher.close(), publisher.close()]);
  publisher.publishStatus({});
  publisher.publishSensor('wrist', health('stopped'));
  t.equal(publisher.connected(), false);
});
