/** MARS: An, Ogras, 'MARS: mmWave-based Assistive Rehabilitation System for Smart Healthcare', ACM TECS 2021. Points of a TI IWR1443
 *  and a Kinect v2 skeleton of the same moments; ten movements, each repeated for 90 to 130 s by each of four people.
 *
 *    subjectS/movementM_radar.csv.gz      time_s, frame, x_m, y_m, z_m, velocity_mps, intensity: one row a point; plain .csv too
 *    subjectS/movementM_skeleton.csv.gz   time_s, frame, joint0_x_m, joint0_y_m, joint0_z_m, … joint24_z_m
 *
 *  x to the side, y away from the radar, z up, for both; the same `frame` is the same moment. Intensity is the device's peak value. The
 *  published files are MATLAB tables and CSV of all movements in a row (github.com/SizheAn/MARS, synced_data), rewritten to these. */
import { join } from 'node:path';
import type { SkeletonFrame } from '../../drivers/frames.js';
import type { Loaded, RadarPointFrame, RecordingAbout } from './dataset.js';
import { findDataset, loadEach, readUnzipped } from './files.js';
import { readNumberTable } from './number-table.js';
import { ascending, framesOfPoints, peakDecibels } from './radar-points.js';

/** For the manifests of what was trained on it. */
export const marsTerms = 'MIT (An, Ogras, ACM TECS 2021)';

/** Label of each movement; movement M of the file names is at M − 1. */
export const marsMovements = [
  'left arm extension',
  'right arm extension',
  'both arms extension',
  'left front lunge',
  'right front lunge',
  'squat',
  'left side lunge',
  'right side lunge',
  'left limb extension',
  'right limb extension',
] as const;

export const kinectV2Joints = [
  'spine base',
  'spine mid',
  'neck',
  'head',
  'left shoulder',
  'left elbow',
  'left wrist',
  'left hand',
  'right shoulder',
  'right elbow',
  'right wrist',
  'right hand',
  'left hip',
  'left knee',
  'left ankle',
  'left foot',
  'right hip',
  'right knee',
  'right ankle',
  'right foot',
  'spine shoulder',
  'left hand tip',
  'left thumb',
  'right hand tip',
  'right thumb',
] as const;

export interface MarsSkeletonFrame extends SkeletonFrame {
  readonly frameNumber: number;
}

export interface MarsRecording extends RecordingAbout {
  readonly subject: number;
  /** Ascending in time. */
  readonly radar: readonly RadarPointFrame[];
  /** One person, [1, 25, 3] metres in the radar's axes; ascending in time. */
  readonly skeleton: readonly MarsSkeletonFrame[];
  /** [pairs, 2] places in `radar` and in `skeleton` of the same moment, ascending. */
  readonly pairs: Uint32Array;
  /** Rows of both files left out since they hold values that are no numbers. */
  readonly dropped: number;
}

const fileName = /^(?:.*\/)?(subject(\d+)\/movement(\d+))_radar\.csv(\.gz)?$/;
const radarColumns = ['time_s', 'frame', 'x_m', 'y_m', 'z_m', 'velocity_mps', 'intensity'];
const skeletonColumns = [
  'time_s',
  'frame',
  ...kinectV2Joints.flatMap((_, joint) => ['x', 'y', 'z'].map((axis) => `joint${joint}_${axis}_m`)),
];

/** @throws Error that begins with 'it' */
function radarFrames(bytes: Uint8Array): { frames: RadarPointFrame[]; dropped: number } {
  const table = readNumberTable(bytes, radarColumns);
  const [times, frame, right, away, up, velocity, peak] = table.columns;
  const starts: number[] = [];
  for (let i = 0; i < table.rows; i++) if (i === 0 || frame![i] !== frame![i - 1]) starts.push(i);
  const rows = {
    times: times!,
    right: right!,
    away: away!,
    up: up!,
    velocity: velocity!,
    intensity: peakDecibels(peak!),
  };
  const numbers = starts.map((start) => frame![start]!);
  const { frames, dropped } = ascending(framesOfPoints(rows, starts, numbers));
  return { frames, dropped: table.dropped + dropped };
}

/** @throws Error that begins with 'it' */
function skeletonFrames(bytes: Uint8Array): { frames: MarsSkeletonFrame[]; dropped: number } {
  const table = readNumberTable(bytes, skeletonColumns);
  const made = Array.from({ length: table.rows }, (_, i): MarsSkeletonFrame => {
    const time = table.columns[0]![i]!;
    return {
      kind: 'skeleton',
      arrivalTime: time,
      deviceTime: time,
      frameNumber: table.columns[1]![i]!,
      people: 1,
      layout: 'kinect-v2',
      joints: Float32Array.from({ length: 3 * kinectV2Joints.length }, (_, k) => table.columns[2 + k]![i]!),
    };
  });
  const { frames, dropped } = ascending(made);
  return { frames, dropped: table.dropped + dropped };
}

function pairsOf(radar: readonly RadarPointFrame[], skeleton: readonly MarsSkeletonFrame[]): Uint32Array {
  const places = new Map(radar.map(({ frameNumber }, i) => [frameNumber, i]));
  return Uint32Array.from(
    skeleton.flatMap(({ frameNumber }, i) => {
      const place = places.get(frameNumber);
      return place === undefined ? [] : [place, i];
    }),
  );
}

/**
 * All recordings, in the order of subject, movement.
 * @param data folder of the data set, or the one that holds `mars`
 * @throws DatasetError if no file of the selection is there, or none can be read
 */
export async function loadMars(
  data: string,
  { subjects, movements }: { subjects?: readonly number[] | undefined; movements?: readonly number[] | undefined } = {},
): Promise<Loaded<MarsRecording>> {
  const { folder, files } = await findDataset(
    [join(data, 'mars'), data],
    fileName,
    'no MARS here. The folder must hold subject1/movement1_radar.csv.gz and movement1_skeleton.csv.gz and so on',
  );
  const wanted = files
    .map(([path, stem, subject, movement]) => ({
      path,
      stem: stem!,
      subject: Number(subject),
      movement: Number(movement),
    }))
    .filter(
      ({ subject, movement }) =>
        marsMovements[movement - 1] !== undefined &&
        (subjects?.includes(subject) ?? true) &&
        (movements?.includes(movement) ?? true),
    );
  return loadEach(folder, wanted, async ({ path, stem, subject, movement }): Promise<MarsRecording> => {
    const radar = radarFrames(await readUnzipped(join(folder, path)));
    const beside = path.replace('_radar.', '_skeleton.');
    const bytes = await readUnzipped(join(folder, beside)).catch((error: unknown) => {
      throw new Error(`its skeleton, ${beside}: ${(error as Error).message}`, { cause: error });
    });
    const skeleton = skeletonFrames(bytes);
    return {
      id: stem,
      subject,
      label: marsMovements[movement - 1]!,
      classIndex: movement - 1,
      session: `subject${subject}`,
      radar: radar.frames,
      skeleton: skeleton.frames,
      pairs: pairsOf(radar.frames, skeleton.frames),
      dropped: radar.dropped + skeleton.dropped,
    };
  });
}
