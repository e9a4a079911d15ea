/**
 * RadHAR: which of five exercises a 2 s window of radar points shows.
 *
 *    folds       five folds by recording, drawn anew for each seed, alike in every exercise; the figure is of all windows
 *    published   trained on the folder `Train`, tested on `Test`, where it is there
 */
import type { Weights } from '../../models/weights.js';
import { loadRadhar, radharActivities } from '../datasets/radhar.js';
import type { RadharRecording } from '../datasets/radhar.js';
import { createRandom, mixSeeds } from '../random.js';
import { changingInstants, mmwaveChangesDesign, trainChanges, windowsOfChanges } from '../radar-changes.js';
import type { PointExample } from '../radar-tower.js';
import { windowAccuracy } from '../window-accuracy.js';
import { lineOf } from './suite.js';
import type { SuiteLine, SuiteRequest } from './suite.js';

const folds = 5;
/** Instants: windows slide by 0.3 s, where the paper has 0.33. */
const hop = 6;
/** Networks, their logits averaged. */
const members = 2;
const perRecording = 8;
export const radharEpochs = 25;
const classes = radharActivities.length;

/** The recordings' folds: each exercise's recordings in random order, dealt out. */
export function foldsOf(examples: readonly Pick<PointExample, 'classIndex'>[], seed: number): Uint8Array {
  const fold = new Uint8Array(examples.length);
  let dealt = 0;
  for (const place of radharActivities.keys()) {
    const own = [...examples.keys()].filter((i) => examples[i]!.classIndex === place);
    for (const next of createRandom(mixSeeds(seed, place)).permutation(own.length)) fold[own[next]!] = dealt++ % folds;
  }
  return fold;
}

const exampleOf = ({ frames, classIndex }: RadharRecording): PointExample => ({
  instants: changingInstants(frames),
  classIndex,
});

/** @throws DatasetError if no recording is there; Error if it was interrupted */
export async function run(request: SuiteRequest): Promise<SuiteLine[]> {
  const { data, seeds, threads, epochs = radharEpochs, cache, onProgress, onWarning, signal } = request;
  const { recordings, unreadable } = await loadRadhar(data);
  for (const { file, reason } of unreadable) onWarning?.(`${file} is left out: ${reason}`);
  const ofHalf = (half: string) => recordings.filter((recording) => recording.half === half).map(exampleOf);
  const train = ofHalf('Train');
  const test = ofHalf('Test');
  const learned = (examples: readonly PointExample[], seed: number, stage: string) =>
    trainChanges(
      examples,
      classes,
      { members, perRecording },
      {
        seed,
        threads,
        epochs,
        cache,
        signal,
        dataset: `radhar, ${stage}`,
        onProgress: (progress) => onProgress?.(stage, progress),
      },
    );

  const measure = (weights: readonly Weights[], examples: readonly PointExample[]) =>
    windowAccuracy(mmwaveChangesDesign(classes), weights, examples, (one) => windowsOfChanges(one, hop), threads);

  const inFolds: number[] = [];
  const published: number[] = [];
  for (const seed of seeds) {
    if (train.length > 0) {
      const fold = foldsOf(train, seed);
      let right = 0;
      let windows = 0;
      for (let k = 0; k < folds; k++) {
        const weights = await learned(
          train.filter((_, i) => fold[i] !== k),
          mixSeeds(seed, k),
          `seed ${seed}, fold ${k + 1} of ${folds}`,
        );
        const held = train.filter((_, i) => fold[i] === k);
        const measured = await measure(weights, held);
        right += measured.right;
        windows += measured.all;
      }
      inFolds.push(right / windows);
    }
    if (train.length > 0 && test.length > 0) {
      const { right, all } = await measure(await learned(train, seed, `seed ${seed}, published halves`), test);
      published.push(right / all);
    }
  }
  const lines: SuiteLine[] = [];
  if (inFolds.length > 0) lines.push(lineOf('radhar', 'folds', 'accuracy', inFolds));
  if (published.length > 0) lines.push(lineOf('radhar', 'published', 'accuracy', published));
  return lines;
}
