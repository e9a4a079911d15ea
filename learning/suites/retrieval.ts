/**
 * Retrieval on UTD-MHAD across sensors, on people never trained on: of each recording as one sensor saw it, whether the nearest as another
 * saw it shows the same action (`class@1`), and whether the very recording is among the five nearest (`instance@5`).
 *
 * IMU and skeleton are aligned; depth grows through the skeleton, on pairs of just these two, and its encoder was never trained beside the
 * IMU either. No label is seen but by the figures.
 */
import { align } from '../align.js';
import { grow } from '../grow.js';
import { rememberedRows, rememberSets } from '../memory.js';
import type { PairedRecording } from '../datasets/utd-mhad-windows.js';
import type { PairedModality } from '../pretrain-paired.js';
import { retrieval } from '../retrieval.js';
import { lineOf } from './suite.js';
import type { SuiteLine, SuiteRequest } from './suite.js';
import {
  alignmentSet,
  loadSubjects,
  preTrained,
  recordingEmbeddings,
  told,
  utdMhadAlignment,
  utdMhadGrowth,
  utdMhadProtocol,
  weightsOf,
  windowOutputs,
} from './utd-mhad-embeddings.js';
import type { Encoders } from './utd-mhad-embeddings.js';

const pairs = [
  ['imu', 'skeleton'],
  ['skeleton', 'depth'],
  ['imu', 'depth'],
] as const;

/** Encoders of all three: IMU and skeleton pre-trained together, depth beside a skeleton encoder that is not used further. */
export async function threeEncoders(
  train: readonly PairedRecording[],
  seed: number,
  request: SuiteRequest,
): Promise<Encoders> {
  const { imu, skeleton } = await preTrained(train, ['imu', 'skeleton'], seed, request);
  const { depth } = await preTrained(train, ['skeleton', 'depth'], seed, request);
  return { imu: imu!, skeleton: skeleton!, depth: depth! };
}

/** Figures of one seed, by case and metric. */
export async function retrievalCases(
  train: readonly PairedRecording[],
  test: readonly PairedRecording[],
  seed: number,
  request: SuiteRequest,
): Promise<Map<string, number>> {
  const { threads } = request;
  const encoders = await threeEncoders(train, seed, request);
  const first = await alignmentSet(train, encoders, ['imu', 'skeleton'], seed, request);
  const { trunk: aligned } = await align([first], told(utdMhadAlignment, 'alignment', seed, request));
  const second = await alignmentSet(train, encoders, ['skeleton', 'depth'], seed, request);
  const growth = told(utdMhadGrowth, 'growth of depth', seed, request);
  const remembered = rememberedRows(rememberSets(new Map(), [first], { seed }));
  const { trunk } = await grow(aligned, second, { ...growth, branch: 'depth', via: 'skeleton', remembered });

  const embeddings = new Map<PairedModality, Float32Array>();
  for (const modality of ['imu', 'skeleton', 'depth'] as const) {
    const outputs = await windowOutputs(test, modality, weightsOf(encoders, modality), threads);
    embeddings.set(modality, await recordingEmbeddings(trunk, modality, outputs, threads));
  }
  const labels = test.map(({ classIndex }) => classIndex);
  const found = new Map<string, number>();
  for (const [a, b] of pairs) {
    const { ab, ba } = retrieval({ width: trunk.width, a: embeddings.get(a)!, b: embeddings.get(b)!, labels }, 5);
    for (const [name, { class1, instance }] of [
      [`${a}->${b}`, ab],
      [`${b}->${a}`, ba],
    ] as const) {
      found.set(`${name} class@1`, class1);
      found.set(`${name} instance@5`, instance[4]!);
    }
  }
  return found;
}

/** @throws DatasetError if no recording is there; Error if it was interrupted */
export async function run(request: SuiteRequest): Promise<SuiteLine[]> {
  const { seeds, train = utdMhadProtocol.train, test = utdMhadProtocol.test } = request;
  const learned = await loadSubjects(request, train, ['skeleton', 'depth']);
  const tested = await loadSubjects(request, test, ['skeleton', 'depth']);
  const found: Map<string, number>[] = [];
  for (const seed of seeds) found.push(await retrievalCases(learned, tested, seed, request));
  return [...found[0]!.keys()].map((key) => {
    const [name, metric] = key.split(' ') as [string, string];
    return lineOf(
      'retrieval',
      name,
      metric,
      found.map((each) => each.get(key)!),
    );
  });
}
