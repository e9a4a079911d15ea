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
  /** Columns written so far. */
  count: number;
}

export const createMicroDoppler = (columns: number, dopplerBins: number): MicroDoppler => ({
  columns,
  dopplerBins,
  ring: new Float64Array(2 * columns * dopplerBins),
  count: 0,
});

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

/** Where in the ring the newest `columns` columns start, oldest first; before there are so many, the first ones are 0. */
export const microDopplerStart = ({ count, columns, dopplerBins }: MicroDoppler): number =>
  (count % columns) * dopplerBins;

/** [columns, Doppler bins] power of the newest columns, oldest first: a view that the next column changes. */
export function microDopplerPower(state: MicroDoppler): Float64Array {
  const start = microDopplerStart(state);
  return state.ring.subarray(start, start + state.columns * state.dopplerBins);
}
