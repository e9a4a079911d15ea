/** The pipe of a place, from frames to activities, with models that only count what they are asked. */
import t from 'tap';
import { createPlacePipe, type PlacePipe } from '../../daemon/place-pipe.js';
import type { PlaceUpdate } from '../../daemon/place.js';
import { placeModalities, type PlaceModalities } from '../../daemon/topics.js';
import type { SensorSource } from '../../daemon/sensor-source.js';
import { findDriver } from '../../drivers/registry.js';
import type { ImuFrame, Modality, SkeletonFrame } from '../../drivers/frames.js';
import { createRandom } from '../../learning/random.js';
import type { Inference } from '../../models/inference.js';
import { keepingLog, levels, silentLog } from './helpers/log.js';

const windows = {
  imu: { rate: 50, samples: 100, hop: 25, channels: Array<string>(6).fill('x') },
  skeleton: { rate: 25, samples: 50, hop: 12.5, channels: ['x'], shape: [20, 4] },
};
type Timing = (typeof windows)[keyof typeof windows];

/** Says 'wave' of wrists and 'clap' of skeletons. */
function models(asked: string[], more: Partial<Record<keyof typeof windows, Partial<Timing>>> = {}): Inference {
  const towers = Object.entries(windows).map(([modality, window]) => [
    modality,
    {
      manifest: {
        name: `${modality}-test`,
        classes: ['wave', 'clap'],
        window: { ...window, ...more[modality as 'imu'] },
        files: { encoder: { sha256: modality } },
      },
      provider: 'cpu',
      passedOver: [],
    },
  ]);
  return {
    towers: new Map(towers as []) as Inference['towers'],
    classify(modality: Modality, window: Float32Array) {
      asked.push(modality);
      if (!window.every(Number.isFinite)) return Promise.reject(new Error('not finite'));
      const probabilities = modality === 'imu' ? Float32Array.of(0.8, 0.2) : Float32Array.of(0.1, 0.9);
      return Promise.resolve({ probabilities, embedding: new Float32Array(1), classes: ['wave', 'clap'] });
    },
  } as unknown as Inference;
}

function source(name: string, driver: string): SensorSource {
  const found = findDriver(driver)!;
  const origin = { name, driver: found, driverSettings: found.settings.parse({}), virtual: false, recorded: true };
  return { origin } as unknown as SensorSource;
}

const random = createRandom(1);
const noise = () => random.normal();
const imu = (time: number): ImuFrame => ({
  kind: 'imu',
  arrivalTime: time + 0.01,
  deviceTime: time,
  acceleration: Float32Array.of(3 * noise(), noise(), 9.8),
  angularRate: Float32Array.of(noise(), noise(), noise()),
});
/** A body of the right size, its hands moving. */
function skeleton(time: number, people = 1): SkeletonFrame {
  const joints = Float32Array.from({ length: people * 60 }, (_, i) => {
    const [joint, axis] = [Math.floor(i / 3), i % 3];
    return axis === 1 ? 0.8 - 0.08 * joint : axis === 0 ? 0.1 * (joint % 3) + 0.02 * noise() : 2.5;
  });
  return { kind: 'skeleton', arrivalTime: time + 0.03, deviceTime: time, people, layout: 'kinect-v1', joints };
}

function pipe(more: Parameters<typeof models>[1] = {}, log = silentLog) {
  const asked: string[] = [];
  const updates: PlaceUpdate['activity'][] = [];
  const sets: PlaceModalities[] = [];
  const made: PlacePipe = createPlacePipe({
    name: 'room',
    inference: models(asked, more),
    replayed: true,
    onActivity({ activity }) {
      updates.push(activity);
      return Promise.resolve();
    },
    onModalities: (modalities) => sets.push(modalities),
    log,
  });
  made.add([source('wrist', 'witmotion-wt901').origin, source('camera', 'skeleton-zmq').origin]);
  return { made, asked, updates, sets };
}

