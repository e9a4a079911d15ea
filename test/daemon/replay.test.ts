/** `babel-gateway record` and `replay`: what is recorded gives again what it gave. */
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { stringify } from 'yaml';
import { startBroker } from '../../daemon/broker.js';
import { allSensors, parseConfig } from '../../daemon/config.js';
import { createPlace, type WindowResult } from '../../daemon/place.js';
import { prepareSource } from '../../daemon/sensor-source.js';
import { superviseSensor } from '../../daemon/sensor.js';
import { activityMessage } from '../../daemon/topics.js';
import { readRecording } from '../../drivers/recording/reader.js';
import { createRecorder } from '../../drivers/recording/recorder.js';
import { openTransport } from '../../drivers/transports/registry.js';
import { loadTower, shippedTowerDirectory } from '../../models/store.js';
import { openTower } from '../../models/tower-session.js';
import { createImuPipeline } from '../../pipelines/imu.js';
import type { Window } from '../../pipelines/window.js';
import { silentLog } from './helpers/log.js';
import { run, start } from './helpers/program.js';
import { subscribe } from './helpers/subscriber.js';
import { until } from './helpers/wait.js';

const wrist = { driver: 'witmotion-wt901', feed: { kind: 'virtual-body' } };
const places = { room: { sensors: { wrist } } };

interface Label {
  activity: string;
  confidence: number;
  probabilities: Record<string, number>;
}

/**
 * The virtual wrist, live: its bytes into a recording, and through driver, pipeline, tower and place to labels, as
 * daemon/gateway.ts joins them. Left out is the pipeline's `tick`, which only ends what a silent device left unfinished.
 */
async function recordLive(file: string, seconds: number): Promise<Label[]> {
  const [{ sensor }] = allSensors(parseConfig(stringify({ places }), file)) as [ReturnType<typeof allSensors>[number]];
  const source = await prepareSource('wrist', 'room', sensor, new Map(), silentLog);
  const description = await source.describe();
  const recorder = await createRecorder({ file, onError: (problem) => t.fail(problem) });
  const tower = await loadTower(shippedTowerDirectory('imu'));
  const windows: Window[] = [];
  const { driver, driverSettings } = source.origin;
  const pipeline = createImuPipeline({
    ...tower.manifest.window,
    sensor: 'wrist',
    inputRate: driver.nominalRate(driverSettings),
    onWindow: (window) => windows.push(window),
  });
  const supervised = superviseSensor({
    ...source.origin,
    once: true,
    onBytes: (bytes, arrivalTime) => recorder.write(description, bytes, arrivalTime),
    onFrames: (frames) => {
      for (const frame of frames) if (frame.kind === 'imu') pipeline.push(frame);
    },
    onGone: () => pipeline.end(),
    onHealth: () => undefined,
    log: silentLog,
  });
  await delay(seconds * 1000);
  await source.close();
  await supervised.ended;
  await supervised.stop();
  await recorder.close();

  const session = await openTower(tower, 'cpu', 1);
  const place = createPlace({ virtual: true, recorded: false });
  const labels: Label[] = [];
  for (const window of windows) {
    const { start, end, alignmentError } = window;
    const common = { modality: 'imu', sensor: 'wrist', virtual: true, recorded: false, alignmentError } as const;
    const result: WindowResult = window.still
      ? { ...common, still: true }
      : {
          ...common,
          still: false,
          labels: tower.manifest.classes,
          probabilities: (await session.run(window.data, 1)).probabilities,
        };
    const { activity } = place.update({ start, end, results: [result], absent: [] });
    labels.push(activity);
  }
  await session.release();
  return labels.map(({ activity, confidence, probabilities }) => ({ activity, confidence, probabilities }));
}

/** The labels that `replay` publishes, to a broker of the test's own. */
async function replayed(t: Test, file: string): Promise<Label[]> {
  const broker = await startBroker({ port: 0, log: silentLog });
  t.teardown(() => broker.close());
  const subscriber = await subscribe(broker.url, 'babel/replay/room/activity', 'test');
  t.teardown(() => subscriber.end());
  const { status, stderr } = await run(t, ['replay', file, '--speed', 'fastest', '--broker', broker.url]);
  t.equal(status, 0, stderr);
  const messages = () => subscriber.received.map(({ payload }) => activityMessage.parse(payload));
  await until('the end', () => messages().some(({ activity }) => activity === 'unknown'), 5);
  const labels = messages().filter(({ sensors }) => sensors.length > 0);
  t.ok(labels.every(({ virtual, recorded }) => virtual && recorded), 'all of it says what it is'); // prettier-ignore
  return labels.map(({ activity, confidence, probabilities }) => ({ activity, confidence, probabilities }));
}

