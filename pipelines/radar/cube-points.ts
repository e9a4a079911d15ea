import type { Fft } from '../fft.js';
import { addAngleFft, cellValues, peakOffset, type AngleFftScratch, type CellValues } from './angle.js';
import type { Detections } from './cfar.js';
import type { Cube } from './cube.js';
import type { AntennaRow } from './geometry.js';

/** Detected points; every array has one row a point. */
export interface CubePoints {
  count: number;
  /** Metres. */
  readonly range: Float32Array;
  /** m/s, away is positive. */
  readonly velocity: Float32Array;
  /** Radians, to the right is positive. */
  readonly azimuth: Float32Array;
  /** Radians, up is positive; NaN if the array has one height only. */
  readonly elevation: Float32Array;
  /** dB over the noise around the cell. */
  readonly snr: Float32Array;
  /** [points, 3] x to the right, y away from the radar, z up, metres; without an elevation as if at the radar's height. */
  readonly position: Float32Array;
}

export function createCubePoints(most: number): CubePoints {
  const column = () => new Float32Array(most);
  return {
    count: 0,
    range: column(),
    velocity: column(),
    azimuth: column(),
    elevation: column(),
    snr: column(),
    position: new Float32Array(3 * most),
  };
}

export interface CubePointScratch extends AngleFftScratch {
  readonly values: CellValues;
  /** [azimuth bins] */
  readonly spectrum: Float64Array;
  /** [rows, 2] */
  readonly rowValues: Float64Array;
  /** [2] sin(azimuth) cos(elevation), sin(elevation) */
  readonly direction: Float64Array;
  /** [3] of range, Doppler, azimuth: where between the bins the peak lies */
  readonly offsets: Float64Array;
}

export function createCubePointScratch(antennas: number, azimuthBins: number, rows: number): CubePointScratch {
  return {
    input: new Float64Array(2 * azimuthBins),
    output: new Float64Array(2 * azimuthBins),
    values: { re: new Float64Array(antennas), im: new Float64Array(antennas) },
    spectrum: new Float64Array(azimuthBins),
    rowValues: new Float64Array(2 * rows),
    direction: new Float64Array(2),
    offsets: new Float64Array(3),
  };
}

export interface CubeScales {
  /** Metres from one range bin to the next. */
  readonly rangeStep: number;
  /** m/s from one Doppler bin to the next. */
  readonly velocityStep: number;
  readonly transmitters: number;
  /** Seconds, frequency / slope: so much times its velocity farther away a moving target seems, as its Doppler shift adds to
   * the beat. */
  readonly coupling: number;
}

/**
 * Detections to points. Range and velocity are interpolated between bins over the range-Doppler power (`peakOffset`), the
 * range in the middle of the frame without what the velocity adds to it,
 * azimuth over the zero-padded angle spectrum summed over the rows; before that the phases of time-multiplexed
 * transmitters are turned on by what the velocity between two bins adds. Elevation comes from the phase that the next
 * higher row is ahead by in that direction, arg Σ y[row + 1] y*[row] = −π Δz sin(elevation), where the rows are evenly
 * spaced; without ambiguity where |sin(elevation)| < 1 / Δz. S. Rao, Introduction to mmWave radar sensing, Texas
 * Instruments, module 5; S. M. Kay, A fast and accurate single frequency estimator, IEEE Trans. ASSP 37 (1989).
 * @param power [range bins, Doppler bins]
 * @param fft of size azimuth bins
 */
