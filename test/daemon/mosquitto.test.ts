import { spawn, type ChildProcess } from 'node:child_process';
import { pbkdf2Sync } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { createPublisher, type Publisher, type PublisherOptions } from '../../daemon/publisher.js';
import { gatewayStatus, type ActivityMessage } from '../../daemon/topics.js';
import { activity } from './helpers/activity.js';
import { keepingLog, levels, silentLog } from './helpers/log.js';
import { mosquitto, needsMosquitto } from './helpers/mosquitto.js';
import { changes, subscribe, type Received } from './helpers/subscriber.js';
import { until } from './helpers/wait.js';

const change = { change: true };
const update = { change: false };
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

async function publisherFor(t: Test, url: string, options: Partial<PublisherOptions> = {}): Promise<Publisher> {
  const publisher = await createPublisher({
    gateway: 'home',
    url,
    outboxDirectory: join(t.testdirName, 'outbox'),
    log: silentLog,
    ...options,
  });
  t.teardown(() => publisher.close());
  return publisher;
}

/** A gateway's process, see helpers/publishing-process.ts, and the names that it has printed. */
function publishingProcess(t: Test, url: string, outbox: string, prefix: string, count: number) {
  const script = fileURLToPath(new URL('./helpers/publishing-process.js', import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [script, url, outbox, prefix, String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const stored: string[] = [];
  createInterface({ input: child.stdout! }).on('line', (line) => stored.push(line));
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  };
  t.teardown(kill);
  return { stored, kill };
}

const statuses = (received: Received[]) =>
  received
    .filter(({ topic }) => topic === 'babel/home/status')
    .map(({ payload }) => gatewayStatus.parse(payload).state);

void t.test('every change, in order, over kills of the broker', needsMosquitto, async (t) => {
  const broker = await mosquitto(t.testdir());
  t.teardown(() => broker.kill());
  const subscriber = await subscribe(broker.url, 'babel/#', 'subscriber');
  t.teardown(() => subscriber.end());
  const publisher = await publisherFor(t, broker.url);
  const place = (i: number) => (i % 2 ? 'hall' : 'kitchen');

  let made = 0;
  for (let round = 0; round < 3; round++) {
    for (const i of range(made, made + 5)) {
      await publisher.publishActivity(place(i), activity(`step-${i}`, i), change);
      await publisher.publishActivity(place(i), activity(`step-${i}`, i, 0.5), update);
    }
    made += 5;
    await until('what was sent', () => changes(subscriber.received).length === made);
    await until('its confirmation', () => publisher.statistics().waiting === 0);
    await broker.save();
    await broker.kill();
    await until('the outage', () => !publisher.connected());
    for (const i of range(made, made + 30)) {
      await publisher.publishActivity(place(i), activity(`step-${i}`, i), change);
      await publisher.publishActivity(place(i), activity(`step-${i}`, i, 0.5), update);
    }
    made += 30;
    await broker.start();
    await until('what was kept', () => changes(subscriber.received).length === made);
  }
  t.same(
    changes(subscriber.received).map(({ activity, sequence }) => [activity, sequence]),
    range(0, made).map((i) => [`step-${i}`, i + 1]),
  );

  const late = await subscribe(broker.url, 'babel/#');
  t.teardown(() => late.end());
  await until('what is retained', () => late.received.length >= 3);
  t.ok(late.received.slice(0, 3).every(({ retained }) => retained));
  const retained = Object.fromEntries(late.received.map(({ topic, payload }) => [topic, payload]));
  t.match(retained, {
    'babel/home/status': { state: 'online' },
    [`babel/home/${place(made - 1)}/activity`]: { activity: `step-${made - 1}` },
    [`babel/home/${place(made - 2)}/activity`]: { activity: `step-${made - 2}` },
  });
});

void t.test(
  'every change, in order, over a kill -9 of the gateway while the broker is away',
  needsMosquitto,
  async (t) => {
    const folder = t.testdir();
    const broker = await mosquitto(folder);
    t.teardown(() => broker.kill());
    const subscriber = await subscribe(broker.url, 'babel/#', 'subscriber');
    t.teardown(() => subscriber.end());
    await broker.save();
    await broker.kill();

    const outbox = join(folder, 'outbox');
    const first = publishingProcess(t, broker.url, outbox, 'first-', 1_000_000);
    await until('some changes', () => first.stored.length >= 30);
    await first.kill();
    const second = publishingProcess(t, broker.url, outbox, 'second-', 1_000_000);
    await until('some more', () => second.stored.length >= 30);
    await second.kill();

    await broker.start();
    const third = publishingProcess(t, broker.url, outbox, 'third-', 3);
    await until('the last', () => changes(subscriber.received).some(({ activity }) => activity === 'third-2'));
    const arrived = changes(subscriber.received);
    const expected = [...first.stored, ...second.stored, ...third.stored];
    t.same(
      arrived.map(({ activity }) => activity).filter((name) => expected.includes(name)),
      expected,
      'each that was handed over, in order',
    );
    t.ok(
      arrived.length <= expected.length + 2,
      'and besides them only what was stored but not yet printed when killed',
    );
    t.same(
      arrived.map(({ sequence }) => sequence),
      range(1, arrived.length + 1),
    );
  },
);

void t.test('the last will after kill -9, offline after a stop', needsMosquitto, async (t) => {
  const folder = t.testdir();
  const broker = await mosquitto(folder);
  t.teardown(() => broker.kill());
  const subscriber = await subscribe(broker.url, 'babel/home/status');
  t.teardown(() => subscriber.end());

  const gateway = publishingProcess(t, broker.url, join(folder, 'outbox'), 'step-', 1);
  await until('online', () => statuses(subscriber.received).at(-1) === 'online');
  await until('its change', () => gateway.stored.length === 1);
  await gateway.kill();
  await until('the last will', () => statuses(subscriber.received).at(-1) === 'offline');

  const publisher = await publisherFor(t, broker.url);
  await until('online again', () => statuses(subscriber.received).at(-1) === 'online');
  await publisher.close();
  await until('offline', () => statuses(subscriber.received).at(-1) === 'offline');
  const late = await subscribe(broker.url, 'babel/home/status');
  t.teardown(() => late.end());
  await until('the retained status', () => late.received.length > 0);
  t.match(late.received[0], { payload: { state: 'offline' }, retained: true });
});

void t.test('sends what is left before it stops', needsMosquitto, async (t) => {
  const broker = await mosquitto(t.testdir());
  t.teardown(() => broker.kill());
  const subscriber = await subscribe(broker.url, 'babel/#');
  t.teardown(() => subscriber.end());
  const publisher = await publisherFor(t, broker.url);
  await until('the connection', () => publisher.connected());
  for (const i of range(0, 10)) void publisher.publishActivity('hall', activity(`step-${i}`, i), change);
  await publisher.close();
  await until('offline', () => statuses(subscriber.received).at(-1) === 'offline');
  const arrived = subscriber.received.map(({ payload }) => payload as Partial<ActivityMessage>);
  t.same(
    arrived.flatMap(({ sequence, change }) => (change ? [sequence] : [])),
    range(1, 11),
  );
});

void t.test(
  'stops though the broker has stopped answering, and keeps what it had not confirmed',
  needsMosquitto,
  async (t) => {
    const broker = await mosquitto(t.testdir());
    t.teardown(() => broker.kill());
    const subscriber = await subscribe(broker.url, 'babel/#');
    t.teardown(() => subscriber.end());
    const before = await publisherFor(t, broker.url);
    await until('the connection', () => before.connected());
    broker.freeze(true);
    await before.publishActivity('hall', activity('before'), change);
    t.equal(before.connected(), true);
    await before.close();
    t.equal(before.connected(), false);
    broker.freeze(false);

    const after = await publisherFor(t, broker.url);
    await after.publishActivity('hall', activity('after'), change);
    await until('both', () => changes(subscriber.received).length === 2);
    t.same(
      changes(subscriber.received).map(({ activity, sequence }) => [activity, sequence]),
      [
        ['before', 1],
        ['after', 2],
      ],
    );
    await until('online', () => statuses(subscriber.received).at(-1) === 'online');
  },
);

void t.test('a wrong password: one warning that says so; a right one connects', needsMosquitto, async (t) => {
  const folder = t.testdir();
  const passwords = join(folder, 'passwords');
  // mosquitto_passwd's format for user 'gateway', password 'right': PBKDF2 with SHA-512, salt of 12 bytes, 101 rounds.
  const salt = Buffer.from('twelve bytes');
  const hash = pbkdf2Sync('right', salt, 101, 64, 'sha512');
  await writeFile(passwords, `gateway:$7$101$${salt.toString('base64')}$${hash.toString('base64')}\n`, { mode: 0o600 });
  const broker = await mosquitto(folder, `allow_anonymous false\npassword_file ${passwords}`);
  t.teardown(() => broker.kill());

  const { log, lines } = keepingLog();
  const wrong = await publisherFor(t, broker.url, { username: 'gateway', password: 'wrong', log });
  await until('the warning', () => lines.length > 0);
  t.match(lines[0], {
    level: levels.warn,
    msg: /refuses the user name or password; correct mqtt.username and mqtt.password/,
  });
  t.equal(wrong.connected(), false);
  await wrong.close();

  const right = await publisherFor(t, broker.url.replace('//', '//gateway:right@'));
  await until('the connection', () => right.connected());
  await right.publishActivity('hall', activity('sit'), change);
  await until('its confirmation', () => right.statistics().delivered === 1);
});
