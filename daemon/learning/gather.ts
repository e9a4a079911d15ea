/** What an alignment or a growth learns from, out of data sets or recordings: sets of encoder outputs, and what is to be said of them. */
import type { AlignmentSet } from '../../learning/align-data.js';
import { commonLabel } from '../../learning/common-labels.js';
import { pairByLabel } from '../../learning/label-pairs.js';
import type { LabelledOutputs } from '../../learning/label-pairs.js';
import type { Manifest } from '../../models/manifest.js';
import { encodeSource } from './encode.js';
import { differingLengths } from './encoders.js';
import type { Encoders, PairNames } from './encoders.js';
import { recordedPairs } from './recorded-pairs.js';
import type { LearningSession } from './session.js';
import { connected, labelledSource, pairedSource, protocolOf } from './sources/find.js';
import type { SourceRequest, WindowSource } from './sources/source.js';
import type { PairsAbout } from './trunk-folder.js';

export interface GatherOptions {
  readonly data?: string | undefined;
  readonly recordings?: readonly string[] | undefined;
  readonly byLabel: boolean;
  /** Absent: the data set's usual ones. */
  readonly train?: readonly number[] | undefined;
  readonly test?: readonly number[] | undefined;
  readonly versions: number;
  readonly seed: number;
  readonly threads: number;
  readonly cache: string;
  /** What the trunk that grows was made of. */
  readonly earlier?: readonly Pick<PairsAbout, 'datasets'>[] | undefined;
}

/** Windows seen by several encoders, version 0, with their labels. */
export interface LabelledRows {
  readonly names: readonly string[];
  /** [rows, width] by name. */
  readonly outputs: Readonly<Record<string, Float32Array>>;
  readonly labels: readonly string[];
  /** [rows] windows of the same recording. */
  readonly groups: readonly number[];
  readonly subjects: readonly number[];
}

export interface Gathered {
  readonly sets: readonly AlignmentSet[];
  readonly about: readonly Omit<PairsAbout, 'kind'>[];
  readonly labelled: readonly LabelledRows[];
  readonly tested: readonly LabelledRows[];
}

const subset = (outputs: Readonly<Record<string, Float32Array>>, names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, outputs[name]!]));

const peopleOf = ({ rows }: WindowSource) =>
  [...new Set(rows.flatMap(({ subject }) => (subject === undefined ? [] : [subject])))].sort((a, b) => a - b);

function only(encoders: Encoders, names: readonly string[]): Encoders {
  return new Map(names.map((name) => [name, encoders.get(name)!]));
}

type DatasetAbout = NonNullable<PairsAbout['datasets']>[number];

const saidOf = (source: WindowSource): DatasetAbout => ({
  ...{ dataset: source.dataset, subjects: peopleOf(source), terms: source.terms },
});

/** People of a data set that encoders, or pairs of a trunk, have been trained on. */
export function seenPeople(
  encoders: Encoders,
  pairs: readonly Pick<PairsAbout, 'datasets'>[],
  dataset: string,
): ReadonlySet<number> {
  const of = (all: Manifest['trainedOn']['datasets']) =>
    all.filter((one) => one.dataset === dataset).flatMap(({ subjects }) => subjects.map(Number));
  return new Set([
    ...[...encoders.values()].flatMap(({ manifest }) => of(manifest.trainedOn.datasets)),
    ...pairs.flatMap(({ datasets }) => of([...(datasets ?? [])])),
  ]);
}

/** No figure may come from people that anything was trained on. */
function checkUnseen(
  encoders: Encoders,
  { earlier = [] }: GatherOptions,
  dataset: string,
  test: readonly number[],
): void {
  for (const [name, encoder] of encoders) {
    const seen = seenPeople(new Map([[name, encoder]]), [], dataset);
    tell(
      `the encoder of ${name}`,
      test.filter((subject) => seen.has(subject)),
      dataset,
    );
  }
  const seen = seenPeople(new Map(), earlier, dataset);
  tell(
    'the trunk',
    test.filter((subject) => seen.has(subject)),
    dataset,
  );
}

