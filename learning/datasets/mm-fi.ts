/** MM-Fi: Yang et al., 'MM-Fi: multi-modal non-intrusive 4D human dataset for versatile wireless sensing', NeurIPS 2023. 27 actions by 40
 *  people in four rooms, each for 30 s: 297 moments, about 10 a second, at which all the sensors were read.
 *
 *    E01…E04/S01…S40/A01…A27/
 *      ground_truth.npy          [297, 17, 3] body joints, metres
 *      rgb|infra1|infra2/frame001.npy     [17, 2] joints in the picture, pixels; the pictures themselves are not public
 *      depth/frame001.png        16 bits, millimetres
 *      lidar/frame001.bin        float64 [points, 3] x y z, metres
 *      mmwave/frame001.bin       float64 [points, 5] x y z in metres, velocity in m/s, intensity
 *      wifi-csi/frame001.mat     CSIamp [3 antennas, 114 subcarriers, 10 packets] of an Atheros card at 40 MHz
 *
 *  Source: README and mmfi_lib/mmfi.py of github.com/ybhbingo/MMFi_dataset. They say layout and types; units, the order of the radar's five
 *  columns and the rate are not said there and not checked, nor which way its axes point: all is given as published. Some frames are missing or empty, and amplitudes are infinite in some packets: see `MmFiPart`. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatasetError } from './dataset.js';
import type { Loaded, RecordingAbout } from './dataset.js';
import { compareNames, findDataset } from './files.js';
import { readMatlab } from './matlab.js';
import { finiteNumbers, readNpy } from './npy.js';
import { readPng } from './png.js';

/** Label of each action; action A of the folders is at A − 1. */
export const mmFiActions = [
  'stretching and relaxing', 'chest expansion (horizontal)', 'chest expansion (vertical)', 'twist (left)', 'twist (right)',
  'mark time', 'limb extension (left)', 'limb extension (right)', 'lunge (toward left-front)', 'lunge (toward right-front)',
  'limb extension (both)', 'squat', 'raising hand (left)', 'raising hand (right)', 'lunge (toward left side)',
  'lunge (toward right side)', 'waving hand (left)', 'waving hand (right)', 'picking up things', 'throwing (toward left side)',
  'throwing (toward right side)', 'kicking (toward left side)', 'kicking (toward right side)', 'body extension (left)',
  'body extension (right)', 'jumping up', 'bowing',
] as const; // prettier-ignore

export const mmFiJoints = 17;
export const mmFiRate = 10; // moments a second
export type MmFiPicture = 'rgb' | 'infra1' | 'infra2';

/** One sensor's arrays of one recording. */
export interface MmFiPart<Numbers> {
  /** One for each file that could be used, in the order of time. */
  readonly frames: readonly {
    /** Seconds from the recording's beginning: (number of the file − 1) / 10. */
    readonly time: number;
    readonly shape: readonly number[];
    readonly data: Numbers;
  }[];
  /** What is wrong with the other files. */
  readonly unreadable: readonly { readonly file: string; readonly reason: string }[];
  /** Wi-Fi packets left out since amplitudes of them are no numbers. */
  readonly dropped: number;
}

/** One person's 30 s of one action, read when it is asked for: all of them take some 100 GB. Reading rejects with an Error that
 *  begins with 'it' where nothing of the sensor is there. */
export interface MmFiRecording extends RecordingAbout {
  readonly subject: number;
  /** Room 1 … 4; also the session, with the person. */
  readonly room: number;
  readonly folder: string;
  /** [297, 17, 3] metres, evenly spaced at `mmFiRate`. */
  readSkeleton(): Promise<Float32Array>;
  /** [17, 2] pixels each */
  readKeypoints(picture: MmFiPicture): Promise<MmFiPart<Float32Array>>;
  /** [height, width] millimetres each; 0: no return */
  readDepth(): Promise<MmFiPart<Uint16Array>>;
  /** [points, 3] metres each */
  readLidar(): Promise<MmFiPart<Float32Array>>;
  /** [points, 5] x y z metres, velocity m/s, intensity each; no points: an empty file */
  readRadar(): Promise<MmFiPart<Float32Array>>;
  /** [packets, 3, 114] amplitudes each, those packets that are numbers throughout */
  readWifi(): Promise<MmFiPart<Float32Array>>;
}

const folderName = /^((?:.*\/)?E(\d+)\/S(\d+)\/A(\d+))\/(?:ground_truth\.npy|[\w-]+\/frame\d+\.\w+)$/;
const frameName = /^frame(\d+)\.\w+$/;

interface Decoded<Numbers> {
  readonly shape: readonly number[];
  readonly data: Numbers;
  readonly dropped?: number;
}

