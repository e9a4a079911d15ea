import type { Region } from './regions.js';

/** Room around the body, a share of its larger side on each side. */
const margin = 0.05;
/** Seconds in which the box goes most of the way to the body's middle, and shrinks to its size. */
const [centring, shrinking] = [1.5, 3];

/** A square in cells: its edges' first column and row, and its side; may reach beyond the picture. */
export interface CropBox {
  left: number;
  top: number;
  side: number;
}

/**
 * Follows the body lazily: the box grows and moves at once as far as it must to hold the body, and else drifts slowly to the
 * body's middle and size, so that a squat stays low in the picture and an arm that is stretched out does not shrink the body.
 * @param seconds since the frame before; infinite: the box is the body's own
 * @param box written
 */
export function followBox(region: Region, seconds: number, box: CropBox): void {
  const width = region.right + 1 - region.left;
  const height = region.bottom + 1 - region.top;
  const wanted = (1 + 2 * margin) * Math.max(width, height);
  const shrink = 1 - Math.exp(-seconds / shrinking);
  const drift = 1 - Math.exp(-seconds / centring);
  const middleX = (region.left + region.right + 1) / 2;
  const middleY = (region.top + region.bottom + 1) / 2;
  let side = wanted;
  let [x, y] = [middleX, middleY];
  if (seconds < Infinity) {
    side = Math.max(wanted, box.side + shrink * (wanted - box.side));
    x = box.left + box.side / 2;
    y = box.top + box.side / 2;
    x += drift * (middleX - x);
    y += drift * (middleY - y);
  }
  const edge = margin * Math.max(width, height);
  box.left = within(x - side / 2, region.right + 1 + edge - side, region.left - edge);
  box.top = within(y - side / 2, region.bottom + 1 + edge - side, region.top - edge);
  box.side = side;
}

function within(value: number, lowest: number, highest: number): number {
  return Math.max(lowest, Math.min(highest, value));
}
