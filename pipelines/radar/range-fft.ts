import type { RadarCubeFrame } from '../../drivers/frames.js';
import type { Fft } from '../fft.js';

/** Spectrum of each chirp. */
export interface RangeSpectrum {
  readonly chirps: number;
  readonly antennas: number;
  /** A multiple of 4. */
  readonly rangeBins: number;
  /** [chirps, antennas, range bins, 2] real and imaginary part. */
  readonly data: Float64Array;
}

/** @param rangeBins a multiple of 4; otherwise throws */
export function createRangeSpectrum(chirps: number, antennas: number, rangeBins: number): RangeSpectrum {
  if (rangeBins % 4 !== 0) throw new RangeError(`${rangeBins} range bins: not a multiple of 4`);
  return { chirps, antennas, rangeBins, data: new Float64Array(chirps * antennas * rangeBins * 2) };
}

export interface RangeFftScratch {
  /** [fft size, 2] zeros */
  readonly input: Float64Array;
  /** [fft size, 2] */
  readonly output: Float64Array;
}

/**
 * Range spectrum of every chirp: [chirps, transmitters, receivers, samples] real or complex converter's steps →
 * [chirps, antennas, range bins] complex, the same units times the window's sum; an antenna is transmitter · receivers +
 * receiver. Samples are zero-padded to the size of `fft`. Bins that `out` has no place for are left out; a real signal has
 * fft.size / 2. Bin k lies at `k · rangeStep`. Principles of Modern Radar, 8.3.
 * @param window [samples]
 */
export function rangeFft(
  frame: Pick<RadarCubeFrame, 'shape' | 'components' | 'data'>,
  window: Float64Array,
  fft: Fft,
  scratch: RangeFftScratch,
  out: RangeSpectrum,
): void {
  const { data, components } = frame;
  const { input, output } = scratch;
  const spectrum = out.data;
  const samples = window.length;
  const rows = out.chirps * out.antennas;
  const row = 2 * out.rangeBins;
  let from = 0;
  let to = 0;
  for (let r = 0; r < rows; r++) {
    if (components === 2) {
      for (let n = 0; n < samples; n++, from += 2) {
        const weight = window[n]!;
        input[2 * n] = weight * data[from]!;
        input[2 * n + 1] = weight * data[from + 1]!;
      }
      fft.transform(output, input);
    } else {
      for (let n = 0; n < samples; n++) input[n] = window[n]! * data[from++]!;
      fft.realTransform(output, input);
    }
    for (let k = 0; k < row; k++) spectrum[to++] = output[k]!;
  }
}
