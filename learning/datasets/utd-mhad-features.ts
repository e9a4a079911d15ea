/** Features of UTD-MHAD's skeletons and depth pictures, as the pipelines give them. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { writeWhole } from '../../models/whole-file.js';
import { createDepthFeatures } from '../../pipelines/depth/features.js';
import { createSkeletonFeatures } from '../../pipelines/skeleton/features.js';
import { depthScale, depthSize } from '../depth-clip.js';
import type { DepthClip } from '../depth-clip.js';
import type { ActivityRecording } from './dataset.js';
import { depthHeight, depthWidth, kinectV1Joints } from './utd-mhad-kinect.js';
import type { DepthRecording } from './utd-mhad-kinect.js';

export const skeletonRate = 25;
/** Numbers of one skeleton: 20 joints, x y z seen. */
export const skeletonRow = kinectV1Joints.length * 4;
/** A joint's place is made up from frames on both sides where those are no further apart, seconds. */
const longestGap = 0.3;

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

/**
 * @param cache folder to keep the features in
 * @throws Error that begins with 'it'
 */
export async function depthClip(recording: DepthRecording, cache: string | undefined): Promise<DepthClip> {
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
  // A recording is not left out because its features cannot be kept.
  if (file) await writeWhole(file, serialize({ key, ...clip })).catch(() => undefined);
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
