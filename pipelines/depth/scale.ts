import { pixel } from './holes.js';

/** Least and most that a body's cell holds. */
export const [leastBody, mostBody] = [0.25, 1.75];

/**
 * Scales a crop down by the area average of its body's pixels.
 *
 *      out = 1 + (reference − mean distance) in metres, within 0.25 … 1.75, where half of the cell or more is body; else 0
 *
 * @param depth [factor · size, factor · size] steps, where `kind` is body
 * @param kind [factor · size, factor · size] `pixel`
 * @param reference steps
 * @param out [size, size]
 */
export function scaleCrop(
  depth: Float32Array,
  kind: Uint8Array,
  size: number,
  factor: number,
  reference: number,
  metresPerStep: number,
  out: Float32Array,
): void {
  const side = factor * size;
  const least = (factor * factor) / 2;
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      let sum = 0;
      let count = 0;
      for (let y = 0; y < factor; y++) {
        const first = (row * factor + y) * side + column * factor;
        for (let i = first; i < first + factor; i++) {
          if (kind[i] !== pixel.body) continue;
          sum += depth[i]!;
          count++;
        }
      }
      const value = 1 + (reference - sum / count) * metresPerStep;
      out[row * size + column] =
        count < least ? 0 : value < leastBody ? leastBody : value > mostBody ? mostBody : value;
    }
  }
}
