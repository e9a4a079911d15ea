/**
 * Phone and watch: which of five everyday activities a window of 1.28 s shows, to the watch, to the phone, to both.
 *
 * Activities last 0.7 to 2.3 s in the median, so that most windows hold two: a window's label is that of most of its samples, and training
 * is told each label's share. Windows every 0.64 s over all executions; a window needs both sensors without a gap. The cases `clear` count
 * only windows of which three quarters have one label: where two labels have about half each, the truth is one label's last sample.
 */
import { linear, prefixed } from '../../models/layers.js';
import type { Network } from '../../models/layers.js';
import type { Value } from '../../models/graph.js';
import type { BatchStatistics } from '../../models/layers.js';
import { imuEmbedding, imuEncoder, normalisedWindow } from '../../models/towers/imu.js';
import type { Weights } from '../../models/weights.js';
import { resampleRecording } from '../../pipelines/resample.js';
import { augmentedWindow } from '../augment.js';
import type { Augmentation } from '../augment.js';
import type { LabelledStream } from '../datasets/dataset.js';
import { loadPhoneWatch } from '../datasets/phone-watch.js';
import { mixSeeds } from '../random.js';
import { openClassifier, trainClassifier } from '../window-classifier.js';
import type { ClassifierDesign, ClassifierRecipe, ClassifierSource } from '../window-classifier.js';
import { likeliest, lineOf } from './suite.js';
import type { SuiteLine, SuiteRequest } from './suite.js';

export const phoneWatchActivities = ['SEATED', 'STANDING_UP', 'WALKING', 'TURNING', 'SITTING_DOWN'] as const;
const classes = phoneWatchActivities.length;
const sensors = ['watch', 'phone'] as const;
const heads = [...sensors, 'both'] as const;

export const phoneWatchWindow = { rate: 100, samples: 128, hop: 64 } as const;
const { rate, samples, hop } = phoneWatchWindow;
const size = samples * 6;
const tokens = samples / 8;

/** Of one label in a window that is called clear. */
const clearShare = 0.75;

const protocol = { train: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14], test: [15, 16, 17, 18] } as const;

/** A stretch that both sensors saw without a gap. */
export interface PairedStretch {
  readonly subject: number;
  /** [count, 6] at the window's rate. */
  readonly watch: Float32Array;
  readonly phone: Float32Array;
  /** [count] places of the labels by the watch's file. */
  readonly labels: Uint8Array;
}

/** Pairs of both sensors' executions as the stretches that they have in common. */
export function pairedStretches(streams: readonly LabelledStream[]): PairedStretch[] {
  const executions = new Map<string, Partial<Record<'watch' | 'phone', LabelledStream>>>();
  for (const stream of streams) {
    const execution = stream.id.replace(/_s[pw]$/, '');
    executions.set(execution, { ...executions.get(execution), [stream.sensor]: stream });
  }
  const stretches: PairedStretch[] = [];
  for (const { watch, phone } of executions.values()) {
    if (!watch || !phone) continue;
    const [worn, carried] = [watch, phone].map((stream) =>
      resampleRecording(stream.times, stream.samples, 6, stream.rate, rate),
    ) as [ReturnType<typeof resampleRecording>, ReturnType<typeof resampleRecording>];
    for (const one of worn)
      for (const other of carried) {
        const start = Math.max(one.start, other.start);
        // Each sensor's grid is its own: they are half a period apart at most.
        const [from, otherFrom] = [one, other].map((segment) => Math.round((start - segment.start) * rate)) as [
          number,
          number,
        ];
        const count = Math.min(one.data.length / 6 - from, other.data.length / 6 - otherFrom);
        if (count < samples) continue;
        stretches.push({
          subject: watch.subject,
          watch: one.data.subarray(from * 6, (from + count) * 6),
          phone: other.data.subarray(otherFrom * 6, (otherFrom + count) * 6),
          labels: labelsAt(watch, start, count),
        });
      }
  }
  return stretches;
}

/** The label of the sample nearest before each instant of the grid. */
function labelsAt({ times, labels }: LabelledStream, start: number, count: number): Uint8Array {
  const found = new Uint8Array(count);
  let at = 0;
  for (let i = 0; i < count; i++) {
    while (at + 1 < times.length && times[at + 1]! <= start + i / rate) at++;
    const place = (phoneWatchActivities as readonly string[]).indexOf(labels[at]!);
    if (place < 0)
      throw new Error(`phone-watch: the label '${labels[at]!}' is none of ${phoneWatchActivities.join(', ')}`);
    found[i] = place;
  }
  return found;
}

function encoded(network: Network, sensor: string, window: Value, statistics?: BatchStatistics[]): Value {
  const own = prefixed(network, sensor);
  const before = statistics?.length ?? 0;
  const embedding = imuEmbedding(own, imuEncoder(own, normalisedWindow(own, window), statistics), tokens);
  // The statistics are found again under the names of the weights.
  for (let i = before; i < (statistics?.length ?? 0); i++)
    statistics![i] = { ...statistics![i]!, name: `${sensor}.${statistics![i]!.name}` };
  return embedding;
}

/** Two encoders of the IMU tower, a head for each, and one for both. */
export const phoneWatchDesign: ClassifierDesign = {
  name: 'phone-watch',
  inputs: { watch: [samples, 6], phone: [samples, 6] },
  classes,
  build(network, inputs, drop, statistics) {
    const embeddings = sensors.map((sensor) => drop(encoded(network, sensor, inputs[sensor]!, statistics)));
    const joined = network.g.concat(embeddings, 1);
    return [...embeddings, joined].map((x, i) => linear(network, `head.${heads[i]!}`, x, classes));
  },
};

