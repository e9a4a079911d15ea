/** Curves over a common axis, in panels below each other. */
import { classColours, extent } from './colours.js';
import { draw } from './figure.js';
import type { Axis, Layer, Panel } from './panel.js';

export interface Series {
  readonly name: string;
  readonly x: ArrayLike<number>;
  /** What is no number breaks the line. */
  readonly y: ArrayLike<number>;
  /** Default: another for each. */
  readonly colour?: string;
  readonly width?: number;
}

export interface LinesPanel {
  readonly panelTitle?: string;
  readonly x: Axis;
  readonly y: {
    /** With the unit. */
    readonly label: string;
    /** Default: from the least to the largest, and a little more. */
    readonly range?: readonly [number, number] | undefined;
    /** Then with a range above 0. */
    readonly log?: boolean;
    readonly ticks?: readonly number[];
  };
  readonly series: readonly Series[];
  /** Below the curves: bands; and rules, texts. */
  readonly layers?: readonly Layer[];
  readonly width?: number;
  readonly height?: number;
  /** Without a key where one curve needs no name. */
  readonly key?: boolean;
}

export function linesPanel(options: LinesPanel): Panel {
  const { panelTitle, x, y, series, layers = [], width = 640, height = 180, key = series.length > 1 } = options;
  const colours = series.map(({ colour }, i) => colour ?? classColours[i % classColours.length]!);
  return {
    title: panelTitle,
    width,
    height,
    x,
    y: { ...y, range: y.range ?? withMargin(extent(...series.map((one) => one.y))) },
    grid: true,
    layers: [
      ...layers,
      ...series.flatMap((one, i): Layer[] => [
        { kind: 'line', x: one.x, y: one.y, colour: colours[i]!, width: one.width ?? 1.2 },
        { kind: 'points', ...lonely(one), colour: colours[i]!, size: 2.5 },
      ]),
    ],
    key: key ? { entries: series.map(({ name }, i) => ({ name, colour: colours[i]! })), symbol: 'stroke' } : undefined,
  };
}

/** Points that no line reaches. */
function lonely({ x, y }: Series): { x: number[]; y: number[] } {
  const there = (i: number) => i >= 0 && i < y.length && Number.isFinite(y[i]!);
  const alone = Array.from(y, (_, i) => i).filter((i) => there(i) && !there(i - 1) && !there(i + 1));
  return { x: alone.map((i) => x[i]!), y: alone.map((i) => y[i]!) };
}

/** A twentieth more on both sides. */
export function withMargin([low, high]: readonly [number, number], share = 0.05): [number, number] {
  const margin = share * (high - low);
  return [low - margin, high + margin];
}

/** @returns the bytes of a PNG file */
export function lines(options: {
  title: string;
  subtitle?: string | undefined;
  panels: readonly LinesPanel[];
  columns?: number;
}): Promise<Uint8Array> {
  return draw({ ...options, panels: options.panels.map(linesPanel) });
}
