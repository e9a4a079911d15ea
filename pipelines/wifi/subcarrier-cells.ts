/** The band of any chip on the same number of places.
 *
 *      band     from the first to the last kept subcarrier, cut into equal cells
 *      value    mean of the straight lines between neighbouring subcarriers over the cell
 *
 *  So the gaps of null and pilot subcarriers are bridged, a chip with many subcarriers averages the noise of a cell, and one with
 *  few is interpolated. */

export interface SubcarrierCells {
  readonly cells: number;
  /** [cells] first of the subcarriers that count, and how many */
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** [cells, most] */
  readonly weights: Float64Array;
  readonly most: number;
}

/** @param numbers of the kept subcarriers, ascending, at least two */
export function subcarrierCells(numbers: Int16Array, cells: number): SubcarrierCells {
  const n = numbers.length;
  const lowest = numbers[0]!;
  const width = (numbers[n - 1]! - lowest) / cells;
  const rows = Array.from({ length: cells }, (_, cell) => {
    const low = lowest + cell * width;
    const row = new Map<number, number>();
    for (let i = 0; i + 1 < n; i++) {
      const [left, right] = [numbers[i]!, numbers[i + 1]!];
      const begin = Math.max(low, left);
      const end = Math.min(low + width, right);
      if (!(end > begin)) continue;
      // Over [begin, end] the mean of the line is its value in the middle.
      const part = ((begin + end) / 2 - left) / (right - left);
      const share = (end - begin) / width;
      row.set(i, (row.get(i) ?? 0) + share * (1 - part));
      row.set(i + 1, (row.get(i + 1) ?? 0) + share * part);
    }
    return row;
  });
  const most = Math.max(...rows.map((row) => row.size));
  const found = { cells, first: new Int32Array(cells), count: new Int32Array(cells), most };
  const weights = new Float64Array(cells * most);
  rows.forEach((row, cell) => {
    found.first[cell] = Math.min(...row.keys());
    found.count[cell] = row.size;
    [...row.keys()].sort((a, b) => a - b).forEach((i, k) => (weights[cell * most + k] = row.get(i)!));
  });
  return { ...found, weights };
}

/**
 * @param values of one antenna pair, from `from` on, as many as there are numbers
 * @param out written from `to` on
 */
export function averageCells(
  { cells, first, count, weights, most }: SubcarrierCells,
  values: Float32Array,
  from: number,
  out: Float32Array,
  to: number,
): void {
  for (let cell = 0; cell < cells; cell++) {
    let sum = 0;
    const start = from + first[cell]!;
    for (let k = 0; k < count[cell]!; k++) sum += weights[cell * most + k]! * values[start + k]!;
    out[to + cell] = sum;
  }
}
