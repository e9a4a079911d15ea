/** `babel-gateway models` against a gateway that runs, from the files of a tower to labels by it. */
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { connectAsync } from 'mqtt';
import { stringify } from 'yaml';
import { activityMessage, requestTopic } from '../../daemon/topics.js';
import { sha256, shippedTowerDirectory } from '../../models/store.js';
import { freePort } from './helpers/mosquitto.js';
import { run, start } from './helpers/program.js';
import { subscribe } from './helpers/subscriber.js';
import { until } from './helpers/wait.js';

void t.test('installed, activated, taken back, and the labels go on', async (t) => {
  const folder = t.testdir();
  const store = join(folder, 'state', 'models');
  // What an earlier run left when it was cut.
  await mkdir(join(store, '.unfinished-cut'), { recursive: true });
  await writeFile(join(store, '.unfinished-cut', 'encoder.onnx'), 'half');
  const port = await freePort();
  const config = join(folder, 'gateway.yaml');
  const places = { room: { sensors: { wrist: { driver: 'witmotion-wt901', feed: { kind: 'virtual-body' } } } } };
  await writeFile(config, stringify({ gateway: 'test', dataDirectory: 'state', mqtt: { port }, places }));
  const models = (...args: string[]) => run(t, ['models', ...args, '--config', config]);

  t.match(await models('list'), { status: 1, stderr: /is the gateway running/ });
  const gateway = start(t, ['run', '--config', config]);
  await until('its broker', () => gateway.output.stderr.includes('labels are published'), 60);
  t.notOk(existsSync(join(store, '.unfinished-cut')), 'what was cut is cleared');
  const subscriber = await subscribe(`mqtt://127.0.0.1:${port}`, 'babel/test/room/activity', 'test');
  t.teardown(() => subscriber.end());
  const { received } = subscriber;
  await until('labels', () => received.length > 3);

  const mine = join(folder, 'mine');
  await cp(shippedTowerDirectory('imu'), mine, { recursive: true });
  const manifestFile = join(mine, 'manifest.json');
  const manifest = JSON.parse(await readFile(manifestFile, 'utf8')) as { name: string; files: object };
  await writeFile(manifestFile, JSON.stringify({ ...manifest, name: 'imu-mine' }));
  t.match(await models('install', mine), { status: 0, stdout: /imu-mine is in the store/ });
  t.strictSame(await readdir(store), ['imu-mine']);
  t.equal(
    sha256(await readFile(join(store, 'imu-mine', 'encoder.onnx'))),
    sha256(await readFile(join(mine, 'encoder.onnx'))),
  );
  t.match(await models('install', shippedTowerDirectory('imu'), '--name', 'imu-mine'), {
    status: 1,
    stderr: /there is another model 'imu-mine' in the store/,
  });
  t.match(await models('install', shippedTowerDirectory('depth')), {
    status: 1,
    stderr: /no sensor .* needs a tower for depth/,
  });
  t.match(await models('activate', 'imu-mine'), { status: 0, stdout: /imu: imu-mine/ });
  const listed = await models('list', '--json');
  t.match(JSON.parse(listed.stdout), { status: 'ok', models: ['imu-mine'], active: { imu: 'imu-mine' } });
  t.match(await models('remove', 'imu-mine'), { status: 1, stderr: /'imu-mine' is in use for imu/ });
  t.match(await models('rollback', 'imu'), { status: 0, stdout: new RegExp(`imu: ${manifest.name}`) });
  t.match(await models('activate', '../mine'), { status: 1, stderr: /there is no model/ });

  t.match(await models('remove', 'imu-mine'), { status: 0, stdout: /imu-mine is deleted; in the store: none/ });
  t.notOk(existsSync(join(store, 'imu-mine')));

  const client = await connectAsync(`mqtt://127.0.0.1:${port}`);
  const retained = Buffer.alloc(2 * 1024 * 1024, '[');
  const refused = new Promise<void>((resolve) => client.once('close', resolve));
  client.on('error', () => undefined);
  client.publish(requestTopic('test', 'model'), retained, { qos: 1, retain: true }, () => undefined);
  await refused;
  await client.endAsync(true);
  t.pass('the broker keeps no model for later');

  const before = received.length;
  await until('labels after all that', () => received.length > before + 4);
  const ends = received.map(({ payload }) => Date.parse(activityMessage.parse(payload).window.end));
  const gaps = ends.slice(1).map((at, i) => at - ends[i]!);
  t.ok(Math.max(...gaps) <= 1000, `longest gap ${Math.max(...gaps)} ms: two hops`);
  gateway.child.kill('SIGTERM');
  t.strictSame(await gateway.ended, [0, null], gateway.output.stderr);
});
