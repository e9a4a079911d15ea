/**
 * WiAR: which of 16 activities a Wi-Fi recording shows.
 *
 *    even repetitions   trained on the odd repetitions of every placement: the recurrent tower, the ViT, both side by side; several recurrent
 *                       towers of seeds of their own, these and the ViT; the recurrent tower and the ViT aligned to each other (`enhanced`)
 *    height-120 …       a placement that was not trained on; with no, 1, 5 or 10 labelled recordings an activity of it, drawn from its
 *                       repetitions up to 10; tested on those above 10
 *
 * For the new placement several recurrent towers are trained on the other placements once, and go on from there on their recordings and the few
 * new ones together, which are drawn as often as all others.
 */
import { wifiGruEncoder } from '../../models/towers/wifi-gru.js';
import { wifiVitEncoder } from '../../models/towers/wifi-vit.js';
import type { Encoder } from '../../models/towers/encoder.js';
import type { Weights } from '../../models/weights.js';
import { loadWiar, wiarActivities } from '../datasets/wiar.js';
import { digestOfExamples, keptClassifier } from '../kept-classifier.js';
import { createRandom, mixSeeds } from '../random.js';
import {
  csiInstants,
  csiProbabilities,
  csiWindows,
  shareOfRight,
  sideBySide,
  wifiDesign,
  wifiRecipe,
} from '../wifi-tower.js';
import type { CsiExample } from '../wifi-tower.js';
import { lineOf } from './suite.js';
import type { SuiteLine, SuiteRequest } from './suite.js';
import { enhancedProbabilities } from './wiar-enhanced.js';

const classes = wiarActivities.length;
export const wiarEpochs = 50;
/** Recurrent towers side by side. */
export const wiarMembers = 3;
/** Of going on with the few labelled recordings: passes over the others. */
const furtherEpochs = 8;
const newPlacement = 'height-120';
const shots = [1, 5, 10] as const;
/** Last repetition of the new placement of which the labels may be used. */
const lastLabelled = 10;

export interface PlacedExample extends CsiExample {
  readonly placement: string;
  readonly repetition: number;
}

/** All recordings that can be read, at the tower's rate. */
export async function loadPlaced(data: string, onWarning?: (text: string) => void): Promise<PlacedExample[]> {
  const { recordings } = await loadWiar(data);
  const examples: PlacedExample[] = [];
  for (const recording of recordings) {
    const { file, placement, repetition, classIndex } = recording;
    try {
      const { frames } = await recording.read();
      const instants = csiInstants(frames);
      if (instants.length === 0) throw new Error('it has no usable packet');
      examples.push({ instants, classIndex, placement, repetition });
    } catch (error) {
      onWarning?.(`${file} is left out: ${(error as Error).message}`);
    }
  }
  return examples;
}

/** `count` examples of each class, drawn at random. */
function drawn(examples: readonly PlacedExample[], count: number, seed: number): PlacedExample[] {
  return wiarActivities.flatMap((_, classIndex) => {
    const own = examples.filter((example) => example.classIndex === classIndex);
    const order = createRandom(mixSeeds(seed, classIndex)).permutation(own.length);
    return [...order.slice(0, count)].map((i) => own[i]!);
  });
}

