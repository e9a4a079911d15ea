/** Uniform samples of many channels to the columns of their spectrograms, and of their first principal component's.
 *
 *  Samples lie in one row of 2 N a channel, so that every segment lies in one piece. */

import { createPrincipal } from './principal.js';
import { centreSegments, createSpectrumPlan, spectra, spectrum, type SpectrogramOptions } from './spectrogram.js';

export interface CsiSpectrogramOptions extends SpectrogramOptions {
  channels: number;
  /** Samples from one column to the next. */
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

/** @throws RangeError if the samples are no power of two */
export function createCsiSpectrogram({ channels, samples, hop, rate }: CsiSpectrogramOptions): CsiSpectrogram {
  const plan = createSpectrumPlan({ samples, rate });
  const stride = 2 * samples;
  const rows = new Float32Array(channels * stride);
  const segments = new Float64Array(channels * samples);
  const component = new Float64Array(samples);
  const power = new Float32Array(channels * plan.bins);
  const principal = new Float32Array(plan.bins);
  const first = createPrincipal(channels, samples);
  let end = 0; // where the next sample goes in each row
  let count = 0;
  let constant = true;

  function write(values: Float32Array): void {
    if (end === stride) {
      for (let row = 0; row < rows.length; row += stride) rows.copyWithin(row, row + samples, row + stride);
      end = samples;
    }
    for (let c = 0, at = end; c < channels; c++, at += stride) rows[at] = values[c]!;
    end++;
    count++;
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
      write(values);
      if (count < samples || (count - samples) % hop !== 0) return false;
      centreSegments(rows, stride, end - samples, samples, segments);
      spectra(plan, segments, power);
      constant = !first.project(segments, component);
      if (constant) principal.fill(NaN);
      else spectrum(plan, component, 0, principal, 0);
      return true;
    },
    reset() {
      count = end = 0;
      first.reset();
    },
  };
}
