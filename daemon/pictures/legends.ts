/** Colour bars and keys, as Vega's legends. */
import { colourOf } from './colours.js';
import type { ColourBar } from './panel.js';

const stops = 32;

/** @param height of the panel beside it */
export function colourBarLegend(name: string, { label, range, map, format }: ColourBar, height: number) {
  const colours = Array.from({ length: stops }, (_, i) => colourOf(i / (stops - 1), [0, 1], map));
  return {
    scales: [{ name, type: 'linear', domain: range, range: colours, zero: false, nice: false }],
    legends: [
      {
        fill: name,
        type: 'gradient',
        orient: 'right',
        title: label,
        gradientLength: Math.max(60, height - 24),
        gradientThickness: 13,
        tickCount: Math.max(3, Math.round(height / 45)),
        offset: 14,
        ...(format !== undefined && { format }),
      },
    ],
  };
}

export interface KeyEntry {
  readonly name: string;
  readonly colour: string;
}

/** What the colours of lines or points mean, above the panel. */
export function keyLegend(name: string, entries: readonly KeyEntry[], symbolType: 'stroke' | 'circle') {
  const names = entries.map((entry) => entry.name);
  const colours = entries.map(({ colour }) => colour);
  return {
    scales: [{ name, type: 'ordinal', domain: names, range: colours }],
    legends: [
      {
        [symbolType === 'stroke' ? 'stroke' : 'fill']: name,
        symbolType,
        symbolSize: symbolType === 'stroke' ? 160 : 50,
        ...(symbolType === 'circle' && { symbolStrokeWidth: 0 }),
        orient: 'top',
        direction: 'horizontal',
        columns: 6,
        columnPadding: 14,
        offset: 4,
        title: null,
      },
    ],
  };
}