function tell(what: string, seen: readonly number[], dataset: string): void {
  if (seen.length > 0)
    throw new Error(`${what} was trained on subject ${seen.join(', ')} of ${dataset}: test on others (--test)`);
}

function reporting(source: WindowSource, { onWarning }: LearningSession): WindowSource {
  for (const { file, reason } of source.unreadable) onWarning(`${file} is left out: ${reason}`);
  return source;
}

function requestOf(names: readonly string[], options: GatherOptions, session: LearningSession): SourceRequest {
  return {
    ...{ names, data: options.data!, seed: options.seed, cache: options.cache },
    onProgress: (stage, step, steps) => session.onProgress(stage, { step, steps, loss: NaN }),
  };
}

function rowsOf(
  source: WindowSource,
  outputs: Readonly<Record<string, Float32Array>>,
  encoders: Encoders,
): LabelledRows {
  const count = source.rows.length;
  const first = (name: string) => outputs[name]!.subarray(0, count * encoders.get(name)!.manifest.embedding.width);
  return {
    names: source.names,
    outputs: Object.fromEntries(source.names.map((name) => [name, first(name)])),
    labels: source.rows.map(({ label }) => label),
    groups: source.rows.map(({ group }) => group),
    subjects: source.rows.map(({ subject, group }) => subject ?? group),
  };
}

async function ofTime(
  pairs: readonly PairNames[],
  encoders: Encoders,
  options: GatherOptions,
  session: LearningSession,
): Promise<Gathered> {
  const [sets, about, labelled, tested]: [AlignmentSet[], Omit<PairsAbout, 'kind'>[], LabelledRows[], LabelledRows[]] =
    [[], [], [], []];
  for (const names of connected(pairs)) {
    const own = only(encoders, names);
    const request = requestOf(names, options, session);
    const usual = protocolOf(names);
    const train = options.train ?? usual?.train;
    const test = options.test ?? (options.train ? [] : (usual?.test ?? []));
    const both = train?.filter((subject) => test.includes(subject)) ?? [];
    if (both.length > 0) throw new Error(`subject ${both.join(', ')} is on both sides: test on others (--test)`);
    const source = reporting(await pairedSource(own, { ...request, subjects: train }), session);
    checkUnseen(own, options, source.dataset, test);
    const outputs = await encodeSource(source, own, options.versions, { ...options, ...session });
    const groups = source.rows.map(({ group }) => group);
    for (const modalities of pairs.filter(([a]) => names.includes(a))) {
      sets.push({ count: groups.length, versions: options.versions, groups, outputs: subset(outputs, modalities) });
      about.push({
        modalities: [...modalities],
        pairing: 'time',
        source: source.title,
        datasets: [saidOf(source)],
        windows: groups.length,
        versions: options.versions,
      });
    }
    labelled.push(rowsOf(source, outputs, own));
    if (test.length === 0) continue;
    const others = await pairedSource(own, { ...request, subjects: test }).catch((error: unknown) => {
      if ((error as Error).name !== 'DatasetError') throw error;
      session.onWarning(`nothing is tested: no recording of subject ${test.join(', ')} is there`);
      return undefined;
    });
    if (others) tested.push(rowsOf(others, await encodeSource(others, own, 1, { ...options, ...session }), own));
  }
  return { sets, about, labelled, tested };
}

