import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { feedSettings } from '../../daemon/config-schema.js';
import { startFeed } from '../../daemon/feeds.js';
import type { Feed, Stages } from '../../daemon/feeds.js';
import { depthZmq } from '../../drivers/depth/depth-zmq.js';
import { skeletonZmq } from '../../drivers/depth/skeleton-zmq.js';
import type { Driver } from '../../drivers/driver.js';
import type { DepthFrame, Frame, ImuFrame, SkeletonFrame } from '../../drivers/frames.js';
import { witmotion } from '../../drivers/imu/witmotion.js';
import { openTransport } from '../../drivers/transports/registry.js';
import { monotonicSeconds } from '../../drivers/transports/transport.js';
import { loadUtdMhadInertial } from '../../learning/datasets/utd-mhad.js';
import { loadUtdMhadDepth, loadUtdMhadSkeleton } from '../../learning/datasets/utd-mhad-kinect.js';
import type { DepthPictures } from '../../learning/datasets/utd-mhad-kinect.js';
import { createImuPipeline, imuWindowsOfRecording } from '../../pipelines/imu.js';
import type { Window } from '../../pipelines/window.js';
import { virtualWrist } from '../../room/virtual-wrist.js';
import { keepingLog, silentLog } from './helpers/log.js';
import { until } from './helpers/wait.js';

const data = join(process.env['SENSING_DATA'] ?? '', 'utd-mhad');
const skip = process.env['SENSING_DATA'] && existsSync(data) ? false : 'skipped: no recordings';
const device = witmotion.settings.parse({});
const shape = { rate: 50, samples: 152, hop: 25 };

type Tap = Pick<typeof t, 'teardown'>;

/** What the gateway's own transport, driver and pipeline make of a feed. */
async function listen(t: Tap, feed: Feed, settings = device) {
  const frames: ImuFrame[] = [];
  const windows: Window[] = [];
  const decoder = witmotion.decoder(settings);
  const pipeline = createImuPipeline({
    ...shape,
    sensor: 'wrist',
    inputRate: settings.outputRate,
    onWindow: (window) => windows.push(window),
  });
  const connection = await openTransport(
    feed.transport,
    {
      onBytes(bytes, arrivalTime) {
        for (const frame of decoder.push(bytes, arrivalTime)) {
          frames.push(frame);
          pipeline.push(frame);
        }
      },
      onClose: () => undefined,
    },
    witmotion.transports,
  );
  const ticking = setInterval(() => pipeline.tick(monotonicSeconds()), 100);
  t.teardown(async () => {
    clearInterval(ticking);
    await connection.close();
  });
  return { frames, windows, counters: decoder.counters };
}

function worst(frame: ImuFrame, acceleration: ArrayLike<number>, angularRate: ArrayLike<number>): [number, number] {
  const most = (found: Float32Array, wanted: ArrayLike<number>) =>
    found.reduce((sofar, value, i) => Math.max(sofar, Math.abs(value - wanted[i]!)), 0);
  return [most(frame.acceleration, acceleration), most(frame.angularRate, angularRate)];
}

void t.test('the virtual body’s wrist, through the real transport and driver', async (t) => {
  const coarse = witmotion.settings.parse({ accelerationRange: 8, angularRateRange: 1000 });
  const feed = await startFeed(
    feedSettings.parse({ kind: 'virtual-body', seed: 5 }),
    'witmotion-wt901',
    coarse,
    new Map(),
    silentLog,
  );
  t.teardown(() => feed.close());
  t.equal(feed.virtual, true);
  t.equal(feed.recorded, false);
  const started = monotonicSeconds();
  const { frames, windows, counters } = await listen(t, feed, coarse);
  const count = 400; // 8 s: the first rest, the first action and some of the next rest
  await until('frames', () => frames.length >= count, 60);
  const lasted = monotonicSeconds() - started;
  t.ok(lasted > (count - 2) / 50 && lasted < count / 50 + 5, `${count} samples in ${lasted} s`);
  t.strictSame([counters.skippedBytes, counters.failures], [0, { badChecksum: 0, unknownType: 0, incomplete: 0 }]);

  let i = 0;
  const performed = new Set<string>();
  for (const { acceleration, angularRate, label } of virtualWrist(5, 50)) {
    const frame = frames[i]!;
    const [a, w] = worst(frame, acceleration, angularRate);
    // Half a step of the device's converter.
    if (a > (0.501 * 8 * 9.80665) / 32768 || w > (0.501 * 1000 * Math.PI) / 180 / 32768) t.fail(`frame ${i}`);
    if (Math.abs(frame.deviceTime! - frames[0]!.deviceTime! - i / 50) > 0.0011) t.fail(`time of frame ${i}`);
    performed.add(label);
    if (++i === count) break;
  }
  const [rest, action] = performed;
  t.equal(rest, 'still');
  t.ok(windows.length >= 8);
  t.equal(windows[0]!.still, true, 'the first window is rest');
  t.equal(feed.performing(windows[0]!), 'still');
  t.ok(Math.abs(windows[0]!.start - started) < 1);
  t.ok(windows.map((window) => feed.performing(window)).includes(action), `some window is ${action ?? ''}`);
  for (const window of windows) if (window.still) t.equal(feed.performing(window), 'still');
  t.equal(feed.performing({ start: started - 20, end: started - 10 }), undefined);
});

