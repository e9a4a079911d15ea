/** UTD-MHAD: Chen, Jafari, Kehtarnavaz, 'UTD-MHAD: a multimodal dataset for human action recognition utilizing a depth camera and a
 *  wearable inertial sensor', ICIP 2015. 27 actions, 8 subjects, 4 trials.
 *
 *    Inertial/aA_sS_tT_inertial.mat    d_iner [samples, 6] at 50 Hz: acceleration x y z in g, angular rate x y z in °/s
 *
 *  Worn on the right wrist for actions 1 to 21, on the right thigh for 22 to 27. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatasetError } from './dataset.js';
import type { ActivityRecording, Loaded, UnreadableFile } from './dataset.js';
import { readMatlab } from './matlab.js';

/** Label of each action; action A of the file names is at A − 1. */
export const utdMhadActions = [
  'swipe left',
  'swipe right',
  'wave',
  'clap',
  'throw',
  'cross arms',
  'basketball shoot',
  'draw x',
  'draw circle clockwise',
  'draw circle counter-clockwise',
  'draw triangle',
  'bowling',
  'boxing',
  'baseball swing',
  'tennis swing',
  'arm curl',
  'tennis serve',
  'push',
  'knock',
  'catch',
  'pick up and throw',
  'jog',
  'walk',
  'sit to stand',
  'stand to sit',
  'lunge',
  'squat',
] as const;

const inertialRate = 50; // Hz
const standardGravity = 9.80665; // m/s², what the data set calls 1 g
const scale = [...Array<number>(3).fill(standardGravity), ...Array<number>(3).fill(Math.PI / 180)];
const fileName = /^a(\d+)_s(\d+)_t(\d+)_inertial\.mat$/;

export interface UtdMhadSelection {
  readonly subjects?: readonly number[] | undefined;
  readonly actions?: readonly number[] | undefined;
  readonly trials?: readonly number[] | undefined;
}

const named = (numbers: readonly number[] | undefined) => numbers?.join(', ') ?? 'any';
const within = (wanted: readonly number[] | undefined, value: number) => wanted?.includes(value) ?? true;

/** The folder with the inertial files: `Inertial` in `data` or in `data/utd-mhad`, or `data` itself. */
async function inertialFiles(data: string): Promise<{ folder: string; names: string[] }> {
  for (const folder of [join(data, 'Inertial'), join(data, 'utd-mhad', 'Inertial'), data]) {
    const names = (await readdir(folder).catch((): string[] => [])).filter((name) => fileName.test(name));
    if (names.length > 0) return { folder, names };
  }
  throw new DatasetError(
    `${data}: no UTD-MHAD here. The folder must hold Inertial/a1_s1_t1_inertial.mat and so on; docs/datasets.md says where to get it`,
  );
}

/** @returns [samples, 6] in m/s² and rad/s @throws Error that begins with 'it' */
function samplesOf(bytes: Uint8Array): Float32Array {
  const array = readMatlab(bytes).get('d_iner');
  const [count = 0, channels] = array?.dimensions ?? [];
  if (!array || channels !== 6 || array.dimensions.length !== 2 || count === 0)
    throw new Error('it has no array d_iner of [samples, 6]');
  // MATLAB's columns become our rows.
  const samples = Float32Array.from(
    { length: count * 6 },
    (_, i) => array.data[(i % 6) * count + Math.floor(i / 6)]! * scale[i % 6]!,
  );
  if (!samples.every(Number.isFinite)) throw new Error('it holds values that are no numbers');
  return samples;
}

/**
 * The recordings of the wearable sensor, in the order of action, subject, trial.
 * @param data folder of the data set; only its inertial files are needed, of any subjects
 * @throws DatasetError if no file of the selection is there
 */
export async function loadUtdMhadInertial(
  data: string,
  { subjects, actions, trials }: UtdMhadSelection = {},
): Promise<Loaded<ActivityRecording>> {
  const { folder, names } = await inertialFiles(data);
  const files = names
    .map((name) => ({ name, numbers: fileName.exec(name)!.slice(1).map(Number) as [number, number, number] }))
    .filter(
      ({ numbers: [action, subject, trial] }) =>
        utdMhadActions[action - 1] !== undefined &&
        within(actions, action) &&
        within(subjects, subject) &&
        within(trials, trial),
    )
    .sort((a, b) => [0, 1, 2].map((i) => a.numbers[i]! - b.numbers[i]!).find((difference) => difference !== 0) ?? 0);
  if (files.length === 0) {
    const there = [...new Set(names.map((name) => fileName.exec(name)![2]))].sort();
    throw new DatasetError(
      `${folder}: no recording of subjects ${named(subjects)}, actions ${named(actions)}, trials ${named(trials)}. Subjects there: ${there.join(', ')}`,
    );
  }
  const recordings: ActivityRecording[] = [];
  const unreadable: UnreadableFile[] = [];
  for (const { name, numbers } of files) {
    const [action, subject] = numbers;
    const file = join(folder, name);
    try {
      const samples = samplesOf(await readFile(file));
      const id = name.replace('_inertial.mat', '');
      const label = utdMhadActions[action - 1]!;
      recordings.push({ id, subject, label, classIndex: action - 1, rate: inertialRate, samples });
    } catch (error) {
      unreadable.push({ file, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  if (recordings.length === 0)
    throw new DatasetError(`${folder}: none of ${files.length} files can be read: ${unreadable[0]!.reason}`);
  return { recordings, unreadable };
}
