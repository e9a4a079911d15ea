/** Uniform samples of many channels to the columns of their spectrograms, and of their first principal component's. */

import { createChannelKernels } from './channel-kernels.js';
import { basisVectors } from './lanczos.js';
import { createPrincipal } from './principal.js';
import { densityScale, hann, seriesSpectrum, spectra } from './spectrogram.js';

export interface CsiSpectrogramOptions {
  channels: number;
  /** Samples of a segment, a power of two, at least 4. */
  samples: number;
  /** Samples from one column to the next. */
  hop: number;
  /** Samples a second. */
  rate: number;
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

/** @throws RangeError if the samples are no power of two from 4 on */
export function createCsiSpectrogram({ channels, samples, hop, rate }: CsiSpectrogramOptions): CsiSpectrogram {
  if (!(samples >= 4 && Number.isInteger(Math.log2(samples)))) {
    throw new RangeError(`segments of ${samples} samples: not a power of two from 4 on`);
  }
  const window = hann(samples);
  const kernels = createChannelKernels(channels, window, densityScale(window, rate), basisVectors);
  const first = createPrincipal(kernels);
  const power = new Float32Array(channels * kernels.bins);
  const principal = new Float32Array(kernels.bins);
  let count = 0;
  let constant = true;

  return {
    bins: kernels.bins,
    power,
    principal,
    get share() {
      return first.share;
    },
    get constant() {
      return constant;
    },
    push(values) {
      kernels.push(values);
      count++;
      if (count < samples || (count - samples) % hop !== 0) return false;
      kernels.updateMeans();
      spectra(kernels, power);
      constant = !first.project();
      if (constant) principal.fill(NaN);
      else seriesSpectrum(kernels, principal);
      return true;
    },
    reset() {
      count = 0;
      kernels.clear();
      first.reset();
    },
  };
}
