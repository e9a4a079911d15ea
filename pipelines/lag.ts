/** How far apart two sensors' clocks are, measured on what both saw.
 *
 *  A device's clock shows only how irregular its delays are, never the smallest one, which a camera's exposure, processing and
 *  transport may make 0.1 s long. But a body that moves, moves for all sensors at once. The energy of motion of a window is the
 *  size of its change from instant to instant; of two windows over the same `[start, end)` the lag is where the correlation of the
 *  two energies is largest. Windows are added up, the old ones forgotten, so that a lag has a number of movements behind it.
 *  Knapp and Carter, 'The generalized correlation method for estimation of time delay', IEEE Trans. ASSP 24(4), 1976. */

import type { Window } from './window.js';

/** Instants a second at which energies are compared. */
const rate = 50;
/** Largest lag looked for, seconds. */
const longestLag = 0.5;
/** What remains of a window's weight after the next one. */
const memory = 0.95;
/** Instants on each side over which energies are smoothed: a body's parts do not move in the same 20 ms. */
const smoothing = 5;

export interface Lag {
  /** Seconds by which the second sensor's windows lag behind the first's; to be subtracted from its times. */
  readonly lag: number;
  /** Correlation at that lag, −1 to 1: below some 0.5 the lag means nothing. */
  readonly correlation: number;
  /** Windows behind it, old ones counted less. */
  readonly windows: number;
}

export interface LagEstimator {
  /** Two windows over the same `[start, end)`. */
  add(first: Window, second: Window): void;
  /** Undefined until something moved. */
  estimate(): Lag | undefined;
}

/**
 * Size of the change from instant to instant, at 50 Hz, smoothed, without its mean: [⌊length · rate⌋ − 1 instants].
 * @param window [instants, …], any modality
 */
export function motionEnergy({ data, shape, start, end }: Window): Float64Array {
  const instants = shape[0]!;
  const width = data.length / instants;
  const changes = new Float64Array(instants - 1);
  for (let i = 1; i < instants; i++) {
    let squares = 0;
    for (let c = 0; c < width; c++) squares += (data[i * width + c]! - data[(i - 1) * width + c]!) ** 2;
    changes[i - 1] = Math.sqrt(squares);
  }
  // The change from i − 1 to i belongs to the middle between them.
  const perInstant = (instants / (end - start)) * (1 / rate);
  const raw = Float64Array.from({ length: Math.floor((end - start) * rate) - 1 }, (_, k) => {
    const at = Math.min(Math.max((k + 0.5) * perInstant - 0.5, 0), changes.length - 1);
    const before = Math.floor(at);
    const part = at - before;
    return changes[before]! * (1 - part) + changes[Math.min(before + 1, changes.length - 1)]! * part;
  });
  const smooth = raw.map((_, k) => {
    let sum = 0;
    const [from, to] = [Math.max(0, k - smoothing), Math.min(raw.length, k + smoothing + 1)];
    for (let j = from; j < to; j++) sum += raw[j]!;
    return sum / (to - from);
  });
  const mean = smooth.reduce((sum, value) => sum + value, 0) / smooth.length;
  return smooth.map((value) => value - mean);
}

export function createLagEstimator(): LagEstimator {
  const most = Math.round(longestLag * rate);
  const products = new Float64Array(2 * most + 1);
  const [firstPowers, secondPowers] = [new Float64Array(2 * most + 1), new Float64Array(2 * most + 1)];
  let windows = 0;

  const correlationAt = (i: number) => products[i]! / Math.sqrt(firstPowers[i]! * secondPowers[i]!);

  return {
    add(first, second) {
      const [a, b] = [motionEnergy(first), motionEnergy(second)];
      const scale = (energy: Float64Array) => energy.reduce((sum, value) => sum + value * value, 0);
      const [powerA, powerB] = [scale(a), scale(b)];
      if (!(powerA > 0 && powerB > 0)) return;
      windows = memory * windows + 1;
      for (let lag = -most; lag <= most; lag++) {
        const [from, to] = [Math.max(0, -lag), Math.min(a.length, b.length - lag)];
        // Means of the overlap alone: with those of the whole, what lies at the edges would draw the lag towards 0.
        let [meanA, meanB] = [0, 0];
        for (let k = from; k < to; k++) {
          meanA += a[k]! / (to - from);
          meanB += b[k + lag]! / (to - from);
        }
        let [product, first2, second2] = [0, 0, 0];
        for (let k = from; k < to; k++) {
          const [ofA, ofB] = [a[k]! - meanA, b[k + lag]! - meanB];
          product += ofA * ofB;
          first2 += ofA * ofA;
          second2 += ofB * ofB;
        }
        // Each window weighs the same, however strong its motion.
        const i = lag + most;
        products[i] = memory * products[i]! + product / Math.sqrt(powerA * powerB);
        firstPowers[i] = memory * firstPowers[i]! + first2 / powerA;
        secondPowers[i] = memory * secondPowers[i]! + second2 / powerB;
      }
    },

    estimate() {
      if (windows === 0) return undefined;
      let best = 0;
      for (let i = 1; i < products.length; i++) if (correlationAt(i) > correlationAt(best)) best = i;
      const correlation = correlationAt(best);
      let shift = 0;
      if (best > 0 && best < 2 * most) {
        const [before, after] = [correlationAt(best - 1), correlationAt(best + 1)];
        const curvature = before - 2 * correlation + after;
        if (curvature < 0) shift = (0.5 * (before - after)) / curvature;
      }
      return { lag: (best - most + shift) / rate, correlation, windows };
    },
  };
}
