/** What a home does to sensors, to a whole gateway with three of them, each sent by a process of its own over its real protocol:
 *  the labels go on from the others, what the place tells says why, and the sensor comes back by itself. */
import { fork, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { stringify } from 'yaml';
import { activityMessage, placeModalities } from '../../daemon/topics.js';
import type { Modality } from '../../drivers/frames.js';
import { freePort } from './helpers/mosquitto.js';
import { start } from './helpers/program.js';
import type { Trouble } from './helpers/sending-process.js';
import { subscribe } from './helpers/subscriber.js';
import { until } from './helpers/wait.js';

const devices = {
  wrist: { modality: 'imu', driver: 'witmotion-wt901', rate: 50 },
  skeleton: { modality: 'skeleton', driver: 'skeleton-zmq', rate: 25 },
  depth: { modality: 'depth', driver: 'depth-zmq', rate: 20 },
} as const satisfies Record<string, { modality: Modality; driver: string; rate: number }>;
type Name = keyof typeof devices;
const names = Object.keys(devices) as Name[];

/** The process that sends one device's bytes; it can be killed and started again on the same port. */
async function sender(t: Test, name: Name) {
  const port = await freePort();
  let child: ChildProcess | undefined;
  const says = (what: string) =>
    new Promise<void>((resolve) => child!.once('message', (message) => message === what && resolve()));
  const begin = () => {
    child = fork(new URL('./helpers/sending-process.js', import.meta.url), [
      name,
      String(port),
      String(devices[name].rate),
    ]);
    return says('open');
  };
  t.teardown(() => child?.kill('SIGKILL'));
  await begin();
  return {
    port,
    begin,
    tell: (trouble: Trouble) => void child!.send(trouble),
    kill: async () => {
      child!.kill('SIGKILL');
      await once(child!, 'exit');
    },
  };
}

/** A gateway that hears all three, and what it says. @param wrist how it reaches the wrist, where that is not over TCP */
async function home(t: Test, folder: string, wrist?: object) {
  const senders = {
    wrist: await sender(t, 'wrist'),
    skeleton: await sender(t, 'skeleton'),
    depth: await sender(t, 'depth'),
  };
  const sensors = Object.fromEntries(
    names.map((name) => {
      const { driver, rate } = devices[name];
      const { port } = senders[name];
      const transport =
        name === 'wrist'
          ? (wrist ?? { type: 'tcp', host: '127.0.0.1', port })
          : { type: 'zmq', endpoint: `tcp://127.0.0.1:${port}` };
      return [name, { driver, transport, ...(name !== 'wrist' && { settings: { rate } }) }];
    }),
  );
  const port = await freePort();
  const file = join(folder, 'gateway.yaml');
  const places = { room: { sensors, activities: { windows: 1 } } };
  const models = { providers: ['cpu'] };
  await writeFile(file, stringify({ gateway: 'test', dataDirectory: 'state', mqtt: { port }, models, places }));
  const gateway = start(t, ['run', '--config', file]);
  await until('its broker', () => gateway.output.stderr.includes('labels are published'), 60);
  const subscriber = await subscribe(`mqtt://127.0.0.1:${port}`, 'babel/test/room/+', 'test');
  t.teardown(() => subscriber.end());
  const { received } = subscriber;
  const of = (what: string) => received.filter(({ topic }) => topic === `babel/test/room/${what}`);
  const now = () =>
    placeModalities.parse(
      of('modalities').at(-1)?.payload ?? {
        set: 'all',
        fused: [],
        absent: [],
        disagreeing: [],
        virtual: false,
        recorded: false,
        since: '2026-01-01T00:00:00Z',
      },
    );
  return {
    senders,
    gateway,
    /** Waits until all three are fused. */
    whole: (why: string) => until(`all three, ${why}`, () => now().fused.length === 3, 60),
    /** Waits until a sensor is absent for this reason. */
    absent: (name: Name, reason: RegExp) =>
      until(
        `${name} to be absent because of ${reason}`,
        () =>
          now().absent.find(({ modality, reason: told }) => modality === devices[name].modality && reason.test(told)),
        30,
      ),
    labels: () => of('activity').map(({ payload }) => activityMessage.parse(payload)),
  };
}

/** No more than 2 s from the end of one labelled window to that of the next one; on the windows' own clock. */
function goesOn(t: Test, labels: ReturnType<Awaited<ReturnType<typeof home>>['labels']>): void {
  const ends = labels.map(({ window }) => Date.parse(window.end)).sort((a, b) => a - b);
  const gaps = ends.slice(1).map((end, i) => end - ends[i]!);
  t.ok(
    labels.every(({ sensors }) => sensors.length > 0),
    'the place is never without a label',
  );
  t.ok(Math.max(...gaps) <= 2000, `longest gap ${Math.max(...gaps)} ms in ${ends.length} labels`);
  t.ok(
    labels.some(({ sensors }) => sensors.length === 2),
    'labels of the other two',
  );
}

/** @param cause brings the fault about @param end ends it */
async function fault(
  t: Test,
  { whole, absent, labels }: Awaited<ReturnType<typeof home>>,
  name: Name,
  reason: RegExp,
  cause: () => unknown,
  end: () => unknown,
): Promise<void> {
  await whole(`before ${name} fails`);
  const first = labels().length;
  await cause();
  const told = await absent(name, reason);
  t.pass(`${name}: ${told.reason}`);
  const without = labels().length;
  await until('labels of the others', () => labels().length >= without + 4);
  await end();
  await whole(`after ${name} failed`);
  goesOn(t, labels().slice(first));
}

const silent = /nothing arrives|closed the connection|connection refused|broke the connection/;

void t.test('killed, closed, frozen, and with a clock that jumps', async (t) => {
  const room = await home(t, t.testdir());
  const { senders } = room;
  for (const name of ['wrist', 'depth'] as const)
    await t.test(`the process of ${name} is killed`, (t) =>
      fault(t, room, name, silent, senders[name].kill, senders[name].begin),
    );
  for (const name of ['wrist', 'skeleton'] as const)
    await t.test(`the port of ${name} is closed`, (t) =>
      fault(
        t,
        room,
        name,
        silent,
        () => senders[name].tell({ closed: true }),
        () => senders[name].tell({ closed: false }),
      ),
    );
  for (const name of names) {
    const { tell } = senders[name];
    await t.test(`${name} repeats its newest values`, (t) =>
      fault(
        t,
        room,
        name,
        /repeats the same values/,
        () => tell({ frozen: true }),
        () => tell({ frozen: false }),
      ),
    );
    await t.test(`${name} sends its newest message again and again`, (t) =>
      fault(
        t,
        room,
        name,
        /repeats the same values/,
        () => tell({ stuck: true }),
        () => tell({ stuck: false }),
      ),
    );
    for (const clock of [3600, 0])
      await t.test(`the clock of ${name} jumps ${clock === 0 ? 'back' : 'forward'} by an hour`, (t) =>
        fault(
          t,
          room,
          name,
          /clock was set/,
          () => tell({ clock }),
          () => undefined,
        ),
      );
  }
  room.gateway.child.kill('SIGTERM');
  t.strictSame(await room.gateway.ended, [0, null], room.gateway.output.stderr);
});

const skip = spawnSync('socat', ['-V']).error ? 'skipped: no socat' : false;

void t.test('a serial port goes away under the gateway', { skip }, async (t) => {
  const folder = t.testdir();
  const path = join(folder, 'tty');
  const room = await home(t, folder, { type: 'serial', path });
  let socat: ChildProcess | undefined;
  const plug = () => {
    socat = spawn('socat', [`pty,raw,echo=0,link=${path}`, `tcp:127.0.0.1:${room.senders.wrist.port}`]);
  };
  const unplug = async () => {
    socat!.kill('SIGKILL');
    await once(socat!, 'exit');
  };
  t.teardown(() => socat?.kill('SIGKILL'));
  plug();
  await fault(t, room, 'wrist', /serial|port/, unplug, plug);
});
