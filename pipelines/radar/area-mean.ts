/** A map to a smaller (or larger) one of a fixed size: each cell is the mean over the part of the map that it covers. */

/** Which cells of an axis the cells of a new one cover, and with which weights. */
interface Axis {
  /** [cells] first and number of what each covers */
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** [cells, most covered] of each covered cell; a cell's sum is 1. */
  readonly weights: Float64Array;
  readonly most: number;
}

/** Cell i of `cells` covers [first + i · length / cells, first + (i + 1) · length / cells). */
function axisOf(first: number, length: number, cells: number): Axis {
  const width = length / cells;
  const most = Math.ceil(width) + 1;
  const axis = {
    first: new Int32Array(cells),
    count: new Int32Array(cells),
    weights: new Float64Array(cells * most),
    most,
  };
  for (let i = 0; i < cells; i++) {
    const [low, high] = [(i * length) / cells, ((i + 1) * length) / cells];
    const begin = Math.floor(low);
    const end = Math.min(length, Math.ceil(high));
    axis.first[i] = first + begin;
    axis.count[i] = end - begin;
    for (let k = begin; k < end; k++) {
      axis.weights[i * most + k - begin] = (Math.min(high, k + 1) - Math.max(low, k)) / width;
    }
  }
  return axis;
}

/** A stretch of an axis: its first cell and how many. */
export type Stretch = readonly [first: number, length: number];

/**
 * @param columns of the map
 * @param rowStretch @param columnStretch the part of it that is taken
 * @param size [rows, columns] of the new map
 * @returns writes the new map of the map [rows, columns]
 */
export function createAreaMean(
  columns: number,
  rowStretch: Stretch,
  columnStretch: Stretch,
  size: readonly [rows: number, columns: number],
): (map: Float64Array, out: Float64Array) => void {
  const down = axisOf(...rowStretch, size[0]);
  const across = axisOf(...columnStretch, size[1]);
  const sums = new Float64Array(columns);
  const [from, to] = [columnStretch[0], columnStretch[0] + columnStretch[1]];
  return (map, out) => {
    for (let i = 0, at = 0; i < size[0]; i++) {
      sums.fill(0);
      for (let k = 0; k < down.count[i]!; k++) {
        const weight = down.weights[i * down.most + k]!;
        const row = (down.first[i]! + k) * columns;
        for (let c = from; c < to; c++) sums[c]! += weight * map[row + c]!;
      }
      for (let j = 0; j < size[1]; j++, at++) {
        let mean = 0;
        const first = across.first[j]!;
        for (let k = 0; k < across.count[j]!; k++) mean += across.weights[j * across.most + k]! * sums[first + k]!;
        out[at] = mean;
      }
    }
  };
}
