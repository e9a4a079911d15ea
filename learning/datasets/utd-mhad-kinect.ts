/** UTD-MHAD's Kinect v1 (see utd-mhad.ts for the data set), of the same performances as the wearable sensor's recordings.
 *
 *    Skeleton/aA_sS_tT_skeleton.mat    d_skel [20 joints, 3, frames] in metres, joints in the order `kinectV1Joints`
 *    Depth/aA_sS_tT_depth.mat          d_depth [240, 320, frames] in millimetres, 0 = no return; the background is removed
 *
 *  The camera takes 30 pictures a second, but measured by the inertial files about a third of them is missing, and the files
 *  hold no times. So the pictures are taken to lie evenly over the time of the inertial file (15 to 21 a second); 30 a second
 *  are believed only where there is none. */
import { readFile } from 'node:fs/promises';
import { kinectV1Joints } from '../../pipelines/skeleton/layouts.js';
import type { ActivityRecording, Loaded } from './dataset.js';
import { readMatlab } from './matlab.js';
import type { MatlabArray } from './matlab.js';
import { findUtdMhadFiles, loadUtdMhadFiles, utdMhadDuration } from './utd-mhad.js';
import type { UtdMhadSelection } from './utd-mhad.js';

export { kinectV1Joints };

/** Size of a depth picture, pixels. */
export const [depthWidth, depthHeight] = [320, 240] as const;

const nominalRate = 30; // Hz
const coordinates = 3 * kinectV1Joints.length;
const pixels = depthWidth * depthHeight;

/** Depth pictures of one performance. */
export interface DepthPictures {
  /** Pictures a second, taken to be evenly spaced. */
  readonly rate: number;
  /** [frames, 240, 320] millimetres; 0: no return. */
  readonly depth: Uint16Array;
}

/** A depth recording, read when it is asked for: one takes some 10 MB. */
export interface DepthRecording extends Omit<ActivityRecording, 'rate' | 'samples'> {
  readonly file: string;
  /** Rejects with an Error that begins with 'it', where the file cannot be used. */
  read(): Promise<DepthPictures>;
}

/**
 * The skeletons, in the order of action, subject, trial; `samples` is [frames, 20, 3] in metres, in the Kinect's axes.
 * @param data folder of the data set; the inertial files tell how long recordings last
 * @throws DatasetError if no file of the selection is there, or none can be read
 */
export function loadUtdMhadSkeleton(
  data: string,
  selection: UtdMhadSelection = {},
): Promise<Loaded<ActivityRecording>> {
  return loadUtdMhadFiles(data, 'skeleton', selection, async (bytes, id) => {
    const { array, frames } = framesOf(bytes, 'd_skel', [kinectV1Joints.length, 3]);
    const samples = new Float32Array(array.data.length);
    // MATLAB's columns become our rows.
    for (let i = 0; i < samples.length; i++) {
      const [frame, inFrame] = [Math.floor(i / coordinates), i % coordinates];
      samples[i] = array.data[frame * coordinates + (inFrame % 3) * kinectV1Joints.length + Math.floor(inFrame / 3)]!;
    }
    if (!samples.every(Number.isFinite)) throw new Error('it holds values that are no numbers');
    return { rate: await rateOf(data, id, frames), samples };
  });
}

/**
 * The depth recordings, in the order of action, subject, trial. Which ones cannot be read shows only when they are:
 * `unreadable` is empty.
 * @param data folder of the data set; the inertial files tell how long recordings last
 * @throws DatasetError if no file of the selection is there
 */
export async function loadUtdMhadDepth(
  data: string,
  selection: UtdMhadSelection = {},
): Promise<Loaded<DepthRecording>> {
  const { files } = await findUtdMhadFiles(data, 'depth', selection);
  const recordings = files.map(({ path, ...about }): DepthRecording => ({
    ...about,
    file: path,
    async read() {
      const { array, frames } = framesOf(await readFile(path), 'd_depth', [depthHeight, depthWidth]);
      return { rate: await rateOf(data, about.id, frames), depth: rowsOf(array, frames) };
    },
  }));
  return { recordings, unreadable: [] };
}

/** The one array of a file, [...each, frames]. @throws Error that begins with 'it' */
function framesOf(bytes: Uint8Array, name: string, each: readonly number[]): { array: MatlabArray; frames: number } {
  const array = readMatlab(bytes).get(name);
  const [rows, columns, frames = 1] = array?.dimensions ?? [];
  if (!array || rows !== each[0] || columns !== each[1] || array.dimensions.length > 3 || frames === 0)
    throw new Error(`it has no array ${name} of [${each.join(', ')}, frames]`);
  return { array, frames };
}

function rowsOf({ data }: MatlabArray, frames: number): Uint16Array {
  const depth = new Uint16Array(frames * pixels);
  let from = 0;
  for (let picture = 0; picture < depth.length; picture += pixels)
    for (let x = 0; x < depthWidth; x++)
      for (let y = 0; y < depthHeight; y++) {
        const value = data[from++]!;
        if (!(value >= 0 && value <= 0xffff)) throw new Error('it holds values that are no distances in millimetres');
        depth[picture + y * depthWidth + x] = value;
      }
  return depth;
}

async function rateOf(data: string, id: string, frames: number): Promise<number> {
  const duration = await utdMhadDuration(data, id);
  return duration === undefined ? nominalRate : frames / duration;
}
