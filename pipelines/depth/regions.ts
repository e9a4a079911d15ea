/** Cells that are at most so far apart, in each direction, are neighbours: gaps of one cell are bridged. */
const bridge = 2;

export interface Region {
  /** Cells of the region: the first `size` of `cells`. */
  size: number;
  readonly cells: Int32Array;
  /** First and last column and row. */
  left: number;
  right: number;
  top: number;
  bottom: number;
}

export interface Regions {
  /** 1: foreground not yet in a region; [columns × rows]. Written by the caller, cleared by `next`. */
  readonly foreground: Uint8Array;
  /**
   * The connected region of a foreground cell; neighbours lie within two cells and within the given distance.
   * @param seed a cell that is foreground
   * @param cells [rows, columns] steps
   * @param step largest difference in distance between neighbours, steps
   */
  grow(seed: number, cells: Uint16Array, step: number, out: Region): void;
}

export function createRegion(count: number): Region {
  return { size: 0, cells: new Int32Array(count), left: 0, right: 0, top: 0, bottom: 0 };
}

export function createRegions(columns: number, rows: number): Regions {
  const foreground = new Uint8Array(columns * rows);
  return {
    foreground,
    grow(seed, cells, step, out) {
      const queue = out.cells;
      let size = 1;
      queue[0] = seed;
      foreground[seed] = 0;
      let [left, right, top, bottom] = [columns, -1, rows, -1];
      for (let next = 0; next < size; next++) {
        const cell = queue[next]!;
        const value = cells[cell]!;
        const y = (cell / columns) | 0;
        const x = cell - y * columns;
        if (x < left) left = x;
        if (x > right) right = x;
        if (y < top) top = y;
        if (y > bottom) bottom = y;
        const [firstX, lastX] = [x > bridge ? x - bridge : 0, x + bridge < columns ? x + bridge : columns - 1];
        const [firstY, lastY] = [y > bridge ? y - bridge : 0, y + bridge < rows ? y + bridge : rows - 1];
        for (let v = firstY; v <= lastY; v++) {
          for (let other = v * columns + firstX, end = v * columns + lastX; other <= end; other++) {
            if (foreground[other] === 0) continue;
            const apart = cells[other]! - value;
            if (apart > step || apart < -step) continue;
            foreground[other] = 0;
            queue[size++] = other;
          }
        }
      }
      out.size = size;
      out.left = left;
      out.right = right;
      out.top = top;
      out.bottom = bottom;
    },
  };
}