void t.test('the virtual body before three sensors at once', async (t) => {
  const stages: Stages = new Map();
  const settings = feedSettings.parse({ kind: 'virtual-body', seed: 5 });
  const sensors = await Promise.all(
    [witmotion, skeletonZmq, depthZmq].map(async (driver: Driver) => {
      const driverSettings = driver.settings.parse({});
      const feed = await startFeed(settings, driver.name, driverSettings, stages, silentLog);
      t.teardown(() => feed.close());
      t.strictSame([feed.virtual, feed.recorded], [true, false]);
      return { driver, feed, decoder: driver.decoder(driverSettings), frames: [] as Frame[] };
    }),
  );
  t.equal(stages.size, 1);
  for (const { driver, feed, decoder, frames } of sensors) {
    const onBytes = (bytes: Uint8Array, time: number) => void frames.push(...decoder.push(bytes, time));
    const connection = await openTransport(feed.transport, { onBytes, onClose: () => undefined }, driver.transports);
    t.teardown(() => connection.close());
  }
  await until('six seconds of all three', () => sensors.every(({ frames }) => span(frames) > 6), 60);
  const started = Math.min(...sensors.map(({ frames }) => frames[0]!.arrivalTime));
  for (const { driver, feed, decoder, frames } of sensors) {
    t.strictSame(Object.values(decoder.counters.failures).filter(Boolean), [], driver.name);
    t.equal(feed.performing({ start: started, end: started + 3 }), 'still');
    // One stage: where one is, there the others are, however busy the machine.
    t.ok(Math.abs(span(frames) - span(sensors[0]!.frames)) < 1.5, `${driver.name} is ${span(frames)} s into it`);
  }
});

const span = (frames: readonly Frame[]) => (frames.at(-1)?.deviceTime ?? 0) - (frames[0]?.deviceTime ?? 0);

void t.test('closing gives the port back', async (t) => {
  const feed = await startFeed(
    feedSettings.parse({ kind: 'virtual-body' }),
    'witmotion-wt901',
    device,
    new Map(),
    silentLog,
  );
  const { frames } = await listen(t, feed);
  await until('a frame', () => frames.length > 0);
  await feed.close();
  if (feed.transport.type !== 'tcp') throw new Error(feed.transport.type);
  const server = createServer().listen(feed.transport.port, feed.transport.host);
  await once(server, 'listening');
  server.close();
});

void t.test('recordings are played as they are, with windows that begin with each of them', { skip }, async (t) => {
  const selection = { subjects: [1], actions: [1, 3], trials: [2] };
  const { log, lines } = keepingLog();
  const settings = feedSettings.parse({ kind: 'utd-mhad', data, ...selection, pause: 1.5 });
  const feed = await startFeed(settings, 'witmotion-wt901', device, new Map(), log);
  t.teardown(() => feed.close());
  t.equal(feed.virtual, false);
  t.equal(feed.recorded, true);
  const { recordings } = await loadUtdMhadInertial(data, selection);
  t.strictSame(
    recordings.map(({ id }) => id),
    ['a1_s1_t2', 'a3_s1_t2'],
  );
  const { frames, windows } = await listen(t, feed);
  const counts = recordings.map(({ samples }) => samples.length / 6);
  const total = counts.reduce((sum, count) => sum + count);
  await until('all frames', () => frames.length === total, 60);
  t.ok(lines.some(({ msg }) => msg.startsWith('2 recordings')));
  t.ok(lines.some(({ msg }) => msg.startsWith('all recordings')));

  const pause = frames[counts[0]!]!.deviceTime! - frames[counts[0]! - 1]!.deviceTime!;
  t.ok(Math.abs(pause - 1.52) < 0.002, `${pause} s between the two`);
  let at = 0;
  for (const { samples } of recordings)
    for (let i = 0; i < samples.length; i += 6) {
      const [a, w] = worst(frames[at]!, samples.subarray(i, i + 3), samples.subarray(i + 3, i + 6));
      if (a > (0.501 * 16 * 9.80665) / 32768 || w > (0.501 * 2000 * Math.PI) / 180 / 32768) t.fail(`frame ${at}`);
      at++;
    }

  // The windows are those that training makes of the recordings.
  const expected = recordings.flatMap(({ samples, label }) =>
    imuWindowsOfRecording(samples, 50, shape).map((window) => ({ ...window, label })),
  );
  await until('the last window', () => windows.length >= expected.length);
  t.equal(windows.length, expected.length);
  for (const [i, window] of windows.entries()) {
    t.equal(feed.performing(window), expected[i]!.label);
    const difference = window.data.reduce((most, v, k) => Math.max(most, Math.abs(v - expected[i]!.data[k]!)), 0);
    t.ok(difference < 0.3, `window ${i} differs by ${difference}`);
  }
});

