/** SIGHUP: the configuration is read again, and only what is another is touched. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { stringify } from 'yaml';
import { packageRoot } from '../../daemon/package-root.js';
import { activityMessage, placeModalities, sensorHealth } from '../../daemon/topics.js';
import { freePort } from './helpers/mosquitto.js';
import { subscribe } from './helpers/subscriber.js';
import { until } from './helpers/wait.js';

void t.test('sensors come and go with the configuration, and those that stay are not touched', async (t) => {
  const port = await freePort();
  const file = join(t.testdir(), 'gateway.yaml');
  const wrist = (seed: number) => ({ driver: 'witmotion-wt901', feed: { kind: 'virtual-body', seed } });
  const write = (sensors: object, more: object = {}) =>
    writeFile(
      file,
      stringify({ gateway: 'test', dataDirectory: 'state', mqtt: { port }, places: { room: { sensors, ...more } } }),
    );

  await write({ left: wrist(1) });
  const program = join(packageRoot, 'bin', 'babel-gateway.js');
  const child = spawn(process.execPath, [program, 'run', '--config', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  let told = '';
  child.stderr.on('data', (text) => (told += String(text)));
  const ended = once(child, 'close');
  t.teardown(() => child.kill('SIGKILL'));
  await until('its broker', () => told.includes('labels are published'), 60);
  const subscriber = await subscribe(`mqtt://127.0.0.1:${port}`, 'babel/#', 'test');
  t.teardown(() => subscriber.end());
  const of = (topic: string) => subscriber.received.filter((one) => one.topic === topic).map(({ payload }) => payload);
  const labels = () => of('babel/test/room/activity').map((payload) => activityMessage.parse(payload));
  const healths = (name: string) => of(`babel/test/sensor/${name}`).map((payload) => sensorHealth.parse(payload));
  await until('a label', () => labels().some(({ sensors }) => sensors.join() === 'left'), 60);

  await write({ left: wrist(1), right: wrist(2) });
  child.kill('SIGHUP');
  await until('labels of both', () => labels().some(({ sensors }) => sensors.length === 2), 60);
  t.ok(
    healths('left').every(({ state }) => state !== 'stopped'),
    'the one that was there goes on',
  );

  await write({ right: wrist(2) }, { modalities: ['imu'] });
  child.kill('SIGHUP');
  await until('labels of the other', () => labels().at(-1)?.sensors.join() === 'right', 60);
  t.equal(healths('left').at(-1)!.state, 'stopped');
  t.ok(healths('right').every(({ state }) => state !== 'stopped'));
  await until('the set', () =>
    of('babel/test/room/modalities').some((payload) => String(placeModalities.parse(payload).set) === 'imu'),
  );

  await writeFile(file, 'places:\n  room:\n    sensor: {}\n');
  child.kill('SIGHUP');
  await until('the mistake', () => told.includes('gateway.yaml:3:5: places.room.sensor'));
  const before = labels().length;
  await until('further labels', () => labels().length > before + 2);

  // Each window once, whatever was changed meanwhile.
  const ends = labels()
    .filter(({ sensors }) => sensors.includes('right'))
    .map(({ window }) => window.end);
  t.equal(new Set(ends).size, ends.length);
  child.kill('SIGTERM');
  t.strictSame(await ended, [0, null], told);
});
