/** A few of many, evenly spaced, though nobody knows how many there will be. */

export interface Chosen<T> {
  /** @param make called only if this one is kept for now */
  offer(make: () => T): void;
  /** At most `most`, in their order. */
  list(): T[];
}

/** At most twice `most` are kept at a time. */
export function createChosen<T>(most: number): Chosen<T> {
  let kept: T[] = [];
  let stride = 1;
  let seen = 0;
  return {
    offer(make) {
      if (seen++ % stride !== 0) return;
      kept.push(make());
      if (kept.length < 2 * most) return;
      kept = kept.filter((_, i) => i % 2 === 0);
      stride *= 2;
    },
    list() {
      if (kept.length <= most) return kept;
      return Array.from({ length: most }, (_, i) => kept[Math.round((i * (kept.length - 1)) / Math.max(1, most - 1))]!);
    },
  };
}

/** Rows of numbers of which every second one is left out whenever they are too many. */
export interface PointStore {
  push(row: readonly number[]): void;
  readonly columns: readonly number[][];
  /** One of so many is kept. */
  readonly stride: number;
}

export function createPointStore(width: number, most: number): PointStore {
  let columns: number[][] = Array.from({ length: width }, () => []);
  let stride = 1;
  let seen = 0;
  return {
    push(row) {
      if (seen++ % stride !== 0) return;
      for (let c = 0; c < width; c++) columns[c]!.push(row[c]!);
      if (columns[0]!.length < 2 * most) return;
      columns = columns.map((column) => column.filter((_, i) => i % 2 === 0));
      stride *= 2;
    },
    get columns() {
      return columns;
    },
    get stride() {
      return stride;
    },
  };
}

/** The value below which a share of the finite ones lie; NaN without any. */
export function quantile(values: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(Array.from(values).filter(Number.isFinite)).sort();
  return sorted[Math.round(share * (sorted.length - 1))] ?? NaN;
}
