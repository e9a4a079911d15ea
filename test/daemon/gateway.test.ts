/** The gateway as users run it, a process of its own, from a device's bytes to labels at a subscriber. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { stringify } from 'yaml';
import { packageRoot } from '../../daemon/package-root.js';
import { activityMessage, gatewayStatus, sensorHealth, type ActivityMessage } from '../../daemon/topics.js';
import { loadUtdMhadInertial } from '../../learning/datasets/utd-mhad.js';
import { loadUtdMhadPaired } from '../../learning/datasets/utd-mhad-windows.js';
import { evaluateTower } from '../../learning/evaluate.js';
import { subsets } from '../../learning/heads/any-subset.js';
import { fusedWindows, opinionsOf, shippedTowers } from '../../learning/suites/shipped.js';
import { loadTower, shippedTowerDirectory } from '../../models/store.js';
import { freePort } from './helpers/mosquitto.js';
import { subscribe, type Received } from './helpers/subscriber.js';
import { until } from './helpers/wait.js';

const program = join(packageRoot, 'bin', 'babel-gateway.js');
const recordings = process.env['SENSING_DATA'];

/** `babel-gateway` with these arguments, its output kept. */
function start(t: Test, args: readonly string[]) {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (text) => (output.stdout += String(text)));
  child.stderr.on('data', (text) => (output.stderr += String(text)));
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  t.teardown(() => child.kill('SIGKILL'));
  return { child, output, ended };
}

/** A gateway with its own broker and these sensors in a room, and a subscriber to all that it publishes. */
async function gateway(t: Test, sensors: object, more: object = {}) {
  const port = await freePort();
  const folder = t.testdir();
  const file = join(folder, 'gateway.yaml');
  const config = {
    gateway: 'test',
    dataDirectory: 'state',
    mqtt: { port },
    places: { room: { sensors, activities: { windows: 1, unknownBelow: 0 } } },
    ...more,
  };
  await writeFile(file, stringify(config));
  const process = start(t, ['run', '--config', file]);
  await until('its broker', () => process.output.stderr.includes('labels are published'), 60);
  const subscriber = await subscribe(`mqtt://127.0.0.1:${port}`, 'babel/#', 'test');
  t.teardown(() => subscriber.end());
  return { ...process, received: subscriber.received };
}

const activities = (received: readonly Received[]): ActivityMessage[] =>
  received
    .filter(({ topic }) => topic === 'babel/test/room/activity')
    .map(({ payload }) => activityMessage.parse(payload));
const healths = (received: readonly Received[], name: string) =>
  received
    .filter(({ topic }) => topic === `babel/test/sensor/${name}`)
    .map(({ payload }) => sensorHealth.parse(payload));

void t.test('the virtual wrist is labelled, and everything from it says that it is virtual', async (t) => {
  const { child, output, ended, received } = await gateway(t, {
    wrist: { driver: 'witmotion-wt901', feed: { kind: 'virtual-body' } },
  });
  await until('five labels', () => activities(received).filter(({ sensors }) => sensors.length > 0).length >= 5, 30);
  t.ok(activities(received).every((message) => message.virtual));
  t.ok(healths(received, 'wrist').every((health) => health.virtual));
  const [status] = received.filter(({ topic }) => topic === 'babel/test/status').map(({ payload }) => payload);
  t.match(gatewayStatus.parse(status), { state: 'online', models: { imu: { provider: /cpu|webgpu|cuda/ } } });
  t.match(output.stdout, /performed: .*agreed in \d+ of \d+.*VIRTUAL SENSOR/);

  const stopped = performance.now();
  child.kill('SIGTERM');
  t.strictSame(await ended, [0, null], output.stderr);
  t.comment(`stopped within ${Math.round(performance.now() - stopped)} ms`);
  await until('the last word', () => received.some(({ payload }) => JSON.stringify(payload).includes('"offline"')));
});

const skip = recordings ? false : 'skipped: no recordings';

