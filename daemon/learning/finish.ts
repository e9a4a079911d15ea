/** After an alignment or a growth: the shared head, the aligned towers, the figures, and the folder with all of it. */
import type { Aligned } from '../../learning/align.js';
import { trainAnySubsetHead } from '../../learning/heads/any-subset.js';
import type { AnySubsetHead } from '../../learning/heads/any-subset.js';
import { exportHead } from '../../learning/heads/head.js';
import { rememberSets } from '../../learning/memory.js';
import type { Memory } from '../../learning/memory.js';
import { createRandom, mixSeeds } from '../../learning/random.js';
import { examplesPerClass } from '../../learning/teach.js';
import type { Example } from '../../learning/teach.js';
import { alignedTower, spaceOf } from '../../models/aligned-tower.js';
import type { SharedHead } from '../../models/aligned-tower.js';
import type { Manifest } from '../../models/manifest.js';
import type { Tower } from '../../models/store.js';
import type { Trunk } from '../../models/trunk.js';
import { packageVersion } from '../package-root.js';
import type { Encoders } from './encoders.js';
import { saveExamples } from './examples.js';
import { accuracyFigures, embeddingsOf, retrievalFigures } from './figures.js';
import type { Figure } from './figures.js';
import type { Gathered, LabelledRows } from './gather.js';
import type { LearningSession } from './session.js';
import { rounded } from './session.js';
import { saveTrunkFolder } from './trunk-folder.js';
import type { PairsAbout } from './trunk-folder.js';

export interface FinishOptions {
  readonly output: string;
  readonly encoders: Encoders;
  readonly pairs: readonly PairsAbout[];
  readonly gathered: Gathered;
  /** What the trunk remembered before. */
  readonly memory?: Memory | undefined;
  /** A head that the trunk had before; it is kept. */
  readonly head?: SharedHead | undefined;
  /** Whether labels are looked at. */
  readonly labels: boolean;
  /** By name, instead of those found on a part of the training people. */
  readonly temperatures?: ReadonlyMap<string, number> | undefined;
  /** Rows of each modality in the memory. */
  readonly remember: number;
  readonly seed: number;
  readonly threads: number;
}

export interface Finished {
  readonly figures: readonly Figure[];
  readonly classes: readonly string[];
}

async function trainedHead(
  trunk: Trunk,
  rows: LabelledRows,
  { seed, threads }: FinishOptions,
  { onProgress, signal }: LearningSession,
) {
  const classes = [...new Set(rows.labels)];
  const embeddings = await embeddingsOf(trunk, rows, threads);
  const labels = rows.labels.map((label) => classes.indexOf(label));
  onProgress('head over the aligned embeddings', { step: 0, steps: 1, loss: NaN });
  const head = await trainAnySubsetHead(
    { width: trunk.width, classes: classes.length, labels, embeddings, groups: rows.subjects },
    { seed, threads, signal },
  );
  onProgress('head over the aligned embeddings', { step: 1, steps: 1, loss: NaN });
  return { classes, head, embeddings };
}

/** A few of each class and sensor, by chance. */
function exampleRows(
  embeddings: Readonly<Record<string, Float32Array>>,
  { names, labels }: LabelledRows,
  width: number,
  seed: number,
): Example[] {
  const order = createRandom(mixSeeds(seed, 32)).permutation(labels.length);
  const taken = new Map<string, number>();
  const examples: Example[] = [];
  for (const i of order) {
    const label = labels[i]!;
    const count = taken.get(label) ?? 0;
    if (count >= examplesPerClass) continue;
    taken.set(label, count + 1);
    for (const name of names) examples.push({ label, embedding: embeddings[name]!.slice(i * width, (i + 1) * width) });
  }
  return examples;
}

/** Whose data the tower has seen: its encoder's, and that of the pairs. */
function trainedOn(encoder: Tower, pairs: readonly PairsAbout[]): Manifest['trainedOn'] {
  const how = pairs.map(
    ({ kind, modalities, pairing, source, windows }) =>
      `${kind === 'grow' ? 'grown' : 'aligned'} ${modalities.join(' and ')} on ${windows} ${pairing} pairs of ${source}`,
  );
  const sets = pairs.flatMap(({ datasets }) => datasets ?? []);
  const before = encoder.manifest.trainedOn;
  return {
    text: `${before.text} Then ${how.join('; ')}.`.slice(0, 9_999),
    datasets: [...before.datasets, ...sets],
  };
}

/** @throws the file system's errors; ModelError if an encoder is no ONNX file that a tail can be put behind */
export async function finish(
  { trunk, curves }: Aligned,
  options: FinishOptions,
  session: LearningSession,
): Promise<Finished> {
  const { output, encoders, pairs, gathered, labels, seed, threads } = options;
  const gatewayVersion = packageVersion();
  const [rows] = gathered.labelled;
  const learned = labels && rows && !options.head ? await trainedHead(trunk, rows, options, session) : undefined;
  const head: SharedHead | undefined =
    options.head ??
    (learned && {
      file: exportHead(learned.head.shared),
      classes: learned.classes,
      temperatures: new Map([...learned.head.temperatures, ...(options.temperatures ?? [])]),
    });

  const figures: Figure[] = [];
  for (const tested of gathered.tested) {
    const embeddings = await embeddingsOf(trunk, tested, threads);
    figures.push(...retrievalFigures(embeddings, tested, trunk.width));
    if (learned && covers(learned.head, tested))
      figures.push(...accuracyFigures(learned.head, learned.classes, embeddings, tested));
  }
  const towers = new Map<string, Tower>();
  if (head)
    for (const [name, encoder] of encoders)
      towers.set(
        name,
        alignedTower(encoder, trunk, {
          ...{ name, head, seed, gatewayVersion },
          trainedOn: trainedOn(encoder, pairs),
          figures: Object.fromEntries(figures.map((one) => [`${one.case} ${one.metric}`, rounded(one.value)])),
        }),
      );
  await saveTrunkFolder(output, {
    trunk,
    encoders,
    head,
    towers,
    curves,
    memory: rememberSets(options.memory ?? new Map(), gathered.sets, { seed, rows: options.remember }),
    about: { pairs: [...pairs], seed, gatewayVersion },
  });
  if (learned) {
    const examples = exampleRows(learned.embeddings, rows!, trunk.width, seed);
    await saveExamples(output, { width: trunk.width, space: spaceOf(trunk), trained: learned.classes, examples });
  }
  return { figures, classes: head?.classes ?? [] };
}

const covers = ({ temperatures }: AnySubsetHead, { names }: LabelledRows): boolean =>
  names.every((name) => temperatures.has(name));
