/** Colour maps, and numbers to pixels. */
import { scheme } from 'vega';

/**
 *     viridis, inferno   evenly perceived from dark to light, also in grey and by the colour-blind (van der Walt and Smith, 2015)
 *     diverging          blue below, white at the middle, red above: for what has a sign
 */
export type ColourMap = 'viridis' | 'inferno' | 'diverging';

/** Of a value that is no number. */
export const noData = '#c8c8c8';

/** Classes: sensors, targets, actions; repeated beyond ten. */
export const classColours = scheme('tableau10') as unknown as readonly string[];

const steps = 256;
const tables = new Map<ColourMap, Uint8ClampedArray>();

function interpolator(map: ColourMap): (share: number) => string {
  const named = (name: string) => scheme(name) as (share: number) => string;
  if (map !== 'diverging') return named(map);
  const redToBlue = named('redblue');
  return (share) => redToBlue(1 - share);
}

/** [256, 4] red, green, blue, opaque */
export function colourTable(map: ColourMap): Uint8ClampedArray {
  let table = tables.get(map);
  if (table === undefined) {
    const colour = interpolator(map);
    table = new Uint8ClampedArray(4 * steps).fill(255);
    for (let i = 0; i < steps; i++) {
      const parts = /\((\d+), *(\d+), *(\d+)\)/.exec(colour(i / (steps - 1)))!;
      table.set(parts.slice(1).map(Number), 4 * i);
    }
    tables.set(map, table);
  }
  return table;
}

/** Place in the table; −1: no number. */
function place(value: number, low: number, high: number): number {
  if (Number.isNaN(value)) return -1;
  const share = high > low ? (value - low) / (high - low) : 0.5;
  return Math.round((steps - 1) * Math.min(1, Math.max(0, share)));
}

/** `#rrggbb` of one value; what lies outside of the range has the colour of its end. */
export function colourOf(value: number, [low, high]: readonly [number, number], map: ColourMap): string {
  const at = place(value, low, high);
  if (at < 0) return noData;
  return `#${Buffer.from(colourTable(map).subarray(4 * at, 4 * at + 3)).toString('hex')}`;
}

/**
 * @param values [rows, columns], row 0 at the bottom
 * @returns [rows, columns, 4], row 0 at the top
 */
export function colourPixels(
  values: ArrayLike<number>,
  columns: number,
  [low, high]: readonly [number, number],
  map: ColourMap,
): Uint8ClampedArray {
  const rows = values.length / columns;
  const table = colourTable(map);
  const missing = Buffer.from(noData.slice(1), 'hex');
  const pixels = new Uint8ClampedArray(4 * values.length).fill(255);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = place(values[row * columns + column]!, low, high);
      const to = 4 * ((rows - 1 - row) * columns + column);
      for (let c = 0; c < 3; c++) pixels[to + c] = at < 0 ? missing[c]! : table[4 * at + c]!;
    }
  }
  return pixels;
}

/** Least and largest finite value, a little apart if they are one; [0, 1] if there is none. */
export function extent(...lists: readonly ArrayLike<number>[]): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const values of lists) {
    for (let i = 0, count = values.length; i < count; i++) {
      const value = values[i]!;
      if (!Number.isFinite(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (low > high) return [0, 1];
  if (low < high) return [low, high];
  const apart = Math.max(0.5, Math.abs(low) * 0.05);
  return [low - apart, high + apart];
}
