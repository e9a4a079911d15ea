/** The small pictures of one instant that a tower reads of raw radar samples. */
import type { RadarCubeFrame } from '../../drivers/frames.js';
import { createRadarCubeFeatures, type RadarCubeOptions } from '../../pipelines/radar/cube-features.js';
import { images, type Tile } from '../pictures/images.js';
import { createChosen } from './chosen.js';
import { seconds, type Drawing } from './sensor-plot.js';

const drawnInstants = 6;
const names = ['range, velocity', 'range, azimuth'];

export function plotRadarFeatures(options: RadarCubeOptions) {
  const features = createRadarCubeFeatures(options);
  const [pictures, rows, columns] = features.shape as readonly [number, number, number];
  const numbers = new Float32Array(pictures * rows * columns);
  const chosen = createChosen<Tile[]>(drawnInstants);
  return {
    push(frame: RadarCubeFrame, time: number): void {
      if (features.take(frame, numbers) !== undefined) return;
      chosen.offer(() =>
        Array.from({ length: pictures }, (_, which) => ({
          caption: `${seconds(time)}: ${names[which]!}`,
          width: columns,
          height: rows,
          // The nearest range is the first row, and stands at the bottom.
          values: Float32Array.from({ length: rows * columns }, (_, i) => {
            const row = rows - 1 - Math.floor(i / columns);
            return numbers[(which * rows + row) * columns + (i % columns)]!;
          }),
        })),
      );
    },
    drawings(): Drawing[] {
      const instants = chosen.list();
      if (instants.length === 0) return [];
      const tiles = names.flatMap((_, which) => instants.map((one) => one[which]!));
      const value = { label: 'scaled', range: [0, 1] } as const;
      return [
        {
          what: 'features',
          title: 'maps as a window holds them',
          note: `${pictures} × ${rows} × ${columns} numbers an instant, from noise, 0, to the strongest echo, 1`,
          draw: (text) => images({ ...text, tiles, columns: instants.length, value, tileWidth: 150 }),
        },
      ];
    },
  };
}
