/**
 * UTD-MHAD: known against unknown. Of 27 actions five, drawn anew for each seed, are in no training at all; towers learn the other 22
 * from the training subjects, and are then shown all 27 by people never trained on.
 *
 *    imu, skeleton, imu+skeleton    the score that was picked
 *    … highest probability          and so on, every score of unknown-scores.ts by itself
 *
 * All that is chosen (the score, temperatures, thresholds) is chosen without the five, on one training subject, by towers that were trained
 * without that subject and without five further actions.
 *
 *    auroc           area under the curve, of whole recordings; chance is 0.5
 *    window auroc    of single windows, as the gateway decides
 *    fpr@95          share of unknown windows that pass where 95 % of the known ones do, by the test side's own threshold
 *    threshold       on the score, where 95 % of the known windows of the choice pass
 *    kept, caught    share of known windows that pass it, and of unknown windows that do not, on the test side
 *    accuracy        share of the known windows that pass it whose label is right
 *    picked          share of the seeds in which this score was picked
 */
import { join } from 'node:path';
import { loadUtdMhadPaired } from '../datasets/utd-mhad-windows.js';
import { subsets } from '../heads/any-subset.js';
import { calibrate } from '../heads/calibration.js';
import { decisions } from '../heads/head.js';
import type { PairedModality } from '../pretrain-paired.js';
import { auroc, shareKept, thresholdKeeping } from '../roc.js';
import { labelsOf } from '../train-tower.js';
import { familiarity, fusedLogits, rowsOf, scoreNames } from '../unknown-scores.js';
import type { Familiar, ScoreName } from '../unknown-scores.js';
import { lineOf } from './suite.js';
import type { SuiteLine, SuiteRequest } from './suite.js';
import { splitActions, towerAmong } from './unknown-towers.js';
import { familiarOf, knownRows, sideOf } from './unknown-views.js';
import type { Seen, Side } from './unknown-views.js';
import { utdMhadProtocol } from './utd-mhad-embeddings.js';

/** Share of known windows that a threshold is to let pass. */
const keep = 0.95;

type Scores = ReturnType<typeof familiarity>;

/** What some of the towers say together. */
interface Mix {
  readonly name: string;
  /** Windows of the side that is chosen by. */
  readonly choice: Scores;
  readonly windows: Scores;
  readonly recordings: Scores;
  /** Of each test window, whether the label is right. */
  readonly right: readonly boolean[];
}

/** Scores of known rows and of unknown ones. */
const parted = (scores: Float64Array, { truth }: Seen) => ({
  known: scores.filter((_, i) => truth[i]! >= 0),
  unknown: scores.filter((_, i) => truth[i]! < 0),
});

const areaOf = (scores: Float64Array, seen: Seen): number => {
  const { known, unknown } = parted(scores, seen);
  return auroc(known, unknown);
};

/** @param familiar of each tower @param mix places of those that are asked */
function mixed(name: string, choice: Side, final: Side, familiar: readonly Familiar[], mix: readonly number[]): Mix {
  const some = <Value>(all: readonly Value[]) => mix.map((m) => all[m]!);
  const fused = ({ windows, classes }: Side) => fusedLogits(some(windows.views), some(familiar), classes);
  const known = knownRows(choice.windows);
  const labels = known.map((row) => choice.windows.truth[row]!);
  const temperature = calibrate(rowsOf(fused(choice), choice.classes, known), labels, choice.classes);
  const scores = ({ means, classes }: Side, { views }: Seen) =>
    familiarity(some(views), some(familiar.map((one, m) => ({ ...one, means: means[m]! }))), temperature, classes);
  return {
    ...{ name, choice: scores(choice, choice.windows) },
    ...{ windows: scores(final, final.windows), recordings: scores(final, final.recordings) },
    right: [...decisions(fused(final), final.classes)].map((place, row) => place === final.windows.truth[row]),
  };
}

