/** A class taught to the running gateway by what it just saw. */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { stringify } from 'yaml';
import { createLiveTeaching } from '../../daemon/live-teaching.js';
import type { Config } from '../../daemon/config.js';
import type { PlainModelRequest } from '../../daemon/model-requests.js';
import type { RecentWindow } from '../../daemon/recent-windows.js';
import { createRecentWindows, keptFor } from '../../daemon/recent-windows.js';
import { activityMessage, teachRequest, teachResponse } from '../../daemon/topics.js';
import { classScores } from '../../learning/few-shot.js';
import { createRandom } from '../../learning/random.js';
import { linearHeadOf } from '../../learning/teach.js';
import { loadTower, shippedTowerDirectory } from '../../models/store.js';
import { freePort } from './helpers/mosquitto.js';
import { run, start } from './helpers/program.js';
import { subscribe } from './helpers/subscriber.js';
import { until } from './helpers/wait.js';

void t.test('windows are kept for two minutes', (t) => {
  const recent = createRecentWindows();
  const { all } = recent;
  const common = { sensor: 'wrist', modality: 'imu', encoder: 'x', embedding: 'still' } as const;
  for (let start = 0; start < 1000; start++) recent.add({ ...common, start, end: start + 3 });
  t.equal(all.length, keptFor);
  t.equal(all[0]!.end, 1002 - keptFor + 1);
  t.end();
});

/** A place whose wrist was still, then gave windows around one point, then around another, a second each; it is now 200 s. */
async function room(t: Test, refuse?: string) {
  const dataDirectory = t.testdir();
  const tower = await loadTower(shippedTowerDirectory('imu'));
  const { manifest } = tower;
  const encoder = manifest.files.encoder.sha256;
  const random = createRandom(1);
  const points = [1, 2].map(() => Float32Array.from({ length: manifest.embedding.width }, () => random.normal()));
  const near = (point: number) => points[point]!.map((value) => value + 0.1 * random.normal());
  const windows = Array.from({ length: 100 }, (_, i): RecentWindow => {
    const embedding = i < 20 ? 'still' : near(i < 60 ? 0 : 1);
    return { sensor: 'wrist', modality: 'imu', encoder, start: 97 + i, end: 100 + i, embedding };
  });
  const requests: PlainModelRequest[] = [];
  const running = { manifest, provider: 'cpu', passedOver: [] } as const;
  const teach = createLiveTeaching({
    config: { dataDirectory, models: { towers: {} } } as Config,
    inference: { towers: new Map([['imu', running]]) },
    model(request) {
      requests.push(request);
      return refuse === undefined ? Promise.resolve({ status: 'ok' }) : Promise.reject(new Error(refuse));
    },
    now: () => 200,
  });
  return {
    near,
    requests,
    windows,
    teach: (request: object, of = windows) =>
      teach(teachRequest.parse({ place: 'room', label: 'juggling', ...request }), of),
    store: () => readdir(join(dataDirectory, 'models')).catch(() => []),
    open: (name: string) => loadTower(join(dataDirectory, 'models', name)),
    old: tower,
  };
}

void t.test('the stretch becomes a class of a new tower, which is activated', async (t) => {
  const { teach, requests, open, old, near } = await room(t);
  const { taught } = await teach({ seconds: 35 });
  const { model, ...counts } = taught!['imu']!;
  // Windows of 3 s that begin a second apart, the last ends at 199.
  t.strictSame(counts, { shots: 32, others: 46, classes: 28 });
  t.strictSame(requests, [{ action: 'activate', model }]);
  const { taught: alone } = await teach({ seconds: 35, rest: 'unknown' });
  t.match(alone, { imu: { shots: 32, others: 0 } }, 'the windows that are kept with the tower are something else');
  const tower = await open(model);
  t.equal(tower.manifest.name, model);
  t.strictSame(tower.manifest.classes, [...old.manifest.classes, 'juggling']);
  t.match(tower.manifest.trainedOn.text, /Taught by its user: juggling/);
  t.strictSame(tower.encoder, old.encoder);
  // The head tells the new one from the other by points that it was not taught by, and is as it was for the rest.
  const { width } = tower.manifest.embedding;
  const classes = tower.manifest.classes.length;
  const head = await linearHeadOf(tower.head, width, classes);
  const best = (point: number) => {
    const scores = classScores(head, near(point));
    return tower.manifest.classes[scores.indexOf(Math.max(...scores))];
  };
  t.equal(best(1), 'juggling');
  t.not(best(0), 'juggling');
  const before = await linearHeadOf(old.head, width, classes - 1);
  const difference = before.weights.map((value, i) => {
    const [row, column] = [Math.floor(i / (classes - 1)), i % (classes - 1)];
    return Math.abs(value - head.weights[row * classes + column]!);
  });
  t.ok(Math.max(...difference) < 1e-5);
});

