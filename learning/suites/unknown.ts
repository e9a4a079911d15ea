/**
 * UTD-MHAD: known against unknown. Of 27 actions five, drawn anew for each seed, are in no training at all; towers learn the other 22
 * from the training subjects, and are then shown all 27 by people never trained on.
 *
 *    imu, skeleton, imu+skeleton    the score that was picked
 *    … highest probability          and so on, every score of unknown-scores.ts by itself
 *    any mix                        the least of the mixes' thresholds on the highest probability: the gateway has one for all
 *    … gateway                      with the gateway's own threshold (models/unknown.ts) on the highest probability
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
 *    temperature     of the tower; of several, of the product of what they say, each calibrated: 1 where they err independently
 *    picked          share of the seeds in which this score was picked
 */
import { join } from 'node:path';
import { loadUtdMhadPaired } from '../datasets/utd-mhad-windows.js';
import { opinionWeights } from '../../models/fusion.js';
import { usualUnknownBelow } from '../../models/unknown.js';
import { subsets } from '../heads/any-subset.js';
import { cautiousTemperature } from '../heads/cautious-temperature.js';
import { decisions } from '../heads/head.js';
import type { PairedModality } from '../pretrain-paired.js';
import { auroc, shareKept, standardErrorOfArea, thresholdKeeping } from '../roc.js';
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
  /** Of the side that is chosen by. */
  readonly choice: { readonly windows: Scores; readonly recordings: Scores };
  readonly windows: Scores;
  readonly recordings: Scores;
  /** Of each test window, whether the label is right. */
  readonly right: readonly boolean[];
  /** Of one tower its own, of several that of the product of what they say. */
  readonly temperature: number;
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
  const weights = opinionWeights(some(familiar).map(({ loss }) => loss));
  const fused = ({ windows, classes }: Side) => fusedLogits(some(windows.views), some(familiar), weights, classes);
  const known = knownRows(choice.windows);
  const labels = known.map((row) => choice.windows.truth[row]!);
  const own = cautiousTemperature(rowsOf(fused(choice), choice.classes, known), labels, choice.classes);
  const scores = ({ means, classes }: Side, { views }: Seen) =>
    familiarity(some(views), some(familiar.map((one, m) => ({ ...one, means: means[m]! }))), classes);
  return {
    ...{ name, choice: { windows: scores(choice, choice.windows), recordings: scores(choice, choice.recordings) } },
    ...{ windows: scores(final, final.windows), recordings: scores(final, final.recordings) },
    right: [...decisions(fused(final), final.classes)].map((place, row) => place === final.windows.truth[row]),
    temperature: mix.length === 1 ? familiar[mix[0]!]!.temperature : own,
  };
}

/** Figures of one score of one mix, by metric. */
function figuresOf({ choice, windows, recordings, right }: Mix, score: ScoreName, chosenBy: Side, final: Side) {
  const { known, unknown } = parted(windows[score]!, final.windows);
  const threshold = thresholdKeeping(parted(choice.windows[score]!, chosenBy.windows).known, keep);
  const passed = knownRows(final.windows).filter((row) => windows[score]![row]! >= threshold);
  return {
    areas: {
      auroc: areaOf(recordings[score]!, final.recordings),
      'window auroc': areaOf(windows[score]!, final.windows),
    },
    atThreshold: { threshold, kept: shareKept(known, threshold), caught: 1 - shareKept(unknown, threshold) },
    more: {
      'fpr@95': shareKept(unknown, thresholdKeeping(known, 0.95)),
      accuracy: passed.filter((row) => right[row]).length / passed.length,
    },
  };
}

/** Thresholds on them are settings of the gateway's, or could be. */
const probabilities: readonly ScoreName[] = ['highest probability', 'product', 'softmax'];

/** The one threshold that lets 95 % of the known windows pass with any mix, and what the gateway's does. */
function gatewayFigures(mixes: readonly Mix[], chosenBy: Side, final: Side): UnknownFigure[] {
  const score = 'highest probability';
  const thresholds = mixes.map((mix) => figuresOf(mix, score, chosenBy, final).atThreshold.threshold);
  return [
    { name: 'any mix', metric: 'threshold', value: Math.min(...thresholds) },
    ...mixes.flatMap((mix) => {
      const { known, unknown } = parted(mix.windows[score]!, final.windows);
      const name = `${mix.name} gateway`;
      return [
        { name, metric: 'kept', value: shareKept(known, usualUnknownBelow) },
        { name, metric: 'caught', value: 1 - shareKept(unknown, usualUnknownBelow) },
      ];
    }),
  ];
}

/** One tower cannot agree with itself: only what every mix has can be picked. */
const candidates = (mixes: readonly Mix[]) =>
  scoreNames.filter((score) => mixes.every(({ choice }) => choice.windows[score]));

/**
 * The score of the largest area, mean over the mixes, on whole recordings, which unlike windows do not resemble one another; but
 * `softmax`, the plainest, unless it falls short of that by more than its standard error (Breiman et al., 1984, 'Classification and
 * regression trees', 3.4.3).
 */
function pick(mixes: readonly Mix[], seen: Seen): ScoreName {
  const areas = (score: ScoreName) => mixes.map(({ choice }) => areaOf(choice.recordings[score]!, seen));
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const known = knownRows(seen).length;
  const plain = areas('softmax');
  const error = mean(plain.map((area) => standardErrorOfArea(area, known, seen.truth.length - known)));
  const best = candidates(mixes).toSorted((one, other) => mean(areas(other)) - mean(areas(one)))[0]!;
  return mean(areas(best)) > mean(plain) + error ? best : 'softmax';
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

  const picked = pick(mixes, choice.recordings);
  const named = (name: string, figures: Readonly<Record<string, number>>) =>
    Object.entries(figures).map(([metric, value]) => ({ name, metric, value }));
  const ofPicked = (mix: Mix) => {
    const { areas, atThreshold, more } = figuresOf(mix, picked, choice, final);
    return named(mix.name, { ...areas, ...atThreshold, ...more });
  };
  const ofScore = (mix: Mix, score: ScoreName) => {
    const { areas, atThreshold } = figuresOf(mix, score, choice, final);
    return named(`${mix.name} ${score}`, { ...areas, ...(probabilities.includes(score) && atThreshold) });
  };
  return [
    ...mixes.flatMap(ofPicked),
    ...mixes.flatMap((mix) =>
      scoreNames.filter((score) => mix.choice.windows[score]).flatMap((score) => ofScore(mix, score)),
    ),
    ...gatewayFigures(mixes, choice, final),
    ...mixes.map(({ name, temperature: value }) => ({ name, metric: 'temperature', value })),
    ...candidates(mixes).map((score) => ({ name: score, metric: 'picked', value: score === picked ? 1 : 0 })),
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
