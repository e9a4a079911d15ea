/** Skeletons: stick figures from the front and from the side, and the paths of hands, feet and head. */
import type { SkeletonFrame } from '../../drivers/frames.js';
import { classColours, extent } from '../pictures/colours.js';
import { draw } from '../pictures/figure.js';
import { lines, withMargin } from '../pictures/lines.js';
import type { Layer, Panel } from '../pictures/panel.js';
import { equalSize } from '../pictures/scatter.js';
import { bonesOf, endsOf } from './bones.js';
import { createChosen } from './chosen.js';
import { count, seconds, type PlottedSensor, type SensorPlot } from './sensor-plot.js';
import { plotSkeletonWindow } from './skeleton-window.js';
import { createTimeline, type Timeline } from './timeline.js';

const drawnFrames = 6;

export function plotSkeleton(sensor: PlottedSensor): SensorPlot<SkeletonFrame> {
  const chosen = createChosen<{ frame: SkeletonFrame; time: number }>(drawnFrames);
  const window = plotSkeletonWindow(sensor);
  const faults: Record<string, number> = {};
  let layout: string | undefined;
  let ends: ReturnType<typeof endsOf> = [];
  let paths: Timeline | undefined;
  let values = new Float32Array(0);

  function figurePanel({ frame, time }: { frame: SkeletonFrame; time: number }, view: View, top: boolean): Panel {
    const { people, joints } = frame;
    const perPerson = people === 0 ? 0 : joints.length / people;
    const layers: Layer[] = [];
    for (let person = 0; person < people; person++) {
      const colour = classColours[person % classColours.length]!;
      const coordinate = (joint: number, axis: number) => joints[person * perPerson + 3 * joint + axis]!;
      const bones = bonesOf(frame.layout).flatMap(([a, b]) => [
        coordinate(a, view.axis),
        coordinate(a, 1),
        coordinate(b, view.axis),
        coordinate(b, 1),
      ]);
      const numbers = Array.from({ length: perPerson / 3 }, (_, i) => i);
      layers.push(
        { kind: 'segments', ends: bones, colour, width: 2.5 },
        {
          kind: 'points',
          x: numbers.map((joint) => coordinate(joint, view.axis)),
          y: numbers.map((joint) => coordinate(joint, 1)),
          colour: '#333',
          size: 4,
        },
      );
    }
    return {
      ...(top && { title: seconds(time) }),
      ...equalSize(view.range, view.height, 190, 220),
      x: { label: view.label, range: view.range },
      y: { label: 'y (m)', range: view.height },
      layers,
      grid: true,
    };
  }

  return {
    faults,
    push(frame, time) {
      window.push(frame);
      if (layout !== undefined && frame.layout !== layout) {
        count(faults, 'settingsChanged');
        return;
      }
      layout = frame.layout;
      if (frame.people === 0) {
        count(faults, 'nobody');
        return;
      }
      if (!frame.joints.some(Number.isFinite)) {
        count(faults, 'notANumber');
        return;
      }
      if (paths === undefined) {
        ends = endsOf(frame.layout, frame.joints.length / frame.people / 3);
        paths = createTimeline(3 * ends.length, { columns: 2048, extremes: true });
        values = new Float32Array(3 * ends.length);
      }
      ends.forEach(({ joint }, i) => {
        for (let axis = 0; axis < 3; axis++) values[3 * i + axis] = frame.joints[3 * joint + axis] ?? NaN;
      });
      paths.push(time, values);
      chosen.offer(() => ({ frame, time }));
    },
    get remarks() {
      return window.remarks;
    },
    drawings() {
      const frames = chosen.list();
      if (paths === undefined || frames.length === 0) return [];
      const axis = (which: number) => frames.map(({ frame: { joints } }) => joints.filter((_, i) => i % 3 === which));
      const height = withMargin(extent(...axis(1)), 0.08);
      const views: View[] = [
        // x is to the sensor's left.
        { label: 'x (m)', axis: 0, range: reversed(withMargin(extent(...axis(0)), 0.08)), height },
        { label: 'z, away (m)', axis: 2, range: withMargin(extent(...axis(2)), 0.08), height },
      ];
      const timeline = paths;
      return [
        {
          what: 'figures',
          title: 'stick figures from the front and from the side',
          note: `layout ${layout!}`,
          draw: (text) => {
            const panels = views.flatMap((view, row) => frames.map((one) => figurePanel(one, view, row === 0)));
            return draw({ ...text, panels, columns: frames.length });
          },
        },
        {
          what: 'trajectories',
          title: 'paths of joints',
          note: 'of the first person',
          draw: (text) =>
            lines({
              ...text,
              panels: ['x (m)', 'y (m)', 'z, away (m)'].map((label, which) => ({
                x: { label: 'time (s)', range: timeline.range() },
                y: { label },
                series: ends.map(({ name }, i) => timeline.curve(3 * i + which, name)),
                height: 150,
                key: which === 0,
              })),
            }),
        },
        ...window.drawings(),
      ];
    },
  };
}

const reversed = ([low, high]: readonly [number, number]): [number, number] => [high, low];

interface View {
  readonly label: string;
  readonly axis: 0 | 2;
  readonly range: [number, number];
  readonly height: [number, number];
}
