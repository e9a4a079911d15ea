/** Values over time in bounded memory: columns of one width, which doubles whenever the last column is full.
 *
 *      columns      mean over the samples that fell into each
 *      extremes     also the least and the largest of them, so that no peak is lost from a curve */
import type { Series } from '../pictures/lines.js';

/** Seconds; short of any sensor's sample. */
const firstWidth = 2 ** -10;
/** A hole is no longer than so many usual distances between samples. */
const longestHold = 3;

export interface Timeline {
  readonly rows: number;
  /** The next sample, [rows]; a row that is no number is left out. Times before the first are not taken. */
  push(time: number, values: ArrayLike<number>): void;
  readonly samples: number;
  /** Each column, held until the next; NaN where there is a hole. Undefined without samples. */
  map(): { z: Float32Array; columns: number; range: [start: number, end: number] } | undefined;
  /** One row as a curve, broken where there is a hole. */
  curve(row: number, name: string): Series;
  /** Beginning of the first and end of the last column. */
  range(): [start: number, end: number];
}

export function createTimeline(rows: number, { columns = 1024, extremes = false } = {}): Timeline {
  const cells = rows * columns;
  const sums = new Float64Array(cells);
  const counts = new Uint32Array(cells);
  const least = new Float32Array(extremes ? cells : 0).fill(Infinity);
  const most = new Float32Array(extremes ? cells : 0).fill(-Infinity);
  let width = firstWidth;
  let start = NaN;
  let last = -1;
  let samples = 0;

  function join(to: number, from: number): void {
    for (let r = 0; r < rows; r++) {
      const [a, b] = [to * rows + r, from * rows + r];
      sums[a]! += sums[b]!;
      counts[a]! += counts[b]!;
      if (!extremes) continue;
      least[a] = Math.min(least[a]!, least[b]!);
      most[a] = Math.max(most[a]!, most[b]!);
    }
  }

  function clear(column: number): void {
    const [from, to] = [column * rows, (column + 1) * rows];
    sums.fill(0, from, to);
    counts.fill(0, from, to);
    if (!extremes) return;
    least.fill(Infinity, from, to);
    most.fill(-Infinity, from, to);
  }

  function fold(): void {
    for (let column = 0; column < columns; column++) {
      const to = column >> 1;
      if (column === to) continue;
      if (column % 2 === 0) clear(to);
      join(to, column);
    }
    for (let column = columns >> 1; column < columns; column++) clear(column);
    width *= 2;
    last >>= 1;
  }

  const filled = (column: number): boolean => {
    for (let r = 0; r < rows; r++) if (counts[column * rows + r]! > 0) return true;
    return false;
  };

  /** Columns with samples, and the usual distance between them. */
  function occupied(): { at: number[]; usual: number } {
    const at: number[] = [];
    for (let column = 0; column <= last; column++) if (filled(column)) at.push(column);
    const distances = at.slice(1).map((column, i) => column - at[i]!);
    distances.sort((a, b) => a - b);
    return { at, usual: distances[distances.length >> 1] ?? 1 };
  }

  const centre = (column: number) => start + (column + 0.5) * width;
  const end = ({ at, usual }: ReturnType<typeof occupied>) => (at.at(-1) ?? 0) + usual;

  return {
    rows,
    get samples() {
      return samples;
    },
    push(time, values) {
      if (!Number.isFinite(time) || time < start) return;
      if (samples === 0) start = time;
      while (time - start >= columns * width) fold();
      const column = Math.floor((time - start) / width);
      last = Math.max(last, column);
      samples++;
      for (let r = 0, at = column * rows; r < rows; r++, at++) {
        const value = values[r]!;
        if (!Number.isFinite(value)) continue;
        sums[at]! += value;
        counts[at]!++;
        if (!extremes) continue;
        least[at] = Math.min(least[at]!, value);
        most[at] = Math.max(most[at]!, value);
      }
    },
    map() {
      const found = occupied();
      if (found.at.length === 0) return undefined;
      const used = end(found);
      const z = new Float32Array(rows * used).fill(NaN);
      found.at.forEach((column, i) => {
        const until = Math.min(found.at[i + 1] ?? used, column + longestHold * found.usual);
        for (let r = 0; r < rows; r++) {
          const at = column * rows + r;
          const mean = counts[at]! > 0 ? sums[at]! / counts[at]! : NaN;
          z.fill(mean, r * used + column, r * used + until);
        }
      });
      return { z, columns: used, range: [start, start + used * width] };
    },
    curve(row, name) {
      const { at, usual } = occupied();
      const x: number[] = [];
      const y: number[] = [];
      let before = at[0] ?? 0;
      for (const column of at) {
        const cell = column * rows + row;
        if (counts[cell] === 0) continue;
        if (column - before > longestHold * usual + 1) {
          x.push(centre(column));
          y.push(NaN);
        }
        before = column;
        const mean = sums[cell]! / counts[cell]!;
        const ends = extremes && least[cell]! < most[cell]! ? [least[cell]!, most[cell]!] : [mean];
        // The end that is nearer to the curve so far first.
        if (ends.length === 2 && Math.abs(y.at(-1)! - ends[1]!) < Math.abs(y.at(-1)! - ends[0]!)) ends.reverse();
        for (const value of ends) {
          x.push(centre(column));
          y.push(value);
        }
      }
      return { name, x, y };
    },
    range: () => (samples === 0 ? [0, 1] : [start, start + Math.max(1, end(occupied())) * width]),
  };
}
