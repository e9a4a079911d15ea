/** HHAR: Stisen et al., 'Smart devices are different: assessing and mitigating mobile sensing heterogeneities for activity recognition',
 *  SenSys 2015. Eight phones at the waist and four watches on the wrists of nine people a … i, 6 activities, 50 to 200 Hz by device.
 *
 *    Phones_accelerometer.csv, Phones_gyroscope.csv, Watch_accelerometer.csv, Watch_gyroscope.csv
 *        Index, Arrival_Time (Unix milliseconds), Creation_Time (nanoseconds, of the device), x, y, z, User, Model, Device, gt
 *        m/s² with gravity, rad/s; gt: bike, sit, stand, walk, stairsup, stairsdown, or null where nothing was to be done
 *
 *  Source: the readme.txt of the data set, archive.ics.uci.edu/dataset/344. The two sensors are sampled apart: the gyroscope's samples are
 *  interpolated at the accelerometer's. Some 13 million rows a file of the phones: they are read a piece at a time. */
import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatasetError } from './dataset.js';
import type { LabelledStream, Loaded, UnreadableFile } from './dataset.js';
import { sampleList } from './sample-list.js';
import type { SampleList } from './sample-list.js';

export const hharActivities = ['bike', 'sit', 'stand', 'walk', 'stairsup', 'stairsdown'] as const;

export interface HharStream extends LabelledStream {
  /** For instance `nexus4_1`. */
  readonly device: string;
  readonly model: string;
  /** Samples of the accelerometer that could not be used: out of the gyroscope's time, at a time that another has, or no numbers. */
  readonly dropped: number;
}

const users = 'abcdefghi';
const nothing = 'null';
/** Between samples of the gyroscope that are further apart nothing is interpolated, s. */
const longestGap = 0.5;
const columns = ['Arrival_Time', 'x', 'y', 'z', 'User', 'Model', 'Device', 'gt'] as const;
const labels: readonly string[] = [nothing, ...hharActivities];

interface Pair {
  readonly user: string;
  readonly model: string;
  readonly device: string;
  readonly acceleration: SampleList;
  readonly angularRate: SampleList;
}

/** Adds the file's samples to the pairs of their user and device. @throws Error that begins with 'it' */
async function readSamples(
  file: string,
  pairs: Map<string, Pair>,
  sensor: 'acceleration' | 'angularRate',
  isWanted: (user: string) => boolean,
): Promise<void> {
  let places: number[] | undefined;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    const fields = line.split(',');
    if (!places) {
      places = columns.map((name) => fields.indexOf(name));
      const missing = columns.filter((_, i) => places![i]! < 0);
      if (missing.length > 0) throw new Error(`it has no column ${missing.join(', ')}`);
      continue;
    }
    const [time, x, y, z, user, model, device, label] = places.map((place) => fields[place]);
    if (!user || !device || !users.includes(user) || !isWanted(user)) continue;
    const key = `${user}/${device}`;
    let pair = pairs.get(key);
    if (!pair) {
      pair = { user, model: model ?? '', device, acceleration: sampleList(), angularRate: sampleList() };
      pairs.set(key, pair);
    }
    const numbers = [time, x, y, z].map((field) => (field?.trim() ? Number(field) : NaN));
    pair[sensor].add(numbers[0]! / 1000, numbers[1]!, numbers[2]!, numbers[3]!, labels.indexOf(label ?? nothing));
  }
  if (!places) throw new Error('it is empty');
}

/** undefined: the two sensors have no time in common. */
function streamOf(
  { user, model, device, acceleration, angularRate }: Pair,
  sensor: 'phone' | 'watch',
): HharStream | undefined {
  const force = acceleration.sorted();
  const turn = angularRate.sorted();
  const times: number[] = [];
  const samples: number[] = [];
  const activities: string[] = [];
  let after = 0; // first sample of the gyroscope that is not before
  for (let i = 0; i < force.times.length; i++) {
    const time = force.times[i]!;
    while (after < turn.times.length && turn.times[after]! < time) after++;
    const exact = turn.times[after] === time;
    const before = exact ? after : after - 1;
    if (before < 0 || after >= turn.times.length || turn.times[after]! - turn.times[before]! > longestGap) continue;
    const share = exact ? 0 : (time - turn.times[before]!) / (turn.times[after]! - turn.times[before]!);
    times.push(time);
    for (let axis = 0; axis < 3; axis++) samples.push(force.values[3 * i + axis]!);
    for (let axis = 0; axis < 3; axis++) {
      const [from, to] = [turn.values[3 * before + axis]!, turn.values[3 * after + axis]!];
      samples.push(from + share * (to - from));
    }
    activities.push(labels[force.labels[i]!] ?? nothing);
  }
  if (times.length < 2) return undefined;
  const steps = times.slice(1).map((time, i) => time - times[i]!).sort((a, b) => a - b); // prettier-ignore
  return {
    id: `${user}/${device}`,
    subject: users.indexOf(user) + 1,
    sensor,
    device,
    model,
    rate: 1 / steps[steps.length >> 1]!,
    times: Float64Array.from(times),
    samples: Float32Array.from(samples),
    labels: activities,
    dropped: force.dropped + force.times.length - times.length,
  };
}

/**
 * All streams, phones before watches, in the order of person and device. `rate` is the middle one of a stream's own; `null` is
 * the label where nothing was to be done.
 * @param data folder of the data set, or one that holds `hhar` or `Activity recognition exp`
 * @param subjects 1 … 9 for the people a … i
 * @throws DatasetError if no pair of files is there, or none can be read
 */
export async function loadHhar(
  data: string,
  {
    subjects,
    sensors = ['phone', 'watch'],
  }: { subjects?: readonly number[] | undefined; sensors?: readonly ('phone' | 'watch')[] } = {},
): Promise<Loaded<HharStream>> {
  const recordings: HharStream[] = [];
  const unreadable: UnreadableFile[] = [];
  for (const sensor of sensors) {
    const name = sensor === 'phone' ? 'Phones' : 'Watch';
    const folder = await firstWith(data, `${name}_accelerometer.csv`);
    if (folder === undefined) continue;
    const pairs = new Map<string, Pair>();
    const isWanted = (user: string) => subjects?.includes(users.indexOf(user) + 1) ?? true;
    for (const [kind, quantity] of [['accelerometer', 'acceleration'], ['gyroscope', 'angularRate']] as const) {
      const file = join(folder, `${name}_${kind}.csv`);
      try {
        await readSamples(file, pairs, quantity, isWanted);
      } catch (error) {
        unreadable.push({ file, reason: error instanceof Error ? error.message : String(error) });
      }
    } // prettier-ignore
    for (const key of [...pairs.keys()].sort()) {
      const stream = streamOf(pairs.get(key)!, sensor);
      if (stream) recordings.push(stream);
      else
        unreadable.push({
          file: join(folder, `${name}_*.csv`),
          reason: `${key}: its two sensors have no time in common`,
        });
    }
  }
  if (recordings.length === 0)
    throw new DatasetError(
      unreadable[0]
        ? `${data}: nothing can be used: ${unreadable[0].file}: ${unreadable[0].reason}`
        : `${data}: no HHAR here. The folder must hold Phones_accelerometer.csv and Phones_gyroscope.csv, or those of Watch; docs/datasets.md says where to get it`,
    );
  return { recordings, unreadable };
}

async function firstWith(data: string, file: string): Promise<string | undefined> {
  for (const folder of [data, join(data, 'hhar'), join(data, 'Activity recognition exp')])
    if (await access(join(folder, file)).then(() => true).catch(() => false)) return folder; // prettier-ignore
  return undefined;
}
