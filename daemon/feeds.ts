/** Devices that the gateway plays itself. What they send goes through the same transport and driver as a real device's bytes. */
import type { Logger } from 'pino';
import { witmotion } from '../drivers/imu/witmotion.js';
import type { WitmotionSettings } from '../drivers/imu/witmotion.js';
import { loadUtdMhadInertial } from '../learning/datasets/utd-mhad.js';
import type { ActivityRecording } from '../learning/datasets/dataset.js';
import type { Window } from '../pipelines/window.js';
import { playDevice } from '../room/played-device.js';
import type { PlayedChunk } from '../room/played-device.js';
import { virtualWrist } from '../room/virtual-wrist.js';
import { encodeWitmotion } from '../room/witmotion-encoder.js';
import type { FeedSettings } from './config-schema.js';

export interface Feed {
  /** Where the device is served. */
  readonly host: string;
  readonly port: number;
  /** Simulated: nothing of it was measured. */
  readonly virtual: boolean;
  /** Measured, but not now. */
  readonly recorded: boolean;
  /** What is really performed in most of the window: an action, or `still` in the rests; undefined where nothing was sent. */
  performing(window: Pick<Window, 'start' | 'end'>): string | undefined;
  close(): Promise<void>;
}

type RecordingFeed = Extract<FeedSettings, { kind: 'utd-mhad' }>;

/**
 * @param driverSettings of the sensor's driver: the played device is set up as they say
 * @throws Error with one line that says what is wrong and what to do
 */
export async function startFeed(settings: FeedSettings, driverSettings: unknown, log: Logger): Promise<Feed> {
  const { data: device, success } = witmotion.settings.safeParse(driverSettings);
  if (!success)
    throw new Error(`the feed ${settings.kind} plays a WitMotion device: its driver must be ${witmotion.name}`);
  const virtual = settings.kind === 'virtual-wrist';
  const played = virtual
    ? await playDevice(wristChunks(settings.seed, device))
    : await playRecordings(settings, device, log);
  return {
    host: played.host,
    port: played.port,
    virtual,
    recorded: !virtual,
    performing: ({ start, end }) => played.performing(start, end),
    close: () => played.close(),
  };
}

function* wristChunks(seed: number, device: WitmotionSettings): Generator<PlayedChunk> {
  const lasts = 1 / device.outputRate;
  for (const { time: at, label, acceleration, angularRate } of virtualWrist(seed, device.outputRate)) {
    yield { at, lasts, label, bytes: (time) => encodeWitmotion({ acceleration, angularRate, time }, device) };
  }
}

async function playRecordings(settings: RecordingFeed, device: WitmotionSettings, log: Logger) {
  const { recordings, unreadable } = await loadUtdMhadInertial(settings.data, settings);
  for (const { file, reason } of unreadable) log.warn(`${file} is left out: ${reason}`);
  const { rate } = recordings[0]!;
  if (device.outputRate !== rate)
    throw new Error(`the recordings have ${rate} samples a second: set outputRate: ${rate} in the sensor's settings`);
  log.info(`${recordings.length} recordings of ${settings.data} are played`);
  return playDevice(recordingChunks(recordings, settings, device), () =>
    log.info(`all ${recordings.length} recordings of ${settings.data} have been played`),
  );
}

/** The recordings one after the other. In the pauses nothing is sent, so that windows begin anew with each recording. */
function* recordingChunks(
  recordings: readonly ActivityRecording[],
  { pause, repeat }: RecordingFeed,
  device: WitmotionSettings,
): Generator<PlayedChunk> {
  let start = 0;
  do {
    for (const { samples, rate, label } of recordings) {
      const count = samples.length / 6;
      for (let i = 0; i < count; i++) {
        const acceleration = samples.subarray(6 * i, 6 * i + 3);
        const angularRate = samples.subarray(6 * i + 3, 6 * i + 6);
        const bytes = (time: number) => encodeWitmotion({ acceleration, angularRate, time }, device);
        yield { at: start + i / rate, lasts: 1 / rate, label, bytes };
      }
      start += count / rate + pause;
    }
  } while (repeat);
}
