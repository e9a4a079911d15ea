/** UCI-HAR: Anguita, Ghio, Oneto, Parra, Reyes-Ortiz, 'A public domain dataset for human activity recognition using smartphones',
 *  ESANN 2013. A phone at the waist, 30 subjects, 6 activities, cut into windows of 128 samples at 50 Hz of which each overlaps the next by half.
 *
 *    HALF/Inertial Signals/total_acc_AXIS_HALF.txt   HALF is train or test, AXIS x, y, z: a window a line, 128 numbers in g, with gravity
 *    HALF/Inertial Signals/body_gyro_AXIS_HALF.txt   rad/s
 *    HALF/y_HALF.txt, subject_HALF.txt               a window a line: activity 1 … 6, subject 1 … 30
 *
 *  Source: the README.txt of the data set, archive.ics.uci.edu/dataset/240. Median and 20 Hz low-pass filtered by its authors. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatasetError } from './dataset.js';
import type { ActivityRecording, Loaded, UnreadableFile } from './dataset.js';
import { readNumberTable } from './number-table.js';

/** Label of each activity; activity A of the files is at A − 1. */
export const uciHarActivities = [
  'walking',
  'walking upstairs',
  'walking downstairs',
  'sitting',
  'standing',
  'laying',
] as const;

const halves = ['train', 'test'] as const;
export type UciHarHalf = (typeof halves)[number];

export interface UciHarWindow extends ActivityRecording {
  readonly half: UciHarHalf;
  /** Windows of one subject overlap: never split a session between training and test. */
  readonly session: string;
}

const windowLength = 128;
const rate = 50; // Hz
const standardGravity = 9.80665; // m/s²
const signals = [
  ...['x', 'y', 'z'].map((axis) => ({ name: `total_acc_${axis}`, scale: standardGravity })),
  ...['x', 'y', 'z'].map((axis) => ({ name: `body_gyro_${axis}`, scale: 1 })),
];

/** @throws Error that begins with the file's name */
async function columnsOf(folder: string, file: string, count: number): Promise<readonly Float64Array[]> {
  try {
    const { columns, dropped } = readNumberTable(await readFile(join(folder, file)), count, /\s+/);
    // A line less would shift every window after it against the labels.
    if (dropped > 0) throw new Error(`it has ${dropped} lines that are not ${count} numbers`);
    return columns;
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** @throws Error with what is wrong */
async function windowsOf(folder: string, half: UciHarHalf): Promise<UciHarWindow[]> {
  const [activities] = await columnsOf(folder, `y_${half}.txt`, 1);
  const [subjects] = await columnsOf(folder, `subject_${half}.txt`, 1);
  const sensors: (readonly Float64Array[])[] = [];
  for (const { name } of signals)
    sensors.push(await columnsOf(folder, join('Inertial Signals', `${name}_${half}.txt`), windowLength));
  const count = activities!.length;
  if ([subjects!, ...sensors.map(([first]) => first!)].some(({ length }) => length !== count))
    throw new Error(`its files are not of the same number of windows as y_${half}.txt, ${count}`);
  return Array.from({ length: count }, (_, w) => {
    const label = uciHarActivities[activities![w]! - 1];
    if (label === undefined) throw new Error(`y_${half}.txt: there is no activity ${activities![w]!}`);
    const samples = new Float32Array(windowLength * signals.length);
    sensors.forEach((columns, channel) => {
      const { scale } = signals[channel]!;
      for (let i = 0; i < windowLength; i++) samples[i * signals.length + channel] = columns[i]![w]! * scale;
    });
    const subject = subjects![w]!;
    const classIndex = activities![w]! - 1;
    return { id: `${half}/${w + 1}`, subject, label, classIndex, half, session: `subject-${subject}`, rate, samples };
  });
}

/**
 * All windows, in the order of the files, those of `train` first.
 * @param data folder of the data set, or one that holds `uci-har` or `UCI HAR Dataset`
 * @throws DatasetError if neither half is there, or none can be read
 */
export async function loadUciHar(
  data: string,
  { subjects }: { subjects?: readonly number[] | undefined } = {},
): Promise<Loaded<UciHarWindow>> {
  const unreadable: UnreadableFile[] = [];
  for (const folder of [data, join(data, 'uci-har'), join(data, 'UCI HAR Dataset')]) {
    const recordings: UciHarWindow[] = [];
    let found = false;
    for (const half of halves) {
      const isThere = await readFile(join(folder, half, `y_${half}.txt`)).then(() => true).catch(() => false); // prettier-ignore
      if (!isThere) continue;
      found = true;
      try {
        recordings.push(...(await windowsOf(join(folder, half), half)));
      } catch (error) {
        unreadable.push({ file: join(folder, half), reason: error instanceof Error ? error.message : String(error) });
      }
    }
    if (!found) continue;
    const wanted = recordings.filter(({ subject }) => subjects?.includes(subject) ?? true);
    if (wanted.length === 0)
      throw new DatasetError(
        unreadable[0]
          ? `${folder}: neither half can be read: ${unreadable[0].reason}`
          : `${folder}: no windows of subjects ${subjects?.join(', ') ?? 'any'}`,
      );
    return { recordings: wanted, unreadable };
  }
  throw new DatasetError(
    `${data}: no UCI-HAR here. The folder must hold train/y_train.txt, train/Inertial Signals/total_acc_x_train.txt and so on; docs/datasets.md says where to get it`,
  );
}