void t.test('again and again, if so wished', { skip }, async (t) => {
  const selection = { subjects: [1], actions: [1], trials: [1] };
  const settings = feedSettings.parse({ kind: 'utd-mhad', data, ...selection, pause: 0.5, repeat: true });
  const feed = await startFeed(settings, 'witmotion-wt901', device, new Map(), silentLog);
  t.teardown(() => feed.close());
  const { frames } = await listen(t, feed);
  const { recordings } = await loadUtdMhadInertial(data, selection);
  const count = recordings[0]!.samples.length / 6;
  await until('the second round', () => frames.length > count + 5, 60);
  for (let i = 0; i < 5; i++) t.strictSame(frames[count + i]!.acceleration, frames[i]!.acceleration);
});

void t.test('wearable sensor, skeleton and depth of one performance at the same time', { skip }, async (t) => {
  const selection = { subjects: [2], actions: [3, 14], trials: [1] };
  const settings = feedSettings.parse({ kind: 'utd-mhad', data, ...selection, pause: 0.5 });
  const stages: Stages = new Map();
  const sensors = await Promise.all(
    [witmotion, skeletonZmq, depthZmq].map(async (driver: Driver) => {
      const driverSettings = driver.settings.parse({});
      const feed = await startFeed(settings, driver.name, driverSettings, stages, silentLog);
      t.teardown(() => feed.close());
      t.strictSame([feed.virtual, feed.recorded], [false, true]);
      return { driver, feed, decoder: driver.decoder(driverSettings), frames: [] as Frame[] };
    }),
  );
  t.equal(stages.size, 1);
  for (const { driver, feed, decoder, frames } of sensors) {
    const onBytes = (bytes: Uint8Array, time: number) => void frames.push(...decoder.push(bytes, time));
    const connection = await openTransport(feed.transport, { onBytes, onClose: () => undefined }, driver.transports);
    t.teardown(() => connection.close());
  }
  const [imu, skeletons, depths] = sensors.map(({ frames }) => frames) as [ImuFrame[], SkeletonFrame[], DepthFrame[]];
  const { recordings } = await loadUtdMhadSkeleton(data, selection);
  const pictures = recordings.map(({ samples }) => samples.length / 60);
  const total = pictures.reduce((sum, count) => sum + count);
  const samples = (await loadUtdMhadInertial(data, selection)).recordings.map(({ samples }) => samples.length / 6);
  await until('the whole performance', () => depths.length === total && imu.length === samples[0]! + samples[1]!, 60);
  await until('the skeletons', () => skeletons.length === total);
  for (const { driver, decoder } of sensors) {
    const failures = Object.entries(decoder.counters.failures).filter(([, count]) => count > 0);
    t.strictSame([failures, decoder.counters.skippedBytes], [[], 0], driver.name);
  }

  // What is played is what is on the disk.
  const joints = recordings.flatMap(({ samples }) => [...samples]);
  t.strictSame(
    skeletons.flatMap((frame) => [...frame.joints]),
    joints,
  );
  const [{ depth }] = (await Promise.all((await loadUtdMhadDepth(data, selection)).recordings.map((one) => one.read()))) as [DepthPictures]; // prettier-ignore
  t.strictSame(depths[50]!.depth, depth.slice(50 * 76800, 51 * 76800));

  // By their own clocks, which all begin with the first frame: exactly together.
  const clocks = [imu, skeletons, depths].map((frames: Frame[]) => frames.map((f) => f.deviceTime! - frames[0]!.deviceTime!)); // prettier-ignore
  const second = [clocks[0]![samples[0]!]!, clocks[1]![pictures[0]!]!, clocks[2]![pictures[0]!]!];
  t.ok(
    second.every((time) => Math.abs(time - (samples[0]! / 50 + 0.5)) < 0.0015),
    `the second recording begins after ${second.join(', ')} s`,
  );
  // As they arrive: as well as a busy machine can.
  const arrivals = [imu[samples[0]!]!, skeletons[pictures[0]!]!, depths[pictures[0]!]!].map((f) => f.arrivalTime);
  t.comment(`it arrives within ${(1000 * (Math.max(...arrivals) - Math.min(...arrivals))).toFixed(1)} ms`);
  t.ok(Math.max(...arrivals) - Math.min(...arrivals) < 2, 'not a recording apart, however busy the machine');
  const window = { start: imu[0]!.arrivalTime, end: imu[samples[0]!]!.arrivalTime - 0.5 };
  for (const { feed } of sensors) t.equal(feed.performing(window), 'wave');
});

