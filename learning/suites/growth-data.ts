/**
 * What the suite `growth` learns from and measures on.
 *
 *    imu, skeleton, depth    UTD-MHAD, pairs by time
 *    radar                   MARS, pairs by time with the skeleton there; only that pair of it can be measured
 *    wifi                    WiAR, pairs by label with UTD-MHAD's skeletons: odd repetitions of the activities that both have. Measured is whether the
 *                            nearest recording of another sensor shows the same activity, even repetitions beside UTD-MHAD's test subjects
 */
import type { Trunk } from '../../models/trunk.js';
import type { AlignmentSet } from '../align-data.js';
import { commonLabel } from '../common-labels.js';
import { DatasetError } from '../datasets/dataset.js';
import { utdMhadActions } from '../datasets/utd-mhad.js';
import type { PairedRecording } from '../datasets/utd-mhad-windows.js';
import { embed } from '../embed.js';
import { pairByLabel } from '../label-pairs.js';
import type { PairedModality } from '../pretrain-paired.js';
import { nearestOfLabel, retrieval } from '../retrieval.js';
import type { LabelledRows } from '../retrieval.js';
import { loadMarsWindows, marsAlignmentSet, marsOutputs, marsProtocol, preTrainedMars } from './mars-windows.js';
import type { MarsModality, MarsWindow } from './mars-windows.js';
import { threeEncoders } from './retrieval.js';
import type { SuiteRequest } from './suite.js';
import {
  alignmentSet,
  loadSubjects,
  recordingEmbeddings,
  utdMhadEncoders,
  utdMhadProtocol,
  weightsOf,
  windowOutputs,
} from './utd-mhad-embeddings.js';
import type { Encoders } from './utd-mhad-embeddings.js';
import { trainedWifi, wifiEmbeddings, wifiLabel, wifiOutputs, wifiWindowOutputs } from './wiar-embeddings.js';
import { loadPlaced } from './wiar.js';
import type { PlacedExample } from './wiar.js';

export type Grown = PairedModality | 'radar';
export const via = 'skeleton';

/** What the names of cases say of pairs by label. */
export const byLabel = ' (label pairs)';

export interface GrowthSides {
  readonly train: readonly PairedRecording[];
  readonly test: readonly PairedRecording[];
  readonly radarTrain: readonly MarsWindow[];
  readonly radarTest: readonly MarsWindow[];
  /** None where there is no WiAR. */
  readonly wifi: readonly PlacedExample[];
}

export interface GrowthData {
  /** Pairs of the modality and the skeleton, to learn from. */
  readonly sets: Readonly<Record<string, AlignmentSet>>;
  /** class@1 of each pair that the trunk has, by `a-b`. */
  readonly measure: (trunk: Trunk) => Promise<ReadonlyMap<string, number>>;
}

/** @throws DatasetError if there is no UTD-MHAD or no MARS */
export async function loadSides(request: SuiteRequest): Promise<GrowthSides> {
  const { train = utdMhadProtocol.train, test = utdMhadProtocol.test, onWarning } = request;
  return {
    train: await loadSubjects(request, train, ['skeleton', 'depth']),
    test: await loadSubjects(request, test, ['skeleton', 'depth']),
    radarTrain: await loadMarsWindows(request, marsProtocol.train),
    radarTest: await loadMarsWindows(request, marsProtocol.test),
    wifi: await loadPlaced(request.data, onWarning).catch((error: unknown) => {
      if (!(error instanceof DatasetError)) throw error;
      onWarning?.(`without Wi-Fi: ${error.message}`);
      return [];
    }),
  };
}

const actionLabel = ({ classIndex }: PairedRecording): string => commonLabel(utdMhadActions[classIndex]!);

type Figures = Map<string, number>;
type Measure = (trunk: Trunk, embeddings: ReadonlyMap<string, Float32Array>, found: Figures) => Promise<void>;

