/** Detection at a constant rate of false alarms.
 *
 *     training   guard   cell   guard   training          a line of the map, along range or along Doppler
 *    ▒▒▒▒▒▒▒▒▒▒  ░░░░    ████   ░░░░   ▒▒▒▒▒▒▒▒▒▒
 *
 *    cell-averaging       cell > factor · mean of the training cells
 *    ordered-statistic    cell > factor · k-th smallest of them: other targets among them do not hide this one
 *
 *  Over range the ends of a line have fewer training cells (at least those of one side), and a factor of their own; Doppler
 *  bins go round. Cells that a window function made alike count as fewer. H. Rohling, Radar CFAR thresholding in clutter and multiple target situations, IEEE Trans. AES 19 (1983). */

import {
  cellAveragingFactor,
  independentCells,
  meanOfRank,
  orderedStatisticFactor,
  rankCorrelation,
} from './cfar-factors.js';

export type CfarKind = 'cell-averaging' | 'ordered-statistic';
export type CfarAxis = 'range' | 'doppler';

export interface CfarOptions {
  kind: CfarKind;
  axis: CfarAxis;
  /** Training cells on each side. */
  training: number;
  /** Cells left out between them and the cell, on each side: as many as a target spreads over. */
  guard: number;
  /** Probability that a cell of noise alone is called a target. */
  falseAlarmRate: number;
  /** Independent powers summed in each cell: antennas. */
  looks: number;
  /** k as a share of the training cells, ordered statistic only. Default: 0.75. */
  rank?: number;
  /** How alike neighbouring cells of noise are along the axis, as `powerCorrelation` gives for its window; the guard should be
   * as long. Default: independent. */
  correlation?: readonly number[];
}

export interface Cfar {
  readonly options: Readonly<CfarOptions>;
  /** [2 training + 1] by the number of training cells; NaN for fewer than one side's. */
  readonly factor: Float64Array;
  /** [2 training + 1] k */
  readonly rank: Int32Array;
  /** [2 training + 1] mean of the k-th smallest of so many cells over the mean of a cell. */
  readonly rankMean: Float64Array;
  readonly line: Float64Array;
  readonly sorted: Float64Array;
}

/** @param longest the longer axis of the maps */
export function createCfar(options: CfarOptions, longest: number): Cfar {
  const { kind, training, falseAlarmRate, looks, rank: share = 0.75, correlation = [] } = options;
  const most = 2 * training;
  const alike =
    kind === 'cell-averaging' ? correlation : correlation.map((power) => rankCorrelation(power, share, looks));
  const factor = new Float64Array(most + 1).fill(NaN);
  const rank = new Int32Array(most + 1);
  const rankMean = new Float64Array(most + 1);
  for (let cells = training; cells <= most; cells++) {
    rank[cells] = Math.max(1, Math.round(share * cells));
    const independent = independentCells(training, alike) + independentCells(cells - training, alike);
    if (kind === 'cell-averaging') {
      factor[cells] = cellAveragingFactor(falseAlarmRate, independent, looks);
    } else {
      const independentRank = (rank[cells]! / cells) * independent;
      factor[cells] = orderedStatisticFactor(falseAlarmRate, independent, independentRank, looks);
      rankMean[cells] = meanOfRank(independent, independentRank, looks);
    }
  }
  return { options, factor, rank, rankMean, line: new Float64Array(longest), sorted: new Float64Array(most) };
}

/** Cells that were found. */
export interface Detections {
  count: number;
  /** Found but not kept, for lack of place. */
  dropped: number;
  /** [count] index in the map */
  readonly cell: Int32Array;
  /** [count] mean power of noise around it */
  readonly noise: Float64Array;
}

export const createDetections = (most: number): Detections => ({
  count: 0,
  dropped: 0,
  cell: new Int32Array(most),
  noise: new Float64Array(most),
});

/**
 * @param power [range bins, Doppler bins]
 * @param out written anew
 */
export function detect(power: Float64Array, rangeBins: number, dopplerBins: number, cfar: Cfar, out: Detections): void {
  out.count = 0;
  out.dropped = 0;
  const { axis } = cfar.options;
  const overRange = axis === 'range';
  const lines = overRange ? dopplerBins : rangeBins;
  const length = overRange ? rangeBins : dopplerBins;
  const lineStep = overRange ? 1 : dopplerBins;
  const step = overRange ? dopplerBins : 1;
  const { line } = cfar;
  for (let l = 0; l < lines; l++) {
    for (let i = 0, from = l * lineStep; i < length; i++, from += step) line[i] = power[from]!;
    detectLine(length, l * lineStep, step, cfar, out);
  }
}

function detectLine(length: number, first: number, step: number, cfar: Cfar, out: Detections): void {
  const { options, line, factor, rank, rankMean, sorted } = cfar;
  const { training, guard, kind } = options;
  const round = options.axis === 'doppler';
  const reach = training + guard;
  for (let i = 0; i < length; i++) {
    let cells = 0;
    for (let side = -1; side <= 1; side += 2) {
      for (let k = guard + 1; k <= reach; k++) {
        let at = i + side * k;
        if (round) at = at < 0 ? at + length : at >= length ? at - length : at;
        else if (at < 0 || at >= length) break;
        sorted[cells++] = line[at]!;
      }
    }
    const threshold = line[i]! / factor[cells]!; // NaN: too few cells
    let noise = 0;
    if (kind === 'cell-averaging') {
      for (let k = 0; k < cells; k++) noise += sorted[k]!;
      noise /= cells;
      if (!(threshold > noise)) continue;
    } else {
      let below = 0;
      for (let k = 0; k < cells; k++) if (sorted[k]! < threshold) below++;
      if (!(below >= rank[cells]!) || Number.isNaN(threshold)) continue;
      noise = smallest(sorted, cells, rank[cells]!) / rankMean[cells]!;
    }
    if (out.count === out.cell.length) {
      out.dropped++;
      continue;
    }
    out.cell[out.count] = first + i * step;
    out.noise[out.count++] = noise;
  }
}

/** The k-th smallest of the first `count` values, which come out in another order. */
function smallest(values: Float64Array, count: number, k: number): number {
  for (let i = 1; i < count; i++) {
    const value = values[i]!;
    let at = i;
    for (; at > 0 && values[at - 1]! > value; at--) values[at] = values[at - 1]!;
    values[at] = value;
  }
  return values[k - 1]!;
}

/**
 * Keeps the detections whose cell is the largest of its 3 × 3 neighbours, in place: one a target. Doppler bins go round.
 * @param power [range bins, Doppler bins]
 */
export function keepPeaks(power: Float64Array, rangeBins: number, dopplerBins: number, detections: Detections): void {
  const { cell, noise, count } = detections;
  let kept = 0;
  for (let i = 0; i < count; i++) {
    if (!isPeak(power, rangeBins, dopplerBins, cell[i]!)) continue;
    cell[kept] = cell[i]!;
    noise[kept++] = noise[i]!;
  }
  detections.count = kept;
}

function isPeak(power: Float64Array, rangeBins: number, dopplerBins: number, cell: number): boolean {
  const range = Math.floor(cell / dopplerBins);
  const doppler = cell % dopplerBins;
  for (let r = Math.max(0, range - 1); r <= Math.min(rangeBins - 1, range + 1); r++) {
    for (let d = -1; d <= 1; d++) {
      const other = r * dopplerBins + ((doppler + d + dopplerBins) % dopplerBins);
      // Of two equal neighbours the later one is the peak.
      if (other !== cell && (power[other]! > power[cell]! || (power[other] === power[cell] && other > cell)))
        return false;
    }
  }
  return true;
}
