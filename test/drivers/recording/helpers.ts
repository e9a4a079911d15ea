/** Sensors to record and ways to read them back. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { witmotion } from '../../../drivers/imu/witmotion.js';
import { readRecording, type RecordedMessage, type RecordingEnd } from '../../../drivers/recording/reader.js';
import type { SensorDescription } from '../../../drivers/recording/sensor-description.js';

type Tap = Pick<typeof t, 'teardown'>;

export async function scratch(t: Tap): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'recording-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return folder;
}

export const wrist: SensorDescription = {
  sensor: 'wrist',
  driver: 'witmotion-wt901',
  settings: witmotion.settings.parse({ outputRate: 100 }),
  files: { calibration: 'scale: 1\nName: Ærø\n' },
  transport: 'serial',
  place: 'living-room',
  virtual: true,
  recorded: false,
};
export const lidar: SensorDescription = {
  ...wrist,
  sensor: 'lidar',
  driver: 'some-lidar',
  settings: {},
  files: {},
  virtual: false,
};
export const fail = (problem: string) => t.fail(problem);

export async function readAll(file: string) {
  let end: RecordingEnd | undefined;
  const messages: RecordedMessage[] = [];
  for await (const one of readRecording(file, (how) => (end = how))) messages.push(one);
  return { messages, end: end! };
}