void t.test('nothing to learn from: said why, and nothing is left', async (t) => {
  const { teach, requests, store, windows } = await room(t);
  const refused = (request: object, message: RegExp, of?: RecentWindow[]) =>
    t.rejects(teach(request, of), { message }, String(message));
  await refused({ seconds: 10, ago: 90 }, /room, 10 s up to 90 s ago: the sensors were at rest/);
  await refused({ seconds: 10 }, /room, 10 s up to now: no sensor of the place gave a whole window/, []);
  await refused({ seconds: 10, sensor: 'ankle' }, /no sensor 'ankle' gave a whole window/);
  await refused({ seconds: 2 }, /windows of 3\.04 s; name a longer stretch/);
  await refused({ seconds: 100, ago: 100 }, /only the last 120 s are kept/);
  await refused({ seconds: 30, label: 'wave' }, /'wave' is a class that the tower was trained on/);
  await refused({ seconds: 30, label: 'still' }, /'still' means something to the gateway already/);
  // Those of another encoder mean nothing.
  await refused({ seconds: 30 }, /no sensor of the place/, windows.map((window) => ({ ...window, encoder: 'other' }))); // prettier-ignore
  t.strictSame(requests, []);
  t.strictSame(await store(), []);
});

void t.test('a tower that cannot be taken into use leaves nothing', async (t) => {
  const { teach, store } = await room(t, 'the configuration names the tower for imu');
  await t.rejects(teach({ seconds: 30 }), /the configuration names/);
  t.strictSame(await store(), []);
});

const recordings = process.env['SENSING_DATA'];
const skip = recordings ? false : 'skipped: no recordings';

void t.test(
  '"the last seconds were my boxing": the gateway says so from then on',
  { skip, timeout: 300_000 },
  async (t) => {
    const folder = t.testdir();
    const port = await freePort();
    const config = join(folder, 'gateway.yaml');
    // Waves, then boxing, again and again.
    const feed = { kind: 'utd-mhad', data: join(recordings!, 'utd-mhad'), subjects: [2], actions: [3, 13], trials: [1, 2], repeat: true }; // prettier-ignore
    const sensors = {
      wrist: { driver: 'witmotion-wt901', feed },
      camera: { driver: 'skeleton-zmq', feed, settings: { rate: 19 } },
    };
    const places = { room: { sensors, activities: { windows: 1, unknownBelow: 0 } } };
    await writeFile(config, stringify({ gateway: 'test', dataDirectory: 'state', mqtt: { port }, places }));
    const teach = (...args: string[]) => run(t, ['teach', ...args, '--config', config, '--json']);
    const gateway = start(t, ['run', '--config', config]);
    await until('its broker', () => gateway.output.stderr.includes('labels are published'), 60);
    const subscriber = await subscribe(`mqtt://127.0.0.1:${port}`, 'babel/test/room/activity', 'test');
    t.teardown(() => subscriber.end());
    const { received } = subscriber;
    const labelled = (from = 0) =>
      received
        .slice(from)
        .map(({ payload }) => activityMessage.parse(payload))
        .filter(({ sensors: those }) => those.length > 0);
    const labels = (from = 0) => labelled(from).map(({ activity }) => activity);
    const boxing = () => labelled().filter(({ activity }) => activity === 'boxing');
    await until('waves and some boxing', () => labels().includes('wave') && boxing().length >= 3, 120);
    const ago = (Date.now() - Date.parse(boxing().at(-1)!.window.end)) / 1000;
    const { status, stdout, stderr } = await teach(
      ...['--place', 'room', '--last', '3.2', '--ago', ago.toFixed(3), '--label', 'my boxing'],
    );
    t.equal(status, 0, stderr);
    const { taught = {} } = teachResponse.parse(JSON.parse(stdout));
    t.strictSame(Object.keys(taught).sort(), ['imu', 'skeleton']);
    const since = received.length;
    await until(
      'all actions once more',
      () => labels(since).includes('my boxing') && labels(since).includes('wave'),
      120,
    );
    t.notOk(labels(since).slice(2).includes('boxing'), labels(since).join(', '));
    gateway.child.kill('SIGTERM');
    t.strictSame(await gateway.ended, [0, null], gateway.output.stderr);
  },
);