export function cubePoints(
  cube: Cube,
  power: Float64Array,
  detections: Detections,
  rows: readonly AntennaRow[],
  scales: CubeScales,
  fft: Fft,
  scratch: CubePointScratch,
  out: CubePoints,
): void {
  const { dopplerBins, rangeBins } = cube;
  const { values, spectrum, direction, offsets } = scratch;
  out.count = Math.min(detections.count, out.range.length);
  for (let i = 0; i < out.count; i++) {
    const cell = detections.cell[i]!;
    const rangeBin = Math.floor(cell / dopplerBins);
    const dopplerBin = cell % dopplerBins;
    offsets[0] = 0;
    if (rangeBin > 0 && rangeBin < rangeBins - 1) {
      peakOffset(power, cell - dopplerBins, cell, cell + dopplerBins, offsets, 0);
    }
    const line = rangeBin * dopplerBins;
    const before = line + ((dopplerBin + dopplerBins - 1) % dopplerBins);
    const after = line + ((dopplerBin + 1) % dopplerBins);
    peakOffset(power, before, cell, after, offsets, 1);

    cellValues(cube, rangeBin, dopplerBin, values);
    turn(values, offsets, dopplerBins, scales.transmitters);
    spectrum.fill(0);
    for (const row of rows) addAngleFft(values, row, fft, scratch, spectrum);
    findAzimuth(spectrum, offsets, direction);
    findElevation(values, rows, scratch.rowValues, direction);
    const u = direction[0]!;
    const w = direction[1]!;

    const velocity = (dopplerBin + offsets[1]! - dopplerBins / 2) * scales.velocityStep;
    const range = (rangeBin + offsets[0]) * scales.rangeStep - scales.coupling * velocity;
    const sinElevation = Number.isNaN(w) ? 0 : w;
    const cosElevation = Math.sqrt(1 - sinElevation * sinElevation);
    const sinAzimuth = cosElevation > 0 ? Math.min(1, Math.max(-1, u / cosElevation)) : 0;
    out.range[i] = range;
    out.velocity[i] = velocity;
    out.azimuth[i] = Math.asin(sinAzimuth);
    out.elevation[i] = Math.asin(w);
    out.snr[i] = 10 * Math.log10(power[cell]! / detections.noise[i]!);
    out.position[3 * i] = range * cosElevation * sinAzimuth;
    out.position[3 * i + 1] = range * cosElevation * Math.sqrt(1 - sinAzimuth * sinAzimuth);
    out.position[3 * i + 2] = range * sinElevation;
  }
}

/** Each transmitter's values by −2π · Doppler offset / Doppler bins · its number / transmitters. */
function turn({ re, im }: CellValues, offsets: Float64Array, dopplerBins: number, transmitters: number): void {
  const cycles = offsets[1]! / dopplerBins;
  const receivers = re.length / transmitters;
  for (let a = 0; a < re.length; a++) {
    const phase = (-2 * Math.PI * cycles * Math.floor(a / receivers)) / transmitters;
    const c = Math.cos(phase);
    const s = Math.sin(phase);
    const x = re[a]!;
    const y = im[a]!;
    re[a] = x * c - y * s;
    im[a] = x * s + y * c;
  }
}

/** direction[0] ← that of the highest bin, interpolated; the first and the last bin are neighbours. */
function findAzimuth(spectrum: Float64Array, offsets: Float64Array, direction: Float64Array): void {
  const bins = spectrum.length;
  let peak = 0;
  for (let i = 1; i < bins; i++) if (spectrum[i]! > spectrum[peak]!) peak = i;
  peakOffset(spectrum, (peak + bins - 1) % bins, peak, (peak + 1) % bins, offsets, 2);
  direction[0] = (2 * (peak + offsets[2]!)) / bins - 1;
}

/** direction[1] ← from the phases between the rows in the azimuth of direction[0]; NaN if there is one row only. */
function findElevation(
  { re, im }: CellValues,
  rows: readonly AntennaRow[],
  rowValues: Float64Array,
  direction: Float64Array,
): void {
  direction[1] = NaN;
  if (rows.length < 2) return;
  const u = direction[0]!;
  rowValues.fill(0);
  for (let r = 0; r < rows.length; r++) {
    const { antenna, x } = rows[r]!;
    for (let i = 0; i < antenna.length; i++) {
      const c = Math.cos(Math.PI * x[i]! * u);
      const s = Math.sin(Math.PI * x[i]! * u);
      const a = re[antenna[i]!]!;
      const b = im[antenna[i]!]!;
      rowValues[2 * r]! += (a * c - b * s) / antenna.length;
      rowValues[2 * r + 1]! += (a * s + b * c) / antenna.length;
    }
  }
  const spacing = rows[1]!.z - rows[0]!.z;
  let sumRe = 0;
  let sumIm = 0;
  for (let r = 0; r + 1 < rows.length; r++) {
    if (rows[r + 1]!.z - rows[r]!.z !== spacing) continue;
    const a = rowValues[2 * r + 2]!;
    const b = rowValues[2 * r + 3]!;
    const c = rowValues[2 * r]!;
    const d = rowValues[2 * r + 1]!;
    sumRe += a * c + b * d;
    sumIm += b * c - a * d;
  }
  direction[1] = Math.min(1, Math.max(-1, -Math.atan2(sumIm, sumRe) / (Math.PI * spacing)));
}
