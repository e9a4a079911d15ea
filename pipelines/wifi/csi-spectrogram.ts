/** Uniform samples of many channels to the columns of their spectrograms, and of their first principal component's.
 *
 *  Each sample is written twice, N apart, so that every segment lies in one piece. */

import { createPrincipal } from './principal.js';
import { createSpectrumPlan, spectra, spectrum, type SpectrogramOptions } from './spectrogram.js';

export interface CsiSpectrogramOptions extends SpectrogramOptions {
  channels: number;
  /** Samples from one column to the next, at most `samples`. */
  hop: number;
}

export interface CsiSpectrogram {
  /**
   * The next sample, [channels], finite; not kept.
   * @returns true where it completed a column
   */
  push(values: Float32Array): boolean;
  /** The next sample is the first of a stream. */
  reset(): void;
  readonly bins: number;
  /** The newest column: [channels, bins] power density, units²/Hz. Overwritten by the next. */
  readonly power: Float32Array;
  /** The newest column: [bins] power density of the first principal component; NaN where nothing varied. */
  readonly principal: Float32Array;
  /** Share of the variance that the component has. */
  readonly share: number;
  /** Of the newest column: whether no channel changed at all. */
  readonly constant: boolean;
}

export function createCsiSpectrogram({ channels, samples, hop, rate }: CsiSpectrogramOptions): CsiSpectrogram {
  const plan = createSpectrumPlan({ samples, rate });
  const stride = 2 * samples;
  const ring = new Float32Array(channels * stride);
  const component = new Float64Array(samples);
  const power = new Float32Array(channels * plan.bins);
  const principal = new Float32Array(plan.bins);
  const first = createPrincipal(channels, samples);
  let count = 0;
  let constant = true;

  function write(values: Float32Array): void {
    const slot = count % samples;
    for (let c = 0, at = slot; c < channels; c++, at += stride) ring[at] = ring[at + samples] = values[c]!;
  }

  return {
    bins: plan.bins,
    power,
    principal,
    get share() {
      return first.share;
    },
    get constant() {
      return constant;
    },
    push(values) {
      if (count >= samples) first.replace(values, ring, stride, count % samples);
      write(values);
      count++;
      const from = count % samples;
      if (count >= samples && from === 0) first.sumAnew(ring, stride, from);
      if (count < samples || (count - samples) % hop !== 0) return false;
      spectra(plan, ring, channels, stride, from, power);
      constant = !first.project(ring, stride, from, component);
      if (constant) principal.fill(NaN);
      else spectrum(plan, component, 0, principal, 0);
      return true;
    },
    reset() {
      count = 0;
    },
  };
}
