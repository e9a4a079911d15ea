/** Some pictures of a colour camera. */
import type { VideoFrame } from '../../drivers/frames.js';
import { images } from '../pictures/images.js';
import { createChosen } from './chosen.js';
import { count, seconds, type SensorPlot } from './sensor-plot.js';

const drawnFrames = 8;

export function plotVideo(): SensorPlot<VideoFrame> {
  const chosen = createChosen<{ frame: VideoFrame; time: number }>(drawnFrames);
  const faults: Record<string, number> = {};
  return {
    faults,
    push(frame, time) {
      const { width, height, pixels } = frame;
      if (width * height > 0 && pixels.length === 3 * width * height) chosen.offer(() => ({ frame, time }));
      else count(faults, 'absent');
    },
    drawings() {
      const frames = chosen.list();
      if (frames.length === 0) return [];
      const tiles = frames.map(({ frame: { width, height, pixels: rgb }, time }) => ({
        caption: seconds(time),
        width,
        height,
        rgb,
      }));
      const { width, height } = tiles[0]!;
      return [
        {
          what: 'video',
          title: 'colour pictures',
          note: `${width} × ${height} pixels`,
          draw: (text) => images({ ...text, tiles }),
        },
      ];
    },
  };
}
