import type { Cube } from './cube.js';

/** The echo of what stands still is the same in every chirp: both steps take its estimate from each chirp, in place.
 *  M. A. Richards, Fundamentals of Radar Signal Processing, 5.2 and 5.5. */

/**
 * Mean over the frame's chirps: mean ← (1/chirps) Σ spectrum.
 * @param mean [pairs, range bins, 4], written
 */
export function chirpMean({ chirps, spectrum }: Cube, mean: Float64Array): void {
  const row = mean.length;
  mean.fill(0);
  const fours = chirps - (chirps % 4);
  for (let c = 0; c < fours; c += 4) addFourRows(spectrum, c * row, mean);
  for (let c = fours; c < chirps; c++) addRow(spectrum, c * row, mean);
  for (let i = 0; i < row; i++) mean[i]! /= chirps;
}

/** Four at once: the sums are loaded and stored a fourth as often. */
function addFourRows(spectrum: Float64Array, first: number, sums: Float64Array): void {
  const row = sums.length;
  for (let i = 0, at = first; i < row; i++, at++) {
    sums[i]! += spectrum[at]! + spectrum[at + row]! + (spectrum[at + 2 * row]! + spectrum[at + 3 * row]!);
  }
}

function addRow(spectrum: Float64Array, first: number, sums: Float64Array): void {
  for (let i = 0; i < sums.length; i++) sums[i]! += spectrum[first + i]!;
}

/** @param background [pairs, range bins, 4] taken from every chirp */
export function subtractBackground({ chirps, spectrum }: Cube, background: Float64Array): void {
  for (let c = 0; c < chirps; c++) subtractFromRow(spectrum, c * background.length, background);
}

function subtractFromRow(spectrum: Float64Array, first: number, background: Float64Array): void {
  for (let i = 0; i < background.length; i++) spectrum[first + i]! -= background[i]!;
}

/** Takes out all that did not move within the frame. Someone who sits still and breathes goes with it: see `removeBackground`. */
export function removeChirpMean(cube: Cube, mean: Float64Array): void {
  chirpMean(cube, mean);
  subtractBackground(cube, mean);
}

export interface Background {
  /** [pairs, range bins, 4] */
  readonly level: Float64Array;
  /** Frames that went into it. */
  frames: number;
}

export const createBackground = ({ pairs, rangeBins }: Cube): Background => ({
  level: new Float64Array(pairs * rangeBins * 4),
  frames: 0,
});

/**
 * Takes out what stayed the same over many frames: level ← level + a · (mean − level), a = max(1 / frames, weight), then
 * spectrum ← spectrum − level. So the first frame is its own background, the first 1 / weight frames are averaged, and
 * then the memory fades with the time constant 1 / weight frames. Only for a radar whose frames start at one phase.
 * @param mean [pairs, range bins, 4] scratch
 */
export function removeBackground(cube: Cube, background: Background, weight: number, mean: Float64Array): void {
  const { level } = background;
  chirpMean(cube, mean);
  background.frames++;
  const share = Math.max(1 / background.frames, weight);
  for (let i = 0; i < level.length; i++) level[i]! += share * (mean[i]! - level[i]!);
  subtractBackground(cube, level);
}
