import type { Fft } from '../fft.js';
import type { RangeSpectrum } from './range-fft.js';

/** Complex value of every range, antenna and velocity. */
export interface DopplerCube {
  readonly rangeBins: number;
  readonly antennas: number;
  readonly dopplerBins: number;
  /** [range bins, antennas, Doppler bins]; Doppler bin dopplerBins / 2 stands, those above it move away. */
  readonly re: Float64Array;
  readonly im: Float64Array;
}

export function createDopplerCube(rangeBins: number, antennas: number, dopplerBins: number): DopplerCube {
  const size = rangeBins * antennas * dopplerBins;
  return { rangeBins, antennas, dopplerBins, re: new Float64Array(size), im: new Float64Array(size) };
}

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

/** Range bins at once: as many as one cache line of the spectrum holds, since each line is 4 kB and more from the next. */
const tile = 4;

export interface DopplerFftScratch {
  /** 4 × [fft size, 2] zeros */
  readonly input: readonly [Float64Array, Float64Array, Float64Array, Float64Array];
  /** [fft size, 2] */
  readonly output: Float64Array;
}

export function createDopplerFftScratch(size: number): DopplerFftScratch {
  const array = () => new Float64Array(2 * size);
  return { input: [array(), array(), array(), array()], output: array() };
}

/**
 * Doppler spectrum of every range and antenna over the chirps, with the standing one in the middle, and the phases of
 * time-multiplexed transmitters put right: [chirps, antennas, range bins] → [range bins, antennas, Doppler bins] complex.
 * Chirps are zero-padded to the size of `fft`. Bin d lies at `(d − dopplerBins / 2) · velocityStep`. Principles of Modern
 * Radar, 17.4.
 * @param window [chirps]
 * @param phases of the cube's transmitters
 */
export function dopplerFft(
  spectrum: RangeSpectrum,
  window: Float64Array,
  fft: Fft,
  phases: TdmPhases,
  scratch: DopplerFftScratch,
  out: DopplerCube,
): void {
  const { chirps, antennas, rangeBins, data } = spectrum;
  const [in0, in1, in2, in3] = scratch.input;
  const { re, im, dopplerBins } = out;
  const chirpStep = antennas * rangeBins * 2;
  const receivers = antennas / (phases.re.length / dopplerBins);
  for (let r = 0; r < rangeBins; r += tile) {
    for (let a = 0; a < antennas; a++) {
      let from = (a * rangeBins + r) * 2;
      for (let c = 0, i = 0; c < chirps; c++, i += 2, from += chirpStep) {
        const weight = window[c]!;
        in0[i] = weight * data[from]!;
        in0[i + 1] = weight * data[from + 1]!;
        in1[i] = weight * data[from + 2]!;
        in1[i + 1] = weight * data[from + 3]!;
        in2[i] = weight * data[from + 4]!;
        in2[i + 1] = weight * data[from + 5]!;
        in3[i] = weight * data[from + 6]!;
        in3[i + 1] = weight * data[from + 7]!;
      }
      const phase = Math.floor(a / receivers) * dopplerBins;
      for (let k = 0; k < tile; k++) {
        fft.transform(scratch.output, scratch.input[k]!);
        turnAndShift(scratch.output, phases, phase, re, im, ((r + k) * antennas + a) * dopplerBins, dopplerBins);
      }
    }
  }
}

function turnAndShift(
  spectrum: Float64Array,
  phases: TdmPhases,
  phase: number,
  re: Float64Array,
  im: Float64Array,
  at: number,
  bins: number,
): void {
  const turnRe = phases.re;
  const turnIm = phases.im;
  for (let d = 0, from = bins; d < bins; d++, from += 2) {
    if (from === 2 * bins) from = 0;
    const x = spectrum[from]!;
    const y = spectrum[from + 1]!;
    const c = turnRe[phase + d]!;
    const s = turnIm[phase + d]!;
    re[at + d] = x * c - y * s;
    im[at + d] = x * s + y * c;
  }
}
