import type { Cube } from './cube.js';

/** [transmitters, Doppler bins] e^(−2πi d t / (dopplerBins · transmitters)), d = bin − dopplerBins / 2. */
export interface TdmPhases {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/**
 * Transmitter t of a loop sends t / transmitters of a loop later than the first, and a target of Doppler bin d has turned
 * its phase on by 2π d t / (dopplerBins · transmitters) meanwhile; this table turns it back, before angles are measured.
 * S. Rao, MIMO Radar, Texas Instruments SWRA554A, 5.1.
 */
export function tdmPhases(transmitters: number, dopplerBins: number): TdmPhases {
  const phase = (_: unknown, i: number) => {
    const t = Math.floor(i / dopplerBins);
    const d = (i % dopplerBins) - dopplerBins / 2;
    return (-2 * Math.PI * d * t) / (dopplerBins * transmitters);
  };
  const length = transmitters * dopplerBins;
  return {
    re: Float64Array.from({ length }, (_, i) => Math.cos(phase(_, i))),
    im: Float64Array.from({ length }, (_, i) => Math.sin(phase(_, i))),
  };
}

/**
 * Doppler spectrum of every range and antenna over the chirps, with the standing one in the middle, and the phases of
 * time-multiplexed transmitters put right: cube.spectrum → cube.re and im. Chirps are zero-padded to the size of the FFT. Bin d
 * lies at `(d − dopplerBins / 2) · velocityStep`. Principles of Modern Radar, 17.4.
 * @param phases of the cube's transmitters
 */
export function dopplerFft(cube: Cube, phases: TdmPhases): void {
  const { pairs, rangeBins, antennas, dopplerBins, kernels } = cube;
  for (let r = 0; r < rangeBins; r++) {
    for (let pair = 0; pair < pairs; pair++) {
      kernels.dopplerTransform(pair, r);
      turnAndShift(cube, phases, 2 * pair, 0, (r * antennas + 2 * pair) * dopplerBins);
      if (2 * pair + 1 < antennas)
        turnAndShift(cube, phases, 2 * pair + 1, 1, (r * antennas + 2 * pair + 1) * dopplerBins);
    }
  }
}

/** Of one antenna of the pair that was transformed. */
function turnAndShift(cube: Cube, phases: TdmPhases, antenna: number, half: 0 | 1, at: number): void {
  const { dopplerBins: bins, receivers, re, im } = cube;
  const spectrum = cube.kernels.transformed;
  const phase = Math.floor(antenna / receivers) * bins;
  const turnRe = phases.re;
  const turnIm = phases.im;
  for (let d = 0, from = 2 * bins + half; d < bins; d++, from += 4) {
    if (d === bins / 2) from = half;
    const x = spectrum[from]!;
    const y = spectrum[from + 2]!;
    const c = turnRe[phase + d]!;
    const s = turnIm[phase + d]!;
    re[at + d] = x * c - y * s;
    im[at + d] = x * s + y * c;
  }
}
