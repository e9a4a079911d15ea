/** Devices that the gateway plays itself. What they send goes through the same transport and driver as a real device's bytes. */
import type { Logger } from 'pino';
import { depthZmq } from '../drivers/depth/depth-zmq.js';
import { skeletonZmq } from '../drivers/depth/skeleton-zmq.js';
import { witmotion } from '../drivers/imu/witmotion.js';
import type { WitmotionSettings } from '../drivers/imu/witmotion.js';
import { transportSettings } from '../drivers/transports/registry.js';
import type { TransportSettings } from '../drivers/transports/registry.js';
import type { ActivityRecording, Loaded } from '../learning/datasets/dataset.js';
import { loadUtdMhadInertial } from '../learning/datasets/utd-mhad.js';
import {
  depthHeight,
  depthWidth,
  kinectV1Joints,
  loadUtdMhadDepth,
  loadUtdMhadSkeleton,
} from '../learning/datasets/utd-mhad-kinect.js';
import type { DepthRecording } from '../learning/datasets/utd-mhad-kinect.js';
import type { Window } from '../pipelines/window.js';
import { encodeDepth, encodeSkeleton } from '../room/camera-messages.js';
import { tcpOutlet, zmqOutlet } from '../room/outlet.js';
import { playDevice } from '../room/played-device.js';
import type { PlayedChunk, PlayedDevice } from '../room/played-device.js';
import { Stage } from '../room/stage.js';
import { encodeWitmotion } from '../room/witmotion-encoder.js';
import type { FeedSettings } from './config-schema.js';
import { virtualDepthChunks, virtualSkeletonChunks, virtualWristChunks } from './virtual-feed.js';
import type { MessageChunk } from './virtual-feed.js';

export interface Feed {
  /** How the device is reached. */
  readonly transport: TransportSettings;
  /** Simulated: nothing of it was measured. */
  readonly virtual: boolean;
  /** Measured, but not now. */
  readonly recorded: boolean;
  /** What is really performed in most of the window: an action, or `still` in the rests; undefined where nothing was sent. */
  performing(window: Pick<Window, 'start' | 'end'>): string | undefined;
  close(): Promise<void>;
}

type RecordingFeed = Extract<FeedSettings, { kind: 'utd-mhad' }>;
type VirtualFeed = Extract<FeedSettings, { kind: 'virtual-body' }>;

/** The stages of the performances that feeds of one gateway play together, by what is played. */
export type Stages = Map<string, Stage>;

/**
 * @param driver name of the sensor's driver
 * @param driverSettings of that driver: the played device is set up as they say
 * @param stages of the gateway: feeds of the same recordings, or the same virtual body, play at the same time
 * @throws Error with one line that says what is wrong and what to do
 */
export async function startFeed(
  settings: FeedSettings,
  driver: string,
  driverSettings: unknown,
  stages: Stages,
  log: Logger,
): Promise<Feed> {
  if (settings.kind === 'utd-mhad') return playRecordings(settings, driver, driverSettings, stages, log);
  return playVirtualBody(settings, driver, driverSettings, stages);
}

/** The stage of all feeds that play the same. */
function stageOf(stages: Stages, played: unknown): Stage {
  const key = JSON.stringify(played);
  const stage = stages.get(key) ?? new Stage();
  stages.set(key, stage);
  return stage;
}

const notPlayed = ({ kind }: FeedSettings, driver: string) =>
  new Error(`the feed ${kind} plays no device for the driver ${driver}`);

async function playVirtualBody(
  settings: VirtualFeed,
  driver: string,
  driverSettings: unknown,
  stages: Stages,
): Promise<Feed> {
  const { kind, seed } = settings;
  const playing: Playing = { virtual: true, stage: stageOf(stages, { kind, seed }) };
  switch (driver) {
    case witmotion.name:
      return overTcp(virtualWristChunks(seed, witmotion.settings.parse(driverSettings)), playing);
    case skeletonZmq.name:
      return overZmq(virtualSkeletonChunks(seed, skeletonZmq.settings.parse(driverSettings).rate), playing);
    case depthZmq.name:
      return overZmq(virtualDepthChunks(seed, depthZmq.settings.parse(driverSettings).rate), playing);
    default:
      throw notPlayed(settings, driver);
  }
}

interface Playing {
  readonly virtual: boolean;
  readonly stage?: Stage;
  readonly onEnd?: () => void;
}

async function overTcp(chunks: Iterable<PlayedChunk>, playing: Playing): Promise<Feed> {
  const outlet = await tcpOutlet();
  return feedOf(playDevice(chunks, outlet, playing), { type: 'tcp', host: outlet.host, port: outlet.port }, playing);
}

async function overZmq(chunks: Iterable<MessageChunk> | AsyncIterable<MessageChunk>, playing: Playing): Promise<Feed> {
  const outlet = await zmqOutlet();
  return feedOf(playDevice(chunks, outlet, playing), { type: 'zmq', endpoint: outlet.endpoint }, playing);
}

function feedOf(played: PlayedDevice, transport: object, { virtual }: Playing): Feed {
  return {
    transport: transportSettings.parse(transport),
    virtual,
    recorded: !virtual,
    performing: ({ start, end }) => played.performing(start, end),
    close: () => played.close(),
  };
}