// Compared are activity, confidence and all probabilities, in order, as they are published (four decimals).
void t.test('two replays give the labels that the live gateway gave', async (t) => {
  const file = join(t.testdir(), 'live.mcap');
  const live = await recordLive(file, 8);
  // Windows of 2 s, the first of which is whole after 2 s.
  t.ok(live.length >= 4 && new Set(live.map(({ activity }) => activity)).size >= 2, JSON.stringify(live));
  const [first, second] = await Promise.all([replayed(t, file), replayed(t, file)]);
  t.strictSame(second, first, 'the second as the first');
  t.strictSame(first, live, 'as live');

  const decoded = await Promise.all([1, 2].map(() => run(t, ['decode', file, '--json'])));
  t.equal(decoded[1]!.stdout, decoded[0]!.stdout, 'decoded twice, the same frames');
  const lines = decoded[0]!.stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as object); // prettier-ignore
  t.match(lines.at(-1), { driver: 'witmotion-wt901', skippedBytes: 0, virtual: true });
  t.ok(lines.length > 8 * 50 * 0.8, `${lines.length - 1} frames`);
});

void t.test('played times have the very distances that were recorded', async (t) => {
  const file = join(t.testdir(), 'a.mcap');
  await recordLive(file, 1);
  const recorded: number[] = [];
  for await (const { arrivalTime } of readRecording(file)) recorded.push(arrivalTime);
  const played: number[] = [];
  await new Promise<void>((resolve, reject) => {
    const onBytes = (_: Uint8Array, arrivalTime: number) => played.push(arrivalTime);
    openTransport({ type: 'recording', file, speed: 'fastest' }, { onBytes, onClose: () => resolve() }).catch(reject);
  });
  const distances = (times: readonly number[]) => times.map((time) => time - times[0]!);
  t.ok(recorded.length > 25);
  t.strictSame(distances(played), distances(recorded));
});

async function configured(t: Test, sensors: object = { wrist }): Promise<string> {
  const file = join(t.testdir(), 'gateway.yaml');
  await writeFile(file, stringify({ dataDirectory: 'state', places: { room: { sensors } } }));
  return file;
}

void t.test('a recording for some seconds, and one that is killed', async (t) => {
  const config = await configured(t);
  const whole = join(t.testdirName, 'whole.mcap');
  const cut = join(t.testdirName, 'cut.mcap');
  const killed = start(t, ['record', cut, '--config', config]);
  const { status, stdout, stderr } = await run(t, ['record', whole, '--config', config, '--seconds', '3']);
  t.equal(status, 0, stderr);
  const { messages, bytes, lostMessages } = JSON.parse(stdout) as Record<string, number>;
  t.equal(lostMessages, 0);
  const decoded = JSON.parse((await run(t, ['decode', whole, '--json'])).stdout.trimEnd().split('\n').at(-1)!) as Record<string, number>; // prettier-ignore
  t.equal(decoded['bytes'], bytes, 'every byte that it says');
  t.ok(messages! > 0 && decoded['frames']! > 3 * 50 * 0.7, `${decoded['frames']} frames`);

  // What has arrived is on its way to the disk within a second: some 50 frames of 33 bytes.
  await until('something on the disk', () => existsSync(cut) && statSync(cut).size > 4000, 20);
  killed.child.kill('SIGKILL');
  await once(killed.child, 'exit').catch(() => undefined);
  const rest = await run(t, ['decode', cut, '--json']);
  t.equal(rest.status, 0, rest.stderr);
  t.match(rest.stderr, /its writing was cut off/);
  t.ok(rest.stdout.trimEnd().split('\n').length > 40);

  const again = await run(t, ['record', whole, '--config', config, '--seconds', '1']);
  t.equal(again.status, 1);
  t.match(again.stderr, /there is such a file already/);
});

void t.test('what cannot be recorded leaves no file; what is none is not played', async (t) => {
  const config = await configured(t, {
    lidar: { driver: 'ouster', transport: { type: 'udp' }, settings: { metadata: 'absent.json' } },
  });
  const file = join(t.testdirName, 'a.mcap');
  const refused = await run(t, ['record', file, '--config', config]);
  t.equal(refused.status, 1);
  t.match(refused.stderr, /ouster: the file of the setting metadata, .*absent\.json: no such file/);
  t.notOk(existsSync(file));
  const none = await run(t, ['replay', config]);
  t.equal(none.status, 1);
  t.match(none.stderr, /not an MCAP file/);
});
