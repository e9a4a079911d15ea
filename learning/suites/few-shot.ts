/**
 * Few-shot on UTD-MHAD: how good a class mean of a few labelled recordings is, on people never trained on.
 *
 *    one-shot imu             the aligned tower: encoder pre-trained beside the other sensor, concept alignment module, prototype network
 *    one-shot imu encoder     that tower's encoder alone, without its projector
 *    one-shot imu unaligned   an encoder that was pre-trained on this sensor alone and never met another
 *    one-shot imu aligned from alone    that very encoder, frozen, and aligned like the others: all that it has of the other sensor is from the alignment
 *    one-shot aligned minus unaligned   `accuracy gained`: the last less the one before, mean of IMU and skeleton; without a number of shots, of both numbers
 *
 * No label is seen before the shots, which are recordings of the training subjects. Several modalities together: their embeddings side by
 * side, which adds up their cosines.
 */
import { align } from '../align.js';
import { standardisation } from '../align-data.js';
import { utdMhadActions } from '../datasets/utd-mhad.js';
import type { PairedRecording } from '../datasets/utd-mhad-windows.js';
import { fewShot } from '../few-shot.js';
import { concatenated } from '../heads/concat.js';
import { pairedEncoders } from '../pretrain-paired.js';
import { lineOf } from './suite.js';
import type { SuiteLine, SuiteRequest } from './suite.js';
import {
  alignmentSet,
  loadSubjects,
  meanOfRecordings,
  preTrained,
  recordingEmbeddings,
  told,
  utdMhadAlignment,
  utdMhadProtocol,
  weightsOf,
  windowOutputs,
} from './utd-mhad-embeddings.js';
import type { Encoders } from './utd-mhad-embeddings.js';

const modalities = ['imu', 'skeleton'] as const;
type Name = (typeof modalities)[number];
const mixes: readonly (readonly Name[])[] = [['imu'], ['skeleton'], ['imu', 'skeleton']];
const shotCounts = { 'one-shot': 1, 'five-shot': 5 } as const;
const draws = 10;
const classes = utdMhadActions.length;
const gained = 'aligned minus unaligned';

/** Rows of training and test recordings, of each modality; widths may differ. */
interface Sides {
  readonly train: Float32Array;
  readonly test: Float32Array;
  readonly width: number;
}
export type FewShotEmbeddings = Readonly<Record<Name, Sides>>;

/** What encoders give, standardised over the training recordings, at length 1. */
async function encoderSides(
  train: readonly PairedRecording[],
  test: readonly PairedRecording[],
  encoders: Encoders,
  threads: number,
): Promise<FewShotEmbeddings> {
  const of = async (name: Name): Promise<[Name, Sides]> => {
    const outputs = (of: readonly PairedRecording[]) =>
      windowOutputs(of, name, weightsOf(encoders, name), threads, pairedEncoders[name]);
    const [learned, tested] = [await outputs(train), await outputs(test)];
    const { width } = learned;
    const { mean, scale } = standardisation(width, [learned.outputs]);
    const side = (of: typeof learned) =>
      meanOfRecordings({
        ...of,
        outputs: of.outputs.map((value, i) => (value - mean[i % width]!) / scale[i % width]!),
      });
    return [name, { width, train: side(learned), test: side(tested) }];
  };
  return Object.fromEntries([await of('imu'), await of('skeleton')]) as Record<Name, Sides>;
}

/** Embeddings of the aligned towers. */
async function alignedSides(
  train: readonly PairedRecording[],
  test: readonly PairedRecording[],
  encoders: Encoders,
  seed: number,
  request: SuiteRequest,
): Promise<FewShotEmbeddings> {
  const { threads } = request;
  const set = await alignmentSet(train, encoders, modalities, seed, request);
  const { trunk } = await align([set], told(utdMhadAlignment, 'alignment', seed, request));
  const of = async (name: Name): Promise<[Name, Sides]> => {
    const side = async (recordings: readonly PairedRecording[]) =>
      recordingEmbeddings(
        trunk,
        name,
        await windowOutputs(recordings, name, weightsOf(encoders, name), threads),
        threads,
      );
    return [name, { width: trunk.width, train: await side(train), test: await side(test) }];
  };
  return Object.fromEntries([await of('imu'), await of('skeleton')]) as Record<Name, Sides>;
}

