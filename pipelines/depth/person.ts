import type { CropBox } from './crop.js';
import { medianOf } from './median.js';
import { beyondScale, noReturn } from './noise.js';
import { createRegion, createRegions, type Region } from './regions.js';
import type { Grid } from './sample.js';

/** Least share of the picture that a person takes: 96 of 160 × 120 cells, an adult 8 m before a camera that sees 60°. */
const leastShare = 0.005;
/** Neighbouring cells of one person are no farther apart: a fist before the chest. Metres. */
const apart = 0.8;
/** Farther than this from where they were before somebody is another person, metres. */
const reach = 1;

export interface PersonFinder {
  /** The person's region, valid after `find` returned true. */
  readonly region: Region;
  /** [rows, columns] 1: cell of the person or beside one. */
  readonly mask: Uint8Array;
  /** Median distance of the person, steps. */
  readonly distance: number;
  /** Whether it is the person of before. */
  readonly followed: boolean;
  /**
   * The person among the regions nearer than the background: the one with the most cells in the box of before at about
   * the distance of before, else the one with the most cells.
   * @param cells [rows, columns] steps
   * @param nearerThan [rows, columns] a return of less is foreground
   * @param box where the person was, undefined: nobody is followed
   * @param see called with each region that is large enough
   */
  find(
    cells: Uint16Array,
    nearerThan: Uint16Array,
    box: CropBox | undefined,
    see: ((region: Region, cells: Uint16Array) => void) | undefined,
  ): boolean;
}

export function createPersonFinder(grid: Grid, metresPerStep: number): PersonFinder {
  const { columns, rows } = grid;
  const count = columns * rows;
  const leastCells = Math.max(4, leastShare * count);
  const regions = createRegions(columns, rows);
  const { foreground } = regions;
  const mask = new Uint8Array(count);
  const counts = new Uint32Array(256);
  let region = createRegion(count);
  let other = createRegion(count);
  let distance = 0;
  let followed = false;

  function cellsInside(one: Region, box: CropBox): number {
    let inside = 0;
    for (let i = 0; i < one.size; i++) {
      const y = (one.cells[i]! / columns) | 0;
      const x = one.cells[i]! - y * columns;
      if (x >= box.left && x < box.left + box.side && y >= box.top && y < box.top + box.side) inside++;
    }
    return inside;
  }

  function drawMask(): void {
    mask.fill(0);
    for (let i = 0; i < region.size; i++) {
      const y = (region.cells[i]! / columns) | 0;
      const x = region.cells[i]! - y * columns;
      const [left, right] = [x > 0 ? x - 1 : 0, x < columns - 1 ? x + 1 : x];
      for (let v = y > 0 ? y - 1 : 0; v <= y + 1 && v < rows; v++) {
        for (let u = left; u <= right; u++) mask[v * columns + u] = 1;
      }
    }
  }

  return {
    get region() {
      return region;
    },
    mask,
    get distance() {
      return distance;
    },
    get followed() {
      return followed;
    },
    find(cells, nearerThan, box, see) {
      for (let i = 0; i < count; i++) {
        const value = cells[i]!;
        foreground[i] = value !== noReturn && value !== beyondScale && value < nearerThan[i]! ? 1 : 0;
      }
      const distanceBefore = distance;
      let most = 0;
      let mostInside = 0;
      for (let seed = foreground.indexOf(1); seed >= 0; seed = foreground.indexOf(1, seed + 1)) {
        regions.grow(seed, cells, apart / metresPerStep, other);
        if (other.size < leastCells) continue;
        see?.(other, cells);
        let inside = 0;
        const median = medianOf(cells, other.cells, other.size, counts);
        if (box && Math.abs(median - distanceBefore) <= reach / metresPerStep) inside = cellsInside(other, box);
        if (2 * inside < leastCells) inside = 0;
        if (inside < mostInside || (inside === mostInside && other.size <= most)) continue;
        most = other.size;
        mostInside = inside;
        distance = median;
        [region, other] = [other, region];
      }
      if (most === 0) return false;
      followed = mostInside > 0;
      drawMask();
      return true;
    },
  };
}
