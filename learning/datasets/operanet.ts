/** OPERAnet: Bocus et al., 'OPERAnet, a multimodal activity recognition dataset acquired from radio frequency and vision-based sensors',
 *  Scientific Data 9, 474 (2022). Wi-Fi CSI of two Intel 5300 receivers (3 × 3 antennas, some 1,600 packets/s), six people, six activities.
 *
 *  The CSI is published as MATLAB tables, one an experiment:
 *
 *    timestamp, activity, exp_no, person_id, room_no, tx1rx1_sub1 … tx3rx3_sub30 (complex)
 *
 *  Tables are objects of MATLAB's own, which nothing else is told how to read. So what is read is each table written by MATLAB as text,
 *
 *    writetable(T, 'wificsi1/exp_002.csv')
 *
 *  in the folder of its receiver, wificsi1 or wificsi2: a complex number is `11.75-1.19i`; a time `15:07:30.646`, a date may stand before it. Packets whose
 *  time, which is in milliseconds, is the same are spread evenly over the millisecond. Radar, UWB and Kinect tables are not read.
 *
 *  Source: the paper; README of github.com/pedropgusmao/operanet. The channel is taken to be of 40 MHz, unchecked. */
import { createReadStream } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { WifiFrame } from '../../drivers/frames.js';
import { wideSubcarriers } from '../../drivers/wifi/intel-5300-csi.js';
import type { Loaded, RecordingAbout } from './dataset.js';
import { findDataset, loadEach } from './files.js';

export interface OperanetRecording extends RecordingAbout {
  /** Folder of the file, for instance `wificsi1`: at a time, two receivers heard the same packets. */
  readonly receiver: string;
  readonly experiment: string;
  /** As the table names them, for instance `One`. */
  readonly person: string;
  readonly room: string;
  /** Times are seconds of the day, ascending, above 86,400 after midnight. */
  readonly frames: readonly WifiFrame[];
  /** Rows left out since they hold values that are no numbers, or go back in time. */
  readonly dropped: number;
}

const antennas = 3;
const values = antennas * antennas * wideSubcarriers.length;
const about = ['timestamp', 'activity', 'exp_no', 'person_id', 'room_no'] as const;
const day = 86_400; // s
const number = '[+-]?(?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][+-]?\\d+)?';
const complexText = new RegExp(`^\\(?(${number})(?:\\s*([+-])\\s*(${number})[ij])?\\)?$`);
const timeText = /(?:^|\s)(\d{1,2}):(\d{2}):(\d{2}(?:\.\d+)?)$/;

/** Names of the csi's columns in the order of `WifiFrame.csi`: receiver, transmitter, subcarrier. */
const csiColumns = Array.from({ length: values }, (_, i) => {
  const perReceiver = antennas * wideSubcarriers.length;
  const [receiver, transmitter] = [Math.floor(i / perReceiver), Math.floor((i % perReceiver) / wideSubcarriers.length)];
  return `tx${transmitter + 1}rx${receiver + 1}_sub${(i % wideSubcarriers.length) + 1}`;
});

/** Seconds of the day; NaN if it is no time. */
function secondsOf(text: string): number {
  const [, hours, minutes, seconds] = timeText.exec(text.trim()) ?? [];
  return seconds === undefined ? NaN : Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
}

/** Writes real and imaginary part. @returns whether it is a number */
function readComplex(text: string, csi: Float32Array, at: number): boolean {
  const match = complexText.exec(text.trim());
  if (!match) return false;
  csi[at] = Number(match[1]);
  csi[at + 1] = match[3] === undefined ? 0 : Number(match[3]) * (match[2] === '-' ? -1 : 1);
  return Number.isFinite(csi[at]) && Number.isFinite(csi[at + 1]);
}

interface Run {
  readonly key: string;
  readonly about: readonly string[];
  readonly rows: { time: number; csi: Float32Array }[];
  dropped: number;
}

