/** UTD-MHAD as windows of all its sensors over the same stretches of time.
 *
 *      IMU        50 Hz, as recorded
 *      skeleton   25 Hz, in between by straight lines from frame to frame
 *      depth      the picture nearest in time
 *
 *  The pictures lie evenly over the time of the inertial file (see utd-mhad-kinect.ts). Windows begin at the first sample and every
 *  hop after it, as long as they end within the recording; a shorter recording gives one, held at its end. */
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { createDepthFeatures } from '../../pipelines/depth/features.js';
import { createSkeletonFeatures } from '../../pipelines/skeleton/features.js';
import type { ActivityRecording, Loaded, UnreadableFile } from './dataset.js';
import { loadUtdMhadInertial } from './utd-mhad.js';
import type { UtdMhadSelection } from './utd-mhad.js';
import { depthHeight, depthWidth, kinectV1Joints, loadUtdMhadDepth, loadUtdMhadSkeleton } from './utd-mhad-kinect.js';
import type { DepthRecording } from './utd-mhad-kinect.js';

/** Of every window, seconds. */
export const windowSeconds = 3.04;
export const hopSeconds = 0.5;

export const imuRate = 50;
export const skeletonRate = 25;
/** Numbers of one skeleton: 20 joints, x y z seen. */
export const skeletonRow = kinectV1Joints.length * 4;
/** Rows and columns of a depth picture's features. */
export const depthSize = 48;
/** Depth features, which lie between 0 and 1.75, times this are kept as bytes. */
export const depthScale = 128;
/** A joint's place is made up from frames on both sides where those are no further apart, seconds. */
const longestGap = 0.3;

/** Pictures of one recording, features of which are known. */
export interface DepthClip {
  /** [pictures] seconds from the recording's first sample. */
  readonly times: Float64Array;
  /** [pictures, 48, 48] features × `depthScale`. */
  readonly pictures: Uint8Array;
}

export interface PairedRecording extends Omit<ActivityRecording, 'rate' | 'samples'> {
  /** Seconds. */
  readonly duration: number;
  /** [count, 6] at 50 Hz, m/s² and rad/s. */
  readonly imu: Float32Array;
  /** [count, 20, 4] at 25 Hz; absent if not asked for or not there. */
  readonly skeleton?: Float32Array;
  readonly depth?: DepthClip;
}

export type PairedKind = 'skeleton' | 'depth';

export interface PairedOptions extends UtdMhadSelection {
  /** Besides the IMU. */
  readonly kinds: readonly PairedKind[];
  /** Folder for the depth features: making them takes minutes. */
  readonly cache?: string | undefined;
  readonly onProgress?: ((done: number, of: number) => void) | undefined;
}

/**
 * The recordings in the order of action, subject, trial; those that lack one of the kinds are left out and named.
 * @throws DatasetError if no file of the selection is there, or none can be read
 */
