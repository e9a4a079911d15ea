/** Some depth pictures in metres, and the person's crops. */
import type { DepthFrame } from '../../drivers/frames.js';
import { createDepthFeatures } from '../../pipelines/depth/features.js';
import { images, type Tile } from '../pictures/images.js';
import { createChosen, quantile } from './chosen.js';
import { count, seconds, type Drawing, type SensorPlot } from './sensor-plot.js';

const drawnFrames = 8;

export function plotDepth(): SensorPlot<DepthFrame> {
  const chosen = createChosen<{ frame: DepthFrame; time: number }>(drawnFrames);
  const features = createDepthFeatures();
  const [rows, columns] = features.shape as readonly [number, number];
  const numbers = new Float32Array(rows * columns);
  const crops = createChosen<Tile>(drawnFrames);
  const faults: Record<string, number> = {};
  return {
    faults,
    push(frame, time) {
      const fault = features.take(frame, numbers);
      // A room without people, or one not learned yet, is a picture all the same.
      if (fault === undefined || fault === 'nobody' || fault === 'calibrating') chosen.offer(() => ({ frame, time }));
      else count(faults, fault);
      if (fault !== undefined) return;
      const { distance } = features;
      crops.offer(() => ({
        caption: `${seconds(time)}, at ${distance.toFixed(2)} m`,
        width: columns,
        height: rows,
        values: numbers.map((value) => (value === 0 ? NaN : value - 1)),
      }));
    },
    get remarks() {
      if (crops.list().length > 0) return [];
      return [
        features.state === 'known'
          ? 'no person: nobody came'
          : 'no person: the background was not learned in this time',
      ];
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
        ...cropDrawing(crops.list()),
      ];
    },
  };
}

function cropDrawing(tiles: readonly Tile[]): Drawing[] {
  if (tiles.length === 0) return [];
  const value = { label: 'nearer than the middle (m)', range: [-0.6, 0.6], map: 'diverging' } as const;
  const { width, height } = tiles[0]!;
  return [
    {
      what: 'person',
      title: "the person's crop, as a tower reads it",
      note: `${width} × ${height} cells, grey: not the person`,
      draw: (text) => images({ ...text, tiles, value }),
    },
  ];
}