void t.test('labels of played recordings are those that the evaluation computes', { skip }, async (t) => {
  const data = join(recordings!, 'utd-mhad');
  const selection = { subjects: [2, 4], actions: [3, 13, 23], trials: [1] };
  const { child, ended, received } = await gateway(t, {
    wrist: { driver: 'witmotion-wt901', feed: { kind: 'utd-mhad', data, ...selection } },
  });
  const tower = await loadTower(shippedTowerDirectory('imu'));
  const expected = await evaluateTower(tower, (await loadUtdMhadInertial(data, selection)).recordings);
  const windows = expected.recordings.flatMap((recording) => recording.windows);
  const labelled = () => activities(received).filter(({ sensors }) => sensors.length > 0);
  await until('a label for each window', () => labelled().length >= windows.length, 90);
  t.strictSame(
    labelled().map(({ activity }) => activity),
    windows,
  );
  t.ok(labelled().every((message) => message.recorded && !message.virtual));
  child.kill('SIGTERM');
  t.strictSame(await ended, [0, null]);
});

void t.test('wrist, skeleton and depth of one performance are fused, window by window', { skip }, async (t) => {
  const data = join(recordings!, 'utd-mhad');
  const feed = { kind: 'utd-mhad', data, subjects: [2], actions: [3, 9, 23], trials: [1] };
  const settings = { rate: 19 };
  const { child, ended, received } = await gateway(t, {
    wrist: { driver: 'witmotion-wt901', feed },
    skeleton: { driver: 'skeleton-zmq', feed, settings },
    depth: { driver: 'depth-zmq', feed, settings },
  });
  const labelled = () => activities(received).filter(({ sensors }) => sensors.length > 0);
  await until('the last performance', () => labelled().some(({ activity }) => activity === 'walk'), 90);
  const of = (activity: string) => labelled().filter((message) => message.activity === activity);
  for (const activity of ['wave', 'draw circle clockwise', 'walk']) t.ok(of(activity).length > 0, activity);
  const whole = labelled().filter(({ sensors }) => sensors.length === 3);
  t.ok(whole.length >= 3, `${whole.length} of ${labelled().length} windows of all three`);
  for (const { contributions, probabilities, recorded } of whole) {
    t.ok(recorded);
    t.strictSame(contributions.map(({ modality }) => modality).sort(), ['depth', 'imu', 'skeleton']);
    t.ok(contributions.every(({ alignmentError }) => alignmentError < 0.1));
    const sum = Object.values(probabilities).reduce((a, b) => a + b, 0);
    t.ok(Math.abs(sum - 1) < 0.01, `${sum}`);
  }
  t.equal(new Set(labelled().map(({ window }) => window.start)).size, labelled().length, 'no window twice');
  child.kill('SIGTERM');
  t.strictSame(await ended, [0, null]);
});

void t.test('every mix of sensors is labelled as the evaluation labels the same windows', { skip }, async (t) => {
  const data = join(recordings!, 'utd-mhad');
  const selection = { subjects: [2], actions: [3, 9, 23], trials: [1] };
  const feed = { kind: 'utd-mhad', data, ...selection };
  const camera = { feed, settings: { rate: 19 } };
  const sensors = {
    imu: { driver: 'witmotion-wt901', feed },
    skeleton: { driver: 'skeleton-zmq', ...camera },
    depth: { driver: 'depth-zmq', ...camera },
  };
  const towers = await shippedTowers();
  const { recordings: performed } = await loadUtdMhadPaired(data, { ...selection, kinds: ['skeleton', 'depth'] });
  const opinions = await opinionsOf(towers, performed, 1);
  const mixes = subsets(Object.keys(sensors) as (keyof typeof sensors)[]);
  // One gateway after another: all twelve sensors at once are more than two slow cores bear.
  for (let from = 0; from < mixes.length; from += 2) {
    const some = mixes.slice(from, from + 2);
    const places = Object.fromEntries(
      some.map((mix) => [
        mix.join('-'),
        {
          sensors: Object.fromEntries(mix.map((one) => [`${mix.join('-')}-${one}`, sensors[one]])),
          activities: { windows: 1 },
        },
      ]),
    );
    const { child, ended, received } = await gateway(t, {}, { places });
    for (const mix of some) {
      const place = mix.join('-');
      const expected = performed.flatMap((_, i) =>
        fusedWindows(mix, towers, opinions, i).map((window) => ({ window, i })),
      );
      const labelled = () =>
        received
          .filter(({ topic }) => topic === `babel/test/${place}/activity`)
          .map(({ payload }) => activityMessage.parse(payload))
          .filter(({ sensors: those }) => those.length === mix.length);
      await until(`a label for each window of ${place}`, () => labelled().length >= expected.length, 90);
      t.strictSame(
        labelled().map(({ activity }) => activity),
        expected.map(({ window }) => [...window].reduce((best, one) => (one[1] > best[1] ? one : best))[0]),
        place,
      );
      for (const [k, { probabilities }] of labelled().entries())
        for (const [label, p] of expected[k]!.window)
          t.ok(
            Math.abs(probabilities[label]! - p) < 0.1,
            `${place}, window ${k}, ${label}: ${probabilities[label]} for ${p}`,
          );
    }
    child.kill('SIGTERM');
    t.strictSame(await ended, [0, null]);
  }
});

