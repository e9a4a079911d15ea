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

/** Windowed samples as the real (part 0) or imaginary (part 1) parts of the plan's input. */
function fillPart({ samples, window, input }: SpectrumPlan, x: Float64Array, from: number, part: 0 | 1): void {
  for (let n = 0, to = part as number; n < samples; n++, to += 2) input[to] = window[n]! * x[from + n]!;
}

/** Power spectra of the segments at `from` and at `from` + N. `out`: [bins] at `to` for the first; the second's follow. */
function twoSpectra(plan: SpectrumPlan, x: Float64Array, from: number, out: Float32Array, to: number): void {
  const { samples, bins, scale, fft, input, output } = plan;
  fillPart(plan, x, from, 0);
  fillPart(plan, x, from + samples, 1);
  fft.transform(output, input);
  out[to] = scale[0]! * output[0]! ** 2;
  out[to + bins] = scale[0]! * output[1]! ** 2;
  for (let k = 1, at = 2, mirror = 2 * samples - 2; k < bins; k++, at += 2, mirror -= 2) {
    const sumRe = output[at]! + output[mirror]!;
    const sumIm = output[at + 1]! + output[mirror + 1]!;
    const gapRe = output[at]! - output[mirror]!;
    const gapIm = output[at + 1]! - output[mirror + 1]!;
    const quarter = scale[k]! / 4;
    out[to + k] = quarter * (sumRe * sumRe + gapIm * gapIm);
    out[to + bins + k] = quarter * (sumIm * sumIm + gapRe * gapRe);
  }
}

/**
 * Power spectrum of one segment.
 * @param x [N] from `from` on, without its mean
 * @param out [bins] from `to` on
 */
export function spectrum(plan: SpectrumPlan, x: Float64Array, from: number, out: Float32Array, to: number): void {
  const { bins, scale, fft, input, output } = plan;
  input.fill(0);
  fillPart(plan, x, from, 0);
  fft.transform(output, input);
  for (let k = 0; k < bins; k++) {
    out[to + k] = scale[k]! * (output[2 * k]! * output[2 * k]! + output[2 * k + 1]! * output[2 * k + 1]!);
  }
}

/**
 * Power spectra of the segments of all channels.
 * @param x [channels, N], each without its mean
 * @param out [channels, bins]
 */
export function spectra(plan: SpectrumPlan, x: Float64Array, out: Float32Array): void {
  const { samples, bins } = plan;
  const channels = x.length / samples;
  let c = 0;
  for (; c + 1 < channels; c += 2) twoSpectra(plan, x, c * samples, out, c * bins);
  if (c < channels) spectrum(plan, x, c * samples, out, c * bins);
}

/**
 * The newest segment of each channel without its mean.
 * @param rows [channels] rows of `stride`, of which the segment begins at `from`
 * @param out [channels, N]
 */
export function centreSegments(
  rows: Float32Array,
  stride: number,
  from: number,
  samples: number,
  out: Float64Array,
): void {
  for (let to = 0, row = from; to < out.length; to += samples, row += stride) {
    let sum = 0;
    for (let n = 0; n < samples; n++) sum += rows[row + n]!;
    const mean = sum / samples;
    for (let n = 0; n < samples; n++) out[to + n] = rows[row + n]! - mean;
  }
}
