/** Raw samples of a radar to its heatmaps.
 *
 *    cube ─▶ range FFT ─▶ static clutter removed ─▶ Doppler FFT, transmitters in phase ─┬▶ range-Doppler power ─▶ dB
 *                                                                                       └▶ range-azimuth power ─▶ dB
 *
 *  Everything is allocated once; a frame allocates nothing. */

import type { RadarCubeFrame } from '../../drivers/frames.js';
import { createFft, fftSize } from '../fft.js';
import { powerCorrelation } from './cfar-factors.js';
import { createBackground, removeBackground, removeChirpMean } from './clutter.js';
import type { CubeScales } from './cube-points.js';
import { createCube, type Cube } from './cube.js';
import { decibels } from './decibels.js';
import { dopplerFft, tdmPhases } from './doppler-fft.js';
import { antennaRows, rangeStep, velocityStep, type AntennaRow, type RadarGeometry } from './geometry.js';
import { createRangeAzimuthScratch, rangeAzimuthPower, rangeDopplerPower } from './heatmaps.js';
import { rangeFft } from './range-fft.js';
import { windowFunction, type WindowName } from './window-functions.js';

export interface CubeHeatmapOptions {
  readonly geometry: RadarGeometry;
  readonly shape: RadarCubeFrame['shape'];
  readonly components: RadarCubeFrame['components'];
  /** Default: Hann. */
  readonly rangeWindow?: WindowName;
  /** Default: Hann. */
  readonly dopplerWindow?: WindowName;
  /** How many times longer than they need be the FFTs are, powers of two: bins so much denser. Two targets two cells apart can
   * be one peak where each lies halfway between two bins; with twice the bins they never are. Default: 1. */
  readonly rangePadding?: number;
  readonly dopplerPadding?: number;
  /** Range bins to keep. Default: all. */
  readonly rangeBins?: number;
  /** A power of two. Default: 64. */
  readonly azimuthBins?: number;
  /** What is taken out as standing: each frame's mean (the default), the mean of many frames with this weight of a new
   * one, or nothing. */
  readonly clutter?: 'chirp-mean' | 'none' | { readonly weight: number };
}

/** The arrays are written anew with every frame. */
export interface CubeHeatmaps {
  readonly rangeBins: number;
  readonly dopplerBins: number;
  readonly azimuthBins: number;
  /** As `cubePoints` takes them. */
  readonly scales: CubeScales;
  /** How alike noise is in cells 1, 2, … bins apart, as the windows make it: for a CFAR. */
  readonly noiseCorrelation: { readonly range: readonly number[]; readonly doppler: readonly number[] };
  readonly rows: readonly AntennaRow[];
  readonly cube: Cube;
  /** [range bins, Doppler bins] */
  readonly rangeDopplerPower: Float64Array;
  /** [range bins, azimuth bins], bin i at sin(azimuth) = 2 i / azimuthBins − 1. */
  readonly rangeAzimuthPower: Float64Array;
  /** The same in dB of the converter's steps squared. */
  readonly rangeDoppler: Float32Array;
  readonly rangeAzimuth: Float32Array;
  /** A frame of the options' shape. */
  update(frame: RadarCubeFrame): void;
  /** The same without the maps in dB. */
  updatePower(frame: RadarCubeFrame): void;
}

export function createCubeHeatmaps(options: CubeHeatmapOptions): CubeHeatmaps {
  const { geometry, shape, components, clutter = 'chirp-mean', azimuthBins = 64 } = options;
  const [chirps, transmitters, receivers, samples] = shape;
  const antennas = transmitters * receivers;
  if (geometry.antennas.length !== antennas || geometry.transmitters !== transmitters) {
    throw new RangeError(`${antennas} virtual antennas in the cube, ${geometry.antennas.length} in the geometry`);
  }
  const rangeSize = fftSize(samples) * (options.rangePadding ?? 1);
  const dopplerBins = fftSize(chirps) * (options.dopplerPadding ?? 1);
  const bins = components === 2 ? rangeSize : rangeSize / 2;
  const rangeBins = Math.min(options.rangeBins ?? bins, bins);
  const rangeWindow = windowFunction(options.rangeWindow ?? 'hann', samples);
  const dopplerWindow = windowFunction(options.dopplerWindow ?? 'hann', chirps);
  const cube = createCube(
    { chirps, transmitters, receivers, samples, rangeBins, rangeSize, dopplerBins },
    rangeWindow,
    dopplerWindow,
  );
  const background = createBackground(cube);
  const mean = new Float64Array(background.level.length);
  const phases = tdmPhases(transmitters, dopplerBins);
  const rows = antennaRows(geometry);
  const azimuthTransform = createFft(azimuthBins);
  const azimuthScratch = createRangeAzimuthScratch(rows, azimuthBins);

  const maps = {
    rangeDopplerPower: new Float64Array(rangeBins * dopplerBins),
    rangeAzimuthPower: new Float64Array(rangeBins * azimuthBins),
    rangeDoppler: new Float32Array(rangeBins * dopplerBins),
    rangeAzimuth: new Float32Array(rangeBins * azimuthBins),
  };

  function updatePower(frame: RadarCubeFrame): void {
    rangeFft(frame, cube);
    if (clutter === 'chirp-mean') removeChirpMean(cube, mean);
    else if (clutter !== 'none') removeBackground(cube, background, clutter.weight, mean);
    dopplerFft(cube, phases);
    rangeDopplerPower(cube, maps.rangeDopplerPower);
    rangeAzimuthPower(cube, rows, azimuthTransform, azimuthScratch, maps.rangeAzimuthPower);
  }

  return {
    rangeBins,
    dopplerBins,
    azimuthBins,
    scales: {
      rangeStep: rangeStep(geometry, rangeSize),
      velocityStep: velocityStep(geometry, dopplerBins),
      transmitters,
      coupling: geometry.frequency / geometry.slope,
    },
    noiseCorrelation: {
      range: powerCorrelation(rangeWindow, rangeSize),
      doppler: powerCorrelation(dopplerWindow, dopplerBins),
    },
    rows,
    cube,
    ...maps,
    updatePower,
    update(frame) {
      updatePower(frame);
      decibels(maps.rangeDopplerPower, maps.rangeDoppler);
      decibels(maps.rangeAzimuthPower, maps.rangeAzimuth);
    },
  };
}
