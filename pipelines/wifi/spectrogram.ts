/** Short-time Fourier transform of many channels at once.
 *
 *      segment    the newest N samples of a channel, every H samples, less their mean
 *      window     Hann, periodic: w_n = ½ − ½ cos(2π n / N)
 *      power      P_k = c_k |Σ_n w_n x_n e^(−2πi kn/N)|² / (rate Σ w²),   c_k = 1 for k = 0 and N/2, else 2 (one-sided)
 *
 *  Units² per Hz; bin k at k · rate / N Hz. The same as scipy.signal.spectrogram with its defaults but nperseg and noverlap:
 *  detrend='constant', scaling='density', window='hann'. Oppenheim and Schafer, Discrete-Time Signal Processing, 10.3.
 *
 *  Two real channels are one complex transform: z = x + iy, X_k = (Z_k + Z*_(N−k)) / 2, Y_k = (Z_k − Z*_(N−k)) / 2i. */

import FFT from 'fft.js';

export interface SpectrogramOptions {
  /** Samples of a segment, a power of two, at least 4. */
  samples: number;
  /** Samples a second. */
  rate: number;
}

/** What one transform of a given length needs. */
export interface SpectrumPlan {
  readonly samples: number;
  /** N/2 + 1 */
  readonly bins: number;
  readonly window: Float64Array;
  /** c_k / (rate Σ w²) */
  readonly scale: Float64Array;
  readonly fft: FFT;
  /** [N, 2] each */
  readonly input: Float64Array;
  readonly output: Float64Array;
}

export function createSpectrumPlan({ samples, rate }: SpectrogramOptions): SpectrumPlan {
  const bins = samples / 2 + 1;
  const window = Float64Array.from({ length: samples }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / samples));
  const power = window.reduce((sum, w) => sum + w * w, 0);
  return {
    samples,
    bins,
    window,
    scale: Float64Array.from({ length: bins }, (_, k) => (k === 0 || k === bins - 1 ? 1 : 2) / (rate * power)),
    fft: new FFT(samples),
    input: new Float64Array(2 * samples),
    output: new Float64Array(2 * samples),
  };
}

/** Windowed samples less their mean, as the real (part 0) or imaginary (part 1) parts of the plan's input. */
function fillPart(plan: SpectrumPlan, x: Float32Array | Float64Array, from: number, part: 0 | 1): void {
  const { samples, window, input } = plan;
  let mean = 0;
  for (let n = 0; n < samples; n++) mean += x[from + n]!;
  mean /= samples;
  for (let n = 0; n < samples; n++) input[2 * n + part] = window[n]! * (x[from + n]! - mean);
}

/**
 * Power spectra of two segments at once.
 * @param x samples [from, from + N) and [other, other + N)
 * @param out [bins] at `to` for the first, and at `otherTo` for the second
 */
export function twoSpectra(
  plan: SpectrumPlan,
  x: Float32Array | Float64Array,
  from: number,
  other: number,
  out: Float32Array,
  to: number,
  otherTo: number,
): void {
  const { samples, bins, scale, fft, input, output } = plan;
  fillPart(plan, x, from, 0);
  fillPart(plan, x, other, 1);
  fft.transform(output, input);
  for (let k = 0; k < bins; k++) {
    const mirror = 2 * ((samples - k) % samples);
    const sumRe = output[2 * k]! + output[mirror]!;
    const sumIm = output[2 * k + 1]! + output[mirror + 1]!;
    const gapRe = output[2 * k]! - output[mirror]!;
    const gapIm = output[2 * k + 1]! - output[mirror + 1]!;
    const quarter = scale[k]! / 4;
    out[to + k] = quarter * (sumRe * sumRe + gapIm * gapIm);
    out[otherTo + k] = quarter * (sumIm * sumIm + gapRe * gapRe);
  }
}

/**
 * Power spectrum of one segment.
 * @param x samples [from, from + N)
 * @param out [bins] at `to`
 */
export function spectrum(
  plan: SpectrumPlan,
  x: Float32Array | Float64Array,
  from: number,
  out: Float32Array,
  to: number,
): void {
  const { bins, scale, fft, input, output } = plan;
  input.fill(0);
  fillPart(plan, x, from, 0);
  fft.transform(output, input);
  for (let k = 0; k < bins; k++) {
    out[to + k] = scale[k]! * (output[2 * k]! * output[2 * k]! + output[2 * k + 1]! * output[2 * k + 1]!);
  }
}

/**
 * Power spectra of all channels.
 * @param x [channels, N] in rows of `stride`, the segment from `from` on in each
 * @param out [channels, bins]
 */
export function spectra(
  plan: SpectrumPlan,
  x: Float32Array,
  channels: number,
  stride: number,
  from: number,
  out: Float32Array,
): void {
  const { bins } = plan;
  let c = 0;
  for (; c + 1 < channels; c += 2) {
    twoSpectra(plan, x, from + c * stride, from + (c + 1) * stride, out, c * bins, (c + 1) * bins);
  }
  if (c < channels) spectrum(plan, x, from + c * stride, out, c * bins);
}
