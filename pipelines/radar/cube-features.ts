/** Raw samples of a radar to the two small pictures of one instant that a tower reads.
 *
 *  cube ─▶ heatmaps' power, standing echoes removed ─▶ area mean ─▶ dB ─▶ adaptive scale ─▶ [2, rows, columns]
 *
 *  Picture 0: range × radial velocity, nearest range first, from the fastest approach to the fastest retreat.
 *  Picture 1: range × sin(azimuth), from left to right.
 *
 *  Power, not decibels, is averaged over a cell: a person who fills one bin of it is not drowned in the noise of the others.
 *  The scale goes from the noise, 0, to the strongest echo, 1, both as they were over the last ten frames or so. */

import type { RadarCubeFrame } from '../../drivers/frames.js';
import { fftSize } from '../fft.js';
import type { Fault, FrameFeatures } from '../features.js';
import { createAreaMean, type Stretch } from './area-mean.js';
import { cubeFault, type CubeFault } from './cube-faults.js';
import { createCubeHeatmaps, type CubeHeatmapOptions } from './cube-heatmaps.js';
import { createAdaptiveScale, decibels, scaleAdaptive, type AdaptiveScaling } from './decibels.js';
import { rangeStep } from './geometry.js';

export interface RadarCubeOptions extends Omit<CubeHeatmapOptions, 'rangeBins'> {
  /** Rows and columns of each picture. Default: 32 × 32. */
  readonly size?: readonly [rows: number, columns: number];
  /** Nearest and farthest range, metres. Default: all. */
  readonly range?: readonly [nearest: number, farthest: number];
  /** Highest speed, m/s. Default: all. */
  readonly speed?: number;
  readonly scaling?: AdaptiveScaling;
  /** The converter's largest step. Default: 32767. */
  readonly fullScale?: number;
}

const faultOf: Readonly<Record<CubeFault, Fault>> = {
  shape: 'settingsChanged',
  missing: 'absent',
  constant: 'constant',
  clipped: 'clipped',
};

/** The same samples so many times again: the device repeats itself. */
const repeatsOfConstant = 8;
/** Samples, evenly spaced, by which frames are compared: in noise so many are never the same twice. */
const compared = 1024;

/**
 * Faults: `settingsChanged` (another shape than configured), `absent` (over 1 % of the samples lost, no time), `constant`
 * (within a cube, or the same cube for the ninth time), `clipped`.
 * @throws RangeError for limits that hold no bin, or an antenna count that is not the geometry's
 */
export function createRadarCubeFeatures(options: RadarCubeOptions): FrameFeatures<RadarCubeFrame> {
  const { geometry, shape, components, size = [32, 32], range = [0, Infinity], scaling = {}, fullScale } = options;
  const step = rangeStep(geometry, fftSize(shape[3]) * (options.rangePadding ?? 1));
  const first = Math.ceil(range[0] / step);
  const maps = createCubeHeatmaps(
    Number.isFinite(range[1]) ? { ...options, rangeBins: Math.floor(range[1] / step) + 1 } : options,
  );
  const rows: Stretch = [first, maps.rangeBins - first];
  if (!(first >= 0 && rows[1] > 0)) throw new RangeError(`no range bin from ${range[0]} m to ${range[1]} m`);
  const middle = maps.dopplerBins / 2;
  const bins = Math.min(middle, Math.floor((options.speed ?? Infinity) / maps.scales.velocityStep));
  if (!(bins > 0)) throw new RangeError(`no Doppler bin up to ${options.speed} m/s`);
  // All bins are one less above the middle than below.
  const columns: Stretch = [middle - bins, Math.min(2 * bins + 1, maps.dopplerBins)];

  const cells = size[0] * size[1];
  const power = new Float64Array(cells);
  const db = new Float32Array(cells);
  const pictures = [
    {
      map: maps.rangeDopplerPower,
      reduce: createAreaMean(maps.dopplerBins, rows, columns, size),
      scale: createAdaptiveScale(),
    },
    {
      map: maps.rangeAzimuthPower,
      reduce: createAreaMean(maps.azimuthBins, rows, [0, maps.azimuthBins], size),
      scale: createAdaptiveScale(),
    },
  ] as const;
  const last = new Int16Array(compared);
  let repeats = 0;

  function repeated({ data }: RadarCubeFrame): boolean {
    let same = true;
    const taken = Math.min(compared, data.length);
    for (let i = 0; i < taken; i++) {
      const value = data[Math.floor((i * data.length) / taken)]!;
      if (value !== last[i]) same = false;
      last[i] = value;
    }
    repeats = same ? repeats + 1 : 0;
    return repeats >= repeatsOfConstant;
  }

  return {
    shape: [2, ...size],
    take(frame, out) {
      if (!Number.isFinite(frame.arrivalTime)) return 'absent';
      const fault = cubeFault(frame, shape, components, fullScale);
      if (fault !== undefined) return faultOf[fault];
      if (repeated(frame)) return 'constant';
      maps.updatePower(frame);
      for (let p = 0; p < pictures.length; p++) {
        const { map, reduce, scale } = pictures[p]!;
        reduce(map, power);
        decibels(power, db);
        scaleAdaptive(db, scale, scaling, db);
        out.set(db, p * cells);
      }
      return undefined;
    },
    reset() {
      repeats = 0;
    },
  };
}
