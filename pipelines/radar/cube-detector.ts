/** A cube's heatmaps to points: CFAR over range, the highest cell of each target, range, velocity and direction between bins. */

import { createFft } from '../fft.js';
import { createCfar, createDetections, detect, keepPeaks, type CfarKind, type Detections } from './cfar.js';
import type { CubeHeatmaps } from './cube-heatmaps.js';
import { createCubePoints, createCubePointScratch, cubePoints, type CubePoints } from './cube-points.js';

export interface CubeDetectorOptions {
  /** Default: ordered statistic, which does not lose one of two people at nearly the same distance. */
  kind?: CfarKind;
  /** Range bins on each side. Default: 12. */
  training?: number;
  /** Default: 3. */
  guard?: number;
  /** Of a cell. Default: 1e-5, one false alarm in six frames of 256 × 64 cells. */
  falseAlarmRate?: number;
  /** Default: 512. */
  mostPoints?: number;
}

/** Written anew with every frame. */
export interface CubeDetector {
  readonly points: CubePoints;
  readonly detections: Detections;
  /** Points of the frame that the maps hold now. */
  update(): void;
}

export function createCubeDetector(maps: CubeHeatmaps, options: CubeDetectorOptions = {}): CubeDetector {
  const { kind = 'ordered-statistic', training = 12, guard = 3, falseAlarmRate = 1e-5, mostPoints = 512 } = options;
  const { cube, rangeDopplerPower: power, rangeBins, dopplerBins, azimuthBins, rows, scales } = maps;
  const correlation = maps.noiseCorrelation.range;
  const looks = cube.antennas;
  const cfar = createCfar({ kind, axis: 'range', training, guard, falseAlarmRate, looks, correlation }, rangeBins);
  // Of each target several cells are found before the highest is kept.
  const detections = createDetections(16 * mostPoints);
  const points = createCubePoints(mostPoints);
  const scratch = createCubePointScratch(cube.antennas, azimuthBins, rows.length);
  const fft = createFft(azimuthBins);
  return {
    points,
    detections,
    update() {
      detect(power, rangeBins, dopplerBins, cfar, detections);
      keepPeaks(power, rangeBins, dopplerBins, detections);
      cubePoints(cube, power, detections, rows, scales, fft, scratch, points);
    },
  };
}
