/** UTD-MHAD: IMU, skeleton and depth of the same performances. Versions but the first are augmented, alike for all sensors. */
import { createHash } from 'node:crypto';
import { drawTiming } from '../../../learning/augment-timing.js';
import { loadUtdMhadPaired, windowsOf, windowSeconds } from '../../../learning/datasets/utd-mhad-windows.js';
import type { PairedKind, PairedRecording } from '../../../learning/datasets/utd-mhad-windows.js';
import { pairedBranches, pairedEncoders } from '../../../learning/pretrain-paired.js';
import type { PairedModality } from '../../../learning/pretrain-paired.js';
import { createRandom, mixSeeds } from '../../../learning/random.js';
import { utdMhadTerms } from '../../../learning/train-tower.js';
import type { SourceRequest, WindowSource } from './source.js';

/** As in `drawTiming`: how much faster or slower, and how unevenly, a copy may be performed. */
const [warp, sway] = [0.3, 0.3];

export const utdMhadNames = Object.keys(pairedEncoders);

function digestOf(recordings: readonly PairedRecording[], seed: number): string {
  const hash = createHash('sha256').update(`${seed} ${warp} ${sway}`);
  for (const { id, imu, skeleton, depth } of recordings) {
    hash.update(id).update(imu);
    if (skeleton) hash.update(skeleton);
    if (depth) hash.update(depth.pictures);
  }
  return hash.digest('hex');
}

/** @throws DatasetError if no recording of the selection is there */
export async function utdMhadSource({
  data,
  names,
  subjects,
  seed,
  cache,
  onProgress,
}: SourceRequest): Promise<WindowSource> {
  const kinds = names.filter((name): name is PairedKind => name === 'skeleton' || name === 'depth');
  const loaded = await loadUtdMhadPaired(data, {
    ...{ kinds, subjects, cache },
    onProgress: (done, of) => onProgress?.('recordings of UTD-MHAD', done, of),
  });
  const { recordings, unreadable } = loaded;
  const branches = new Map(
    [...new Set(names as PairedModality[])].map((name) => [name, pairedBranches([name])[0]!.augment]),
  );
  const rows = recordings.flatMap((recording, group) =>
    windowsOf(recording, 'imu', pairedEncoders.imu.window).map((_, window) => ({
      recording: recording.id,
      subject: recording.subject,
      label: recording.label,
      group,
      window,
    })),
  );
  const { dataset, subjects: seen, terms } = utdMhadTerms([...new Set(recordings.map(({ subject }) => subject))]);
  return {
    title: `UTD-MHAD, subjects ${seen.join(', ')}`,
    ...{ dataset, terms, names, rows, unreadable },
    digest: digestOf(recordings, seed),
    write(row, version, out) {
      const { group, window } = rows[row]!;
      const recording = recordings[group]!;
      const random = createRandom(mixSeeds(seed, 31, row, version));
      const timing = drawTiming(recording.duration, windowSeconds, warp, sway, random);
      for (const name of names as PairedModality[])
        if (version === 0) out[name]!.set(windowsOf(recording, name, pairedEncoders[name].window)[window]!);
        else branches.get(name)!(recording, timing, random, out[name]!);
    },
  };
}
