/** MARS: radar points and a Kinect's skeleton of the same moments. Versions but the first begin at another moment nearby. */
import { createHash } from 'node:crypto';
import { loadMars, marsTerms } from '../../../learning/datasets/mars.js';
import { instantsOfRecording } from '../../../learning/frame-instants.js';
import { pointInstants } from '../../../learning/radar-tower.js';
import { createRandom, mixSeeds } from '../../../learning/random.js';
import { mmwavePointsEncoder } from '../../../models/towers/mmwave-points.js';
import { skeletonEncoder } from '../../../models/towers/skeleton.js';
import { betweenSkeletons } from '../../../pipelines/skeleton/between.js';
import { createSkeletonFeatures } from '../../../pipelines/skeleton/features.js';
import type { SourceRequest, WindowSource } from './source.js';

export const marsNames = ['mmwave', 'skeleton'];
const windows = { mmwave: mmwavePointsEncoder.window, skeleton: skeletonEncoder.window } as const;
type Name = keyof typeof windows;

const hop = 1; // s
/** Copies begin up to half of this earlier or later. */
const jitter = 1;

/** @throws DatasetError if no recording of the selection is there */
export async function marsSource({ data, names, subjects, seed }: SourceRequest): Promise<WindowSource> {
  const { recordings, unreadable } = await loadMars(data, { subjects });
  const wanted = names as Name[];
  const longest = Math.max(...wanted.map((name) => windows[name].samples / windows[name].rate));
  const hash = createHash('sha256').update(`${seed} ${jitter}`);
  const streams = recordings.map(({ id, radar, skeleton }) => {
    const data: Record<Name, Float32Array> = {
      mmwave: wanted.includes('mmwave') ? pointInstants(radar) : new Float32Array(),
      skeleton: wanted.includes('skeleton')
        ? instantsOfRecording(skeleton, createSkeletonFeatures(), windows.skeleton.rate, betweenSkeletons).data
        : new Float32Array(),
    };
    const timeOf = (frames: readonly { deviceTime?: number; arrivalTime: number }[]) => {
      const at = (frame: { deviceTime?: number; arrivalTime: number } | undefined) =>
        frame?.deviceTime ?? frame?.arrivalTime ?? NaN;
      return { first: at(frames[0]), last: at(frames.at(-1)) };
    };
    const times: Record<Name, { first: number; last: number }> = { mmwave: timeOf(radar), skeleton: timeOf(skeleton) };
    hash.update(id).update(data.mmwave).update(data.skeleton);
    const begin = Math.max(...wanted.map((name) => times[name].first));
    const end = Math.min(...wanted.map((name) => times[name].last));
    return { data, times, begin, end };
  });
  const rows = recordings.flatMap(({ id, subject, label }, group) => {
    const { begin, end } = streams[group]!;
    const count = Math.max(0, Math.floor((end - begin - longest) / hop) + 1);
    return Array.from({ length: Number.isFinite(count) ? count : 0 }, (_, window) => ({
      recording: id,
      ...{ subject, label, window, stream: group },
      // Windows of one repeated movement look alike wherever they begin.
      group,
    }));
  });
  const people = [...new Set(recordings.map(({ subject }) => subject))];
  return {
    title: `MARS, subjects ${people.join(', ')}`,
    dataset: 'mars',
    terms: marsTerms,
    ...{ names, rows, unreadable },
    digest: hash.digest('hex'),
    write(row, version, out) {
      const { stream, window } = rows[row]!;
      const { data, times, begin, end } = streams[stream]!;
      const random = createRandom(mixSeeds(seed, 31, row, version));
      const moved = version === 0 ? 0 : jitter * (random.uniform() - 0.5);
      const start = Math.min(Math.max(begin + window * hop + moved, begin), end - longest);
      for (const name of wanted) {
        const { rate, samples } = windows[name];
        const size = out[name]!.length / samples;
        const last = data[name].length / size - samples;
        const from = Math.max(0, Math.min(last, Math.round((start - times[name].first) * rate)));
        out[name]!.set(data[name].subarray(from * size, (from + samples) * size));
      }
    },
  };
}
