/**
 * Retrieval on MARS, on a person never trained on: whether the skeleton nearest to 2 s of radar shows the same of ten movements, and back.
 * Radar and skeleton are pre-trained and aligned on the other people without a label.
 */
import { align } from '../align.js';
import { embed } from '../embed.js';
import { retrieval } from '../retrieval.js';
import { loadMarsWindows, marsAlignmentSet, marsOutputs, marsProtocol, preTrainedMars } from './mars-windows.js';
import type { MarsModality, MarsWindow } from './mars-windows.js';
import { lineOf } from './suite.js';
import type { SuiteLine, SuiteRequest } from './suite.js';
import { told } from './utd-mhad-embeddings.js';

export const marsAlignment = {
  epochs: 10,
  learningRate: 1e-3,
  weightDecay: 1e-2,
  averaging: 0.9,
  temperature: 0.15,
} as const;

/** Figures of one seed, by case and metric. */
export async function marsRetrievalCases(
  train: readonly MarsWindow[],
  test: readonly MarsWindow[],
  seed: number,
  request: SuiteRequest,
): Promise<Map<string, number>> {
  const { threads } = request;
  const encoders = await preTrainedMars(train, seed, request);
  const set = await marsAlignmentSet(train, encoders, seed, request);
  const { trunk } = await align([set], told(marsAlignment, 'alignment', seed, request));
  const of = async (modality: MarsModality) =>
    embed(trunk, modality, await marsOutputs(test, modality, encoders[modality], 1, seed, request), { threads });
  const labels = test.map(({ classIndex }) => classIndex);
  const { ab, ba } = retrieval({ width: trunk.width, a: await of('radar'), b: await of('skeleton'), labels }, 5);
  return new Map([
    ['radar->skeleton class@1', ab.class1],
    ['radar->skeleton instance@5', ab.instance[4]!],
    ['skeleton->radar class@1', ba.class1],
    ['skeleton->radar instance@5', ba.instance[4]!],
  ]);
}

/** @throws DatasetError if no recording is there; Error if it was interrupted */
export async function run(request: SuiteRequest): Promise<SuiteLine[]> {
  const { seeds, train = marsProtocol.train, test = marsProtocol.test } = request;
  const learned = await loadMarsWindows(request, train);
  const tested = await loadMarsWindows(request, test);
  const found: Map<string, number>[] = [];
  for (const seed of seeds) found.push(await marsRetrievalCases(learned, tested, seed, request));
  return [...found[0]!.keys()].map((key) => {
    const [name, metric] = key.split(' ') as [string, string];
    return lineOf(
      'mars',
      name,
      metric,
      found.map((each) => each.get(key)!),
    );
  });
}
