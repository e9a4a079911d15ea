import type { CropBox } from './crop.js';
import { pixel } from './holes.js';
import { beyondScale, noReturn } from './noise.js';

/** The coarse picture on which the background is learned and people are found: every stride-th pixel. */
export interface Grid {
  readonly columns: number;
  readonly rows: number;
  /** Pixels from one cell to the next. */
  readonly stride: number;
}

/** Most cells. */
const [mostColumns, mostRows] = [160, 120];

export function gridOf(width: number, height: number): Grid {
  const stride = Math.max(Math.ceil(width / mostColumns), Math.ceil(height / mostRows));
  return { columns: Math.floor(width / stride), rows: Math.floor(height / stride), stride };
}

/**
 * The middle pixel of each cell.
 * @param depth [height, width] steps
 * @param out [rows, columns] steps
 * @returns cells that differ from what was in `out`
 */
export function sampleGrid(depth: Uint16Array, width: number, grid: Grid, out: Uint16Array): number {
  const { columns, rows, stride } = grid;
  const middle = stride >> 1;
  let changed = 0;
  for (let row = 0, at = 0; row < rows; row++) {
    let from = (row * stride + middle) * width + middle;
    for (let column = 0; column < columns; column++, at++, from += stride) {
      const value = depth[from]!;
      if (value !== out[at]) changed++;
      out[at] = value;
    }
  }
  return changed;
}

export interface CropSampler {
  /**
   * Takes the box's pixels, evenly spaced, and says what each is.
   * @param depth [height, width] steps
   * @param mask [rows, columns] 1: cell of the person or next to one
   * @param nearerThan [rows, columns] a return of less is foreground
   * @param reference a pixel more than `reach` away is not the person's, steps
   * @param out [side, side] steps, where `kind` is body
   * @param kind [side, side] `pixel`; beyond the picture: other
   * @returns body pixels
   */
  sample(
    depth: Uint16Array,
    box: CropBox,
    mask: Uint8Array,
    nearerThan: Uint16Array,
    reference: number,
    reach: number,
    out: Float32Array,
    kind: Uint8Array,
  ): number;
}

/** @param side samples along each side of the box */
export function createCropSampler(width: number, grid: Grid, side: number): CropSampler {
  const { columns, rows, stride } = grid;
  // Of each sampled column: its pixel, and its cell (−1: beyond the picture).
  const pixelX = new Int32Array(side);
  const cellX = new Int32Array(side);
  return {
    sample(depth, box, mask, nearerThan, reference, reach, out, kind) {
      const step = (box.side * stride) / side;
      for (let i = 0; i < side; i++) {
        const x = Math.floor(box.left * stride + (i + 0.5) * step);
        pixelX[i] = x;
        cellX[i] = x < 0 || x >= columns * stride ? -1 : (x / stride) | 0;
      }
      let body = 0;
      for (let j = 0, at = 0; j < side; j++) {
        const y = Math.floor(box.top * stride + (j + 0.5) * step);
        if (y < 0 || y >= rows * stride) {
          kind.fill(pixel.other, at, at + side);
          at += side;
          continue;
        }
        const line = y * width;
        const cells = ((y / stride) | 0) * columns;
        for (let i = 0; i < side; i++, at++) {
          kind[at] = pixel.other;
          if (cellX[i]! < 0) continue;
          const value = depth[line + pixelX[i]!]!;
          if (value === noReturn || value === beyondScale) {
            kind[at] = pixel.unknown;
            continue;
          }
          const cell = cells + cellX[i]!;
          if (mask[cell] === 0 || value >= nearerThan[cell]! || Math.abs(value - reference) > reach) continue;
          kind[at] = pixel.body;
          out[at] = value;
          body++;
        }
      }
      return body;
    },
  };
}
