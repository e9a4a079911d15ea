/**
 * The phone grown through the watch, on people never trained on and without a label: of each moment as one sensor felt it, whether the same
 * moment as the other felt it is among the five nearest (`instance@5`). What is searched is that moment and all windows of other executions.
 *
 *    watch->phone, phone->watch           the trunk is the watch, aligned as two encoders of one modality; the phone grows through it
 *    …, encoders                          the encoders before they were frozen, as pre-training without labels left them
 *    …, plain contrastive pair            two plain CNNs, end to end on the same pairs for as many steps
 */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Weights } from '../../models/weights.js';
import { align } from '../align.js';
import type { AlignmentSet } from '../align-data.js';
import { trainCrossModal } from '../cross-modal.js';
import type { Branch, CrossModalRecipe } from '../cross-modal.js';
import { loadPhoneWatch } from '../datasets/phone-watch.js';
import { embed, ensemble } from '../embed.js';
import { grow } from '../grow.js';
import { digestOfStretches, pairedStretches } from '../paired-stretches.js';
import {
  momentBranches,
  momentRecipe,
  moments,
  momentTiming,
  pairedSensors,
  plainBranches,
  plainMoment,
  plainPairRecipe,
} from '../phone-watch-pairs.js';
import type { Moment, PairedSensor } from '../phone-watch-pairs.js';
import { createRandom, mixSeeds } from '../random.js';
import { retrieval } from '../retrieval.js';
import { digestOfWeights, kept } from './suite-cache.js';
import { lineOf } from './suite.js';
import type { SuiteLine, SuiteRequest } from './suite.js';
import { openEncoder, projectedEncoder, told } from './utd-mhad-embeddings.js';

const protocol = { train: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14], test: [15, 16, 17, 18] } as const;

/** Passes over the pairs, of the encoders and of the plain pair alike. */
export const momentEpochs = 20;
/** Encoders of each sensor. */
const members = 2;
/** Versions of each pair: itself, and augmented copies. */
const versions = 8;
const warp = 0.15;
const alignment = { epochs: 10, learningRate: 1e-3, weightDecay: 1e-2, averaging: 0.9 } as const;
const growth = { epochs: 20, learningRate: 1e-3, weightDecay: 1e-2, averaging: 0.9 } as const;

type Encoders = Readonly<Record<PairedSensor, Weights>>;

/** Both sensors' encoders, pre-trained together. */
async function preTrained(
  branches: readonly Branch<Moment>[],
  recipe: CrossModalRecipe,
  windows: readonly Moment[],
  { name, dataset, seed, stretch }: { name: string; dataset: string; seed: number; stretch: number },
  { threads, epochs = momentEpochs, cache, signal, onProgress }: SuiteRequest,
): Promise<Encoders> {
  if (cache) mkdirSync(cache, { recursive: true });
  const key = createHash('sha256').update(JSON.stringify({ recipe, dataset, seed, epochs, stretch })).digest('hex');
  const weights = await trainCrossModal(branches, windows, {
    ...{ seed, threads, epochs, signal, recipe, dataset: `${dataset}, ${stretch}` },
    checkpoint: cache && join(cache, `phone-watch-${name}-${key.slice(0, 16)}`),
    drawTiming: (moment, random) => momentTiming(moment, stretch, random),
    onProgress: (progress) => onProgress?.(`seed ${seed}, ${name} pair`, progress),
  });
  return { watch: weights.get('watch')!, phone: weights.get('phone')! };
}

/** Outputs of a frozen encoder with its projector, [versions, windows, width]: version 0 is the window itself. */
async function outputsOf(
  { encoder: inner, name, augment }: Branch<Moment>,
  weights: Weights,
  windows: readonly Moment[],
  count: number,
  seed: number,
  threads: number,
): Promise<Float32Array> {
  const encoder = projectedEncoder(inner);
  const session = await openEncoder(encoder, weights, threads);
  const size = inner.window.samples * 6;
  const all = new Float32Array(count * windows.length * encoder.width);
  for (let version = 0; version < count; version++) {
    const data = new Float32Array(windows.length * size);
    for (const [i, moment] of windows.entries()) {
      const out = data.subarray(i * size, (i + 1) * size);
      if (version === 0) out.set(plainMoment(moment, name as PairedSensor));
      else {
        const timing = momentTiming(moment, warp, createRandom(mixSeeds(seed, 44, version, i)));
        augment(moment, timing, createRandom(mixSeeds(seed, 45, version, i, name.length)), out);
      }
    }
    all.set(await session.run(data, windows.length), version * windows.length * encoder.width);
  }
  await session.release();
  return all;
}

const executionsOf = (windows: readonly Moment[]) => windows.map(({ stretch }) => stretch.execution);

