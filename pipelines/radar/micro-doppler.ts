/** Micro-Doppler spectrogram: how the velocities in view change over time, one column a radar frame.
 *
 *  A ring of twice the length in which every column is written twice, as in `sliding-windows.ts`, so that the newest
 *  columns always lie in one piece.
 *
 *  V. C. Chen, The Micro-Doppler Effect in Radar, 2nd edition 2019, chapter 2. */

export interface MicroDoppler {
  readonly columns: number;
  readonly dopplerBins: number;
  /** [2 columns, Doppler bins] */
  readonly ring: Float64Array;
  /** [columns] the ring from each column on, `columns` long */
  readonly views: readonly Float64Array[];
  /** Columns written so far. */
  count: number;
}

export function createMicroDoppler(columns: number, dopplerBins: number): MicroDoppler {
  const ring = new Float64Array(2 * columns * dopplerBins);
  const views = Array.from({ length: columns }, (_, first) =>
    ring.subarray(first * dopplerBins, (first + columns) * dopplerBins),
  );
  return { columns, dopplerBins, ring, views, count: 0 };
}

/**
 * The next column: Σ over the range bins `first` to `end` − 1 of the range-Doppler power.
 * @param power [range bins, Doppler bins]
 */
export function addMicroDoppler(state: MicroDoppler, power: Float64Array, first: number, end: number): void {
  const { columns, dopplerBins, ring } = state;
  const at = (state.count % columns) * dopplerBins;
  for (let d = at; d < at + dopplerBins; d++) ring[d] = 0;
  for (let r = first; r < end; r++) {
    const from = r * dopplerBins;
    for (let d = 0; d < dopplerBins; d++) ring[at + d]! += power[from + d]!;
  }
  ring.copyWithin(at + columns * dopplerBins, at, at + dopplerBins);
  state.count++;
}

/** [columns, Doppler bins] power of the newest columns, oldest first, 0 where there are none yet: a view that the next column
 * changes. */
export const microDopplerPower = ({ views, count, columns }: MicroDoppler): Float64Array => views[count % columns]!;
