/**
 * The towers that come with the gateway on UTD-MHAD: each and every mix, fused as the gateway does it, window by window, on people that
 * nothing was trained on. `accuracy` counts recordings, by the mean of their windows' fused probabilities, `window accuracy` windows,
 * `windows known` those that are sure enough not to be called unknown, right or wrong.
 * There is nothing random in it: seeds change nothing.
 */
import { fused } from '../../models/fusion.js';
import { loadTower, shippedTowerDirectory } from '../../models/store.js';
import type { LoadedTower } from '../../models/store.js';
import { openTower } from '../../models/tower-session.js';
import { usualUnknownBelow } from '../../models/unknown.js';
import { windowsOf } from '../datasets/utd-mhad-windows.js';
import type { PairedRecording } from '../datasets/utd-mhad-windows.js';
import { subsets } from '../heads/any-subset.js';
import type { PairedModality } from '../pretrain-paired.js';
import { lineOf } from './suite.js';
import type { SuiteLine, SuiteRequest } from './suite.js';
import { loadSubjects, utdMhadProtocol } from './utd-mhad-embeddings.js';

const modalities = ['imu', 'skeleton', 'depth'] as const;

/** What each tower says of each window of each recording: [recordings][windows] probabilities of its classes. */
export type Opinions = ReadonlyMap<PairedModality, readonly (readonly Float32Array[])[]>;

export async function shippedTowers(): Promise<Map<PairedModality, LoadedTower>> {
  const towers = new Map<PairedModality, LoadedTower>();
  for (const modality of modalities) towers.set(modality, await loadTower(shippedTowerDirectory(modality)));
  return towers;
}

export async function opinionsOf(
  towers: ReadonlyMap<PairedModality, LoadedTower>,
  recordings: readonly PairedRecording[],
  threads: number,
): Promise<Opinions> {
  const all = new Map<PairedModality, Float32Array[][]>();
  for (const [modality, tower] of towers) {
    const session = await openTower(tower, 'cpu', threads);
    const found: Float32Array[][] = [];
    for (const recording of recordings) {
      const own: Float32Array[] = [];
      for (const window of windowsOf(recording, modality, tower.manifest.window))
        own.push((await session.run(window, 1)).probabilities);
      found.push(own);
    }
    await session.release();
    all.set(modality, found);
  }
  return all;
}

const mostProbable = (probabilities: ReadonlyMap<string, number>): string =>
  [...probabilities].reduce((best, one) => (one[1] > best[1] ? one : best))[0];

/** The mix's fused probabilities of each window of a recording. */
export function fusedWindows(
  mix: readonly PairedModality[],
  towers: ReadonlyMap<PairedModality, LoadedTower>,
  opinions: Opinions,
  recording: number,
): Map<string, number>[] {
  const counts = mix.map((modality) => opinions.get(modality)![recording]!.length);
  return Array.from({ length: Math.min(...counts) }, (_, window) =>
    fused(
      mix.map((modality) => ({
        labels: towers.get(modality)!.manifest.classes,
        loss: towers.get(modality)!.manifest.loss,
        probabilities: opinions.get(modality)![recording]![window]!,
      })),
    ),
  );
}

/** @throws DatasetError if no recording is there; Error if a tower was trained on a test subject */
export async function run({
  test = utdMhadProtocol.test,
  threads,
  seeds,
  ...request
}: SuiteRequest): Promise<SuiteLine[]> {
  const towers = await shippedTowers();
  for (const { manifest } of towers.values())
    for (const { dataset, subjects } of manifest.trainedOn.datasets)
      if (dataset === 'utd-mhad' && test.some((one) => subjects.map(Number).includes(one)))
        throw new Error(`'${manifest.name}' was trained on subjects ${subjects.join(', ')}: test on others (--test)`);
  const recordings = await loadSubjects({ ...request, threads, seeds }, test, ['skeleton', 'depth']);
  const opinions = await opinionsOf(towers, recordings, threads);
  return subsets(modalities)
    .toSorted((a, b) => a.length - b.length)
    .flatMap((mix) => {
      let [right, windows, windowsRight, known] = [0, 0, 0, 0];
      for (const [i, { label }] of recordings.entries()) {
        const found = fusedWindows(mix, towers, opinions, i);
        const sums = new Map<string, number>();
        for (const window of found) {
          windows++;
          if (mostProbable(window) === label) windowsRight++;
          if (window.get(mostProbable(window))! >= usualUnknownBelow) known++;
          for (const [name, p] of window) sums.set(name, (sums.get(name) ?? 0) + p);
        }
        if (mostProbable(sums) === label) right++;
      }
      const same = (value: number) => seeds.map(() => value);
      return [
        lineOf('shipped', mix.join('+'), 'accuracy', same(right / recordings.length)),
        lineOf('shipped', mix.join('+'), 'window accuracy', same(windowsRight / windows)),
        lineOf('shipped', mix.join('+'), 'windows known', same(known / windows)),
      ];
    });
}
