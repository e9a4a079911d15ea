/** A window of a LiDAR as a tower reads it: the person's points at some of its instants, from the sensor and from above. */
import { lidarEncoder } from '../../models/towers/lidar.js';
import type { Window } from '../../pipelines/window.js';
import { extent } from '../pictures/colours.js';
import { draw } from '../pictures/figure.js';
import { withMargin } from '../pictures/lines.js';
import { scatterPanel } from '../pictures/scatter.js';
import { seconds, type PlottedSensor } from './sensor-plot.js';
import { plotWindows } from './windows.js';

const drawnInstants = 6;
const channels = 5;
const present = 4;

/** Points, without those that stand there again for want of more. */
function rowsOf(data: Float32Array): number[] {
  const rows: number[] = [];
  for (let at = 0; at < data.length; at += channels) if (data[at + present] !== 0) rows.push(at);
  return rows;
}

export const plotLidarWindow = (sensor: PlottedSensor) =>
  plotWindows(sensor, 'lidar', lidarEncoder.window, {
    score: ({ data }) => rowsOf(data).length,
    why: () => 'that with the most points of the person',
    draw: (text, window) => draw({ ...text, ...picture(window, sensor.origin), columns: drawnInstants }),
  });

function picture({ data, start, end, shape }: Window, origin: number) {
  const samples = shape[0]!;
  const size = shape[1]! * channels;
  const rows = rowsOf(data);
  const rangeOf = (channel: number, sign = 1) => withMargin(extent(rows.map((at) => sign * data[at + channel]!)), 0.08);
  const [away, right, up] = [rangeOf(0), rangeOf(1, -1), rangeOf(2)];
  const bar = {
    label: 'intensity',
    range: [0, rows.reduce((most, at) => Math.max(most, data[at + 3]!), 0.05)] as const,
    map: 'inferno' as const,
  };
  const views = [
    { axis: up, channel: 2, label: 'height (m)' },
    { axis: away, channel: 0, label: 'x, away (m)' },
  ];
  const panels = views.flatMap(({ axis, channel, label }, row) =>
    Array.from({ length: drawnInstants }, (_, k) => {
      const instant = Math.round((k * (samples - 1)) / (drawnInstants - 1));
      const time = seconds(start - origin + (instant * (end - start)) / samples);
      const points = data.subarray(instant * size, (instant + 1) * size);
      const found = rowsOf(points);
      return scatterPanel({
        ...(row === 0 && { panelTitle: found.length > 0 ? time : `${time}: none` }),
        x: { label: 'to the right (m)', range: right },
        y: { label, range: axis },
        points: {
          x: Float32Array.from(found, (at) => -points[at + 1]!),
          y: Float32Array.from(found, (at) => points[at + channel]!),
        },
        colour: { values: Float32Array.from(found, (at) => points[at + 3]!), ...bar },
        size: 4,
        equal: true,
        width: 130,
        height: 230,
        showColourBar: false,
      });
    }),
  );
  return { panels, colourBar: bar };
}
