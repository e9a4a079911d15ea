/** UTD-MHAD: Chen, Jafari, Kehtarnavaz, 'UTD-MHAD: a multimodal dataset for human action recognition utilizing a depth camera and a
 *  wearable inertial sensor', ICIP 2015. 27 actions, 8 subjects, 4 trials.
 *
 *    Inertial/aA_sS_tT_inertial.mat    d_iner [samples, 6] at 50 Hz: acceleration x y z in g, angular rate x y z in °/s
 *
 *  Worn on the right wrist for actions 1 to 21, on the right thigh for 22 to 27.
 *  Skeletons and depth pictures of the same performances: utd-mhad-kinect.ts. */
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

/** The kinds of recording, and the data set's folders of them. */
const folders = { inertial: 'Inertial', skeleton: 'Skeleton', depth: 'Depth' } as const;
export type UtdMhadKind = keyof typeof folders;

export interface UtdMhadSelection {
  readonly subjects?: readonly number[] | undefined;
  readonly actions?: readonly number[] | undefined;
  readonly trials?: readonly number[] | undefined;
}

const named = (numbers: readonly number[] | undefined) => numbers?.join(', ') ?? 'any';
const within = (wanted: readonly number[] | undefined, value: number) => wanted?.includes(value) ?? true;

/** One file of the data set: one performance as one sensor saw it. */
export interface UtdMhadFile extends Pick<ActivityRecording, 'id' | 'subject' | 'label' | 'classIndex'> {
  readonly path: string;
}

/** The folder with the files of one kind: `Inertial` and so on in `data` or in `data/utd-mhad`, or `data` itself. */
async function folderOf(data: string, kind: UtdMhadKind): Promise<{ folder: string; names: RegExpExecArray[] }> {
  const fileName = new RegExp(`^(a(\\d+)_s(\\d+)_t(\\d+))_${kind}\\.mat$`);
  for (const folder of [join(data, folders[kind]), join(data, 'utd-mhad', folders[kind]), data]) {
    const found = await readdir(folder).catch((): string[] => []);
    const names = found.map((name) => fileName.exec(name)).filter((match) => match !== null);
    if (names.length > 0) return { folder, names };
  }
  throw new DatasetError(
    `${data}: no UTD-MHAD here. The folder must hold ${folders[kind]}/a1_s1_t1_${kind}.mat and so on; docs/datasets.md says where to get it`,
  );
}

/**
 * The files of one kind in the order of action, subject, trial; none is opened.
 * @throws DatasetError if no file of the selection is there
 */
export async function findUtdMhadFiles(
  data: string,
  kind: UtdMhadKind,
  { subjects, actions, trials }: UtdMhadSelection = {},
): Promise<{ folder: string; files: UtdMhadFile[] }> {
  const { folder, names } = await folderOf(data, kind);
  const files = names
    .map(([name, id, ...numbers]) => ({ path: join(folder, name), id: id!, numbers: numbers.map(Number) }))
    .filter(
      ({ numbers: [action, subject, trial] }) =>
        utdMhadActions[action! - 1] !== undefined &&
        within(actions, action!) &&
        within(subjects, subject!) &&
        within(trials, trial!),
    )
    .sort((a, b) => [0, 1, 2].map((i) => a.numbers[i]! - b.numbers[i]!).find((difference) => difference !== 0) ?? 0)
    .map(({ path, id, numbers: [action, subject] }) => ({
      path,
      id,
      subject: subject!,
      label: utdMhadActions[action! - 1]!,
      classIndex: action! - 1,
    }));
  if (files.length === 0) {
    const there = [...new Set(names.map(([, , , subject]) => subject))].sort();
    throw new DatasetError(
      `${folder}: no recording of subjects ${named(subjects)}, actions ${named(actions)}, trials ${named(trials)}. Subjects there: ${there.join(', ')}`,
    );
  }
  return { folder, files };
}

/**
 * Every file of one kind, read.
 * @param read makes the recording's numbers of a file; throws an Error that begins with 'it'
 * @throws DatasetError if no file of the selection is there, or none can be read
 */
export async function loadUtdMhadFiles(
  data: string,
  kind: UtdMhadKind,
  selection: UtdMhadSelection,
  read: (bytes: Uint8Array, id: string) => Promise<Pick<ActivityRecording, 'rate' | 'samples'>>,
): Promise<Loaded<ActivityRecording>> {
  const { folder, files } = await findUtdMhadFiles(data, kind, selection);
  const recordings: ActivityRecording[] = [];
  const unreadable: UnreadableFile[] = [];
  for (const { path, ...about } of files) {
    try {
      recordings.push({ ...about, ...(await read(await readFile(path), about.id)) });
    } catch (error) {
      unreadable.push({ file: path, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  if (recordings.length === 0)
    throw new DatasetError(`${folder}: none of ${files.length} files can be read: ${unreadable[0]!.reason}`);
  return { recordings, unreadable };
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
 * @throws DatasetError if no file of the selection is there, or none can be read
 */
export function loadUtdMhadInertial(
  data: string,
  selection: UtdMhadSelection = {},
): Promise<Loaded<ActivityRecording>> {
  return loadUtdMhadFiles(data, 'inertial', selection, (bytes) =>
    Promise.resolve({ rate: inertialRate, samples: samplesOf(bytes) }),
  );
}

/** Seconds that a performance lasted, as its inertial file tells; undefined without one that can be read. */
export async function utdMhadDuration(data: string, id: string): Promise<number | undefined> {
  try {
    const { folder } = await folderOf(data, 'inertial');
    return samplesOf(await readFile(join(folder, `${id}_inertial.mat`))).length / 6 / inertialRate;
  } catch {
    return undefined;
  }
}
