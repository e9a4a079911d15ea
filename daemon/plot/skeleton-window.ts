/** A window of a skeleton as a tower reads it: figures at some of its instants, and the paths of joints, on one axis of time. */
import { skeletonEncoder } from '../../models/towers/skeleton.js';
import type { Window } from '../../pipelines/window.js';
import { extent } from '../pictures/colours.js';
import { draw } from '../pictures/figure.js';
import { linesPanel, withMargin } from '../pictures/lines.js';
import type { Layer, Panel } from '../pictures/panel.js';
import { bonesOf, endsOf } from './bones.js';
import { seconds, type PlottedSensor } from './sensor-plot.js';
import { plotWindows } from './windows.js';

/** Joints of a window are those of Kinect v1, whatever the device sends. */
const layout = 'kinect-v1';
const channels = 4;
const drawnFigures = 8;
const width = 760;

/** How much the joints move: the sum of their steps from instant to instant, trunk lengths. */
function motion({ data, shape }: Window): number {
  const step = shape[1]! * channels;
  let sum = 0;
  for (let at = step; at < data.length; at += channels) {
    if (data[at + 3] === 0 || data[at + 3 - step] === 0) continue;
    for (let c = 0; c < 3; c++) sum += Math.abs(data[at + c]! - data[at + c - step]!);
  }
  return sum;
}

export const plotSkeletonWindow = (sensor: PlottedSensor) =>
  plotWindows(sensor, 'skeleton', skeletonEncoder.window, {
    score: motion,
    why: () => 'that with the most motion',
    draw: (text, window) => draw({ ...text, panels: panelsOf(window, sensor.origin) }),
  });

function panelsOf({ data, shape, start, end }: Window, origin: number): Panel[] {
  const [samples, joints] = shape as readonly [number, number];
  const step = (end - start) / samples;
  /** NaN of a joint that was not seen. */
  const value = (instant: number, joint: number, channel: number) => {
    const at = (instant * joints + joint) * channels;
    return data[at + 3] === 0 ? NaN : data[at + channel]!;
  };
  const all = (channel: number) =>
    Float32Array.from({ length: samples * joints }, (_, i) => value(Math.floor(i / joints), i % joints, channel));
  const x = { label: 'time (s)', range: [start - origin, end - origin] as const };
  const times = Float64Array.from({ length: samples }, (_, i) => start - origin + i * step);
  const paths = ['x', 'y', 'z'].map((axis, channel) =>
    linesPanel({
      x,
      y: { label: axis === 'z' ? 'z, away' : axis },
      series: endsOf(layout, joints).map(({ name, joint }) => ({
        name,
        x: times,
        y: Float32Array.from(times, (_, i) => value(i, joint, channel)),
      })),
      width,
      height: 110,
      key: channel === 0,
    }),
  );

  const height = withMargin(extent(all(1)), 0.06);
  // A trunk length is as long sideways as upwards, and the figures do not hide each other.
  const room = width / drawnFigures;
  const [low, high] = extent(all(0));
  const perTrunk = Math.min(200 / (height[1] - height[0]), room / Math.max(high - low, 1));
  const layers: Layer[] = [];
  for (let k = 0; k < drawnFigures; k++) {
    const instant = Math.min(samples - 1, Math.round(((k + 0.5) * samples) / drawnFigures));
    // Where the window has no numbers there is no figure. x is to the sensor's left.
    const across = (joint: number) =>
      times[instant]! - ((value(instant, joint, 0) - (low + high) / 2) * perTrunk * (end - start)) / width;
    const numbers = Array.from({ length: joints }, (_, joint) => joint);
    layers.push(
      {
        kind: 'segments',
        ends: bonesOf(layout).flatMap(([a, b]) => [across(a), value(instant, a, 1), across(b), value(instant, b, 1)]),
        colour: '#4c78a8',
        width: 2,
      },
      {
        kind: 'points',
        x: numbers.map(across),
        y: numbers.map((joint) => value(instant, joint, 1)),
        colour: '#333',
        size: 3,
      },
    );
  }
  return [
    {
      title: `from the front, every ${seconds((end - start) / drawnFigures)}; trunk lengths from the hip`,
      width,
      height: Math.round(perTrunk * (height[1] - height[0])),
      x,
      y: { label: 'y', range: height },
      layers,
      grid: true,
    },
    ...paths,
  ];
}
