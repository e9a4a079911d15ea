/** Adds a class to a tower folder or to all towers of a trunk, from embeddings of a few windows. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { embed } from '../../learning/embed.js';
import { exportHead } from '../../learning/heads/head.js';
import { extendedHead, fewShotHead, linearHeadOf, somethingElse } from '../../learning/teach.js';
import type { Example, NamedHead } from '../../learning/teach.js';
import { alignedTower, spaceOf } from '../../models/aligned-tower.js';
import type { SharedHead } from '../../models/aligned-tower.js';
import { loadTower, saveTower } from '../../models/store.js';
import type { Tower } from '../../models/store.js';
import { packageVersion } from '../package-root.js';
import { loadExamples, saveExamples } from './examples.js';
import type { ExampleFile } from './examples.js';
import { loadTrunkFolder, saveTrunkFolder } from './trunk-folder.js';
import type { TrunkFolder } from './trunk-folder.js';

export interface TrainedHead {
  /** ONNX. */
  readonly file: Uint8Array;
  readonly classes: readonly string[];
  readonly temperature: number;
}

/** What is taught: a tower, or a trunk with all of its. */
export interface Teachable {
  readonly kind: 'tower' | 'trunk';
  readonly width: number;
  readonly space: string;
  /** What gives embeddings, by the name of its windows' sensor. */
  readonly encoders: ReadonlyMap<string, Tower>;
  /** The trained head, before anything was taught; undefined where there is none. */
  readonly base: TrainedHead | undefined;
  readonly before: ExampleFile | undefined;
  /** Brings an encoder's output into the space. */
  embed(name: string, output: Float32Array): Promise<Float32Array>;
  save(output: string, taught: NamedHead, examples: ExampleFile): Promise<void>;
}

const taughtText = (text: string, examples: ExampleFile): string => {
  const own = new Set(
    examples.examples.flatMap(({ label }) => (label === null || examples.trained.includes(label) ? [] : [label])),
  );
  return `${text.replace(/ Taught by its user: .*$/s, '')} Taught by its user: ${[...own].join(', ')}.`.slice(0, 9_999);
};

/**
 * @param name of the tower that is saved; default: its own
 * @throws ModelError if the folder is neither, or damaged
 */
export async function openTeachable(directory: string, name?: string): Promise<Teachable> {
  if (existsSync(join(directory, 'trunk.json'))) return teachableTrunk(directory, await loadTrunkFolder(directory));
  const tower = await loadTower(directory);
  const { manifest } = tower;
  const { width, space } = manifest.embedding;
  const before = await loadExamples(directory);
  return {
    ...{ kind: 'tower', width, space, before },
    encoders: new Map([[manifest.modality, tower]]),
    base: { file: tower.head, classes: manifest.classes, temperature: manifest.temperature },
    embed: (_name, output) => Promise.resolve(output),
    async save(output, taught, examples) {
      const { classes, head } = taught;
      const trainedOn = { ...manifest.trainedOn, text: taughtText(manifest.trainedOn.text, examples) };
      // What was measured was measured of another head. The loss stays: it tells towers apart, and one class more changes that little.
      const learned = { classes: [...classes], temperature: head.temperature, trainedOn, figures: {} };
      const about = { ...manifest, ...learned, name: name ?? manifest.name };
      await saveTower(output, { ...tower, manifest: about, head: exportHead(head) });
      await saveExamples(output, examples);
    },
  };
}

/** Of temperatures: the geometric mean. */
const middle = (values: readonly number[]): number =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);

async function teachableTrunk(directory: string, folder: TrunkFolder): Promise<Teachable> {
  const { trunk, encoders } = folder;
  const space = spaceOf(trunk);
  const found = await loadExamples(directory);
  // Examples of a trunk before a growth lie in another space.
  const before = found?.space === space ? found : undefined;
  const { head: known } = folder;
  return {
    ...{ kind: 'trunk', width: trunk.width, space, encoders, before },
    base: known && { file: known.file, classes: known.classes, temperature: middle([...known.temperatures.values()]) },
    embed: (name, output) => embed(trunk, name, output, { threads: 1 }),
    async save(output, { classes, head: taught }, examples) {
      const temperatures =
        known?.temperatures ?? new Map([...encoders.keys()].map((name) => [name, taught.temperature]));
      const head: SharedHead = { file: exportHead(taught), classes, temperatures };
      const towers = new Map(
        [...encoders].map(([name, encoder]): [string, Tower] => {
          const { text, datasets } = folder.towers.get(name)?.manifest.trainedOn ?? encoder.manifest.trainedOn;
          const trainedOn = { text: taughtText(text, examples), datasets };
          const { seed } = folder.about;
          return [
            name,
            alignedTower(encoder, trunk, {
              ...{ name, head, trainedOn, seed, figures: {}, gatewayVersion: packageVersion() },
            }),
          ];
        }),
      );
      await saveTrunkFolder(output, { ...folder, head, towers });
      await saveExamples(output, examples);
    },
  };
}

/** What the gateway says where no tower's class is meant. */
const meant: readonly string[] = ['still', 'unknown', somethingElse];

export interface Lesson {
  readonly classes: readonly string[];
  readonly method: string;
  /** Examples of each label that was taught by now. */
  readonly examples: Readonly<Record<string, number>>;
}

/**
 * @param examples of the label, and (`null`) of what is something else
 * @throws Error with one line if there is too little to tell the class by; ModelError if the head is not linear
 */
export async function teachClass(
  teachable: Teachable,
  label: string,
  examples: readonly Example[],
  output: string,
): Promise<Lesson> {
  const { width, space, before, base } = teachable;
  // A head that was taught before is made anew of its trained columns and all examples.
  const trained = before?.trained ?? base?.classes ?? [];
  if (trained.includes(label))
    throw new Error(`'${label}' is a class that the tower was trained on: give what you teach another name`);
  if (meant.includes(label))
    throw new Error(`'${label}' means something to the gateway already: give what you teach another name`);
  const all = [...(before?.examples ?? []), ...examples];
  let head: NamedHead & { method: string };
  if (base && trained.length > 0) {
    const { classes } = base;
    const linear = await linearHeadOf(base.file, width, classes.length);
    const weights = new Float32Array(width * trained.length);
    for (let k = 0; k < width; k++)
      for (let j = 0; j < trained.length; j++)
        weights[k * trained.length + j] = linear.weights[k * classes.length + j]!;
    const bias = linear.bias.slice(0, trained.length);
    head = extendedHead({ width, classes: trained.length, weights, bias }, trained, all, base.temperature);
  } else head = fewShotHead(all, width);
  await teachable.save(output, head, { width, space, trained, examples: all });
  const counts: Record<string, number> = {};
  for (const { label: one } of all) if (one !== null && !trained.includes(one)) counts[one] = (counts[one] ?? 0) + 1;
  return { classes: head.classes, method: head.method, examples: counts };
}