/** @throws DatasetError if no recording is there; Error if it was interrupted */
export async function run(request: SuiteRequest): Promise<SuiteLine[]> {
  const { data, seeds, threads, epochs = wiarEpochs, cache, onProgress, onWarning, signal } = request;
  const all = await loadPlaced(data, onWarning);

  function learned(
    encoder: Encoder,
    examples: readonly PlacedExample[],
    few: readonly PlacedExample[],
    known: Weights | undefined,
    { seed, stage, passes }: { seed: number; stage: string; passes: number },
  ): Promise<Weights> {
    const repeats = few.length > 0 ? Math.ceil(examples.length / few.length) : 0;
    const source = csiWindows(examples, wifiRecipe.augmentation, { repeated: few, repeats });
    return keptClassifier(wifiDesign(encoder, classes), wifiRecipe, source, known, {
      seed,
      threads,
      epochs: passes,
      cache,
      signal,
      dataset: `wiar, ${stage}, ${digestOfExamples(examples)}, ${digestOfExamples(few)}`,
      onProgress: (progress) => onProgress?.(`seed ${seed}, ${encoder.name}, ${stage}`, progress),
    });
  }
  const probabilities = (encoder: Encoder, weights: Weights, examples: readonly PlacedExample[]) =>
    csiProbabilities(encoder, [weights], examples, classes, threads);

  const odd = all.filter(({ repetition }) => repetition % 2 === 1);
  const even = all.filter(({ repetition }) => repetition % 2 === 0);
  const others = all.filter(({ placement }) => placement !== newPlacement);
  const here = all.filter(({ placement }) => placement === newPlacement);
  const mayBeLabelled = here.filter(({ repetition }) => repetition <= lastLabelled);
  const tested = here.filter(({ repetition }) => repetition > lastLabelled);

  const figures = new Map<string, number[]>();
  const add = (name: string, value: number) => figures.set(name, [...(figures.get(name) ?? []), value]);
  for (const seed of seeds) {
    // The first one's seed is the seed itself.
    const memberSeeds = Array.from({ length: wiarMembers }, (_, member) =>
      member === 0 ? seed : mixSeeds(seed, member),
    );
    if (odd.length > 0 && even.length > 0) {
      const note = (name: string, scores: Float32Array) =>
        add(`even repetitions, ${name}`, shareOfRight(scores, even, classes));
      const trained = (encoder: Encoder, own: number) =>
        learned(encoder, odd, [], undefined, { seed: own, stage: 'odd repetitions', passes: epochs });
      const recurrent: Weights[] = [];
      for (const own of memberSeeds) recurrent.push(await trained(wifiGruEncoder, own));
      const vit = await trained(wifiVitEncoder, seed);
      const several: Float32Array[] = [];
      for (const weights of recurrent) several.push(await probabilities(wifiGruEncoder, weights, even));
      const one = several[0]!;
      const other = await probabilities(wifiVitEncoder, vit, even);
      note(wifiGruEncoder.name, one);
      note(wifiVitEncoder.name, other);
      note('both side by side', sideBySide([one, other]));
      note(`${wiarMembers} ${wifiGruEncoder.name}`, sideBySide(several));
      note(`${wiarMembers} ${wifiGruEncoder.name} and ${wifiVitEncoder.name}`, sideBySide([...several, other]));
      const encoders = [
        { encoder: wifiGruEncoder, weights: recurrent[0]! },
        { encoder: wifiVitEncoder, weights: vit },
      ];
      note('enhanced', await enhancedProbabilities(encoders, odd, even, classes, { seed, threads, signal }));
    }
    if (others.length === 0 || tested.length === 0) continue;
    const placed = async (name: string, each: readonly Weights[]) => {
      const scores: Float32Array[] = [];
      for (const weights of each) scores.push(await probabilities(wifiGruEncoder, weights, tested));
      add(`${newPlacement}, ${name}`, shareOfRight(sideBySide(scores), tested, classes));
    };
    const before: Weights[] = [];
    for (const own of memberSeeds) {
      const how = { seed: own, stage: 'other placements', passes: epochs };
      before.push(await learned(wifiGruEncoder, others, [], undefined, how));
    }
    await placed('never seen', before);
    const passes = Math.max(1, Math.round((furtherEpochs * epochs) / wiarEpochs));
    for (const count of shots) {
      const few = drawn(mayBeLabelled, count, mixSeeds(seed, count));
      const after: Weights[] = [];
      for (const [member, own] of memberSeeds.entries()) {
        const how = { seed: own, stage: `${count} of the new placement`, passes };
        after.push(await learned(wifiGruEncoder, others, few, before[member], how));
      }
      await placed(`${count} labelled`, after);
    }
  }
  return [...figures].map(([name, values]) => lineOf('wiar', name, 'accuracy', values));
}
