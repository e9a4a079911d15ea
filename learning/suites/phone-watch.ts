/**
 * Phone and watch: which of five everyday activities a window of 1.28 s shows, to the watch, to the phone, to both.
 *
 * Activities last 0.7 to 2.3 s in the median, so that most windows hold two: a window's label is that of most of its samples, and training
 * is told each label's share. Windows every 0.64 s over all executions; a window needs both sensors without a gap.
 *
 *    watch, phone, both                             all; where two labels have about half each, the truth is one label's last sample
 *    watch (three fifths one activity), …           windows of which at least 60 % have one label
 *    watch (one activity), …                        windows of one label from end to end; nearly nine in ten of them are of walking
 *
 * `balanced accuracy` is the mean over the labels of each one's share of windows put right: always saying one label is worth one in five.
 */
import { prefixed } from '../../models/layers.js';
import { imuSegments, segmentsHead } from '../../models/towers/imu-segments.js';
import type { Weights } from '../../models/weights.js';
import { augmentedWindow } from '../augment.js';
import type { Augmentation } from '../augment.js';
import { loadPhoneWatch } from '../datasets/phone-watch.js';
import { digestOfStretches, pairedStretches, phoneWatchActivities, phoneWatchWindow } from '../paired-stretches.js';
import type { PairedStretch } from '../paired-stretches.js';
import { mixSeeds } from '../random.js';
import { keptClassifier } from '../kept-classifier.js';
import { openClassifier } from '../window-classifier.js';
import type { ClassifierDesign, ClassifierRecipe, ClassifierSource } from '../window-classifier.js';
import { likeliest, lineOf } from './suite.js';
import type { SuiteLine, SuiteRequest } from './suite.js';

const classes = phoneWatchActivities.length;
const sensors = ['watch', 'phone'] as const;
type Sensor = (typeof sensors)[number];
const heads = [...sensors, 'both'] as const;
/** A watch sits on the wrist in one of few ways, a phone lies in the pocket anyhow. */
const asWorn: Readonly<Record<Sensor, boolean>> = { watch: true, phone: false };

const { samples, hop } = phoneWatchWindow;
const size = samples * 6;

/** Networks, their logits averaged. */
const members = 2;

const protocol = { train: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14], test: [15, 16, 17, 18] } as const;

