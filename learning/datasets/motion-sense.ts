/** MotionSense: Malekzadeh, Clegg, Cavallaro, Haddadi, 'Mobile sensor data anonymization', IoTDI 2019. An iPhone 6s in the front pocket,
 *  24 subjects, 6 activities in 15 trials.
 *
 *    A_DeviceMotion_data/ACTIVITY_TRIAL/sub_SUBJECT.csv, for instance dws_1/sub_1.csv, 50 Hz:
 *        (row number), attitude.roll …, gravity.x …, rotationRate.x … in rad/s, userAcceleration.x … in g
 *
 *  Core Motion's gravity points down and its accelerations have that sign: a phone that lies on its back gives z = −1. Specific force, which
 *  drivers give, is minus their sum. Source: the README of github.com/mmalekzadeh/motion-sense; Apple, 'CMDeviceMotion'. */
import { join } from 'node:path';
import type { ActivityRecording, Loaded } from './dataset.js';
import { findDataset, loadEach, readUnzipped } from './files.js';
import { readNumberTable } from './number-table.js';

/** Labels by the name in the folders; `classIndex` is the place here. */
export const motionSenseActivities = {
  dws: 'walking downstairs',
  ups: 'walking upstairs',
  sit: 'sitting',
  std: 'standing',
  wlk: 'walking',
  jog: 'jogging',
} as const;

export interface MotionSenseRecording extends ActivityRecording {
  readonly trial: number;
  readonly session: string;
  /** Rows left out since they hold values that are no numbers: time passes faster there. */
  readonly dropped: number;
}

const fileName = /^(?:.*\/)?(([a-z]{3})_(\d+)\/sub_(\d+))\.csv(\.gz)?$/;
const axes = ['x', 'y', 'z'];
const columns = ['gravity', 'userAcceleration', 'rotationRate'].flatMap((name) =>
  axes.map((axis) => `${name}.${axis}`),
);
const rate = 50; // Hz
const standardGravity = 9.80665; // m/s²

/** @throws Error that begins with 'it' */
function samplesOf(bytes: Buffer): { samples: Float32Array; dropped: number } {
  const { rows, columns: values, dropped } = readNumberTable(bytes, columns);
  const samples = new Float32Array(6 * rows);
  for (let i = 0; i < rows; i++)
    for (let axis = 0; axis < 3; axis++) {
      samples[6 * i + axis] = -standardGravity * (values[axis]![i]! + values[3 + axis]![i]!);
      samples[6 * i + 3 + axis] = values[6 + axis]![i]!;
    }
  return { samples, dropped };
}

/**
 * All recordings, in the order of activity, trial, subject by their names.
 * @param data folder of the data set, or one that holds `motion-sense` or `A_DeviceMotion_data`
 * @throws DatasetError if no file of the selection is there, or none can be read
 */
export async function loadMotionSense(
  data: string,
  { subjects }: { subjects?: readonly number[] | undefined } = {},
): Promise<Loaded<MotionSenseRecording>> {
  const { folder, files } = await findDataset(
    [join(data, 'motion-sense'), data],
    fileName,
    'no MotionSense here. The folder must hold A_DeviceMotion_data/dws_1/sub_1.csv and so on',
  );
  const names = Object.keys(motionSenseActivities) as (keyof typeof motionSenseActivities)[];
  const wanted = files
    // Accelerometer and gyroscope alone lie in folders of the same names.
    .filter(([path]) => !/[BC]_\w+_data\//.test(path))
    .map(([path, id, name, trial, subject]) => ({
      path,
      id: id!,
      subject: Number(subject),
      trial: Number(trial),
      session: `subject-${Number(subject)}`,
      classIndex: names.indexOf(name as (typeof names)[number]),
    }))
    .filter(({ classIndex, subject }) => classIndex >= 0 && (subjects?.includes(subject) ?? true));
  return loadEach(folder, wanted, async ({ path, ...about }): Promise<MotionSenseRecording> => ({
    ...about,
    label: motionSenseActivities[names[about.classIndex]!],
    rate,
    ...samplesOf(await readUnzipped(join(folder, path))),
  }));
}
