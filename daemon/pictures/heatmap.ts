/** A map of values over two axes, with its colour bar. */
import { colourPixels, extent, type ColourMap } from './colours.js';
import { draw, pixelCanvas } from './figure.js';
import type { Axis, Layer, Panel } from './panel.js';
import { pixelScale } from './scale.js';

export interface Heatmap {
  /** Above the panel, where there are several. */
  readonly panelTitle?: string;
  /** Their ranges are the outer edges of the first and the last cell. */
  readonly x: Axis;
  readonly y: Axis;
  /** [rows, columns], row 0 at the beginning of y's range; what is no number is grey. */
  readonly z: ArrayLike<number>;
  readonly columns: number;
  readonly value: {
    /** With the unit. */
    readonly label: string;
    /** Default: from the least to the largest. What lies outside has the colour of the end. */
    readonly range?: readonly [number, number] | undefined;
    /** Default: viridis. */
    readonly map?: ColourMap;
  };
  /** On top of the map. */
  readonly layers?: readonly Layer[];
  readonly width?: number;
  readonly height?: number;
}

/** @throws RangeError if `z` is empty or no whole number of rows */
export function heatmapPanel(options: Heatmap): Panel {
  const { panelTitle, x, y, z, columns, value, layers = [], width = 640, height = 320 } = options;
  const rows = z.length / columns;
  if (!(rows >= 1 && Number.isInteger(rows))) throw new RangeError(`${z.length} cells are no rows of ${columns}`);
  const { label, range = extent(z), map = 'viridis' } = value;
  const image: Layer = {
    kind: 'image',
    canvas: pixelCanvas(colourPixels(z, columns, range, map), columns),
    x: x.range,
    y: y.range,
    // Cells smaller than a pixel are averaged; larger ones stay cells.
    smooth: columns > width * pixelScale || rows > height * pixelScale,
  };
  return {
    title: panelTitle,
    width,
    height,
    x,
    y,
    layers: [image, ...layers],
    colourBar: { label, range, map },
  };
}

/** @returns the bytes of a PNG file */
export function heatmap({
  title,
  subtitle,
  ...options
}: Heatmap & { title: string; subtitle?: string | undefined }): Promise<Uint8Array> {
  return draw({ title, subtitle, panels: [heatmapPanel(options)] });
}

/**
 * The range of a map in dB: `span` below its largest value, in whole steps of 5 dB; less where even the least value is
 * above that, so that the noise does not fill the map.
 */
export function decibelRange(z: ArrayLike<number>, span: number): [number, number] {
  const [low, high] = extent(z);
  const top = Math.ceil(high / 5) * 5;
  return [Math.max(top - span, Math.min(top - 5, Math.floor(low / 5) * 5)), top];
}
