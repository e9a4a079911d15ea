/** Towers that never met some of UTD-MHAD's actions. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadTower, saveTower } from '../../models/store.js';
import type { Tower } from '../../models/store.js';
import { utdMhadActions } from '../datasets/utd-mhad.js';
import type { PairedModality } from '../pretrain-paired.js';
import { createRandom, mixSeeds } from '../random.js';
import { trainImuTower } from '../train-imu.js';
import { trainDepthTower, trainSkeletonTower } from '../train-kinect.js';
import type { TowerTrainingRequest, TrainedTower } from '../train-tower.js';
import type { SuiteRequest } from './suite.js';

/** Actions that are left out of all training, and as many again that are left out where something is chosen. */
export const leftOut = 5;

/** What a seed knows and what it does not: actions by their numbers from 1, in ascending order. */
export interface ActionSplit {
  readonly unknown: readonly number[];
  readonly known: readonly number[];
  /** Those of `known` that the towers of the choice do not know. */
  readonly unknownInChoice: readonly number[];
  readonly knownInChoice: readonly number[];
}

export function splitActions(seed: number): ActionSplit {
  const drawn = [...createRandom(mixSeeds(seed, 70)).permutation(utdMhadActions.length)].map((place) => place + 1);
  const part = (from: number, to?: number) => drawn.slice(from, to).toSorted((a, b) => a - b);
  return {
    unknown: part(0, leftOut),
    known: part(leftOut),
    unknownInChoice: part(leftOut, 2 * leftOut),
    knownInChoice: part(2 * leftOut),
  };
}

interface Design {
  readonly train: (request: TowerTrainingRequest & { readonly preTrainingEpochs: number }) => Promise<TrainedTower>;
  /** One encoder, and half of the epochs of the shipped towers or so: what is measured here is not the last per cent. */
  readonly epochs: number;
}

const designs: Readonly<Record<PairedModality, Design>> = {
  imu: { train: trainImuTower, epochs: 100 },
  skeleton: { train: trainSkeletonTower, epochs: 30 },
  depth: { train: trainDepthTower, epochs: 15 },
};

/** The modality's tower of these subjects and actions alone, kept in the request's cache. */
export async function towerAmong(
  modality: PairedModality,
  train: readonly number[],
  actions: readonly number[],
  seed: number,
  { data, threads, epochs, cache, signal, onProgress, onWarning }: SuiteRequest,
): Promise<Tower> {
  const design = designs[modality];
  const passes = epochs ?? design.epochs;
  const without = utdMhadActions.map((_, place) => place + 1).filter((action) => !actions.includes(action));
  const name = `unknown-${modality}-subjects-${train.join('-')}-without-${without.join('-')}-seed-${seed}-epochs-${passes}`;
  const directory = cache && join(cache, name);
  if (directory && existsSync(directory)) return loadTower(directory);
  const { tower } = await design.train({
    ...{ data, train, test: [], actions, seed, threads, members: 1, signal, onWarning, gatewayVersion: '0.0.0' },
    ...{ epochs: passes, preTrainingEpochs: 0 },
    checkpoints: cache && join(cache, `${name}-training`),
    cache: cache && join(cache, 'depth'),
    onProgress: (stage, progress) =>
      onProgress?.(
        `seed ${seed}, ${modality}, subjects ${train.join()}, ${actions.length} actions: ${stage}`,
        progress,
      ),
  });
  if (directory) await saveTower(directory, tower);
  return tower;
}
