/** A grid of small pictures, of values with one colour bar for all, or of colours. */
import { colourPixels, extent, type ColourMap } from './colours.js';
import { draw, pixelCanvas } from './figure.js';
import type { Layer, Panel } from './panel.js';

export interface Tile {
  /** Above it, for instance its time. */
  readonly caption: string;
  readonly width: number;
  readonly height: number;
  /** [height, width] values, top row first; what is no number is grey. */
  readonly values?: ArrayLike<number>;
  /** [height, width, 3] red, green, blue, instead of values. */
  readonly rgb?: Uint8Array;
  /** In pixels of the tile, from its top left corner, y down. */
  readonly layers?: readonly Layer[];
}

export interface Images {
  readonly title: string;
  readonly subtitle?: string | undefined;
  readonly tiles: readonly Tile[];
  readonly columns?: number;
  /** Of the values, with the unit. */
  readonly value?: {
    readonly label: string;
    readonly range?: readonly [number, number] | undefined;
    readonly map?: ColourMap;
  };
  /** Width of a tile on the picture. Default: 200. */
  readonly tileWidth?: number;
}

function tilePixels(tile: Tile, range: readonly [number, number], map: ColourMap): Uint8ClampedArray {
  const { width, height, values, rgb } = tile;
  const cells = width * height;
  if (values) {
    // Pictures begin at the top, maps at the bottom.
    const flipped = Float64Array.from({ length: cells }, (_, i) => {
      const row = height - 1 - Math.floor(i / width);
      return values[row * width + (i % width)]!;
    });
    return colourPixels(flipped, width, range, map);
  }
  const pixels = new Uint8ClampedArray(4 * cells).fill(255);
  for (let i = 0; i < cells; i++) for (let c = 0; c < 3; c++) pixels[4 * i + c] = rgb?.[3 * i + c] ?? 0;
  return pixels;
}

/** @returns the bytes of a PNG file */
export function images(options: Images): Promise<Uint8Array> {
  const { title, subtitle, tiles, columns = Math.min(4, tiles.length), value, tileWidth = 200 } = options;
  const withValues = tiles.flatMap(({ values }) => (values ? [values] : []));
  const range = value?.range ?? extent(...withValues);
  const map = value?.map ?? 'viridis';
  const panels = tiles.map((tile): Panel => {
    const { width, height, caption, layers = [] } = tile;
    const panelHeight = Math.round((tileWidth * height) / width);
    return {
      title: caption,
      width: tileWidth,
      height: panelHeight,
      x: undefined,
      y: undefined,
      layers: [
        {
          kind: 'image',
          canvas: pixelCanvas(tilePixels(tile, range, map), width),
          x: [0, 1],
          y: [0, 1],
          smooth: width > 2 * tileWidth,
        },
        ...layers,
      ],
    };
  });
  return draw({
    title,
    subtitle,
    columns,
    panels,
    colourBar: value && withValues.length > 0 ? { label: value.label, range, map } : undefined,
  });
}
