/** XRF55: Wang, Lv, Zhu, Ding, Han, 'XRF55: a radio frequency dataset for human indoor action analysis', IMWUT 2024. 55 actions of 5 s by 39
 *  people in four rooms, 20 repetitions: Wi-Fi of three Intel 5300 receivers, 23 RFID tags, a TI IWR6843 radar, all at the same time.
 *
 *    …/WiFi/PP_AA_RR.npy     [270, 1000] or [1000, 270]: 9 antennas × 30 subcarriers, amplitudes, 200 packets/s
 *    …/RFID/PP_AA_RR.npy     [23, 148] or [148, 23]: phase of each tag, rad, about 30 a second
 *    …/mmWave/PP_AA_RR.npy   [17, 256, 128]: 17 heatmaps; what the last two axes are is not checked
 *
 *  PP person, AA action 1 … 55, RR repetition 1 … 20. What stands before WiFi (a scene, train_data, Raw_dataset) may be anything. Source:
 *  README, Q&A and models of github.com/aiotgroup/XRF55-repo; which of the axes comes first differs between its pages, so both are taken. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatasetError } from './dataset.js';
import type { CsiAmplitudes, Loaded, RecordingAbout } from './dataset.js';
import { findDataset } from './files.js';
import { finiteNumbers, readNpy } from './npy.js';
import type { NpyArray } from './npy.js';

/** Label of each action; action A of the file names is at A − 1. */
export const xrf55Actions = [
  'carrying weight', 'mopping the floor', 'using a phone', 'throwing something', 'picking something',
  'putting something on the table', 'cutting something', 'wearing a hat', 'putting on clothing', 'blowing dry hair',
  'combing hair', 'brushing teeth', 'drinking', 'eating', 'smoking', 'shaking hands', 'hugging', 'handing something to someone',
  'kicking someone', 'hitting someone with something', "choking someone's neck", 'pushing someone', 'body weight squats',
  'tai chi', 'boxing', 'weightlifting', 'hula hooping', 'jumping rope', 'jumping jack', 'high leg lifting', 'waving',
  'clapping hands', 'falling on the floor', 'jumping', 'running', 'sitting down', 'standing up', 'turning', 'walking',
  'stretching', 'patting on the shoulder', 'playing erhu', 'playing ukulele', 'playing drum', 'foot stamping',
  'shaking head', 'nodding', 'drawing a circle', 'drawing a cross', 'pushing', 'pulling', 'swiping left', 'swiping right',
  'swiping up', 'swiping down',
] as const; // prettier-ignore

export const xrf55Kinds = ['WiFi', 'RFID', 'mmWave'] as const;
export type Xrf55Kind = (typeof xrf55Kinds)[number];

/** A radar's heatmaps. */
export interface Xrf55Heatmaps {
  readonly shape: readonly [frames: number, rows: number, columns: number];
  /** Frames a second. */
  readonly rate: number;
  /** [frames, rows, columns] as published */
  readonly data: Float32Array;
}

/** One repetition, read when it is asked for. Reading rejects with an Error that begins with 'it', where the file cannot be used. */
export interface Xrf55Recording extends RecordingAbout {
  readonly subject: number;
  readonly repetition: number;
  /** Folder before the kind, for instance `Scene1`; '' for none. */
  readonly place: string;
  /** Kinds that are there. */
  readonly kinds: readonly Xrf55Kind[];
  readWifi(): Promise<CsiAmplitudes>;
  /** [samples, 23] rad, with how many a second. */
  readRfid(): Promise<{ readonly rate: number; readonly phase: Float32Array }>;
  readRadar(): Promise<Xrf55Heatmaps>;
}

const seconds = 5;
const receivers = 9;
const subcarriers = 30;
const tags = 23;
const fileName = /^(?:(.*)\/)?(WiFi|RFID|mmWave)\/((\d+)_(\d+)_(\d+))\.npy$/;

/** [long, width], whichever of the axes comes first. @throws Error that begins with 'it' */
function rowsOf(array: NpyArray, width: number): Float32Array {
  const isFirst = array.shape.length === 2 && array.shape[0] === width && array.shape[1] !== width;
  const numbers = finiteNumbers(array, isFirst ? [width, 0] : [0, width]);
  if (!isFirst) return numbers;
  const count = numbers.length / width;
  return Float32Array.from(numbers, (_, i) => numbers[(i % width) * count + Math.floor(i / width)]!);
}

/**
 * All repetitions, in the order of place, person, action, repetition; none is opened, so `unreadable` is empty.
 * @param data folder of the data set, or one that holds `xrf55`
 * @throws DatasetError if none is there, or none of the selection
 */
export async function loadXrf55(
  data: string,
  { subjects, actions }: { subjects?: readonly number[] | undefined; actions?: readonly number[] | undefined } = {},
): Promise<Loaded<Xrf55Recording>> {
  const { folder, files } = await findDataset(
    [join(data, 'xrf55'), data],
    fileName,
    'no XRF55 here. The folder must hold WiFi/01_01_01.npy, RFID/01_01_01.npy, mmWave/01_01_01.npy and so on',
  );
  const found = new Map<string, { match: RegExpExecArray; kinds: Xrf55Kind[] }>();
  for (const match of files) {
    const id = join(match[1] ?? '', match[3]!);
    const one = found.get(id) ?? { match, kinds: [] };
    found.set(id, { match, kinds: [...one.kinds, match[2] as Xrf55Kind] });
  }
  const recordings = [...found]
    .map(([id, { match, kinds }]): Xrf55Recording => {
      const [subject, action, repetition] = match.slice(4).map(Number) as [number, number, number];
      const place = match[1] ?? '';
      const read = async (kind: Xrf55Kind) => {
        if (!kinds.includes(kind)) throw new Error(`it has no ${kind}`);
        return readNpy(await readFile(join(folder, place, kind, `${match[3]!}.npy`)));
      };
      return {
        id,
        subject,
        repetition,
        place,
        session: `${place}/person-${subject}`,
        label: xrf55Actions[action - 1] ?? '',
        classIndex: action - 1,
        kinds: xrf55Kinds.filter((kind) => kinds.includes(kind)),
        readWifi: async () => {
          const amplitude = rowsOf(await read('WiFi'), receivers * subcarriers);
          return { receivers, subcarriers, rate: amplitude.length / (receivers * subcarriers) / seconds, amplitude };
        },
        readRfid: async () => {
          const phase = rowsOf(await read('RFID'), tags);
          return { rate: phase.length / tags / seconds, phase };
        },
        readRadar: async () => {
          const array = await read('mmWave');
          const shape = array.shape as [number, number, number];
          return { data: finiteNumbers(array, [0, 0, 0]), shape, rate: shape[0] / seconds };
        },
      };
    })
    .filter(
      ({ label, subject, classIndex }) =>
        label !== '' && (subjects?.includes(subject) ?? true) && (actions?.includes(classIndex + 1) ?? true),
    );
  if (recordings.length === 0)
    throw new DatasetError(
      `${folder}: no recording of subjects ${subjects?.join(', ') ?? 'any'}, actions ${actions?.join(', ') ?? 'any'}`,
    );
  return { recordings, unreadable: [] };
}