async function ofLabels(
  pairs: readonly PairNames[],
  encoders: Encoders,
  options: GatherOptions,
  session: LearningSession,
): Promise<Gathered> {
  const sources = new Map<string, { source: WindowSource; outputs: Float32Array; width: number }>();
  for (const name of new Set(pairs.flat())) {
    const own = only(encoders, [name]);
    const subjects = options.train ?? protocolOf([name])?.train;
    const request = { ...requestOf([name], options, session), subjects };
    const source = reporting(await labelledSource(own, request), session);
    const outputs = (await encodeSource(source, own, 1, { ...options, ...session }))[name]!;
    sources.set(name, { source, outputs, width: encoders.get(name)!.manifest.embedding.width });
  }
  const about: Omit<PairsAbout, 'kind'>[] = [];
  const sets = pairs.map((modalities) => {
    const of = (modality: string): LabelledOutputs => {
      const { source, outputs, width } = sources.get(modality)!;
      return { modality, width, outputs, labels: source.rows.map(({ label }) => commonLabel(label)) };
    };
    const set = pairByLabel(of(modalities[0]), of(modalities[1]), { versions: options.versions, seed: options.seed });
    about.push({
      modalities: [...modalities],
      pairing: 'label',
      source: `${modalities.map((name) => sources.get(name)!.source.title).join(' with ')}; ${[...new Set(set.labels)].join(', ')}`,
      datasets: modalities.map((name) => saidOf(sources.get(name)!.source)),
      windows: set.count,
      versions: options.versions,
    });
    return set;
  });
  return { sets, about, labelled: [], tested: [] };
}

async function ofRecordings(
  pairs: readonly PairNames[],
  encoders: Encoders,
  { recordings, threads }: GatherOptions,
  session: LearningSession,
): Promise<Gathered> {
  const [sets, about]: [AlignmentSet[], Omit<PairsAbout, 'kind'>[]] = [[], []];
  for (const modalities of pairs) {
    const { onWarning: onProblem, onProgress, signal } = session;
    const found = await recordedPairs(recordings!, modalities, encoders, { threads, onProblem, onProgress, signal });
    const { count, outputs, groups, leftOut, lags } = found;
    const why = Object.entries(leftOut)
      .map(([reason, times]) => `${times} × ${reason}`)
      .join(', ');
    if (count < 2)
      throw new Error(
        `${recordings!.join(', ')}: ${count} windows show ${modalities.join(' and ')} of somebody who moves${why ? ` (left out: ${why})` : ''}: ` +
          'record both sensors while somebody moves before them, for some minutes',
      );
    for (const [where, lag] of Object.entries(lags))
      if (lag)
        onProblem(
          `${where}: ${modalities[1]} lags ${(1000 * lag.lag).toFixed(0)} ms behind ${modalities[0]} (correlation of their motion ${lag.correlation.toFixed(2)})`,
        );
    sets.push({ count, outputs, groups });
    about.push({
      modalities: [...modalities],
      pairing: 'time',
      source: recordings!.join(', '),
      windows: count,
      versions: 1,
      leftOut: { ...leftOut },
    });
  }
  return { sets, about, labelled: [], tested: [] };
}

/**
 * @throws Error with one line: nothing to learn from, a file or folder that cannot be read, encoders that do not fit the windows
 */
export async function gather(
  pairs: readonly PairNames[],
  encoders: Encoders,
  options: GatherOptions,
  session: LearningSession,
): Promise<Gathered> {
  const recorded = options.recordings !== undefined && options.recordings.length > 0;
  if (recorded === (options.data !== undefined))
    throw new Error(
      'name either a folder of data sets (--data) or recordings of your own (--recordings), one of the two',
    );
  if (recorded && options.byLabel)
    throw new Error('recordings have no labels: leave --by-label out, their pairs are found by time');
  const differing = differingLengths(encoders);
  if (differing !== undefined) {
    if (recorded)
      throw new Error(`${differing}: on recordings both must cover the same times; take encoders of the same window`);
    session.onWarning(
      `${differing}: they can be aligned, but the gateway fuses only towers of the same window in one place`,
    );
  }
  if (recorded) return ofRecordings(pairs, encoders, options, session);
  return options.byLabel ? ofLabels(pairs, encoders, options, session) : ofTime(pairs, encoders, options, session);
}