void t.test('both sensors of a place: one label a window, over the same times', async (t) => {
  const { made, updates, asked } = pipe();
  for (let i = 0; i < 600; i++) {
    const time = 100 + i / 60;
    if (i % 2 === 0) made.push('camera', [skeleton(time)]);
    if (i % 6 !== 0) made.push('wrist', [imu(time)]);
  }
  made.gone('wrist');
  made.gone('camera');
  await made.idle();
  made.stop();
  t.ok(updates.length >= 15, `${updates.length} labels`);
  t.equal(new Set(updates.map(({ window }) => window.start)).size, updates.length, 'no window twice');
  t.equal(asked.length, 2 * updates.length - updates.filter(({ sensors }) => sensors.length === 1).length);
  t.equal(made.recent.length, asked.length, 'each is kept for a lesson');
  const both = updates.filter(({ sensors }) => sensors.length === 2);
  t.ok(both.length >= updates.length - 2);
  for (const { activity, contributions } of both) {
    t.equal(activity, 'clap', '(0.2 + 0.9) / 2 is more than (0.8 + 0.1) / 2');
    t.match(
      contributions.find(({ sensor }) => sensor === 'wrist'),
      { activity: 'wave', confidence: 0.8 },
    );
    t.ok(contributions.every(({ alignmentError }) => alignmentError >= 0 && alignmentError < 0.1));
  }
});

void t.test(
  'a camera that sees nobody, then freezes: the label stays, and says why the camera is absent',
  async (t) => {
    const { made, updates } = pipe();
    const frozen = skeleton(0).joints;
    for (let i = 0; i < 1800; i++) {
      const time = 100 + i / 60;
      if (i % 2 === 0) {
        const frame = skeleton(time, time > 108 && time < 114 ? 0 : 1);
        if (time < 120) made.push('camera', [frame]);
        else if (time < 126) made.push('camera', [{ ...frame, joints: frozen }]);
      }
      made.push('wrist', [imu(time)]);
    }
    made.gone('wrist');
    await made.idle();
    made.stop();
    const starts = updates.map(({ window }) => Date.parse(window.start) / 1000);
    const gaps = starts.slice(1).map((start, i) => start - starts[i]!);
    t.ok(
      gaps.every((gap) => Math.abs(gap - 0.5) < 0.0011),
      'every window has its label, in order',
    );
    const reasons = new Set(updates.flatMap(({ absent }) => absent.map(({ reason }) => reason)));
    t.ok(reasons.has('nobody'));
    t.ok(reasons.has('constant'));
    t.strictSame(updates.at(-1)!.sensors, ['wrist']);
    t.strictSame(updates.at(-1)!.absent, [], 'a camera that sends nothing is gone: its health says so');
  },
);

void t.test(
  'a clock that is set: the others go on, and the place says why it is absent until it is back',
  async (t) => {
    for (const [jump, jumping] of [
      [3600, 'camera'],
      [-3600, 'camera'],
      [3600, 'wrist'],
      [-3600, 'wrist'],
    ] as const) {
      const { made, updates, sets } = pipe();
      const later = <F extends ImuFrame | SkeletonFrame>(frame: F, sensor: string, time: number): F =>
        sensor === jumping && time > 106 ? { ...frame, deviceTime: frame.deviceTime! + jump } : frame;
      for (const sensor of ['camera', 'wrist']) made.health(sensor, { state: 'live' });
      for (let i = 0; i < 900; i++) {
        const time = 100 + i / 60;
        if (i % 2 === 0) made.push('camera', [later(skeleton(time), 'camera', time)]);
        made.push('wrist', [later(imu(time), 'wrist', time)]);
      }
      await made.idle();
      const last = sets.at(-1)!;
      made.stop();
      const what = `${jumping} by ${jump} s`;
      const starts = updates.map(({ window }) => Date.parse(window.start) / 1000);
      const gaps = starts.slice(1).map((start, i) => start - starts[i]!);
      t.ok(
        gaps.every((gap) => Math.abs(gap - 0.5) < 0.0011),
        `${what}: every window has its label`,
      );
      const told = updates.flatMap(({ absent }) => absent).filter(({ reason }) => reason === 'clockSet');
      t.match(told, [{ sensor: jumping }], `${what}: one window is told to have been cut`);
      const modality = jumping === 'camera' ? 'skeleton' : 'imu';
      const since = sets.findIndex(({ absent }) => absent.some(({ reason }) => reason.includes('clock was set')));
      t.match(sets[since], { absent: [{ modality, reason: `${jumping}: the device's clock was set` }] }, what);
      t.equal(last.fused.length, 2, `${what}: back by itself`);
    }
  },
);