/** Figures of one score of one mix, by metric. */
function figuresOf({ choice, windows, recordings, right }: Mix, score: ScoreName, chosenBy: Side, final: Side) {
  const { known, unknown } = parted(windows[score]!, final.windows);
  const threshold = thresholdKeeping(parted(choice[score]!, chosenBy.windows).known, keep);
  const passed = knownRows(final.windows).filter((row) => windows[score]![row]! >= threshold);
  return {
    auroc: areaOf(recordings[score]!, final.recordings),
    'window auroc': areaOf(windows[score]!, final.windows),
    'fpr@95': shareKept(unknown, thresholdKeeping(known, 0.95)),
    threshold,
    kept: shareKept(known, threshold),
    caught: 1 - shareKept(unknown, threshold),
    accuracy: passed.filter((row) => right[row]).length / passed.length,
  };
}

export interface UnknownFigure {
  readonly name: string;
  readonly metric: string;
  readonly value: number;
}

/** The figures of one seed, in an order that is the same for every seed. */
export async function unknownFigures(
  { train, test }: { readonly train: readonly number[]; readonly test: readonly number[] },
  seed: number,
  request: SuiteRequest,
  modalities: readonly PairedModality[] = ['imu', 'skeleton'],
): Promise<UnknownFigure[]> {
  if (train.length < 2) throw new Error('unknown: it takes two subjects to train on, one of them to choose by');
  const { known, knownInChoice } = splitActions(seed);
  const kinds = modalities.filter((modality) => modality !== 'imu');
  const load = async (subjects: readonly number[], actions?: readonly number[]) => {
    const features = request.cache && join(request.cache, 'depth');
    const found = await loadUtdMhadPaired(request.data, { subjects, actions, kinds, cache: features });
    for (const { file, reason } of found.unreadable) request.onWarning?.(`${file} is left out: ${reason}`);
    return found.recordings;
  };
  const learned = await load(train, known);
  const tested = await load(test);
  const held = train[seed % train.length]!;
  const rest = train.filter((subject) => subject !== held);

  const towers = async (subjects: readonly number[], actions: readonly number[]) => {
    const found: [PairedModality, Awaited<ReturnType<typeof towerAmong>>][] = [];
    for (const one of modalities) found.push([one, await towerAmong(one, subjects, actions, seed, request)]);
    return found;
  };
  const of = (subjects: readonly number[]) => learned.filter(({ subject }) => subjects.includes(subject));
  const trial = await towers(rest, knownInChoice);
  const choice = await sideOf(trial, labelsOf(knownInChoice), of(rest), of([held]), request.threads);
  const final = await sideOf(await towers(train, known), labelsOf(known), learned, tested, request.threads);
  const familiar = familiarOf(choice);
  const mixes = subsets([...modalities.keys()])
    .toSorted((a, b) => a.length - b.length)
    .map((mix) => mixed(mix.map((m) => modalities[m]!).join('+'), choice, final, familiar, mix));

  const worth = (score: ScoreName) => mixes.reduce((sum, mix) => sum + areaOf(mix.choice[score]!, choice.windows), 0);
  // One tower cannot agree with itself: only what every mix has can be picked.
  const candidates = scoreNames.filter((score) => score !== 'agreement');
  const picked = candidates.toSorted((one, other) => worth(other) - worth(one))[0]!;
  const named = (name: string, mix: Mix, score: ScoreName) =>
    Object.entries(figuresOf(mix, score, choice, final)).map(([metric, value]) => ({ name, metric, value }));
  return [
    ...mixes.flatMap((mix) => named(mix.name, mix, picked)),
    ...mixes.flatMap((mix) =>
      scoreNames.filter((score) => mix.choice[score]).flatMap((score) => named(`${mix.name} ${score}`, mix, score)),
    ),
    ...candidates.map((score) => ({ name: score, metric: 'picked', value: score === picked ? 1 : 0 })),
  ];
}

/** @throws DatasetError if no recording is there; Error if it was interrupted */
export async function run(request: SuiteRequest): Promise<SuiteLine[]> {
  const { seeds, train = utdMhadProtocol.train, test = utdMhadProtocol.test } = request;
  const found: UnknownFigure[][] = [];
  for (const seed of seeds) found.push(await unknownFigures({ train, test }, seed, request));
  return found[0]!.map(({ name, metric }, i) =>
    lineOf(
      'unknown',
      name,
      metric,
      found.map((each) => each[i]!.value),
    ),
  );
}
