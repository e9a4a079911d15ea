/** Some depth pictures in metres. */
import type { DepthFrame } from '../../drivers/frames.js';
import { images } from '../pictures/images.js';
import { createChosen, quantile } from './chosen.js';
import { count, seconds, type SensorPlot } from './sensor-plot.js';

const drawnFrames = 8;

export function plotDepth(): SensorPlot<DepthFrame> {
  const chosen = createChosen<{ frame: DepthFrame; time: number }>(drawnFrames);
  const faults: Record<string, number> = {};
  return {
    faults,
    push(frame, time) {
      const { width, height, depth } = frame;
      if (width * height === 0 || depth.length !== width * height) count(faults, 'absent');
      else if (depth.every((step) => step === 0)) count(faults, 'nothing in reach');
      else chosen.offer(() => ({ frame, time }));
    },
    drawings() {
      const frames = chosen.list();
      if (frames.length === 0) return [];
      const tiles = frames.map(({ frame: { width, height, depth, metresPerStep }, time }) => ({
        caption: seconds(time),
        width,
        height,
        values: Float32Array.from(depth, (step) => (step === 0 ? NaN : step * metresPerStep)),
      }));
      const sample = tiles.flatMap(({ values }) => Array.from(values.filter((_, i) => i % 7 === 0)));
      const range = [quantile(sample, 0.005), quantile(sample, 0.995)] as const;
      return [
        {
          what: 'depth',
          title: 'depth pictures',
          note: `${frames[0]!.frame.width} × ${frames[0]!.frame.height} pixels, grey: no return`,
          draw: (text) => images({ ...text, tiles, value: { label: 'depth (m)', range } }),
        },
      ];
    },
  };
}