void t.test('two that differ for long are told, once, and fused all the same', async (t) => {
  const { log, lines } = keepingLog();
  const { made, updates, sets } = pipe({}, log);
  for (let i = 0; i < 60 * 45; i++) {
    const time = 100 + i / 60;
    if (i % 2 === 0) made.push('camera', [skeleton(time)]);
    made.push('wrist', [imu(time)]);
  }
  await made.idle();
  made.stop();
  const { disagreeing } = placeModalities.parse(sets.at(-1));
  t.match(
    disagreeing.sort((a, b) => a.modality.localeCompare(b.modality)),
    [
      { sensor: 'wrist', modality: 'imu', share: 1, mutual: true },
      { sensor: 'camera', modality: 'skeleton', share: 1, mutual: true },
    ],
  );
  const warnings = lines.filter(({ level }) => level === levels.warn).map(({ msg }) => msg.split(' ')[1]);
  t.strictSame(warnings.sort(), ['camera', 'wrist']);
  t.equal(updates.at(-1)!.contributions.length, 2);
});

void t.test('a wrist that is late by a second is left out, and counted late', async (t) => {
  const { made, updates } = pipe();
  const held: ImuFrame[] = [];
  for (let i = 0; i < 900; i++) {
    const time = 100 + i / 60;
    if (i % 2 === 0) made.push('camera', [skeleton(time)]);
    held.push(imu(time));
    if (i < 300) made.push('wrist', held.splice(0));
    else if (held.length > 60)
      made.push(
        'wrist',
        held.splice(0, 1).map((frame) => ({ ...frame, arrivalTime: time })),
      );
  }
  await made.idle();
  made.stop();
  t.ok(updates.some(({ absent }) => absent.some(({ reason, sensor }) => reason === 'late' && sensor === 'wrist')));
  t.equal(new Set(updates.map(({ window }) => window.start)).size, updates.length);
});

void t.test('towers of different windows cannot be fused, and what a pipeline cannot give is told', (t) => {
  t.throws(
    () => pipe({ skeleton: { samples: 75 } }),
    /room: the tower 'skeleton-test' reads windows of 3 s.*use towers of the same window/,
  );
  t.throws(
    () => pipe({ skeleton: { shape: [25, 4] } }),
    /'skeleton-test' reads instants of \[25, 4\].*gives \[20, 4\]/,
  );
  t.end();
});

void t.test(
  'the set is changed: the next window is of it, none is lost or doubled, and it is told why the rest is absent',
  async (t) => {
    const { made, updates, sets } = pipe();
    made.health('wrist', { state: 'live' });
    made.health('camera', { state: 'live' });
    const wanted = [['skeleton'], ['imu'], 'all'] as const;
    for (let i = 0; i < 1200; i++) {
      const time = 100 + i / 60;
      if (i % 300 === 299 && i < 900) t.equal(made.request(wanted[Math.floor(i / 300)] as 'all'), undefined);
      if (i % 2 === 0) made.push('camera', [skeleton(time)]);
      made.push('wrist', [imu(time)]);
    }
    made.gone('wrist');
    made.gone('camera');
    await made.idle();
    made.stop();
    const runs = updates
      .map(({ modalities }) => modalities.toSorted().join('+'))
      .filter((run, i, all) => run !== all[i - 1]);
    t.strictSame(runs.slice(0, 4), ['imu+skeleton', 'skeleton', 'imu', 'imu+skeleton']);
    const starts = updates.map(({ window }) => Date.parse(window.start) / 1000);
    t.ok(starts.slice(1).every((start, i) => Math.abs(start - starts[i]! - 0.5) < 0.0011));
    t.ok(updates.every(({ absent }) => absent.length === 0), 'who is not asked is not absent'); // prettier-ignore
    const alone = sets.find(({ set }) => String(set) === 'skeleton')!;
    t.strictSame(alone.absent, [{ modality: 'imu', reason: 'the set in force does not name it' }]);
    for (const state of sets) placeModalities.parse(state);
    t.strictSame(sets.at(-1)!.set, 'all');
    t.match(made.request(['lidar']), /room has no sensor with a tower for lidar; it has imu, skeleton/);
    t.equal(made.request(['lidar', 'imu']), undefined, 'a kind that is not there yet may be named beside others');
    const reasonOf = (modality: string) => sets.at(-1)!.absent.find((one) => one.modality === modality)?.reason;
    t.equal(reasonOf('lidar'), 'no sensor of room is of this kind');
    t.equal(reasonOf('skeleton'), 'the set in force does not name it');
  },
);