void t.test('a depth recording that cannot be read is left out, and its time passes', { skip }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'feeds-'));
  t.teardown(() => rm(folder, { recursive: true }));
  for (const kind of ['Inertial', 'Depth']) await mkdir(join(folder, kind));
  for (const id of ['a1_s1_t1', 'a1_s1_t2']) {
    const inertial = join('Inertial', `${id}_inertial.mat`);
    await cp(join(data, inertial), join(folder, inertial));
  }
  await writeFile(join(folder, 'Depth', 'a1_s1_t1_depth.mat'), 'damaged');
  await cp(join(data, 'Depth', 'a1_s1_t2_depth.mat'), join(folder, 'Depth', 'a1_s1_t2_depth.mat'));
  await cp(join(data, 'Depth', 'a2_s1_t1_depth.mat'), join(folder, 'Depth', 'a2_s1_t1_depth.mat'));
  const { log, lines } = keepingLog();
  const settings = feedSettings.parse({ kind: 'utd-mhad', data: folder, subjects: [1] });
  const feed = await startFeed(settings, depthZmq.name, {}, new Map(), log);
  t.teardown(() => feed.close());
  t.ok(lines.some(({ msg }) => msg === 'a2_s1_t1 is left out: how long it lasted, its inertial file would tell'));
  const decoder = depthZmq.decoder({ rate: 19 });
  const connection = await openTransport(feed.transport, {
    onBytes: (bytes, time) => void decoder.push(bytes, time),
    onClose: () => undefined,
  });
  t.teardown(() => connection.close());
  await until('a frame', () => decoder.counters.frames > 2);
  t.ok(lines.some(({ msg }) => msg.endsWith('a1_s1_t1_depth.mat is left out: it is no MATLAB level 5 file')));
});

void t.test('what is wrong is said in one line', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'feeds-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const start = (extra: object) =>
    startFeed(
      feedSettings.parse({ kind: 'utd-mhad', data: folder, subjects: [1], ...extra }),
      'witmotion-wt901',
      device,
      new Map(),
      silentLog,
    );
  await t.rejects(start({ data: join(folder, 'absent') }), { message: /^\S*absent: no UTD-MHAD here\. [^\n]*$/ });
  await t.rejects(startFeed({ kind: 'virtual-body', seed: 1 }, 'velodyne', {}, new Map(), silentLog), {
    message: 'the feed virtual-body plays no device for the driver velodyne',
  });
});

void t.test('a recording that cannot be read is named and left out; the rate must be theirs', { skip }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'feeds-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'Inertial'));
  await cp(join(data, 'Inertial', 'a1_s1_t1_inertial.mat'), join(folder, 'Inertial', 'a1_s1_t1_inertial.mat'));
  await writeFile(join(folder, 'Inertial', 'a2_s1_t1_inertial.mat'), 'damaged');
  const settings = feedSettings.parse({ kind: 'utd-mhad', data: folder, subjects: [1] });
  const { log, lines } = keepingLog();
  const feed = await startFeed(settings, 'witmotion-wt901', device, new Map(), log);
  await feed.close();
  t.match(lines[0]?.msg, /a2_s1_t1_inertial\.mat is left out: it is no MATLAB level 5 file/);
  await t.rejects(
    startFeed(settings, 'witmotion-wt901', witmotion.settings.parse({ outputRate: 100 }), new Map(), silentLog),
    {
      message: "the recordings have 50 samples a second: set outputRate: 50 in the sensor's settings",
    },
  );
});
