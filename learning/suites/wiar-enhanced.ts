/**
 * Two encoders of Wi-Fi as one tower ('enhanced tower': Dai et al., 'Babel', SenSys 2025): their outputs aligned to each other as if they were
 * two modalities, and one head over both embeddings side by side.
 */
import type { Encoder } from '../../models/towers/encoder.js';
import { windowSize } from '../../models/towers/encoder.js';
import type { Weights } from '../../models/weights.js';
import { align } from '../align.js';
import { augmentedCsi } from '../augment-csi.js';
import { embed } from '../embed.js';
import { applyConcatHead, trainConcatHead } from '../heads/concat.js';
import { probabilities } from '../heads/head.js';
import { createRandom, mixSeeds } from '../random.js';
import { csiWindowsOf, wifiRecipe } from '../wifi-tower.js';
import type { CsiExample } from '../wifi-tower.js';
import { openEncoder } from './utd-mhad-embeddings.js';
import type { SuiteRequest } from './suite.js';

/** Windows drawn of each recording. */
const versions = 12;
const alignment = { epochs: 30, learningRate: 1e-3, weightDecay: 1e-2, averaging: 0.9 } as const;
const headSteps = 800;

/** A frozen encoder. */
export interface FrozenEncoder {
  readonly encoder: Encoder;
  readonly weights: Weights;
}

/** Augmented windows of each recording, [versions, recordings, …]; the same for every encoder. */
function drawnWindows(examples: readonly CsiExample[], encoder: Encoder, seed: number): Float32Array {
  const [links, subcarriers] = encoder.window.instant as [number, number];
  const size = windowSize(encoder);
  const all = new Float32Array(versions * examples.length * size);
  for (let version = 0, at = 0; version < versions; version++)
    for (const [i, { instants }] of examples.entries()) {
      const out = all.subarray(at, (at += size));
      const random = createRandom(mixSeeds(seed, 46, version, i));
      augmentedCsi(instants, links, subcarriers, wifiRecipe.augmentation, random, out);
    }
  return all;
}

/**
 * Trains alignment and head on some recordings.
 * @returns probabilities [tested, classes], each recording's mean over its windows
 */
export async function enhancedProbabilities(
  encoders: readonly FrozenEncoder[],
  learned: readonly CsiExample[],
  tested: readonly CsiExample[],
  classes: number,
  { seed, threads, signal }: { readonly seed: number } & Pick<SuiteRequest, 'threads' | 'signal'>,
): Promise<Float32Array> {
  const windows = drawnWindows(learned, encoders[0]!.encoder, seed);
  const cut = tested.map(csiWindowsOf);
  const seen: Record<string, Float32Array> = {};
  const unseen: Record<string, Float32Array> = {};
  for (const { encoder, weights } of encoders) {
    const session = await openEncoder(encoder, weights, threads);
    seen[encoder.name] = await session.run(windows, versions * learned.length);
    const outputs: Float32Array[] = [];
    for (const { windows: own, count } of cut) outputs.push(await session.run(own, count));
    unseen[encoder.name] = Float32Array.from(outputs.flatMap((values) => [...values]));
    await session.release();
  }
  const { trunk } = await align([{ count: learned.length, versions, outputs: seen }], {
    ...alignment,
    ...{ seed, threads, signal },
  });
  const embedded = async (outputs: Readonly<Record<string, Float32Array>>) => {
    const all: Record<string, Float32Array> = {};
    for (const [name, values] of Object.entries(outputs)) all[name] = await embed(trunk, name, values, { threads });
    return all;
  };
  const rows = Array.from({ length: versions * learned.length }, (_, row) => row % learned.length);
  const head = await trainConcatHead(
    {
      ...{ width: trunk.width, classes, embeddings: await embedded(seen), groups: rows },
      labels: rows.map((row) => learned[row]!.classIndex),
    },
    { seed, threads, signal, steps: headSteps },
  );
  const each = probabilities(applyConcatHead(head, await embedded(unseen)), classes, head.head.temperature);
  const means = new Float32Array(tested.length * classes);
  let window = 0;
  for (const [row, { count }] of cut.entries())
    for (const end = window + count; window < end; window++)
      for (let k = 0; k < classes; k++) means[row * classes + k]! += each[window * classes + k]! / count;
  return means;
}
