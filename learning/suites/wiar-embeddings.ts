/**
 * WiAR's Wi-Fi for the aligned space. It shares no recording with another data set, only some activities: pairs are by label. Its encoder is trained
 * with labels, of the odd repetitions: label pairs use these labels anyway.
 */
import { createHash } from 'node:crypto';
import { windowSize } from '../../models/towers/encoder.js';
import { wifiGruEncoder } from '../../models/towers/wifi-gru.js';
import type { Trunk } from '../../models/trunk.js';
import type { Weights } from '../../models/weights.js';
import { augmentedCsi } from '../augment-csi.js';
import { commonLabel } from '../common-labels.js';
import { wiarActivities } from '../datasets/wiar.js';
import { embed } from '../embed.js';
import type { LabelledOutputs } from '../label-pairs.js';
import { createRandom, mixSeeds } from '../random.js';
import { csiWindows, csiWindowsOf, wifiDesign, wifiRecipe } from '../wifi-tower.js';
import { trainClassifier } from '../window-classifier.js';
import { digestOfWeights, kept } from './suite-cache.js';
import type { SuiteRequest } from './suite.js';
import { meanOfRecordings, openEncoder } from './utd-mhad-embeddings.js';
import type { WindowOutputs } from './utd-mhad-embeddings.js';
import { wiarEpochs } from './wiar.js';
import type { PlacedExample } from './wiar.js';

const [links, subcarriers] = wifiGruEncoder.window.instant as [number, number];
/** Augmented windows of each recording that pairs are made of. */
const versions = 8;

const digest = (examples: readonly PlacedExample[]): string => {
  const hash = createHash('sha256');
  for (const { instants, placement, repetition, classIndex } of examples)
    hash.update(`${placement} ${repetition} ${classIndex}`).update(instants);
  return hash.digest('hex').slice(0, 16);
};

/** The recurrent tower's encoder, trained as in the suite `wiar`. */
export async function trainedWifi(
  examples: readonly PlacedExample[],
  seed: number,
  { threads, epochs = wiarEpochs, cache, signal, onProgress }: SuiteRequest,
): Promise<Weights> {
  const key = [digest(examples), seed, epochs, JSON.stringify(wifiRecipe)].join();
  return kept(cache, `trained-wifi-seed-${seed}`, key, () =>
    trainClassifier(
      wifiDesign(wifiGruEncoder, wiarActivities.length),
      wifiRecipe,
      csiWindows(examples, wifiRecipe.augmentation),
      undefined,
      {
        ...{ seed, threads, epochs, signal, dataset: 'wiar, odd repetitions' },
        onProgress: (progress) => onProgress?.(`seed ${seed}, training of the Wi-Fi encoder`, progress),
      },
    ),
  );
}

export const wifiLabel = ({ classIndex }: PlacedExample): string => commonLabel(wiarActivities[classIndex]!);

/** Encoder outputs of augmented windows of each recording, with what label pairs are made by. */
export async function wifiOutputs(
  examples: readonly PlacedExample[],
  weights: Weights,
  seed: number,
  { threads, cache }: SuiteRequest,
): Promise<LabelledOutputs> {
  const size = windowSize(wifiGruEncoder);
  const make = async () => {
    const session = await openEncoder(wifiGruEncoder, weights, threads);
    const all = new Float32Array(versions * examples.length * wifiGruEncoder.width);
    for (let version = 0; version < versions; version++) {
      const windows = new Float32Array(examples.length * size);
      for (const [i, { instants }] of examples.entries()) {
        const random = createRandom(mixSeeds(seed, 44, version, i));
        const out = windows.subarray(i * size, (i + 1) * size);
        augmentedCsi(instants, links, subcarriers, wifiRecipe.augmentation, random, out);
      }
      all.set(await session.run(windows, examples.length), version * examples.length * wifiGruEncoder.width);
    }
    await session.release();
    return all;
  };
  const key = [digestOfWeights(weights), digest(examples), versions, seed].join();
  const outputs = await kept(cache, `outputs-wifi-${digestOfWeights(weights)}-seed-${seed}`, key, make);
  const labels = Array.from({ length: versions }, () => examples.map(wifiLabel)).flat();
  return { modality: 'wifi', width: wifiGruEncoder.width, outputs, labels };
}

/** Outputs of the windows of each recording, as the gateway cuts them. */
export async function wifiWindowOutputs(
  examples: readonly PlacedExample[],
  weights: Weights,
  threads: number,
): Promise<WindowOutputs> {
  const session = await openEncoder(wifiGruEncoder, weights, threads);
  const parts: Float32Array[] = [];
  const counts: number[] = [];
  for (const example of examples) {
    const { windows, count } = csiWindowsOf(example);
    parts.push(await session.run(windows, count));
    counts.push(count);
  }
  await session.release();
  const outputs = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) outputs.set(part, (at += part.length) - part.length);
  return { width: wifiGruEncoder.width, outputs, counts };
}

/** [recordings, width of the trunk], each of length 1. */
export async function wifiEmbeddings(
  trunk: Trunk,
  { outputs, counts }: WindowOutputs,
  threads: number,
): Promise<Float32Array> {
  return meanOfRecordings({
    width: trunk.width,
    outputs: await embed(trunk, 'wifi', outputs, { threads }),
    counts,
  });
}