/** Label pairs of Wi-Fi and skeleton to learn from, and what the Wi-Fi's pairs are worth. */
async function wifiData(
  { wifi, train, test }: GrowthSides,
  skeletons: AlignmentSet,
  seed: number,
  request: SuiteRequest,
): Promise<{ set: AlignmentSet; measure: Measure }> {
  const { threads } = request;
  const odd = wifi.filter(({ repetition }) => repetition % 2 === 1);
  const weights = await trainedWifi(odd, seed, request);
  const labels = Array.from({ length: skeletons.versions ?? 1 }, () => train.map(actionLabel)).flat();
  const { width } = utdMhadEncoders[via];
  const others = { modality: via, width, outputs: skeletons.outputs[via]!, labels };
  const set = pairByLabel(await wifiOutputs(odd, weights, seed, request), others, { seed });

  const shared = new Set(test.map(actionLabel));
  const even = wifi.filter((one) => one.repetition % 2 === 0 && shared.has(wifiLabel(one)));
  const activities = new Set(even.map(wifiLabel));
  const outputs = await wifiWindowOutputs(even, weights, threads);
  const measure: Measure = async (trunk, embeddings, found) => {
    if (!trunk.modules.has('wifi')) return;
    const { width } = trunk;
    const waves = { labels: even.map(wifiLabel), embeddings: await wifiEmbeddings(trunk, outputs, threads) };
    const rows = test.flatMap((one, i) => (activities.has(actionLabel(one)) ? [i] : []));
    for (const [name, all] of embeddings) {
      const chosen: LabelledRows = {
        labels: rows.map((i) => actionLabel(test[i]!)),
        embeddings: Float32Array.from(rows.flatMap((i) => [...all.subarray(i * width, (i + 1) * width)])),
      };
      const [to, from] = [nearestOfLabel(waves, chosen, width), nearestOfLabel(chosen, waves, width)];
      found.set(`wifi-${name}${byLabel}`, (to + from) / 2);
      found.set(`wifi->${name}${byLabel}`, to);
      found.set(`${name}->wifi${byLabel}`, from);
    }
  };
  return { set, measure };
}

/** What is learned from and measured on, and the joint training's sets. */
export async function growthData(
  sides: GrowthSides,
  seed: number,
  request: SuiteRequest,
): Promise<GrowthData & { joint: readonly AlignmentSet[] }> {
  const { train, test, radarTrain, radarTest } = sides;
  const { threads } = request;
  const encoders: Encoders = await threeEncoders(train, seed, request);
  // The trunk's one skeleton encoder is UTD-MHAD's; the radar's was pre-trained beside a skeleton encoder that is not used further.
  const radarEncoders = { ...(await preTrainedMars(radarTrain, seed, request)), skeleton: weightsOf(encoders, via) };
  const set = (names: readonly PairedModality[]) => alignmentSet(train, encoders, names, seed, request);
  const imu = await set(['imu', via]);
  const radar = await marsAlignmentSet(radarTrain, radarEncoders, seed, request);
  const wifi = sides.wifi.length > 0 ? await wifiData(sides, imu, seed, request) : undefined;
  const sets = { imu, depth: await set(['depth', via]), radar, ...(wifi && { wifi: wifi.set }) };

  const tested = new Map<PairedModality, Awaited<ReturnType<typeof windowOutputs>>>();
  for (const name of ['imu', 'skeleton', 'depth'] as const)
    tested.set(name, await windowOutputs(test, name, weightsOf(encoders, name), threads));
  const radarTested = new Map<MarsModality, Float32Array>();
  for (const name of ['radar', 'skeleton'] as const)
    radarTested.set(name, await marsOutputs(radarTest, name, radarEncoders[name], 1, seed, request));
  const labels = test.map(({ classIndex }) => classIndex);
  const radarLabels = radarTest.map(({ classIndex }) => classIndex);

  const measure = async (trunk: Trunk): Promise<ReadonlyMap<string, number>> => {
    const found: Figures = new Map();
    const note = (pair: string, a: Float32Array, b: Float32Array, classes: readonly number[]) => {
      const { ab, ba } = retrieval({ width: trunk.width, a, b, labels: classes }, 1);
      found.set(pair, (ab.class1 + ba.class1) / 2);
    };
    const embedded = new Map<PairedModality, Float32Array>();
    for (const [name, outputs] of tested)
      if (trunk.modules.has(name)) embedded.set(name, await recordingEmbeddings(trunk, name, outputs, threads));
    for (const [i, [a, rows]] of [...embedded].entries())
      for (const [b, others] of [...embedded].slice(i + 1)) note(`${a}-${b}`, rows, others, labels);
    if (trunk.modules.has('radar')) {
      const of = (name: MarsModality) => embed(trunk, name, radarTested.get(name)!, { threads });
      note('radar-skeleton', await of('radar'), await of('skeleton'), radarLabels);
    }
    await wifi?.measure(trunk, embedded, found);
    return found;
  };
  return { sets, measure, joint: [await set(['imu', via, 'depth']), sets.radar] };
}