export const phoneWatchRecipe: ClassifierRecipe & { readonly warp: number; readonly augmentation: Augmentation } = {
  batch: 64,
  learningRate: 2e-3,
  weightDecay: 0.02,
  clipNorm: 1,
  averaging: 0.98,
  dropout: 0.3,
  labelSmoothing: 0.02,
  mixing: 0,
  /** As in `Augmentation`, for both sensors alike. */
  warp: 0.15,
  augmentation: { warp: 0, rotation: 0.2, gain: 0.1, noise: 0.02 },
};
export const phoneWatchEpochs = 25;
/** Windows drawn of each stretch an epoch. */
const perStretch = 16;

/** `out` [samples, 6] read from `data` at `speed`, from sample `begin` on; angular rates go with the speed. */
function stretched(data: Float32Array, begin: number, speed: number, out: Float32Array): void {
  const last = data.length / 6 - 1;
  for (let i = 0; i < samples; i++) {
    const at = Math.min(begin + i * speed, last);
    const left = Math.min(Math.floor(at), Math.max(0, last - 1));
    const part = at - left;
    const right = Math.min(left + 1, last);
    for (let c = 0; c < 6; c++)
      out[i * 6 + c] = ((1 - part) * data[left * 6 + c]! + part * data[right * 6 + c]!) * (c < 3 ? 1 : speed);
  }
}

/** Windows that begin anywhere, with the share of each label. */
export function pairedWindows(
  stretches: readonly PairedStretch[],
  { warp, augmentation }: Pick<typeof phoneWatchRecipe, 'warp' | 'augmentation'>,
): ClassifierSource {
  const plain = new Float32Array(size);
  return {
    count: stretches.length * perStretch,
    write(index, random, inputs, target) {
      const stretch = stretches[Math.floor(index / perStretch)]!;
      const { labels } = stretch;
      const speed = Math.min(Math.exp(warp * (2 * random.uniform() - 1)), (labels.length - 1) / (samples - 1));
      const begin = random.uniform() * (labels.length - 1 - (samples - 1) * speed);
      for (const sensor of sensors) {
        stretched(stretch[sensor], begin, speed, plain);
        augmentedWindow(plain, augmentation, random, inputs[sensor]!);
      }
      for (let i = 0; i < samples; i++) target[labels[Math.round(begin + i * speed)]!]! += 1 / samples;
    },
  };
}

/** @returns the share of windows that each head puts right, in the order watch, phone, both; then the same of the clear windows */
export async function phoneWatchAccuracy(
  members: readonly Weights[],
  stretches: readonly PairedStretch[],
  threads: number,
): Promise<number[]> {
  const classifier = await openClassifier(phoneWatchDesign, members, threads);
  const right = heads.map(() => 0);
  const rightOfClear = heads.map(() => 0);
  let all = 0;
  let clear = 0;
  for (const { watch, phone, labels } of stretches) {
    const count = Math.floor((labels.length - samples) / hop) + 1;
    const inputs = { watch: new Float32Array(count * size), phone: new Float32Array(count * size) };
    for (let k = 0; k < count; k++) {
      inputs.watch.set(watch.subarray(k * hop * 6, (k * hop + samples) * 6), k * size);
      inputs.phone.set(phone.subarray(k * hop * 6, (k * hop + samples) * 6), k * size);
    }
    const probabilities = await classifier.run(inputs, count);
    for (let k = 0; k < count; k++) {
      const shares = new Float32Array(classes);
      for (let i = k * hop; i < k * hop + samples; i++) shares[labels[i]!]!++;
      const label = likeliest(shares, 0, classes);
      const isClear = shares[label]! >= clearShare * samples;
      all++;
      if (isClear) clear++;
      for (const head of heads.keys()) {
        if (likeliest(probabilities[head]!, k, classes) !== label) continue;
        right[head]!++;
        if (isClear) rightOfClear[head]!++;
      }
    }
  }
  await classifier.release();
  return [...right.map((count) => count / all), ...rightOfClear.map((count) => count / clear)];
}

/** @throws DatasetError if no recording is there; Error if it was interrupted */
export async function run(request: SuiteRequest): Promise<SuiteLine[]> {
  const { data, seeds, train = protocol.train, test = protocol.test, threads, epochs = phoneWatchEpochs } = request;
  const { onProgress, onWarning, signal } = request;
  const load = async (subjects: readonly number[]) => {
    const { recordings, unreadable } = await loadPhoneWatch(data, { subjects });
    for (const { file, reason } of unreadable) onWarning?.(`${file} is left out: ${reason}`);
    return pairedStretches(recordings);
  };
  const source = pairedWindows(await load(train), phoneWatchRecipe);
  const tested = await load(test);
  const accuracies: number[][] = [];
  for (const seed of seeds) {
    const weights = await trainClassifier(phoneWatchDesign, phoneWatchRecipe, source, undefined, {
      seed: mixSeeds(seed, 0),
      threads,
      epochs,
      signal,
      dataset: `phone-watch, subjects ${train.join()}`,
      onProgress: (progress) => onProgress?.(`seed ${seed}`, progress),
    });
    accuracies.push(await phoneWatchAccuracy([weights], tested, threads));
  }
  return [...heads, ...heads.map((head) => `${head}, clear`)].map((head, i) =>
    lineOf(
      'phone-watch',
      head,
      'accuracy',
      accuracies.map((each) => each[i]!),
    ),
  );
}
