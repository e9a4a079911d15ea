import { beyondScale, depthTolerance, noReturn } from './noise.js';
import type { Region } from './regions.js';

/** Background updates after which the picture is compared anew, and for which somebody who moved is believed to be there. */
const [comparing, believed] = [5, 600];
/** Share of a region's inner cells, and least number of them, whose distance changed. */
const [movingShare, movingCells] = [0.02, 4];

/**
 * Tells people from furniture: a region is alive if in the half second before 2 % of its inner cells came nearer or went
 * farther than the noise does. Edges do not count: they flicker. Its cells are held for a minute.
 */
export interface Liveness {
  /** [cells] background updates for which a cell is still held. */
  readonly held: Uint16Array;
  /** A region of the picture. */
  readonly see: (region: Region, cells: Uint16Array) => void;
  /** After the picture's regions; to be called with each background update. */
  end(cells: Uint16Array): void;
  reset(): void;
}

export function createLiveness(columns: number, rows: number, metresPerStep: number): Liveness {
  const held = new Uint16Array(columns * rows);
  const before = new Uint16Array(columns * rows);
  const inside = new Uint8Array(columns * rows);
  let tick = 0;

  const isReturn = (value: number) => value !== noReturn && value !== beyondScale;

  return {
    held,
    see(region, cells) {
      for (let i = 0; i < region.size; i++) inside[region.cells[i]!] = 1;
      let inner = 0;
      let moved = 0;
      for (let i = 0; i < region.size; i++) {
        const at = region.cells[i]!;
        const x = at % columns;
        if (x === 0 || x === columns - 1 || at < columns || at >= columns * (rows - 1)) continue;
        if (inside[at - 1]! + inside[at + 1]! + inside[at - columns]! + inside[at + columns]! < 4) continue;
        inner++;
        const [now, then] = [cells[at]!, before[at]!];
        if (isReturn(then) && Math.abs(now - then) > depthTolerance(now, metresPerStep)) moved++;
      }
      const isAlive = moved >= movingCells && moved > movingShare * inner;
      for (let i = 0; i < region.size; i++) {
        inside[region.cells[i]!] = 0;
        if (isAlive) held[region.cells[i]!] = believed;
      }
    },
    end(cells) {
      for (let i = 0; i < held.length; i++) if (held[i]! > 0) held[i]!--;
      if (tick++ % comparing === 0) before.set(cells);
    },
    reset() {
      before.fill(noReturn);
      tick = 0;
    },
  };
}
