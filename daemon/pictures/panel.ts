/** One panel: axes, layers in their order, colour bar and key. Sizes are in layout pixels, positions in the axes' units. */
import type { Canvas } from 'canvas';
import type { ColourMap } from './colours.js';
import { layerMarks } from './layers.js';
import { colourBarLegend, keyLegend, type KeyEntry } from './legends.js';

export interface Axis {
  /** With the unit: `range (m)`. */
  readonly label: string;
  /** The axis's ends; the first is left or at the bottom, whichever is larger. */
  readonly range: readonly [number, number];
  /** Only these ticks. */
  readonly ticks?: readonly number[];
  /** Logarithmic; the range is above 0. */
  readonly log?: boolean;
}

export interface ColourBar {
  /** With the unit: `power (dB)`. */
  readonly label: string;
  readonly range: readonly [low: number, high: number];
  readonly map: ColourMap;
  /** Of its numbers, as d3-format says. */
  readonly format?: string;
}

export type Layer =
  | {
      readonly kind: 'image';
      readonly canvas: Canvas;
      /** Its left and right, bottom and top edge. */
      readonly x: readonly [number, number];
      readonly y: readonly [number, number];
      readonly smooth: boolean;
    }
  | {
      readonly kind: 'line';
      readonly x: ArrayLike<number>;
      /** What is no number breaks the line. */
      readonly y: ArrayLike<number>;
      readonly colour: string;
      readonly width?: number;
      readonly dash?: readonly number[];
    }
  | {
      readonly kind: 'points';
      readonly x: ArrayLike<number>;
      readonly y: ArrayLike<number>;
      /** One, or one a point. */
      readonly colour: string | readonly string[];
      /** Diameter, pixels. */
      readonly size: number;
      readonly shape?: 'circle' | 'ring' | 'cross';
      /** A thin line round each circle, where a colour may be near the paper's. */
      readonly outline?: string | undefined;
    }
  | {
      readonly kind: 'segments';
      /** [segments, 4] x, y of both ends */
      readonly ends: ArrayLike<number>;
      readonly colour: string;
      readonly width?: number;
    }
  | { readonly kind: 'band'; readonly from: number; readonly to: number; readonly colour: string }
  /** A line over the whole width at `y`, or the height at `x`. */
  | { readonly kind: 'rule'; readonly x?: number; readonly y?: number; readonly colour?: string }
  | { readonly kind: 'text'; readonly x: number; readonly y: number; readonly text: string; readonly colour?: string };

export interface Panel {
  readonly title?: string | undefined;
  readonly width: number;
  readonly height: number;
  /** Undefined: no axis, nor numbers at it; the range is [0, 1]. */
  readonly x?: Axis | undefined;
  readonly y?: Axis | undefined;
  readonly layers: readonly Layer[];
  readonly grid?: boolean;
  readonly colourBar?: ColourBar | undefined;
  readonly key?: { readonly entries: readonly KeyEntry[]; readonly symbol: 'stroke' | 'circle' } | undefined;
}

const unit: Axis = { label: '', range: [0, 1] };

const scale = (name: string, axis: Axis, pixels: readonly [number, number]) => ({
  name,
  type: axis.log === true ? 'log' : 'linear',
  domain: axis.range,
  range: pixels,
  ...(axis.log !== true && { zero: false }),
  nice: false,
});

function axisOf(orient: 'bottom' | 'left', { label, range, ticks, log }: Axis, length: number, grid: boolean) {
  const span = Math.abs(range[1] - range[0]);
  return {
    orient,
    scale: orient === 'bottom' ? 'x' : 'y',
    title: label,
    tickCount: Math.max(3, Math.round(length / (orient === 'bottom' ? 75 : 40))),
    ...(ticks && { values: ticks }),
    // 1.2k instead of 1200 would be a unit of its own; very small and large numbers need an exponent.
    ...(log !== true && (span < 1e-4 || span >= 1e6) && { format: '~e' }),
    grid,
    gridColor: '#e6e6e6',
    zindex: grid ? 0 : 1,
  };
}

/** The panel as a Vega group, for a figure's layout. */
export function panelGroup({ title, width, height, x, y, layers, grid = false, colourBar, key }: Panel) {
  const bar = colourBar && colourBarLegend('colour', colourBar, height);
  const keys = key && keyLegend('key', key.entries, key.symbol);
  const drawn = layers.map((layer, index) => layerMarks(layer, `layer${index}`, width, height));
  return {
    type: 'group',
    encode: { update: { width: { value: width }, height: { value: height } } },
    ...(title !== undefined && {
      title: { text: title, fontSize: 12, fontWeight: 600, offset: 6, anchor: 'middle' },
    }),
    scales: [
      scale('x', x ?? unit, [0, width]),
      scale('y', y ?? unit, [height, 0]),
      ...(bar?.scales ?? []),
      ...(keys?.scales ?? []),
    ],
    axes: [...(x ? [axisOf('bottom', x, width, grid)] : []), ...(y ? [axisOf('left', y, height, grid)] : [])],
    legends: [...(bar?.legends ?? []), ...(keys?.legends ?? [])],
    data: drawn.flatMap(({ data }) => data),
    marks: [
      {
        type: 'group',
        clip: true,
        encode: {
          update: {
            width: { value: width },
            height: { value: height },
            ...(x && y && { stroke: { value: '#555' }, strokeWidth: { value: 0.5 } }),
          },
        },
        marks: drawn.flatMap(({ marks }) => marks),
      },
    ],
  };
}
