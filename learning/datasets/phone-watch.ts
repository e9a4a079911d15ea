/** Phone and watch: Matey-Sanz, Casteleyn, Granell, 'Dataset of inertial measurements of smartphones and smartwatches for human activity
 *  recognition', Data in Brief 2023. A phone in the trouser pocket and a watch on the wrist of the same person, 23 subjects.
 *
 *    sSS/sSS_EE_sp.csv.gz (phone), _sw.csv.gz (watch); plain .csv too
 *    x_acc,y_acc,z_acc,x_gyro,y_gyro,z_gyro,timestamp,label     m/s² with gravity, rad/s, Unix milliseconds; about 100 Hz */
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { DatasetError } from './dataset.js';
import type { LabelledStream, Loaded, UnreadableFile } from './dataset.js';

const rate = 100; // Hz, nominal
const fileName = /^s(\d+)_(\d+)_(sp|sw)\.csv(\.gz)?$/;
const columns = ['x_acc', 'y_acc', 'z_acc', 'x_gyro', 'y_gyro', 'z_gyro'] as const;
const largestFile = 1 << 26;

const subjectsOf = (files: readonly string[]) =>
  [...new Set(files.map((file) => Number(fileName.exec(basename(file))![1])))].sort((a, b) => a - b);

/** @throws Error that begins with 'it' */
function unzipped(bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: largestFile });
  } catch (error) {
    throw new Error(`it is damaged: ${(error as Error).message}`, { cause: error });
  }
}

/** An empty field is no number, and not 0. */
const numberIn = (field: string | undefined) => (field?.trim() ? Number(field) : NaN);

/** @throws Error with what is wrong */
function streamOf(text: string, id: string, subject: number, sensor: LabelledStream['sensor']): LabelledStream {
  const rows = parse<Record<string, string>>(text, { columns: true, skip_empty_lines: true })
    .map((row) => ({
      time: numberIn(row['timestamp']) / 1000,
      values: columns.map((column) => numberIn(row[column])),
      label: row['label'] ?? '',
    }))
    .filter(({ time, values }) => Number.isFinite(time) && values.every(Number.isFinite));
  if (rows.length === 0) throw new Error(`it has no rows with the columns ${columns.join(', ')}, timestamp`);
  // The phones deliver some events late.
  rows.sort((a, b) => a.time - b.time);
  return {
    id,
    subject,
    sensor,
    rate,
    times: Float64Array.from(rows, ({ time }) => time),
    samples: Float32Array.from(rows.flatMap(({ values }) => values)),
    labels: rows.map(({ label }) => label),
  };
}

/**
 * All recordings, in the order of subject, execution, sensor.
 * @throws DatasetError if none is there, or none of the subjects
 */
export async function loadPhoneWatch(
  data: string,
  { subjects }: { subjects?: readonly number[] | undefined } = {},
): Promise<Loaded<LabelledStream>> {
  const there = (await readdir(data, { recursive: true }).catch((): string[] => [])).filter((file) =>
    fileName.test(basename(file)),
  );
  if (there.length === 0)
    throw new DatasetError(
      `${data}: no phone-watch recordings here. The folder must hold s01/s01_01_sp.csv.gz and so on; docs/datasets.md says where to get them`,
    );
  const found = there.filter((file) => subjects?.includes(Number(fileName.exec(basename(file))![1])) ?? true).sort();
  const recordings: LabelledStream[] = [];
  const unreadable: UnreadableFile[] = [];
  for (const name of found) {
    const file = join(data, name);
    const [, subject, execution, sensor, zipped] = fileName.exec(basename(name))!;
    try {
      const bytes = await readFile(file);
      const text = (zipped ? unzipped(bytes) : bytes).toString('utf8');
      recordings.push(
        streamOf(text, `s${subject!}_${execution!}_${sensor!}`, Number(subject), sensor === 'sw' ? 'watch' : 'phone'),
      );
    } catch (error) {
      unreadable.push({ file, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  if (recordings.length === 0)
    throw new DatasetError(
      unreadable[0]
        ? `${data}: none of ${found.length} files can be read: ${unreadable[0].reason}`
        : `${data}: no recording of subjects ${subjects?.join(', ') ?? 'any'}. Subjects there: ${subjectsOf(there).join(', ')}`,
    );
  return { recordings, unreadable };
}
