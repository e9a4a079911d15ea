/** UTD-MHAD as windows of all its sensors over the same stretches of time.
 *
 *      IMU        50 Hz, as recorded
 *      skeleton   25 Hz, in between by straight lines from frame to frame
 *      depth      the picture nearest in time
 *
 *  The pictures lie evenly over the time of the inertial file (see utd-mhad-kinect.ts). Windows begin at the first sample and every
 *  hop after it, as long as they end within the recording; a shorter recording gives one, held at its end. */
import { mkdir } from 'node:fs/promises';
import { depthWindow } from '../depth-clip.js';
import type { DepthClip } from '../depth-clip.js';
import type { ActivityRecording, Loaded, UnreadableFile } from './dataset.js';
import { loadUtdMhadInertial } from './utd-mhad.js';
import type { UtdMhadSelection } from './utd-mhad.js';
import { depthClip, skeletonFeatures, skeletonRate, skeletonRow } from './utd-mhad-features.js';
import { loadUtdMhadDepth, loadUtdMhadSkeleton } from './utd-mhad-kinect.js';

/** Of every window, seconds. */
export const windowSeconds = 3.04;
export const hopSeconds = 0.5;

export const imuRate = 50;

/** One performance as all of its sensors saw it. */
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