async function playRecordings(
  settings: RecordingFeed,
  driver: string,
  driverSettings: unknown,
  stages: Stages,
  log: Logger,
): Promise<Feed> {
  const { data, subjects, actions, trials, pause, repeat } = settings;
  // They tell how long the performances lasted, whatever is played of them.
  const inertial = await loadUtdMhadInertial(data, settings);
  const slots = timetable(inertial.recordings, settings);

  /** @returns by name, those that have their place in the timetable */
  function placed<Recording extends { id: string }>({ recordings, unreadable }: Loaded<Recording>) {
    for (const { file, reason } of unreadable) log.warn(`${file} is left out: ${reason}`);
    const known = new Set(inertial.recordings.map(({ id }) => id));
    const found = new Map(recordings.filter(({ id }) => known.has(id)).map((recording) => [recording.id, recording]));
    for (const { id } of recordings)
      if (!known.has(id)) log.warn(`${id} is left out: how long it lasted, its inertial file would tell`);
    if (found.size === 0) throw new Error(`${data}: no recording of the selection has its inertial file`);
    log.info(`${found.size} recordings of ${data} are played to ${driver}`);
    return found;
  }

  const stage = stageOf(stages, { data, subjects, actions, trials, pause, repeat });
  const onEnd = () => log.info(`all recordings of ${data} have been played to ${driver}`);
  const playing: Playing = { virtual: false, stage, onEnd };
  switch (driver) {
    case witmotion.name: {
      const device = witmotion.settings.parse(driverSettings);
      const { rate } = inertial.recordings[0]!;
      if (device.outputRate !== rate)
        throw new Error(
          `the recordings have ${rate} samples a second: set outputRate: ${rate} in the sensor's settings`,
        );
      return overTcp(inertialChunks(slots, placed(inertial), device), playing);
    }
    case skeletonZmq.name:
      return overZmq(skeletonChunks(slots, placed(await loadUtdMhadSkeleton(data, settings))), playing);
    case depthZmq.name:
      return overZmq(depthChunks(slots, placed(await loadUtdMhadDepth(data, settings)), log), playing);
    default:
      throw notPlayed(settings, driver);
  }
}

/** One performance in its place. */
interface Slot {
  readonly id: string;
  readonly label: string;
  /** Seconds from the beginning of the first one. */
  readonly start: number;
  readonly duration: number;
}

/** The recordings one after the other. In the pauses nothing is sent, so that windows begin anew with each recording. */
function* timetable(recordings: readonly ActivityRecording[], { pause, repeat }: RecordingFeed): Generator<Slot> {
  let start = 0;
  do {
    for (const { id, label, samples, rate } of recordings) {
      const duration = samples.length / 6 / rate;
      yield { id, label, start, duration };
      start += duration + pause;
    }
  } while (repeat);
}

function* inertialChunks(
  slots: Iterable<Slot>,
  recordings: ReadonlyMap<string, ActivityRecording>,
  device: WitmotionSettings,
): Generator<PlayedChunk> {
  for (const { id, label, start } of slots) {
    const { samples, rate } = recordings.get(id)!;
    for (let i = 0; i < samples.length / 6; i++) {
      const acceleration = samples.subarray(6 * i, 6 * i + 3);
      const angularRate = samples.subarray(6 * i + 3, 6 * i + 6);
      const message = (time: number) => encodeWitmotion({ acceleration, angularRate, time }, device);
      yield { at: start + i / rate, lasts: 1 / rate, label, message };
    }
  }
}

function* skeletonChunks(
  slots: Iterable<Slot>,
  recordings: ReadonlyMap<string, ActivityRecording>,
): Generator<MessageChunk> {
  const width = 3 * kinectV1Joints.length;
  let frame = 0;
  for (const slot of slots) {
    const samples = recordings.get(slot.id)?.samples ?? new Float32Array();
    yield* pictures(slot, samples.length / width, (i, time) =>
      encodeSkeleton(samples.subarray(i * width, (i + 1) * width), 'kinect-v1', { time, frame: frame++ }),
    );
  }
}

async function* depthChunks(
  slots: Iterable<Slot>,
  recordings: Map<string, DepthRecording>,
  log: Logger,
): AsyncGenerator<MessageChunk> {
  const size = depthWidth * depthHeight;
  let frame = 0;
  for (const slot of slots) {
    const recording = recordings.get(slot.id);
    if (!recording) continue;
    try {
      const { depth } = await recording.read();
      yield* pictures(slot, depth.length / size, (i, time) =>
        encodeDepth(depth.subarray(i * size, (i + 1) * size), depthWidth, depthHeight, { time, frame: frame++ }),
      );
    } catch (error) {
      log.warn(`${recording.file} is left out: ${error instanceof Error ? error.message : String(error)}`);
      recordings.delete(slot.id);
      if (recordings.size === 0) return;
    }
  }
}

/** Pictures at even distances over the whole performance: when each was taken, the data set does not say. */
function* pictures(
  { label, start, duration }: Slot,
  count: number,
  message: (i: number, time: number) => Uint8Array[],
): Generator<MessageChunk> {
  const lasts = duration / count;
  for (let i = 0; i < count; i++) yield { at: start + i * lasts, lasts, label, message: (time) => message(i, time) };
}
