import type { RadarCubeFrame } from '../../drivers/frames.js';
import type { Cube } from './cube.js';

/**
 * Range spectrum of every chirp: [chirps, transmitters, receivers, samples] real or complex converter's steps →
 * cube.spectrum, the same units times the window's sum. Samples are zero-padded to the size of the FFT; of a real signal the
 * bins from the middle on mirror the others. Bin k lies at `k · rangeStep`. Principles of Modern Radar, 8.3.
 * @param frame of the cube's shape
 */
export function rangeFft(frame: Pick<RadarCubeFrame, 'components' | 'data'>, cube: Cube): void {
  const { chirps, antennas, pairs, samples, kernels } = cube;
  for (let chirp = 0; chirp < chirps; chirp++) {
    for (let pair = 0; pair < pairs; pair++) {
      const first = (chirp * antennas + 2 * pair) * samples;
      const second = 2 * pair + 1 < antennas ? first + samples : first; // alone: the same twice
      if (frame.components === 2) loadComplex(frame.data, 2 * first, 2 * second, samples, kernels.samples);
      else loadReal(frame.data, first, second, samples, kernels.samples);
      kernels.rangeTransform(chirp, pair);
    }
  }
}

function loadComplex(data: Int16Array, first: number, second: number, samples: number, out: Float64Array): void {
  for (let n = 0, a = first, b = second; n < 4 * samples; n += 4, a += 2, b += 2) {
    out[n] = data[a]!;
    out[n + 1] = data[b]!;
    out[n + 2] = data[a + 1]!;
    out[n + 3] = data[b + 1]!;
  }
}

/** The imaginary parts are never written, and 0. */
function loadReal(data: Int16Array, first: number, second: number, samples: number, out: Float64Array): void {
  for (let n = 0; n < samples; n++) {
    out[4 * n] = data[first + n]!;
    out[4 * n + 1] = data[second + n]!;
  }
}