/** Rows of several modalities side by side. */
function together(names: readonly Name[], embeddings: FewShotEmbeddings, side: 'train' | 'test'): Float32Array {
  const n = embeddings[names[0]!][side].length / embeddings[names[0]!].width;
  const width = Math.max(...names.map((name) => embeddings[name].width));
  const padded = Object.fromEntries(
    names.map((name) => {
      const own = embeddings[name];
      const rows = new Float32Array(n * width);
      for (let i = 0; i < n; i++) rows.set(own[side].subarray(i * own.width, (i + 1) * own.width), i * width);
      return [name, rows];
    }),
  );
  return concatenated(names, padded, width);
}

/** Mean accuracy of the nearest class mean over the draws, of every mix and number of shots. */
export function shotAccuracies(
  embeddings: FewShotEmbeddings,
  trainLabels: readonly number[],
  testLabels: readonly number[],
  seed: number,
): Map<string, number> {
  const found = new Map<string, number>();
  for (const names of mixes) {
    const train = together(names, embeddings, 'train');
    const test = together(names, embeddings, 'test');
    const width = train.length / trainLabels.length;
    for (const [title, shots] of Object.entries(shotCounts)) {
      const { nearestClassMean } = fewShot(
        { width, embeddings: train, labels: trainLabels },
        { width, embeddings: test, labels: testLabels },
        { classes, shots, draws, seed },
      );
      found.set(`${title} ${names.join('+')}`, nearestClassMean.reduce((sum, each) => sum + each, 0) / draws);
    }
  }
  return found;
}

/** Accuracies of one seed, by the case's name. */
export async function fewShotCases(
  train: readonly PairedRecording[],
  test: readonly PairedRecording[],
  seed: number,
  request: SuiteRequest,
): Promise<Map<string, number>> {
  const pretrained = await preTrained(train, modalities, seed, request);
  const alone: Encoders = {
    ...(await preTrained(train, ['imu'], seed, request)),
    ...(await preTrained(train, ['skeleton'], seed, request)),
  };
  const labels = [train, test].map((side) => side.map(({ classIndex }) => classIndex)) as [number[], number[]];
  const kinds: [string, FewShotEmbeddings][] = [
    ['', await alignedSides(train, test, pretrained, seed, request)],
    [' encoder', await encoderSides(train, test, pretrained, request.threads)],
    [' unaligned', await encoderSides(train, test, alone, request.threads)],
    [' aligned from alone', await alignedSides(train, test, alone, seed, request)],
  ];
  const found = new Map(
    kinds.flatMap(([suffix, embeddings]) =>
      [...shotAccuracies(embeddings, ...labels, seed)].map(([name, value]): [string, number] => [
        `${name}${suffix}`,
        value,
      ]),
    ),
  );
  return new Map([...found, ...alignmentGains(found)]);
}

/** What single sensors gain by alignment of the very encoders that are also measured unaligned. */
export function alignmentGains(accuracies: ReadonlyMap<string, number>): Map<string, number> {
  const gain = (title: string, name: Name) =>
    accuracies.get(`${title} ${name} aligned from alone`)! - accuracies.get(`${title} ${name} unaligned`)!;
  const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const each = Object.keys(shotCounts).map((title): [string, number] => [
    `${title} ${gained}`,
    meanOf(modalities.map((name) => gain(title, name))),
  ]);
  return new Map([...each, [gained, meanOf(each.map(([, value]) => value))]]);
}

/** @throws DatasetError if no recording is there; Error if it was interrupted */
export async function run(request: SuiteRequest): Promise<SuiteLine[]> {
  const { seeds, train = utdMhadProtocol.train, test = utdMhadProtocol.test } = request;
  const learned = await loadSubjects(request, train, ['skeleton']);
  const tested = await loadSubjects(request, test, ['skeleton']);
  const found: Map<string, number>[] = [];
  for (const seed of seeds) found.push(await fewShotCases(learned, tested, seed, request));
  return [...found[0]!.keys()].map((name) =>
    lineOf(
      'few-shot',
      name,
      name.endsWith(gained) ? 'accuracy gained' : 'accuracy',
      found.map((each) => each.get(name)!),
    ),
  );
}