/** An encoder for each sensor, a head for each, and one for both. */
export const phoneWatchDesign: ClassifierDesign = {
  name: 'phone-watch',
  inputs: { watch: [samples, 6], phone: [samples, 6] },
  classes,
  build(network, inputs, drop, statistics) {
    const tokens = sensors.map((sensor) =>
      drop(imuSegments(prefixed(network, sensor), inputs[sensor]!, { asWorn: asWorn[sensor] }, statistics)),
    );
    const batch = inputs['watch']!.shape[0]!;
    return [...tokens, network.g.concat(tokens, 1)].map((x, i) =>
      segmentsHead(network, `head.${heads[i]!}`, x, batch, classes),
    );
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
  augmentation: { warp: 0, rotation: 0.5, gain: 0.1, noise: 0.02 },
};
export const phoneWatchEpochs = 8;
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

/** Windows of each label, and how many of them each head puts right: [heads, classes]. */
interface Tally {
  readonly windows: Uint32Array;
  readonly right: Uint32Array;
}
const createTally = (): Tally => ({
  windows: new Uint32Array(classes),
  right: new Uint32Array(heads.length * classes),
});

/** Share of windows that a head puts right; the mean over the labels that occur of that share. NaN without windows. */
function sharesRight({ windows, right }: Tally, head: number): { accuracy: number; balanced: number } {
  let [all, allRight, recalls, labels] = [0, 0, 0, 0];
  for (const [label, count] of windows.entries()) {
    if (count === 0) continue;
    const own = right[head * classes + label]!;
    all += count;
    allRight += own;
    recalls += own / count;
    labels++;
  }
  return { accuracy: allRight / all, balanced: recalls / labels };
}

/** `both` is the mean of all three heads' logits: what the sensors say each, and together. In place. */
function combine(probabilities: readonly Float32Array[]): void {
  const both = probabilities.at(-1)!;
  for (let i = 0; i < both.length; i++) both[i] = probabilities.reduce((sum, each) => sum + Math.log(each[i]!), 0);
}

/** Share of a window's samples that its label must have, by what a case is called beside the sensor. */
export const phoneWatchShares = { '': 0, ' (three fifths one activity)': 0.6, ' (one activity)': 1 } as const;

/** Of the windows that have each of `phoneWatchShares`. */
export async function phoneWatchTallies(
  members: readonly Weights[],
  stretches: readonly PairedStretch[],
  threads: number,
): Promise<readonly Tally[]> {
  const classifier = await openClassifier(phoneWatchDesign, members, threads);
  const least = Object.values(phoneWatchShares);
  const tallies = least.map(createTally);
  for (const { watch, phone, labels } of stretches) {
    const count = Math.floor((labels.length - samples) / hop) + 1;
    const inputs = { watch: new Float32Array(count * size), phone: new Float32Array(count * size) };
    for (let k = 0; k < count; k++) {
      inputs.watch.set(watch.subarray(k * hop * 6, (k * hop + samples) * 6), k * size);
      inputs.phone.set(phone.subarray(k * hop * 6, (k * hop + samples) * 6), k * size);
    }
    const probabilities = await classifier.run(inputs, count);
    combine(probabilities);
    for (let k = 0; k < count; k++) {
      const shares = new Float32Array(classes);
      for (let i = k * hop; i < k * hop + samples; i++) shares[labels[i]!]!++;
      const label = likeliest(shares, 0, classes);
      for (const [place, tally] of tallies.entries()) {
        if (shares[label]! < least[place]! * samples) continue;
        tally.windows[label]!++;
        for (const head of heads.keys())
          if (likeliest(probabilities[head]!, k, classes) === label) tally.right[head * classes + label]!++;
      }
    }
  }
  await classifier.release();
  return tallies;
}

/** @throws DatasetError if no recording is there; Error if it was interrupted */
export async function run(request: SuiteRequest): Promise<SuiteLine[]> {
  const { data, seeds, train = protocol.train, test = protocol.test, threads, epochs = phoneWatchEpochs } = request;
  const { cache, onProgress, onWarning, signal } = request;
  const load = async (subjects: readonly number[]) => {
    const { recordings, unreadable } = await loadPhoneWatch(data, { subjects });
    for (const { file, reason } of unreadable) onWarning?.(`${file} is left out: ${reason}`);
    return pairedStretches(recordings);
  };
  const learnedFrom = await load(train);
  const source = pairedWindows(learnedFrom, phoneWatchRecipe);
  const dataset = `phone-watch, subjects ${train.join()}, ${digestOfStretches(learnedFrom)}`;
  const tested = await load(test);
  const tallies: Awaited<ReturnType<typeof phoneWatchTallies>>[] = [];
  for (const seed of seeds) {
    const trained: Weights[] = [];
    for (let member = 0; member < members; member++)
      trained.push(
        await keptClassifier(phoneWatchDesign, phoneWatchRecipe, source, undefined, {
          seed: mixSeeds(seed, member),
          threads,
          epochs,
          cache,
          signal,
          dataset,
          onProgress: (progress) => onProgress?.(`seed ${seed}, network ${member + 1} of ${members}`, progress),
        }),
      );
    tallies.push(await phoneWatchTallies(trained, tested, threads));
  }
  const lines = (name: string, ofSeed: readonly Tally[]) =>
    heads.flatMap((head, i) => {
      const each = ofSeed.map((tally) => sharesRight(tally, i));
      return [
        lineOf(
          'phone-watch',
          head + name,
          'accuracy',
          each.map(({ accuracy }) => accuracy),
        ),
        lineOf(
          'phone-watch',
          head + name,
          'balanced accuracy',
          each.map(({ balanced }) => balanced),
        ),
      ];
    });
  return Object.keys(phoneWatchShares).flatMap((name, place) =>
    lines(
      name,
      tallies.map((each) => each[place]!),
    ),
  );
}
