/** From labelled recordings to a tower of several encoders side by side, and what it is worth on other subjects. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Tower } from '../models/store.js';
import { openTower } from '../models/tower-session.js';
import type { Encoder } from '../models/towers/encoder.js';
import type { Weights } from '../models/weights.js';
import type { TrainingOptions } from './classifier.js';
import { utdMhadActions } from './datasets/utd-mhad.js';
import { evaluateWindows } from './evaluate.js';
import type { Evaluation, LabelledWindows } from './evaluate.js';
import { createRandom, mixSeeds } from './random.js';
import { examplesPerClass } from './teach.js';
import type { Example } from './teach.js';
import { removeCheckpoint } from './train.js';
import type { Progress } from './train.js';
import { exportTower } from './tower-export.js';
import type { TowerDescription } from './tower-export.js';

export interface TowerTrainingRequest {
  /** Folder of the data set. */
  readonly data: string;
  readonly train: readonly number[];
  readonly test: readonly number[];
  /** Numbers of the file names, from 1: no recording of another is opened, and the tower has no other label. Absent: all. */
  readonly actions?: readonly number[] | undefined;
  readonly seed: number;
  readonly threads: number;
  readonly epochs?: number | undefined;
  /** Encoders side by side. */
  readonly members?: number | undefined;
  /** Folder for the state of an interrupted training. */
  readonly checkpoints?: string | undefined;
  /** Folder for features that take long to make. */
  readonly cache?: string | undefined;
  readonly gatewayVersion: string;
  readonly onProgress?: ((stage: string, progress: Progress) => void) | undefined;
  readonly onWarning?: ((text: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface TrainedTower {
  readonly tower: Tower;
  /** A few of each class, for classes that are taught later. */
  readonly examples: readonly Example[];
  /** Absent if no recording of a test subject was there. */
  readonly evaluation?: Evaluation;
  readonly trainRecordings: number;
  /** Those that pre-training saw, without their labels; 0 without pre-training. */
  readonly unlabelledRecordings: number;
  readonly seconds: number;
}

type StageRequest = Pick<TowerTrainingRequest, 'checkpoints' | 'seed' | 'threads' | 'signal' | 'onProgress'>;

/** The options of one stage of training one encoder; its checkpoint is forgotten by `finish`. */
export function createStages(kind: string, members: number, request: StageRequest) {
  const { checkpoints, seed, threads, signal, onProgress } = request;
  const files: string[] = [];
  if (checkpoints) mkdirSync(checkpoints, { recursive: true });
  return {
    stage: (name: string, member: number): Omit<TrainingOptions, 'epochs' | 'dataset'> => {
      const title = `${name}, encoder ${member + 1} of ${members}`;
      const checkpoint = checkpoints && join(checkpoints, `${kind}-${name}-seed-${seed}-encoder-${member}`);
      if (checkpoint) files.push(checkpoint);
      return {
        seed: mixSeeds(seed, member),
        threads,
        signal,
        checkpoint,
        onProgress: (progress) => onProgress?.(title, progress),
      };
    },
    finish: () => files.forEach(removeCheckpoint),
  };
}

/** Labels of some of UTD-MHAD's actions, or of all of them. */
export const labelsOf = (actions: readonly number[] | undefined): readonly string[] =>
  actions ? actions.map((action) => utdMhadActions[action - 1]!) : utdMhadActions;

/** Recordings of those labels alone, each with its label's place among them. */
export function among<Recording extends { readonly label: string; readonly classIndex: number }>(
  labels: readonly string[],
  recordings: readonly Recording[],
): Recording[] {
  return recordings
    .filter(({ label }) => labels.includes(label))
    .map((recording) => ({ ...recording, classIndex: labels.indexOf(recording.label) }));
}

/** What there is to know of UTD-MHAD where weights were trained on it. */
export const utdMhadTerms = (subjects: readonly number[]) => ({
  dataset: 'utd-mhad',
  subjects: [...subjects],
  terms: 'free for research use with citation (Chen, Jafari, Kehtarnavaz, ICIP 2015)',
});

/** Embeddings of a window of up to five recordings of each class, drawn at random. */
export async function examplesOf<Recording>(
  tower: Tower,
  learned: readonly Recording[],
  windowsOf: (recording: Recording) => LabelledWindows,
  seed: number,
): Promise<Example[]> {
  const random = createRandom(mixSeeds(seed, 33));
  const taken = new Map<string, number>();
  const examples: Example[] = [];
  const session = await openTower(tower, 'cpu', 1);
  for (const place of random.permutation(learned.length)) {
    const { label, windows } = windowsOf(learned[place]!);
    const moving = windows.filter(({ still }) => !still);
    const count = taken.get(label) ?? 0;
    if (count >= examplesPerClass || moving.length === 0) continue;
    const { data } = moving[Math.floor(random.uniform() * moving.length)]!;
    examples.push({ label, embedding: (await session.run(data, 1)).embedding });
    taken.set(label, count + 1);
  }
  await session.release();
  return examples;
}

/** Recordings of the two sides. */
export interface TowerSides<Recording> {
  readonly learned: readonly Recording[];
  /** Where there are none, no figure is given. */
  readonly tested: readonly Recording[];
  readonly windowsOf: (recording: Recording) => LabelledWindows;
}

/** Exports a tower, puts what it is worth into its manifest, and keeps a few examples. */
export async function finishedTower<Recording extends { readonly subject?: number }>(
  encoder: Encoder,
  members: readonly Weights[],
  classes: readonly string[],
  description: Omit<TowerDescription, 'figures'>,
  gatewayVersion: string,
  { learned, tested, windowsOf }: TowerSides<Recording>,
): Promise<Pick<TrainedTower, 'tower' | 'evaluation' | 'examples'>> {
  const tower = exportTower(encoder, members, classes, { ...description, figures: {} }, gatewayVersion);
  const examples = await examplesOf(tower, learned, windowsOf, description.seed);
  if (tested.length === 0) return { tower, examples };
  const evaluation = await evaluateWindows(tower, tested, windowsOf);
  const { accuracy, windowAccuracy } = evaluation;
  const subjects = [...new Set(tested.flatMap(({ subject }) => (subject === undefined ? [] : [subject])))];
  const figures = {
    ...{ accuracy, windowAccuracy, testRecordings: tested.length },
    ...(subjects.length > 0 && { testSubjects: subjects }),
  };
  return { tower: { ...tower, manifest: { ...tower.manifest, figures } }, evaluation, examples };
}
