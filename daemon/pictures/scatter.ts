/** Points, coloured by a value or by class, and line segments between points; where both axes are lengths, to scale. */
import { classColours, colourOf, extent, type ColourMap } from './colours.js';
import { draw } from './figure.js';
import { withMargin } from './lines.js';
import type { ColourBar, Layer, Panel } from './panel.js';

export type PointColour =
  | {
      readonly values: ArrayLike<number>;
      readonly label: string;
      readonly range?: readonly [number, number] | undefined;
      readonly map?: ColourMap;
    }
  /** [points] index of `names`; below 0: none, grey. */
  | { readonly classes: ArrayLike<number>; readonly names: readonly string[] };

export interface Scatter {
  readonly panelTitle?: string;
  readonly x: { readonly label: string; readonly range?: readonly [number, number] | undefined };
  readonly y: { readonly label: string; readonly range?: readonly [number, number] | undefined };
  readonly points: { readonly x: ArrayLike<number>; readonly y: ArrayLike<number> };
  /** Default: one colour. */
  readonly colour?: PointColour | undefined;
  /** Diameter, pixels. Default: 4. */
  readonly size?: number;
  /** Whether a metre has the same length on both axes. Default: false. */
  readonly equal?: boolean;
  /** Under the points. */
  readonly below?: readonly Layer[];
  /** On top of the points. */
  readonly layers?: readonly Layer[];
  /** The panel is no wider and no higher. */
  readonly width?: number;
  readonly height?: number;
  /** Default: true. A figure of several panels with the same values needs one. */
  readonly showColourBar?: boolean;
}

/** Panel's size in which a unit of x is as long as one of y. */
export function equalSize(
  x: readonly [number, number],
  y: readonly [number, number],
  width: number,
  height: number,
): { width: number; height: number } {
  const perUnit = Math.min(width / Math.abs(x[1] - x[0]), height / Math.abs(y[1] - y[0]));
  return {
    width: Math.max(40, Math.round(perUnit * Math.abs(x[1] - x[0]))),
    height: Math.max(40, Math.round(perUnit * Math.abs(y[1] - y[0]))),
  };
}

const none = '#b8b8b8';

function coloured(colour: PointColour | undefined, count: number) {
  if (colour === undefined) return { colours: classColours[0]! };
  if ('classes' in colour) {
    const ofClass = (index: number) => (index < 0 ? none : classColours[index % classColours.length]!);
    const entries = colour.names.map((name, index) => ({ name, colour: ofClass(index) }));
    return { colours: Array.from({ length: count }, (_, i) => ofClass(colour.classes[i]!)), entries };
  }
  const { values, label, range = extent(values), map = 'viridis' } = colour;
  const bar: ColourBar = { label, range, map };
  return { colours: Array.from({ length: count }, (_, i) => colourOf(values[i]!, range, map)), bar };
}

export function scatterPanel(options: Scatter): Panel {
  const {
    panelTitle,
    points,
    colour,
    size = 4,
    below = [],
    layers = [],
    equal = false,
    showColourBar = true,
  } = options;
  const x = options.x.range ?? withMargin(extent(points.x));
  const y = options.y.range ?? withMargin(extent(points.y));
  const most = { width: options.width ?? 560, height: options.height ?? 480 };
  const { colours, bar, entries } = coloured(colour, points.x.length);
  return {
    title: panelTitle,
    ...(equal ? equalSize(x, y, most.width, most.height) : most),
    x: { label: options.x.label, range: x },
    y: { label: options.y.label, range: y },
    grid: true,
    layers: [
      ...below,
      { kind: 'points', ...points, colour: colours, size, outline: bar?.map === 'diverging' ? '#777' : undefined },
      ...layers,
    ],
    colourBar: showColourBar ? bar : undefined,
    key: entries && showColourBar ? { entries, symbol: 'circle' } : undefined,
  };
}

/** @returns the bytes of a PNG file */
export function scatter(options: {
  title: string;
  subtitle?: string | undefined;
  panels: readonly Scatter[];
  columns?: number;
}): Promise<Uint8Array> {
  return draw({ ...options, panels: options.panels.map(scatterPanel) });
}
