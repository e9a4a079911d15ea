/** Short-time Fourier transform of many channels at once.
 *
 *      segment    the newest N samples of a channel, every H samples, less their mean
 *      window     Hann, periodic: w_n = ½ − ½ cos(2π n / N)
 *      power      P_k = c_k |Σ_n w_n x_n e^(−2πi kn/N)|² / (rate Σ w²),   c_k = 1 for k = 0 and N/2, else 2 (one-sided)
 *
 *  Units² per Hz; bin k at k · rate / N Hz. The same as scipy.signal.spectrogram with its defaults but nperseg and noverlap:
 *  detrend='constant', scaling='density', window='hann'. Oppenheim and Schafer, Discrete-Time Signal Processing, 10.3.
 *
 *  The mean is taken off after the transform: a constant's is N/2 times it in bin 0 and −N/4 in the bins beside. */

import type { ChannelKernels } from './channel-kernels.js';

/** [N] */
export function hann(samples: number): Float64Array {
  return Float64Array.from({ length: samples }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / samples));
}

/**
 * c_k / (rate Σ w²)
 * @param rate samples a second
 */
export function densityScale(window: Float64Array, rate: number): Float64Array {
  const power = window.reduce((sum, w) => sum + w * w, 0);
  const bins = window.length / 2 + 1;
  return Float64Array.from({ length: bins }, (_, k) => (k === 0 || k === bins - 1 ? 1 : 2) / (rate * power));
}

/**
 * Power spectra of the kernels' segment, whose means are up to date.
 * @param out [channels, bins]
 */
export function spectra(kernels: ChannelKernels, out: Float32Array): void {
  const { channels, groups, bins, samples, means, spectrum, powers } = kernels;
  const last = 4 * (samples - 1);
  for (let group = 0; group < groups; group++) {
    kernels.transform(group);
    for (let c = 0; c < 4; c++) {
      const mean = means[4 * group + c]!;
      spectrum[c]! -= (mean * samples) / 2;
      spectrum[4 + c]! += (mean * samples) / 4;
      spectrum[last + c]! += (mean * samples) / 4;
    }
    kernels.power();
    const first = 4 * group;
    const count = Math.min(4, channels - first);
    for (let c = 0; c < count; c++) {
      for (let k = 0, from = c, to = (first + c) * bins; k < bins; k++, from += 4, to++) out[to] = powers[from]!;
    }
  }
}

/**
 * Power spectrum of the kernels' `series`, which has no mean.
 * @param out [bins]
 */
export function seriesSpectrum(kernels: ChannelKernels, out: Float32Array): void {
  const { samples, bins, series, single, powers } = kernels;
  for (let n = 0; n < samples; n++) single[4 * n] = series[n]!;
  kernels.transformSingle();
  kernels.power();
  for (let k = 0; k < bins; k++) out[k] = powers[4 * k]!;
}