void t.test('a sensor that is absent is reported with the remedy, and stops nothing else', async (t) => {
  const { child, ended, received } = await gateway(t, {
    absent: { driver: 'witmotion-wt901', transport: { type: 'serial', path: '/dev/not-there' } },
    wrist: { driver: 'witmotion-wt901', feed: { kind: 'virtual-body' } },
  });
  await until('a label', () => activities(received).some(({ sensors }) => sensors.includes('wrist')), 30);
  await until('its state', () => healths(received, 'absent').at(-1)?.state === 'unreachable');
  t.match(healths(received, 'absent').at(-1)!.reason, /no such port. Is the device plugged in/);
  child.kill('SIGTERM');
  t.strictSame(await ended, [0, null]);
});

void t.test('a mistake in the configuration is told with line and key, and ends with status 2', async (t) => {
  const file = join(t.testdir({ 'a.yaml': 'places:\n  room:\n    sensor:\n      wrist: {}\n' }), 'a.yaml');
  const { output, ended } = start(t, ['run', '--config', file]);
  t.strictSame(await ended, [2, null]);
  t.match(output.stderr, /a\.yaml:3:5: places\.room\.sensor: .*sensors/);
  t.notMatch(output.stderr, /at .*\.js:/, 'no stack');
});

void t.test('a model file that was changed is refused with what to do', async (t) => {
  const tower = join(t.testdir(), 'tower');
  await cp(shippedTowerDirectory('imu'), tower, { recursive: true });
  const file = join(tower, 'encoder.onnx');
  const bytes = await readFile(file);
  bytes[bytes.length - 1]! ^= 1;
  await writeFile(file, bytes);
  const config = {
    models: { towers: { imu: tower } },
    places: { room: { sensors: { wrist: { driver: 'witmotion-wt901', feed: { kind: 'virtual-body' } } } } },
  };
  const yaml = join(tower, 'gateway.yaml');
  await writeFile(yaml, stringify(config));
  const { output, ended } = start(t, ['run', '--config', yaml]);
  t.strictSame(await ended, [1, null]);
  t.match(output.stderr, /encoder\.onnx has SHA-256 .*restore it .*or train the tower again/);
});

void t.test('a busy port of the broker is told with what to do', async (t) => {
  const first = await gateway(t, { wrist: { driver: 'witmotion-wt901', feed: { kind: 'virtual-body' } } });
  await until('a start', () => first.received.length > 0, 30);
  const { output, ended } = start(t, ['run', '--config', join(t.testdirName, 'gateway.yaml')]);
  t.strictSame(await ended, [1, null]);
  t.match(output.stderr, /port \d+ is in use.*mqtt\.broker/);
  first.child.kill('SIGTERM');
  await first.ended;
});

void t.test('doctor finds what is missing, and says so in JSON too', async (t) => {
  const port = await freePort();
  const config = {
    dataDirectory: 'state',
    mqtt: { port },
    places: {
      room: {
        sensors: { wrist: { driver: 'witmotion-wt901', transport: { type: 'serial', path: '/dev/not-there' } } },
      },
    },
  };
  const file = join(t.testdir({ 'a.yaml': stringify(config) }), 'a.yaml');
  const { output, ended } = start(t, ['doctor', '--config', file, '--json']);
  t.strictSame(await ended, [1, null]);
  const { problems, findings } = JSON.parse(output.stdout) as { problems: number; findings: { about: string }[] };
  t.equal(problems, 1, output.stdout);
  t.match(
    findings.find(({ about }) => about === 'sensor wrist'),
    { state: 'problem', text: /no such port/ },
  );
  t.match(
    findings.find(({ about }) => about === 'tower for imu'),
    { state: 'ok', text: /runs on/ },
  );
});
