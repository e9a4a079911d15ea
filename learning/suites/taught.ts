/**
 * `teach` as a user does it: one recording of a person is a new class, others of the same person are something else.
 *
 * Towers of 22 of UTD-MHAD's actions, trained on other people (those of the suite `unknown`), are taught the five left-out ones, one at a time,
 * each by the first recording of a test person, beside that person's first recordings of ten actions that the towers know and the few windows of
 * the training people that are kept with every tower. Tested is
 *
 *    new             the other recordings of the new action by the same person that are called by its name
 *    new, others     the same action by the other test people
 *    known           the other recordings of the known actions by that person with the right label, after teaching
 *    known before    the same before it
 *    called new      share of them that are called by the new name
 *
 * Decided as in the gateway, by the fused probabilities of each window; a recording by their sum.
 */
import { fused } from '../../models/fusion.js';
import type { Tower } from '../../models/store.js';
import { openTower, softmax } from '../../models/tower-session.js';
import { utdMhadActions } from '../datasets/utd-mhad.js';
import { loadUtdMhadPaired, windowsOf } from '../datasets/utd-mhad-windows.js';
import type { PairedRecording } from '../datasets/utd-mhad-windows.js';
import { classScores } from '../few-shot.js';
import type { LinearClassifier } from '../few-shot.js';
import { subsets } from '../heads/any-subset.js';
import type { PairedModality } from '../pretrain-paired.js';
import { examplesOf } from '../train-tower.js';
import { createRandom, mixSeeds } from '../random.js';
import { extendedHead, linearHeadOf } from '../teach.js';
import type { Example } from '../teach.js';
import { lineOf } from './suite.js';
import type { SuiteLine, SuiteRequest } from './suite.js';
import { splitActions, towerAmong } from './unknown-towers.js';
import { loadSubjects, utdMhadProtocol } from './utd-mhad-embeddings.js';

const modalities = ['imu', 'skeleton'] as const;
/** Recordings of something else. */
const others = 10;

/** A tower's head, and what its encoder makes of each window of each recording. */
interface View {
  readonly modality: PairedModality;
  readonly head: LinearClassifier;
  readonly classes: readonly string[];
  readonly temperature: number;
  readonly loss: number | undefined;
  /** Kept with the tower. */
  readonly kept: readonly Example[];
  /** [recordings][windows], each [width] */
  readonly embeddings: readonly (readonly Float32Array[])[];
}

async function viewOf(
  modality: PairedModality,
  tower: Tower,
  learned: readonly PairedRecording[],
  recordings: readonly PairedRecording[],
  { seed, threads }: { readonly seed: number; readonly threads: number },
): Promise<View> {
  const { embedding, classes, temperature, loss, window } = tower.manifest;
  const cut = (recording: PairedRecording) => {
    const { id, label } = recording;
    return { id, label, windows: windowsOf(recording, modality, window).map((data) => ({ data })) };
  };
  const kept = await examplesOf(tower, learned, cut, seed);
  const session = await openTower(tower, 'cpu', threads);
  const embeddings: Float32Array[][] = [];
  for (const recording of recordings) {
    const own: Float32Array[] = [];
    for (const one of windowsOf(recording, modality, window)) own.push((await session.run(one, 1)).embedding);
    embeddings.push(own);
  }
  await session.release();
  const head = await linearHeadOf(tower.head, embedding.width, classes.length);
  return { modality, head, classes, temperature, loss, kept, embeddings };
}

/** The view with one class more, by the windows of these recordings. */
function taught(view: View, label: string, shots: readonly number[], rest: readonly number[]): View {
  const examples = (of: readonly number[], name: string | null): Example[] =>
    of.flatMap((i) => view.embeddings[i]!.map((embedding) => ({ label: name, embedding })));
  const all = [...view.kept, ...examples(shots, label), ...examples(rest, null)];
  const { classes, head } = extendedHead(view.head, view.classes, all, view.temperature);
  const [weights, bias] = [head.weights.get('out.weight')!, head.weights.get('out.bias')!];
  return { ...view, classes, head: { width: view.head.width, classes: classes.length, weights, bias } };
}

