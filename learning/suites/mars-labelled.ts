/** MARS: which of ten rehabilitation movements a 2 s window of radar points shows, of a person who was not trained on. */
import { loadMars, marsMovements } from '../datasets/mars.js';
import { mixSeeds } from '../random.js';
import { mmwavePointsDesign, pointInstants, trainPoints, windowsOf } from '../radar-tower.js';
import type { PointExample } from '../radar-tower.js';
import { windowAccuracy } from '../window-accuracy.js';
import { lineOf } from './suite.js';
import type { SuiteLine, SuiteRequest } from './suite.js';

const protocol = { train: [2, 3], test: [1] } as const;
/** Instants: windows slide by half a second. */
const hop = 5;
const members = 1;
/** Of each recording in an epoch. */
export const marsWindowsOfRecording = 64;
export const marsEpochs = 20;
const classes = marsMovements.length;

/** In a mirror the left arm is the right one. */
export const mirrored = marsMovements.map((movement) => {
  const other = movement.replace(/left|right/, (side) => (side === 'left' ? 'right' : 'left'));
  return (marsMovements as readonly string[]).indexOf(other);
});

/** @throws DatasetError if no recording is there; Error if it was interrupted */
export async function run(request: SuiteRequest): Promise<SuiteLine[]> {
  const { data, seeds, train = protocol.train, test = protocol.test, threads, epochs = marsEpochs } = request;
  const { cache, onProgress, onWarning, signal } = request;
  const load = async (subjects: readonly number[]): Promise<PointExample[]> => {
    const { recordings, unreadable } = await loadMars(data, { subjects });
    for (const { file, reason } of unreadable) onWarning?.(`${file} is left out: ${reason}`);
    return recordings.map(({ radar, classIndex }) => ({ instants: pointInstants(radar), classIndex }));
  };
  const learnedFrom = await load(train);
  const tested = await load(test);
  const accuracies: number[] = [];
  for (const seed of seeds) {
    const weights = await trainPoints(
      learnedFrom,
      classes,
      mirrored,
      { members, perRecording: marsWindowsOfRecording },
      {
        seed: mixSeeds(seed, 0),
        threads,
        epochs,
        cache,
        signal,
        dataset: `mars, subjects ${train.join()}`,
        onProgress: (progress) => onProgress?.(`seed ${seed}`, progress),
      },
    );
    const { right, all } = await windowAccuracy(
      mmwavePointsDesign(classes),
      weights,
      tested,
      (one) => windowsOf(one, hop),
      threads,
    );
    accuracies.push(right / all);
  }
  return [lineOf('mars', 'radar, labelled head', 'accuracy', accuracies)];
}
