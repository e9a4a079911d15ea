/**
 * Phone and watch over the same moments, without labels: windows of both, their encoders, which keep when in the window something happened, and
 * a plain CNN to compare with.
 */
import { batchNormalization, convolution, linear } from '../models/layers.js';
import type { Encoder } from '../models/towers/encoder.js';
import { imuChannelNames, normalisedWindow } from '../models/towers/imu.js';
import { imuSegments } from '../models/towers/imu-segments.js';
import type { Timing } from './augment-timing.js';
import { augmentedStretch } from './augment.js';
import type { Augmentation } from './augment.js';
import { crossModalRecipe } from './cross-modal.js';
import type { Branch, CrossModalRecipe } from './cross-modal.js';
import { phoneWatchWindow } from './paired-stretches.js';
import type { PairedStretch } from './paired-stretches.js';
import type { Random } from './random.js';

export const pairedSensors = ['watch', 'phone'] as const;
export type PairedSensor = (typeof pairedSensors)[number];

const { rate, samples, hop } = phoneWatchWindow;
const window = { rate, samples, hop, instant: [6], channels: imuChannelNames } as const;

/** A moment that both sensors saw. */
export interface Moment {
  readonly stretch: PairedStretch;
  /** Sample of the stretch that the window begins with. */
  readonly begin: number;
}

/** Windows every `phoneWatchWindow.hop` over all stretches. */
export const moments = (stretches: readonly PairedStretch[]): Moment[] =>
  stretches.flatMap((stretch) =>
    Array.from({ length: Math.floor((stretch.labels.length - samples) / hop) + 1 }, (_, i) => ({
      stretch,
      begin: i * hop,
    })),
  );

/** The window itself, [samples, 6]. */
export const plainMoment = ({ stretch, begin }: Moment, sensor: PairedSensor): Float32Array =>
  stretch[sensor].subarray(begin * 6, (begin + samples) * 6);

/** Of each token of the window; all of them are the embedding, in the order of time. */
const tokenWidth = 24;
const tokens = samples / 8;

/** A watch sits on the wrist in one of few ways, a phone lies in the pocket anyhow. */
const momentEncoder = (sensor: PairedSensor): Encoder => ({
  name: `${sensor}-moments`,
  title: `${sensor}: what happens when in a window of its IMU`,
  modality: 'imu',
  window,
  width: tokens * tokenWidth,
  embed(network, given, statistics) {
    const each = imuSegments(network, given, { asWorn: sensor === 'watch' }, statistics);
    return network.g.reshape(linear(network, 'token', each, tokenWidth), [given.shape[0]!, tokens * tokenWidth]);
  },
});
export const momentEncoders = { watch: momentEncoder('watch'), phone: momentEncoder('phone') } as const;

/** Three convolutions over the six values as they are, a maximum over two neighbours after each, and all of what is left. */
const plainEncoder = (sensor: PairedSensor): Encoder => ({
  name: `${sensor}-plain`,
  title: `${sensor}: a plain CNN`,
  modality: 'imu',
  window,
  width: 512,
  embed(network, given, statistics) {
    const { g } = network;
    let y = g.transpose(normalisedWindow(network, given), [0, 2, 1]);
    for (const [i, kernel] of [7, 5, 5].entries()) {
      const name = `stem.${i}`;
      y = g.relu(batchNormalization(network, name, convolution(network, name, y, 64, kernel), statistics));
      y = g.maxPool(y, [2], { strides: [2] });
    }
    return linear(network, 'flat', g.reshape(y, [given.shape[0]!, 64 * tokens]), 512);
  },
});

/** How differently the same movement may look to a sensor. */
const augmentation: Omit<Augmentation, 'warp'> = { rotation: 0.5, gain: 0.1, noise: 0.02 };
const none: Omit<Augmentation, 'warp'> = { rotation: 0, gain: 0, noise: 0 };

const branch = (sensor: PairedSensor, encoder: Encoder, how: Omit<Augmentation, 'warp'>): Branch<Moment> => ({
  ...{ name: sensor, encoder, views: 1 },
  augment: ({ stretch }, { begin, speed }, random, out) =>
    augmentedStretch(stretch[sensor], (i) => begin * rate + i * speed, speed, how, random, out),
});

export const momentBranches = pairedSensors.map((sensor) => branch(sensor, momentEncoders[sensor], augmentation));
export const plainBranches = pairedSensors.map((sensor) => branch(sensor, plainEncoder(sensor), none));

/** Both sensors' windows begin together, up to half a hop from the moment's own start. @param warp as in `drawTiming` */
export function momentTiming({ begin, stretch }: Moment, warp: number, random: Random): Timing {
  const speed = Math.exp(warp * (2 * random.uniform() - 1));
  const last = Math.max(0, stretch.labels.length - 1 - (samples - 1) * speed);
  const from = begin + hop * (random.uniform() - 0.5);
  return { begin: Math.min(last, Math.max(0, from)) / rate, speed, sway: 0, phase: 0 };
}

/** Any other moment is as wrong as the next: the very same one is looked for. */
export const momentRecipe: CrossModalRecipe = { ...crossModalRecipe, sharedTiming: true, softness: 0 };
/** InfoNCE over any moments. */
export const plainPairRecipe: CrossModalRecipe = { ...momentRecipe, temperature: 0.07 };
