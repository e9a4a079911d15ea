/** The data sets that can be read: what they hold, on what terms, and the function that reads them. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Modality } from '../../drivers/frames.js';
import type { Loaded, RecordingAbout } from './dataset.js';
import { loadEsp32Motion } from './esp32-motion.js';
import { loadHhar } from './hhar.js';
import { loadMars } from './mars.js';
import { loadMmFi } from './mm-fi.js';
import { loadMotionSense } from './motion-sense.js';
import { loadOperanet } from './operanet.js';
import { loadPhoneWatch } from './phone-watch.js';
import { loadRadhar } from './radhar.js';
import { loadUciHar } from './uci-har.js';
import { loadUtHar } from './ut-har.js';
import { loadUtdMhadDepth, loadUtdMhadSkeleton } from './utd-mhad-kinect.js';
import { loadUtdMhadInertial } from './utd-mhad.js';
import { loadWiar } from './wiar.js';
import { loadXrf55 } from './xrf55.js';

/** What every recording has, whatever the data set. */
export type AnyRecording = Pick<RecordingAbout, 'id'>;

export interface DatasetEntry {
  readonly title: string;
  readonly modalities: readonly Modality[];
  /** Whether some of the modalities were recorded at the same moments. */
  readonly paired: boolean;
  /** What may be done with it, in a line. */
  readonly terms: string;
  /** `recordings`: checked against the data, or a part of it. `layout`: tested on a made-up folder of the published layout only. */
  readonly checkedOn: 'recordings' | 'layout';
  /** Absent where the caller must say more; see its own file. Throws DatasetError where it is not in `data`. */
  readonly load?: (data: string) => Promise<Loaded<AnyRecording>>;
}

/** Every kind of recording of a data set of which any kind may be there. @throws DatasetError if none is */
async function allOf(
  data: string,
  loaders: readonly ((data: string) => Promise<Loaded<AnyRecording>>)[],
): Promise<Loaded<AnyRecording>> {
  const all = await Promise.allSettled(loaders.map((load) => load(data)));
  const there = all.filter((one) => one.status === 'fulfilled').map(({ value }) => value);
  const failed = all.find((one) => one.status === 'rejected');
  if (there.length === 0 && failed) throw failed.reason;
  return {
    recordings: there.flatMap(({ recordings }) => recordings),
    unreadable: there.flatMap(({ unreadable }) => unreadable),
  };
}

const entries = {
  'utd-mhad': {
    title: 'UTD-MHAD: wrist or thigh IMU, Kinect v1 skeleton and depth, 27 actions, 8 people',
    modalities: ['imu', 'skeleton', 'depth'],
    paired: true,
    terms: 'free for research with citation',
    checkedOn: 'recordings',
    load: (data) => allOf(data, [loadUtdMhadInertial, loadUtdMhadSkeleton, loadUtdMhadDepth]),
  },
  'phone-watch': {
    title: 'Phone and watch: two IMUs on the same person, 5 everyday activities, 23 people',
    modalities: ['imu'],
    paired: true,
    terms: 'CC BY 4.0',
    checkedOn: 'recordings',
    load: loadPhoneWatch,
  },
  mars: {
    title: 'MARS: radar points and Kinect v2 skeleton, 10 movements, 4 people',
    modalities: ['mmwave', 'skeleton'],
    paired: true,
    terms: 'MIT',
    checkedOn: 'recordings',
    load: loadMars,
  },
  radhar: {
    title: 'RadHAR: radar points, 5 exercises, 2 people',
    modalities: ['mmwave'],
    paired: false,
    terms: 'BSD-3-Clause',
    checkedOn: 'recordings',
    load: loadRadhar,
  },
  wiar: {
    title: 'WiAR: Wi-Fi CSI of an Intel 5300, 16 activities',
    modalities: ['wifi'],
    paired: false,
    terms: 'shared for research; no licence is stated',
    checkedOn: 'recordings',
    load: loadWiar,
  },
  'esp32-motion': {
    title: 'ESP32 motion: Wi-Fi CSI of a quiet room and of one with motion, five chips',
    modalities: ['wifi'],
    paired: false,
    terms: 'GPL-3.0',
    checkedOn: 'recordings',
    load: loadEsp32Motion,
  },
  'mm-fi': {
    title: 'MM-Fi: skeleton, depth, LiDAR, radar points and Wi-Fi amplitudes, 27 actions, 40 people',
    modalities: ['skeleton', 'depth', 'lidar', 'mmwave', 'wifi'],
    paired: true,
    terms: 'CC BY-NC 4.0',
    checkedOn: 'layout',
    load: loadMmFi,
  },
  xrf55: {
    title: 'XRF55: Wi-Fi amplitudes, radar heatmaps and RFID, 55 actions, 39 people',
    modalities: ['wifi', 'mmwave'],
    paired: true,
    terms: 'CC BY-NC 4.0',
    checkedOn: 'layout',
    load: loadXrf55,
  },
  operanet: {
    title: 'OPERAnet: Wi-Fi CSI of two Intel 5300, 6 activities, 6 people',
    modalities: ['wifi'],
    paired: false,
    terms: 'CC BY 4.0',
    checkedOn: 'layout',
    load: loadOperanet,
  },
  'ut-har': {
    title: 'UT-HAR: windows of Wi-Fi amplitudes of an Intel 5300, 7 activities',
    modalities: ['wifi'],
    paired: false,
    terms: 'no licence is stated',
    checkedOn: 'layout',
    load: loadUtHar,
  },
  hhar: {
    title: 'HHAR: IMUs of phones and watches of many makes, 6 activities, 9 people',
    modalities: ['imu'],
    paired: true,
    terms: 'CC BY 4.0',
    checkedOn: 'layout',
    load: loadHhar,
  },
  'motion-sense': {
    title: 'MotionSense: IMU of a phone in the pocket, 6 activities, 24 people',
    modalities: ['imu'],
    paired: false,
    terms: 'MIT',
    checkedOn: 'layout',
    load: loadMotionSense,
  },
  'uci-har': {
    title: 'UCI-HAR: IMU of a phone at the waist, 6 activities, 30 people',
    modalities: ['imu'],
    paired: false,
    terms: 'CC BY 4.0 on its page; its README forbids commercial use',
    checkedOn: 'layout',
    load: loadUciHar,
  },
  kinetics: {
    title: 'Kinetics: clips of people, 400 to 700 classes, decoded beforehand',
    modalities: ['video'],
    paired: false,
    terms: 'annotations CC BY 4.0; the clips belong to those who put them online',
    checkedOn: 'layout',
  },
} satisfies Readonly<Record<string, DatasetEntry>>;

export type DatasetName = keyof typeof entries;
export const datasets: Readonly<Record<DatasetName, DatasetEntry>> = entries;

/** `data/<name>` where there is such a folder, or else `data`. */
export async function datasetFolder(data: string, name: DatasetName): Promise<string> {
  const folder = join(data, name);
  return access(folder).then(() => folder, () => data); // prettier-ignore
}