/** Shares found, watch → phone and back. */
function found(embeddings: Readonly<Record<PairedSensor, Float32Array>>, windows: readonly Moment[]): [number, number] {
  const { watch: a, phone: b } = embeddings;
  const { ab, ba } = retrieval({ width: a.length / windows.length, a, b, groups: executionsOf(windows) }, 5);
  return [ab.instance[4]!, ba.instance[4]!];
}

/** Figures of one seed, by case. */
export async function momentCases(
  train: readonly Moment[],
  test: readonly Moment[],
  dataset: string,
  seed: number,
  request: SuiteRequest,
): Promise<Map<string, number>> {
  const { threads, cache } = request;
  const figures = new Map<string, number>();
  const note = (name: string, [there, back]: [number, number]) => {
    figures.set(`watch->phone${name}`, there);
    figures.set(`phone->watch${name}`, back);
  };
  const branchOf = (branches: readonly Branch<Moment>[], sensor: PairedSensor) =>
    branches.find(({ name }) => name === sensor)!;
  const tested = async (branches: readonly Branch<Moment>[], encoders: Encoders) => ({
    watch: await outputsOf(branchOf(branches, 'watch'), encoders.watch, test, 1, seed, threads),
    phone: await outputsOf(branchOf(branches, 'phone'), encoders.phone, test, 1, seed, threads),
  });

  const each: Encoders[] = [];
  for (let member = 0; member < members; member++) {
    const how = { name: 'moments', dataset, seed: mixSeeds(seed, member), stretch: warp };
    each.push(await preTrained(momentBranches, momentRecipe, train, how, request));
  }
  const outputs: Record<string, Float32Array> = {};
  const unseen: Record<string, Float32Array> = {};
  for (const [member, encoders] of each.entries()) {
    const one = await tested(momentBranches, encoders);
    for (const sensor of pairedSensors) {
      const name = `${sensor}-${member + 1}`;
      const weights = encoders[sensor];
      const key = [digestOfWeights(weights), dataset, versions, seed, warp].join();
      outputs[name] = await kept(cache, `outputs-${name}-${digestOfWeights(weights)}-seed-${seed}`, key, () =>
        outputsOf(branchOf(momentBranches, sensor), weights, train, versions, seed, threads),
      );
      unseen[name] = one[sensor];
    }
  }
  const width = unseen['watch-1']!.length / test.length;
  const joined = (of: (name: string) => Float32Array, sensor: PairedSensor, size: number) =>
    ensemble(
      each.map((_, member) => of(`${sensor}-${member + 1}`)),
      size,
    );
  const raw = (name: string) => unseen[name]!;
  note(', encoders', found({ watch: joined(raw, 'watch', width), phone: joined(raw, 'phone', width) }, test));

  const set = (...names: string[]): AlignmentSet => ({
    count: train.length,
    versions,
    outputs: Object.fromEntries(names.map((name) => [name, outputs[name]!])),
    groups: executionsOf(train),
  });
  let { trunk } = await align([set('watch-1', 'watch-2')], told(alignment, 'alignment of the watch', seed, request));
  for (const member of each.keys()) {
    const [branch, via] = [`phone-${member + 1}`, `watch-${member + 1}`];
    const options = { ...told(growth, `growth of ${branch}`, seed, request), branch, via };
    ({ trunk } = await grow(trunk, set(branch, via), options));
  }
  const grown: Record<string, Float32Array> = {};
  for (const name of Object.keys(unseen)) grown[name] = await embed(trunk, name, unseen[name]!, { threads });
  const of = (name: string) => grown[name]!;
  note('', found({ watch: joined(of, 'watch', trunk.width), phone: joined(of, 'phone', trunk.width) }, test));

  const how = { name: 'plain', dataset, seed, stretch: 0 };
  const plain = await preTrained(plainBranches, plainPairRecipe, train, how, request);
  note(', plain contrastive pair', found(await tested(plainBranches, plain), test));
  return figures;
}

/** @throws DatasetError if no recording is there; Error if it was interrupted */
export async function run(request: SuiteRequest): Promise<SuiteLine[]> {
  const { data, seeds, train = protocol.train, test = protocol.test, onWarning } = request;
  const load = async (subjects: readonly number[]) => {
    const { recordings, unreadable } = await loadPhoneWatch(data, { subjects });
    for (const { file, reason } of unreadable) onWarning?.(`${file} is left out: ${reason}`);
    return pairedStretches(recordings);
  };
  const learnedFrom = await load(train);
  const windows = moments(learnedFrom);
  const tested = moments(await load(test));
  const each: Map<string, number>[] = [];
  for (const seed of seeds)
    each.push(await momentCases(windows, tested, digestOfStretches(learnedFrom), seed, request));
  return [...each[0]!.keys()].map((name) =>
    lineOf(
      'phone-watch',
      name,
      'instance@5',
      each.map((figures) => figures.get(name)!),
    ),
  );
}
