/** A LiDAR's turn as pictures: the device's own, or one of range over azimuth and laser made of its points. */
import type { LidarFrame } from '../../drivers/frames.js';
import { draw } from '../pictures/figure.js';
import { heatmapPanel, type Heatmap } from '../pictures/heatmap.js';
import { quantile } from './chosen.js';
import { seconds, type Drawing } from './sensor-plot.js';

/** Degrees of a column. */
const columnWidth = 0.4;

/** Middle of the values, from 2 to 98 % of those that are numbers. */
function usual(z: Float32Array): [number, number] {
  const [low, high] = [quantile(z, 0.02), quantile(z, 0.98)];
  return high > low ? [low, high] : [low - 1, low + 1];
}

function panel(z: Float32Array, columns: number, options: Pick<Heatmap, 'x' | 'y' | 'value' | 'panelTitle'>): Heatmap {
  const rows = z.length / columns;
  return { ...options, z, columns, width: 760, height: Math.min(180, Math.max(90, 2 * rows)) };
}

/** The device's pictures; 0: no return. */
function ownImages({ images = {} }: LidarFrame): Heatmap[] {
  return Object.entries(images).flatMap(([name, { rows, columns, data }]) => {
    if (name === 'flags' || rows * columns === 0 || data.length !== rows * columns) return [];
    const isRange = name.startsWith('range');
    const z = new Float32Array(data.length);
    for (let row = 0; row < rows; row++) {
      // The top row comes first.
      for (let column = 0; column < columns; column++) {
        const value = data[(rows - 1 - row) * columns + column]!;
        z[row * columns + column] = value === 0 ? NaN : isRange ? value / 1000 : value;
      }
    }
    const x = { label: 'column of the turn', range: [0, columns] as const };
    const y = { label: 'row from below', range: [0, rows] as const };
    const label = isRange ? 'range (m)' : 'level';
    return [
      panel(z, columns, {
        panelTitle: name,
        x,
        y,
        value: { label, range: usual(z), map: isRange ? 'viridis' : 'inferno' },
      }),
    ];
  });
}

/** Of several echoes in a cell, the nearest. */
function imageOfPoints({ position, ring }: LidarFrame): Heatmap[] {
  if (!ring || ring.length === 0) return [];
  let rows = 0;
  for (const one of ring) rows = Math.max(rows, one + 1);
  const columns = Math.round(360 / columnWidth);
  const z = new Float32Array(rows * columns).fill(NaN);
  for (let i = 0; i < ring.length; i++) {
    const [px, py, pz] = [position[3 * i]!, position[3 * i + 1]!, position[3 * i + 2]!];
    // To the left of the picture is to the left of the sensor, whose x looks ahead.
    const azimuth = (-Math.atan2(py, px) * 180) / Math.PI;
    const column = Math.min(columns - 1, Math.floor((azimuth + 180) / columnWidth));
    const at = ring[i]! * columns + column;
    const range = Math.hypot(px, py, pz);
    if (!(z[at]! <= range)) z[at] = range;
  }
  const x = { label: 'azimuth (degrees, to the right)', range: [-180, 180], ticks: [-180, -90, 0, 90, 180] } as const;
  const y = { label: 'laser from below', range: [0, rows] } as const;
  return [panel(z, columns, { x, y, value: { label: 'range (m)', range: usual(z) } })];
}

export function rangeImages(frame: LidarFrame, time: number): Drawing[] {
  const own = ownImages(frame);
  const panels = own.length > 0 ? own : imageOfPoints(frame);
  if (panels.length === 0) return [];
  return [
    {
      what: 'range-image',
      title: own.length > 1 ? "the turn's pictures" : 'range image',
      note: `turn at ${seconds(time)}, grey: no return`,
      draw: (text) => draw({ ...text, panels: panels.map(heatmapPanel) }),
    },
  ];
}
