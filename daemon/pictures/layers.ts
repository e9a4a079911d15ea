/** A panel's layers as Vega's marks. */
import { extent } from './colours.js';
import type { Layer } from './panel.js';
import { pixelScale } from './scale.js';

interface Drawn {
  readonly data: readonly object[];
  readonly marks: readonly object[];
}

const value = (it: unknown) => ({ value: it });
const atX = { scale: 'x', field: 'x' };
const atY = { scale: 'y', field: 'y' };

function mark(type: string, name: string, rows: readonly object[], encode: object): Drawn {
  return {
    data: [{ name, values: rows }],
    marks: [{ type, from: { data: name }, interactive: false, encode: { enter: encode } }],
  };
}

/** Points that would lie on one and the same pixel are drawn once, the last one's colour on top, as it would be anyway. */
function pointRows({ x, y, colour }: Extract<Layer, { kind: 'points' }>, width: number, height: number): object[] {
  const rows = new Map<string, object>();
  const [left, right] = extent(x);
  const [bottom, top] = extent(y);
  const perX = (width * pixelScale) / (right - left || 1);
  const perY = (height * pixelScale) / (top - bottom || 1);
  for (let i = 0; i < x.length; i++) {
    if (!Number.isFinite(x[i]! + y[i]!)) continue;
    const cell = `${Math.round((x[i]! - left) * perX)},${Math.round((y[i]! - bottom) * perY)}`;
    rows.delete(cell);
    rows.set(cell, { x: x[i], y: y[i], colour: typeof colour === 'string' ? colour : colour[i] });
  }
  return [...rows.values()];
}

export function layerMarks(layer: Layer, name: string, width: number, height: number): Drawn {
  switch (layer.kind) {
    case 'image': {
      const { canvas, x, y, smooth } = layer;
      const encode = {
        image: { field: 'image' },
        x: { scale: 'x', value: x[0] },
        x2: { scale: 'x', value: x[1] },
        y: { scale: 'y', value: y[1] },
        y2: { scale: 'y', value: y[0] },
        aspect: value(false),
        smooth: value(smooth),
      };
      return mark('image', name, [{ image: canvas }], encode);
    }
    case 'line': {
      const { x, y, colour, width: strokeWidth = 1.2, dash } = layer;
      const rows = Array.from(y, (one, i) => ({
        x: x[i],
        y: one,
        there: Number.isFinite(one) && Number.isFinite(x[i]),
      }));
      const encode = {
        x: atX,
        y: atY,
        defined: { field: 'there' },
        stroke: value(colour),
        strokeWidth: value(strokeWidth),
        strokeJoin: value('round'),
        ...(dash && { strokeDash: value(dash) }),
      };
      return mark('line', name, rows, encode);
    }
    case 'points': {
      const { size, shape = 'circle', outline } = layer;
      const filled = shape === 'circle';
      const encode = {
        x: atX,
        y: atY,
        shape: value(shape === 'cross' ? 'M-1,-1L1,1M-1,1L1,-1' : 'circle'),
        size: value(size * size * (shape === 'cross' ? 0.4 : 1)),
        [filled ? 'fill' : 'stroke']: { field: 'colour' },
        ...(!filled && { strokeWidth: value(1.3) }),
        ...(filled && outline !== undefined && { stroke: value(outline), strokeWidth: value(0.4) }),
      };
      return mark('symbol', name, pointRows(layer, width, height), encode);
    }
    case 'segments': {
      const { ends, colour, width: strokeWidth = 2 } = layer;
      const rows = Array.from({ length: ends.length / 4 }, (_, i) => ({
        x: ends[4 * i]!,
        y: ends[4 * i + 1]!,
        x2: ends[4 * i + 2]!,
        y2: ends[4 * i + 3]!,
      })).filter(({ x, y, x2, y2 }) => Number.isFinite(x + y + x2 + y2));
      const encode = {
        x: atX,
        y: atY,
        x2: { scale: 'x', field: 'x2' },
        y2: { scale: 'y', field: 'y2' },
        stroke: value(colour),
        strokeWidth: value(strokeWidth),
        strokeCap: value('round'),
      };
      return mark('rule', name, rows, encode);
    }
    case 'band': {
      const encode = {
        x: { scale: 'x', value: layer.from },
        x2: { scale: 'x', value: layer.to },
        y: value(0),
        y2: value(height),
        fill: value(layer.colour),
      };
      return mark('rect', name, [{}], encode);
    }
    case 'rule': {
      const { x, y, colour = '#b00020' } = layer;
      const encode = {
        ...(x !== undefined && { x: { scale: 'x', value: x }, y: value(0), y2: value(height) }),
        ...(y !== undefined && { y: { scale: 'y', value: y }, x: value(0), x2: value(width) }),
        stroke: value(colour),
        strokeWidth: value(1),
        strokeDash: value([5, 3]),
      };
      return mark('rule', name, [{}], encode);
    }
    case 'text': {
      const encode = {
        x: { scale: 'x', value: layer.x },
        y: { scale: 'y', value: layer.y },
        dx: value(4),
        dy: value(-4),
        text: value(layer.text),
        fill: value(layer.colour ?? '#222'),
      };
      return mark('text', name, [{}], encode);
    }
  }
}
