/** A window of a radar's points as a tower reads it: the points of all its instants, from above, from the front and over time. */
import { pointSetChannels } from '../../pipelines/radar/point-set.js';
import type { Window } from '../../pipelines/window.js';
import { extent } from '../pictures/colours.js';
import { draw } from '../pictures/figure.js';
import { withMargin } from '../pictures/lines.js';
import { scatterPanel } from '../pictures/scatter.js';
import { quantile } from './chosen.js';
import type { PlottedSensor } from './sensor-plot.js';
import { plotWindows } from './windows.js';

const window = { rate: 12.5, samples: 38, hop: 6.25, instant: [32, pointSetChannels] } as const;
const present = 7;

/** Rows that are a point. */
function rowsOf({ data }: Window): number[] {
  const rows: number[] = [];
  for (let at = 0; at < data.length; at += pointSetChannels) if (data[at + present] !== 0) rows.push(at);
  return rows;
}

export const plotRadarWindow = (sensor: PlottedSensor) =>
  plotWindows(sensor, 'mmwave', window, {
    score: (one) => rowsOf(one).length,
    why: (one) => `that with the most points: ${rowsOf(one).length}`,
    draw: (text, one) => draw({ ...text, ...picture(one, sensor.origin), columns: 2 }),
  });

function picture(best: Window, origin: number) {
  const { data, start, end, shape } = best;
  const rows = rowsOf(best);
  const channel = (which: number) => Float32Array.from(rows, (at) => data[at + which]!);
  const perInstant = shape[1]! * shape[2]!;
  const step = (end - start) / shape[0]!;
  const times = Float64Array.from(rows, (at) => start - origin + Math.floor(at / perInstant) * step);
  const [x, y, z, velocity, range] = [channel(0), channel(1), channel(2), channel(3), channel(5)];
  const fastest = Math.max(0.1, quantile(velocity.map(Math.abs), 0.99));
  const bar = { label: 'velocity (m/s)', range: [-fastest, fastest] as const, map: 'diverging' as const };
  const drawn = { colour: { values: velocity, ...bar }, size: 4.5, showColourBar: false, width: 330, height: 260 };
  const time = { label: 'time (s)', range: [start - origin, end - origin] as const };
  const panel = (title: string, axes: Pick<Parameters<typeof scatterPanel>[0], 'x' | 'y' | 'points' | 'equal'>) =>
    scatterPanel({ panelTitle: title, ...axes, ...drawn });
  const across = withMargin(extent(x));
  const right = { label: 'x, to the right (m)', range: across };
  const away = withMargin(extent(y));
  // A flat cloud has an axis too.
  const least = 0.6 * (across[1] - across[0]);
  const missing = Math.max(0, least - (away[1] - away[0])) / 2;
  const up = { label: 'z, up (m)' };
  return {
    colourBar: bar,
    panels: [
      panel('from above', {
        x: right,
        y: { label: 'y, away (m)', range: [away[0] - missing, away[1] + missing] },
        points: { x, y },
        equal: true,
      }),
      panel('from the front', { x: right, y: up, points: { x, y: z }, equal: true }),
      panel('range over time', { x: time, y: { label: 'range (m)' }, points: { x: times, y: range } }),
      panel('height over time', { x: time, y: up, points: { x: times, y: z } }),
    ],
  };
}
