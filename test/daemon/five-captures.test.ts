/** examples/five-captures.yaml as users run it: five sensors of five kinds at once. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { parse, stringify } from 'yaml';
import { packageRoot } from '../../daemon/package-root.js';
import { sensorHealth, type SensorHealth } from '../../daemon/topics.js';
import { findDriver } from '../../drivers/registry.js';
import { freePort } from './helpers/mosquitto.js';
import { subscribe } from './helpers/subscriber.js';
import { until } from './helpers/wait.js';

const skip = process.env['SENSING_DATA'] ? false : 'skipped: no recordings';
const kinds = { wifi: 'wifi', lidar: 'lidar', wrist: 'imu', skeleton: 'skeleton', depth: 'depth' } as const;
/** Frames a second: of the captures as their files say, of the recordings at most what the devices give. */
const fastest: Record<keyof typeof kinds, number> = { wifi: 64, lidar: 10, wrist: 50, skeleton: 21, depth: 21 };

void t.test('five sensors run at once, each with frames and health on its topic', { skip }, async (t) => {
  const example = parse(await readFile(join(packageRoot, 'examples', 'five-captures.yaml'), 'utf8')) as object;
  const port = await freePort();
  const file = join(t.testdir(), 'five-captures.yaml');
  await writeFile(file, stringify({ ...example, dataDirectory: 'state', mqtt: { port } }));
  const program = join(packageRoot, 'bin', 'babel-gateway.js');
  const child = spawn(process.execPath, [program, 'run', '--config', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  let log = '';
  child.stderr.on('data', (text) => (log += String(text)));
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  await until('its broker', () => log.includes('labels are published'), 60);

  const subscriber = await subscribe(`mqtt://127.0.0.1:${port}`, 'babel/five-captures/sensor/+');
  t.teardown(() => subscriber.end());
  const healths = (name: string): SensorHealth[] =>
    subscriber.received
      // The retained one, of before the subscription, can come after a newer one.
      .filter(({ topic, retained }) => topic === `babel/five-captures/sensor/${name}` && !retained)
      .map(({ payload }) => sensorHealth.parse(payload));
  const names = Object.keys(kinds) as (keyof typeof kinds)[];
  // They are 5 s apart: the LiDAR's capture begins again many times, and the Wi-Fi's too.
  const reports = (name: string) => healths(name).filter(({ state, frameRate }) => state === 'live' && frameRate > 0);
  await until('five reports of each', () => names.every((name) => reports(name).length >= 5), 60);

  for (const name of names) {
    const all = healths(name);
    const afterStart = all.slice(all.findIndex(({ state }) => state === 'live'));
    const last = all.at(-1)!;
    t.equal(findDriver(last.driver)!.modality, kinds[name], name);
    t.ok(
      afterStart.every(({ state, reconnects }) => state === 'live' && reconnects === 0),
      `${name} stays live: ${all.map(({ state, reconnects }) => `${state} ${reconnects}`).join(', ')}`,
    );
    t.strictSame([last.failures, last.skippedBytes], [{}, 0], `${name}: no failures`);
    t.strictSame([last.virtual, last.recorded], [false, true]);
    t.comment(`${name}: ${last.frames} frames, ${last.frameRate} a second`);
    t.ok(last.frameRate > fastest[name] / 5, `${name}: ${last.frameRate} frames a second`);
    t.ok(last.frameRate < 1.5 * fastest[name], `${name}: ${last.frameRate} frames a second`);
  }
  child.kill('SIGTERM');
  t.strictSame(await ended, [0, null], log);
});
