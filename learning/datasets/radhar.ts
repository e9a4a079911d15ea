/** RadHAR: Singh, Sandha, Garcia, Srivastava, 'RadHAR: human activity recognition from point clouds generated through a
 *  millimeter-wave radar', mmNets 2019. Points of a TI IWR1443, five exercises of some 20 s by two people, who are not named.
 *
 *    Train/LABEL/NAME.txt, Test/LABEL/NAME.txt   as published: messages of ROS as text, one a point, `---` between them:
 *        header: seq, stamp: secs, nsecs, frame_id · point_id · x · y · z · range · velocity · doppler_bin · bearing · intensity
 *    Train/LABEL/NAME.csv, .csv.gz               the same: time_s, point, x_m, y_m, z_m, velocity_mps, intensity_db
 *
 *  Point 0 begins a frame. x is forward, y to the right, z up, metres; intensity dB. Source: the README of github.com/nesl/RadHAR.
 *  The serial line brought frames in twos (2 ms, then 58 ms apart), about 30 a second: `time` is that of arrival. */
import { basename, join } from 'node:path';
import { DatasetError } from './dataset.js';
import type { Loaded, RadarPointFrame, RecordingAbout } from './dataset.js';
import { findDataset, loadEach, readUnzipped } from './files.js';
import { readNumberTable } from './number-table.js';
import { ascending, framesOfPoints } from './radar-points.js';

/** Labels, named as the folders are. */
export const radharActivities = ['boxing', 'jack', 'jump', 'squats', 'walk'] as const;
export type RadharHalf = 'Train' | 'Test';

export interface RadharRecording extends RecordingAbout {
  readonly half: RadharHalf;
  /** Ascending in time. */
  readonly frames: readonly RadarPointFrame[];
  /** Points before the first frame's beginning, rows that hold values that are no numbers, frames that are not later than the one before. */
  readonly dropped: number;
}

const fileName = /^(?:.*\/)?((Train|Test)\/([^/]+)\/([^/]+?))(\.txt|\.csv|\.csv\.gz)$/;
const csvColumns = ['time_s', 'point', 'x_m', 'y_m', 'z_m', 'velocity_mps', 'intensity_db'];
const messageFields = ['secs', 'nsecs', 'point_id', 'x', 'y', 'z', 'velocity', 'intensity'];

/** The messages as lines of fields in the order of `messageFields`. */
function linesOfMessages(bytes: Buffer): Buffer {
  const lines = bytes
    .toString('latin1')
    .split(/^---\s*$/m)
    .filter((message) => message.trim() !== '')
    .map((message) => {
      const fields = new Map(
        [...message.matchAll(/^\s*(\w+):[ \t]*(\S*)[ \t\r]*$/gm)].map(([, name, value]) => [name, value]),
      );
      return messageFields.map((name) => fields.get(name) ?? '').join(',');
    });
  return Buffer.from(`${messageFields.join(',')}\n${lines.join('\n')}\n`);
}

/** @throws Error that begins with 'it' */
function framesOf(bytes: Buffer, isText: boolean): { frames: RadarPointFrame[]; dropped: number } {
  const table = readNumberTable(isText ? linesOfMessages(bytes) : bytes, isText ? messageFields : csvColumns);
  const columns = isText
    ? [table.columns[0]!.map((seconds, i) => seconds + table.columns[1]![i]! / 1e9), ...table.columns.slice(2)]
    : table.columns;
  const [times, point, forward, right, up, velocity, intensity] = columns;
  const starts: number[] = [];
  for (let i = 0; i < table.rows; i++) if (point![i] === 0) starts.push(i);
  if (starts.length === 0) throw new Error('it has no point 0, which begins a frame');
  const rows = { times: times!, right: right!, away: forward!, up: up!, velocity: velocity!, intensity: intensity! };
  const { frames, dropped } = ascending(
    framesOfPoints(
      rows,
      starts,
      starts.map((_, i) => i),
    ),
  );
  return { frames, dropped: table.dropped + starts[0]! + dropped };
}

/**
 * All recordings, those of `Train` before those of `Test`, in the order of their names. The label is the folder; `session` is the name
 * of the file without its number, as one person's exercises were recorded one after another.
 * @param data folder of the data set, or the one that holds `radhar`
 * @throws DatasetError if no file is there (of the halves asked for), or none can be read
 */
export async function loadRadhar(
  data: string,
  { halves }: { halves?: readonly RadharHalf[] | undefined } = {},
): Promise<Loaded<RadharRecording>> {
  const { folder, files } = await findDataset(
    [join(data, 'radhar'), data],
    fileName,
    'no RadHAR here. The folder must hold Train/boxing/20_boxing_1.csv.gz (or .txt) and so on, and may hold Test',
  );
  const wanted = files
    .map(([path, id, half, label, name, ending]) => ({
      path,
      id: id!,
      half: half as RadharHalf,
      label: label!,
      session: `${label!}/${basename(name!).replace(/_?\d+$/, '')}`,
      classIndex: (radharActivities as readonly string[]).indexOf(label!),
      isText: ending === '.txt',
    }))
    .filter(({ half, classIndex }) => classIndex >= 0 && (halves?.includes(half) ?? true))
    .sort((a, b) => Number(a.half === 'Test') - Number(b.half === 'Test'));
  if (wanted.length === 0)
    throw new DatasetError(`${folder}: no recording of ${halves?.join(', ') ?? 'the five activities'} here`);
  return loadEach(folder, wanted, async ({ path, isText, ...about }): Promise<RadharRecording> => ({
    ...about,
    ...framesOf(await readUnzipped(join(folder, path)), isText),
  }));
}