/** Rows of the same activity, person and experiment one after the other. @throws Error that begins with 'it' */
async function runsOf(file: string, every: number): Promise<Run[]> {
  const runs: Run[] = [];
  let places: { about: number[]; csi: number[] } | undefined;
  let latest = -Infinity;
  let days = 0;
  let row = 0;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    const fields = line.split(',').map((field) => field.replace(/^"(.*)"$/, '$1'));
    if (!places) {
      const find = (names: readonly string[]) => names.map((name) => fields.indexOf(name));
      places = { about: find(about), csi: find(csiColumns) };
      const missing = [...about, ...csiColumns].filter((name) => !fields.includes(name));
      if (missing.length > 0) throw new Error(`it has no column ${missing.slice(0, 3).join(', ')}`);
      continue;
    }
    if (row++ % every !== 0) continue;
    const [timestamp = '', ...said] = places.about.map((place) => fields[place] ?? '');
    const key = said.join('/');
    let run = runs.at(-1);
    if (run?.key !== key) {
      run = { key, about: said, rows: [], dropped: 0 };
      runs.push(run);
    }
    let time = secondsOf(timestamp) + days * day;
    // A clock that falls by half a day has passed midnight.
    if (time < latest - day / 2) {
      days++;
      time += day;
    }
    const csi = new Float32Array(2 * values);
    if (time >= latest && places.csi.every((place, i) => readComplex(fields[place] ?? '', csi, 2 * i))) {
      latest = time;
      run.rows.push({ time, csi });
    } else run.dropped++;
  }
  if (!places) throw new Error('it is empty');
  const good = runs.filter(({ rows }) => rows.length > 0);
  if (good.length === 0) throw new Error('it has no row of a time and complex numbers');
  return good;
}

/** Spreads rows of one millisecond over it. */
function framesOf(rows: Run['rows']): WifiFrame[] {
  return rows.map(({ time, csi }, i) => {
    let [first, end] = [i, i + 1];
    while (first > 0 && rows[first - 1]!.time === time) first--;
    while (end < rows.length && rows[end]!.time === time) end++;
    const spread = time + ((i - first) / (end - first)) * 1e-3;
    return {
      kind: 'wifi',
      arrivalTime: spread,
      deviceTime: spread,
      receivers: antennas,
      transmitters: antennas,
      subcarriers: wideSubcarriers.slice(),
      csi,
      scale: 'raw',
    };
  });
}

/**
 * One recording for each stretch of one activity of one person, in the order of receiver, experiment, time. A class's index is its
 * place among the names of the activities that are there.
 * @param data folder of the data set, or one that holds `operanet`
 * @param every of how many packets the first is kept; 16 leaves some 100 a second
 * @throws DatasetError if no file is there, or none can be read
 */
export async function loadOperanet(data: string, { every = 16 } = {}): Promise<Loaded<OperanetRecording>> {
  const { folder, files } = await findDataset(
    [join(data, 'operanet'), data],
    /^(?:.*\/)?wificsi[^/]*\/[^/]+\.csv$/,
    'no OPERAnet here. The folder must hold wificsi1/exp_002.csv and so on, written by MATLAB from the tables',
  );
  const loaded = await loadEach(
    folder,
    files.map(([path]) => ({ path })),
    async ({ path }) => {
      const runs = await runsOf(join(folder, path), Math.max(1, Math.floor(every)));
      const receiver = basename(dirname(path));
      return runs.map(({ about: [activity = '', experiment = '', person = '', room = ''], rows, dropped }, i) => ({
        id: `${path.replace(/\.csv$/, '')}/${i + 1}`,
        label: activity,
        session: `room-${room}/${experiment}`,
        receiver,
        experiment,
        person,
        room,
        frames: framesOf(rows),
        dropped,
      }));
    },
  );
  const labels = [...new Set(loaded.recordings.map(({ label }) => label))].sort();
  return {
    ...loaded,
    recordings: loaded.recordings.map((recording) => ({ ...recording, classIndex: labels.indexOf(recording.label) })),
  };
}