/** Every frame of one sensor. @throws Error that begins with 'it' where there is none */
async function readPart<Numbers>(
  folder: string,
  sensor: string,
  decode: (bytes: Uint8Array) => Decoded<Numbers>,
): Promise<MmFiPart<Numbers>> {
  const names = (await readdir(join(folder, sensor)).catch((): string[] => []))
    .filter((name) => frameName.test(name))
    .sort(compareNames);
  if (names.length === 0) throw new Error(`it has no ${sensor}`);
  const frames: MmFiPart<Numbers>['frames'][number][] = [];
  const unreadable: { file: string; reason: string }[] = [];
  let left = 0;
  for (const name of names) {
    const file = join(folder, sensor, name);
    try {
      const { shape, data, dropped = 0 } = decode(await readFile(file));
      frames.push({ time: (Number(frameName.exec(name)![1]) - 1) / mmFiRate, shape, data });
      left += dropped;
    } catch (error) {
      unreadable.push({ file, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return { frames, unreadable, dropped: left };
}

/** @throws Error that begins with 'it' */
function pointsOf(bytes: Uint8Array, columns: number): Decoded<Float32Array> {
  const size = 8 * columns;
  if (bytes.length % size !== 0) throw new Error(`it has ${bytes.length} bytes, which are no points of ${size}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const data = Float32Array.from({ length: bytes.length / 8 }, (_, i) => view.getFloat64(8 * i, true));
  if (!data.every(Number.isFinite)) throw new Error('it holds values that are no numbers');
  return { shape: [bytes.length / size, columns], data };
}

/** @throws Error that begins with 'it' */
function depthOf(bytes: Uint8Array): Decoded<Uint16Array> {
  const { width, height, channels, data } = readPng(bytes);
  if (channels !== 1 || !(data instanceof Uint16Array)) throw new Error('it is no picture of 16 bits grey');
  return { shape: [height, width], data };
}

/** @throws Error that begins with 'it' */
function packetsOf(bytes: Uint8Array): Decoded<Float32Array> {
  const array = readMatlab(bytes).get('CSIamp');
  const [receivers = 0, subcarriers = 0, packets = 1] = array?.dimensions ?? [];
  if (!array || array.dimensions.length > 3 || array.data.length === 0)
    throw new Error('it has no array CSIamp of [antennas, subcarriers, packets]');
  const size = receivers * subcarriers;
  const kept: number[] = [];
  for (let p = 0; p < packets; p++)
    if (array.data.subarray(p * size, (p + 1) * size).every(Number.isFinite)) kept.push(p);
  if (kept.length === 0) throw new Error('it holds values that are no numbers');
  // MATLAB's columns become our rows.
  const data = Float32Array.from({ length: kept.length * size }, (_, i) => {
    const [receiver, subcarrier] = [Math.floor((i % size) / subcarriers), i % subcarriers];
    return array.data[kept[Math.floor(i / size)]! * size + subcarrier * receivers + receiver]!;
  });
  return { shape: [kept.length, receivers, subcarriers], data, dropped: packets - kept.length };
}

/**
 * All recordings, in the order of room, person, action; none is opened, so `unreadable` is empty.
 * @param data folder of the data set, or one that holds `mm-fi`
 * @throws DatasetError if none is there, or none of the selection
 */
export async function loadMmFi(
  data: string,
  { subjects, actions }: { subjects?: readonly number[] | undefined; actions?: readonly number[] | undefined } = {},
): Promise<Loaded<MmFiRecording>> {
  const { folder: root, files } = await findDataset(
    [join(data, 'mm-fi'), data],
    folderName,
    'no MM-Fi here. The folder must hold E01/S01/A01/ground_truth.npy, E01/S01/A01/mmwave/frame001.bin and so on',
  );
  const found = new Map(files.map((match) => [match[1]!, match.slice(2).map(Number)]));
  const recordings = [...found]
    .map(([path, [room, subject, action]]): MmFiRecording => {
      const folder = join(root, path);
      return {
        id: path,
        subject: subject!,
        room: room!,
        label: mmFiActions[action! - 1] ?? '',
        classIndex: action! - 1,
        session: `room-${room!}/subject-${subject!}`,
        folder,
        readSkeleton: async () =>
          finiteNumbers(readNpy(await readFile(join(folder, 'ground_truth.npy'))), [0, mmFiJoints, 3]),
        readKeypoints: (picture) =>
          readPart(folder, picture, (bytes) => {
            const shape = [mmFiJoints, 2];
            return { shape, data: finiteNumbers(readNpy(bytes), shape) };
          }),
        readDepth: () => readPart(folder, 'depth', depthOf),
        readLidar: () => readPart(folder, 'lidar', (bytes) => pointsOf(bytes, 3)),
        readRadar: () => readPart(folder, 'mmwave', (bytes) => pointsOf(bytes, 5)),
        readWifi: () => readPart(folder, 'wifi-csi', packetsOf),
      };
    })
    .filter(
      ({ label, subject, classIndex }) =>
        label !== '' && (subjects?.includes(subject) ?? true) && (actions?.includes(classIndex + 1) ?? true),
    );
  if (recordings.length === 0)
    throw new DatasetError(
      `${root}: no recording of subjects ${subjects?.join(', ') ?? 'any'}, actions ${actions?.join(', ') ?? 'any'}`,
    );
  return { recordings, unreadable: [] };
}