export async function loadUtdMhadPaired(data: string, options: PairedOptions): Promise<Loaded<PairedRecording>> {
  const { kinds, cache, onProgress, ...selection } = options;
  const inertial = await loadUtdMhadInertial(data, selection);
  const skeletons = kinds.includes('skeleton') ? await loadUtdMhadSkeleton(data, selection) : undefined;
  const depths = kinds.includes('depth') ? await loadUtdMhadDepth(data, selection) : undefined;
  const unreadable: UnreadableFile[] = [...inertial.unreadable, ...(skeletons?.unreadable ?? [])];
  const byId = <Recording extends { id: string }>(all: Loaded<Recording> | undefined) =>
    new Map(all?.recordings.map((recording) => [recording.id, recording]));
  const skeletonOf = byId(skeletons);
  const depthOf = byId(depths);
  if (cache) await mkdir(cache, { recursive: true });

  const recordings: PairedRecording[] = [];
  for (const [done, { samples, rate, ...about }] of inertial.recordings.entries()) {
    onProgress?.(done, inertial.recordings.length);
    const count = samples.length / 6;
    const skeletonRecording = skeletonOf.get(about.id);
    const depthRecording = depthOf.get(about.id);
    if ((skeletons && !skeletonRecording) || (depths && !depthRecording)) continue;
    try {
      const skeleton = skeletonRecording && skeletonFeatures(skeletonRecording, count / rate);
      const depth = depthRecording && (await depthClip(depthRecording, cache));
      recordings.push({
        ...about,
        duration: count / rate,
        imu: samples,
        ...(skeleton && { skeleton }),
        ...(depth && { depth }),
      });
    } catch (error) {
      unreadable.push({ file: about.id, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return { recordings, unreadable };
}

/** [frames, 20, 3] metres → features at 25 Hz. @throws Error that begins with 'it' */
export function skeletonFeatures(recording: ActivityRecording, duration: number): Float32Array {
  const { samples, rate } = recording;
  const features = createSkeletonFeatures();
  const size = kinectV1Joints.length * 3;
  const times: number[] = [];
  const rows: Float32Array[] = [];
  for (let frame = 0; (frame + 1) * size <= samples.length; frame++) {
    const row = new Float32Array(skeletonRow);
    const joints = samples.slice(frame * size, (frame + 1) * size);
    const arrivalTime = frame / rate;
    const fault = features.take({ kind: 'skeleton', arrivalTime, people: 1, layout: 'kinect-v1', joints }, row);
    if (fault) continue;
    times.push(arrivalTime);
    rows.push(row);
  }
  if (rows.length === 0) throw new Error('it shows no skeleton');
  const out = new Float32Array(Math.max(1, Math.round(duration * skeletonRate)) * skeletonRow);
  for (let i = 0; i * skeletonRow < out.length; i++)
    skeletonBetween(times, rows, i / skeletonRate, out.subarray(i * skeletonRow, (i + 1) * skeletonRow));
  return out;
}

/** The skeleton at a time between frames; zeros where the frames are too far apart. */
function skeletonBetween(times: readonly number[], rows: readonly Float32Array[], time: number, out: Float32Array) {
  let right = times.findIndex((other) => other >= time);
  if (right < 0) right = times.length - 1;
  const left = times[right]! > time && right > 0 ? right - 1 : right;
  const [before, after] = [times[left]!, times[right]!];
  if (Math.abs(time - before) > longestGap || Math.abs(after - time) > longestGap) return;
  const part = after > before ? Math.min(1, (time - before) / (after - before)) : 0;
  for (let at = 0; at < out.length; at += 4) {
    if (rows[left]![at + 3] === 0 || rows[right]![at + 3] === 0) continue;
    for (let axis = 0; axis < 3; axis++)
      out[at + axis] = (1 - part) * rows[left]![at + axis]! + part * rows[right]![at + axis]!;
    out[at + 3] = 1;
  }
}

/** A cache of features is of no use where this differs. */
const depthFeatureVersion = 'depth 48, 1';

async function depthClip(recording: DepthRecording, cache: string | undefined): Promise<DepthClip> {
  const file = cache && join(cache, `${recording.id}-depth`);
  const { size, mtimeMs } = await stat(recording.file);
  const key = `${depthFeatureVersion}, ${size} bytes of ${mtimeMs}`;
  if (file) {
    try {
      const kept = deserialize(await readFile(file)) as DepthClip & { key: string };
      if (kept.key === key) return { times: kept.times, pictures: kept.pictures };
    } catch {
      // Not there yet, or cut off.
    }
  }
  const clip = await depthFeatures(recording);
  if (file) {
    await writeFile(`${file}.part`, serialize({ key, ...clip }));
    await rename(`${file}.part`, file);
  }
  return clip;
}

/** @throws Error that begins with 'it' */
async function depthFeatures(recording: DepthRecording): Promise<DepthClip> {
  const { rate, depth } = await recording.read();
  const features = createDepthFeatures({ size: depthSize, background: 'removed' });
  const pixels = depthWidth * depthHeight;
  const cells = depthSize * depthSize;
  const count = depth.length / pixels;
  const row = new Float32Array(cells);
  const times: number[] = [];
  const pictures = new Uint8Array(count * cells);
  for (let i = 0; i < count; i++) {
    const arrivalTime = i / rate;
    const frame = {
      kind: 'depth' as const,
      arrivalTime,
      width: depthWidth,
      height: depthHeight,
      metresPerStep: 1e-3,
      depth: depth.subarray(i * pixels, (i + 1) * pixels),
    };
    if (features.take(frame, row)) continue;
    const at = times.length * cells;
    for (let cell = 0; cell < cells; cell++) pictures[at + cell] = Math.round(row[cell]! * depthScale);
    times.push(arrivalTime);
  }
  if (times.length === 0) throw new Error('it shows nobody');
  return { times: Float64Array.from(times), pictures: pictures.slice(0, times.length * cells) };
}

/** Starts of a recording's windows, seconds. */
export function windowStarts(duration: number): number[] {
  const more = Math.max(0, Math.floor((duration - windowSeconds + 1e-9) / hopSeconds));
  return Array.from({ length: more + 1 }, (_, i) => i * hopSeconds);
}

/** Evenly spaced rows from a second on; the last one is held. [samples, …] */
export function evenWindow(all: Float32Array, rate: number, row: number, samples: number, start: number): Float32Array {
  const window = new Float32Array(samples * row);
  const last = all.length / row - 1;
  for (let i = 0; i < samples; i++) {
    const at = Math.min(last, Math.round((start + i / rate) * rate));
    window.set(all.subarray(at * row, (at + 1) * row), i * row);
  }
  return window;
}

/** All windows of a recording that a sensor's encoder reads, as `windowStarts` says. */
export function windowsOf(
  { duration, imu, skeleton, depth }: PairedRecording,
  kind: 'imu' | PairedKind,
  { rate, samples }: { readonly rate: number; readonly samples: number },
): Float32Array[] {
  return windowStarts(duration).map((start) => {
    if (kind === 'imu') return evenWindow(imu, imuRate, 6, samples, start);
    if (kind === 'skeleton' && skeleton) return evenWindow(skeleton, skeletonRate, skeletonRow, samples, start);
    if (kind === 'depth' && depth) return depthWindow(depth, rate, samples, start);
    throw new Error(`the recording was loaded without its ${kind}`);
  });
}

/** Index of the picture that is nearest in time. */
export function nearestPicture({ times }: DepthClip, time: number): number {
  let low = 0;
  let high = times.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (times[middle]! <= time) low = middle;
    else high = middle;
  }
  return Math.abs(times[high]! - time) < Math.abs(times[low]! - time) ? high : low;
}

/** [samples, 48, 48] at `rate` from a second on; the last picture is held. */
export function depthWindow(clip: DepthClip, rate: number, samples: number, start: number): Float32Array {
  const cells = depthSize * depthSize;
  const window = new Float32Array(samples * cells);
  for (let i = 0; i < samples; i++) {
    const from = nearestPicture(clip, start + i / rate) * cells;
    for (let cell = 0; cell < cells; cell++) window[i * cells + cell] = clip.pictures[from + cell]! / depthScale;
  }
  return window;
}