/** The label of a recording. */
function decided(mix: readonly View[], recording: number): string {
  const opinions = mix.map(({ head, classes, temperature, loss, embeddings }) =>
    embeddings[recording]!.map((embedding) => ({
      ...{ labels: classes, loss },
      probabilities: softmax(classScores(head, embedding), classes.length, temperature),
    })),
  );
  const sums = new Map<string, number>();
  const windows = Math.min(...opinions.map(({ length }) => length));
  for (let window = 0; window < windows; window++)
    for (const [label, p] of fused(opinions.map((own) => own[window]!))) sums.set(label, (sums.get(label) ?? 0) + p);
  return [...sums].reduce((best, one) => (one[1] > best[1] ? one : best))[0];
}

export interface TaughtSides {
  /** People that the towers were trained on, and with which actions. */
  readonly train: readonly number[];
  readonly known: readonly number[];
  /** People who teach, and what. */
  readonly test: readonly number[];
  readonly unknown: readonly number[];
}

/** Shares of one seed, by case. */
export async function taughtCases(
  { train, test, known, unknown }: TaughtSides,
  seed: number,
  request: SuiteRequest,
): Promise<Map<string, number>> {
  const labelOf = (action: number) => utdMhadActions[action - 1]!;
  const knownLabels = new Set<string>(known.map(labelOf));
  const recordings = await loadSubjects(request, test, ['skeleton']);
  // The training people's recordings of the new actions are not even opened.
  const of = { subjects: train, actions: known, kinds: ['skeleton'] as const };
  const learned = (await loadUtdMhadPaired(request.data, of)).recordings;
  const views: View[] = [];
  for (const modality of modalities)
    views.push(
      await viewOf(modality, await towerAmong(modality, train, known, seed, request), learned, recordings, {
        ...{ seed, threads: request.threads },
      }),
    );
  const firsts = (person: number, wanted: (label: string) => boolean) =>
    recordings.flatMap(({ subject, label }, i) => (first[i] && subject === person && wanted(label) ? [i] : []));
  // Of each action of each person; they are in the order of the trials.
  const first = recordings.map(
    ({ subject, label }, i) => i === recordings.findIndex((one) => one.subject === subject && one.label === label),
  );
  const shares = new Map<string, { right: number; all: number }>();
  const count = (name: string, right: boolean) => {
    const { right: before, all } = shares.get(name) ?? { right: 0, all: 0 };
    shares.set(name, { right: before + (right ? 1 : 0), all: all + 1 });
  };
  for (const person of test)
    for (const label of unknown.map(labelOf)) {
      const shots = firsts(person, (one) => one === label);
      const may = firsts(person, (one) => knownLabels.has(one));
      if (shots.length === 0 || may.length === 0) continue;
      const order = createRandom(mixSeeds(seed, 90, person)).permutation(may.length);
      const rest = [...order].slice(0, others).map((i) => may[i]!);
      const after = views.map((view) => taught(view, label, shots, rest));
      for (const mix of subsets([...views.keys()])) {
        const name = mix.map((m) => views[m]!.modality).join('+');
        const [now, earlier] = [mix.map((m) => after[m]!), mix.map((m) => views[m]!)];
        for (const [i, one] of recordings.entries()) {
          const own = one.subject === person;
          if (one.label === label && !own) count(`${name} new, others`, decided(now, i) === label);
          if (!own || first[i]) continue;
          if (one.label === label) count(`${name} new`, decided(now, i) === label);
          if (!knownLabels.has(one.label)) continue;
          const found = decided(now, i);
          count(`${name} known`, found === one.label);
          count(`${name} known before`, decided(earlier, i) === one.label);
          count(`${name} called new`, found === label);
        }
      }
    }
  return new Map([...shares].map(([name, { right, all }]) => [name, right / all]));
}

/** @throws DatasetError if no recording is there; Error if it was interrupted */
export async function run(request: SuiteRequest): Promise<SuiteLine[]> {
  const { seeds, train = utdMhadProtocol.train, test = utdMhadProtocol.test } = request;
  const found: Map<string, number>[] = [];
  for (const seed of seeds) found.push(await taughtCases({ train, test, ...splitActions(seed) }, seed, request));
  return [...found[0]!.keys()].toSorted().map((name) =>
    lineOf(
      'teach',
      name,
      name.endsWith('called new') ? 'share' : 'accuracy',
      found.map((each) => each.get(name) ?? NaN),
    ),
  );
}
