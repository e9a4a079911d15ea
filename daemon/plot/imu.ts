/** Waveforms and windows of an inertial sensor. */
import type { ImuFrame } from '../../drivers/frames.js';
import { imuWindow } from '../../models/towers/imu.js';
import { createImuPipeline } from '../../pipelines/imu.js';
import type { Window } from '../../pipelines/window.js';
import { lines, type LinesPanel } from '../pictures/lines.js';
import { createChosen } from './chosen.js';
import { count, seconds, type PlottedSensor, type SensorPlot } from './sensor-plot.js';
import { createTimeline } from './timeline.js';

const axes = ['x', 'y', 'z'];
const quantities = [
  { name: 'Acceleration', label: 'acceleration (m/s²)', first: 0 },
  { name: 'Angular rate', label: 'angular rate (rad/s)', first: 3 },
] as const;
const drawnWindows = 4;

export function plotImu({ name, driver, settings, origin }: PlottedSensor): SensorPlot<ImuFrame> {
  const timeline = createTimeline(6, { columns: 2048, extremes: true });
  const windows = createChosen<Window>(drawnWindows);
  const faults: Record<string, number> = {};
  const values = new Float32Array(6);
  let windowCount = 0;
  let stillCount = 0;
  const pipeline = createImuPipeline({
    ...imuWindow,
    sensor: name,
    inputRate: driver.nominalRate(settings),
    onWindow(window) {
      windowCount++;
      if (window.still) stillCount++;
      windows.offer(() => window);
    },
  });

  function windowPanels(chosen: readonly Window[]): LinesPanel[] {
    return quantities.flatMap(({ label, first }, row) => {
      const all = chosen.flatMap(({ data }) => Array.from(data).filter((_, i) => Math.floor((i % 6) / 3) === row));
      const [low, high] = [Math.min(...all), Math.max(...all)];
      const range = [low - 0.05 * (high - low || 1), high + 0.05 * (high - low || 1)] as const;
      return chosen.map(({ start, end, data, still, shape, heldSamples }): LinesPanel => {
        const samples = shape[0]!;
        const step = (end - start) / samples;
        const x = Float64Array.from({ length: samples }, (_, i) => start - origin + i * step);
        const held = heldSamples > 0 ? `, ${heldSamples} samples held` : '';
        const ends = `[${(start - origin).toFixed(2)}, ${(end - origin).toFixed(2)}) s`.replace('-', '−');
        return {
          ...(row === 0 && { panelTitle: `${ends}, ${still ? 'still' : 'moving'}${held}` }),
          x: { label: 'time (s)', range: [start - origin, end - origin] },
          y: { label, range },
          series: axes.map((axis, c) => ({
            name: axis,
            x,
            y: Float32Array.from({ length: samples }, (_, i) => data[6 * i + first + c]!),
          })),
          width: 250,
          height: 150,
          key: row === 0,
        };
      });
    });
  }

  return {
    faults,
    push(frame, time) {
      const { acceleration, angularRate } = frame;
      values.set(acceleration, 0);
      values.set(angularRate, 3);
      if (!values.every(Number.isFinite)) {
        count(faults, 'notANumber');
        return;
      }
      timeline.push(time, values);
      pipeline.push(frame);
    },
    drawings() {
      pipeline.end();
      const { lost, backwards, invalid } = pipeline.statistics();
      count(faults, 'lost', lost);
      count(faults, 'backwardTime', backwards);
      count(faults, 'invalid', invalid);
      if (timeline.samples === 0) return [];
      const x = { label: 'time (s)', range: timeline.range() };
      const panels = quantities.map(({ label, first }): LinesPanel => ({
        x,
        y: { label },
        series: axes.map((axis, c) => timeline.curve(first + c, axis)),
      }));
      const chosen = windows.list();
      return [
        {
          what: 'waveform',
          title: 'acceleration and angular rate',
          draw: (text) => lines({ ...text, panels }),
        },
        ...(chosen.length === 0
          ? []
          : [
              {
                what: 'windows',
                title: `windows of ${seconds(imuWindow.samples / imuWindow.rate)} at ${imuWindow.rate} Hz`,
                note: `${chosen.length} of ${windowCount} windows, ${stillCount} of them still`,
                draw: (text: { title: string; subtitle: string }) =>
                  lines({ ...text, panels: windowPanels(chosen), columns: chosen.length }),
              },
            ]),
      ];
    },
  };
}
