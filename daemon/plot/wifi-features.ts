/** Wi-Fi amplitudes as a tower's windows hold them: gain taken out, filtered, at fixed places of the band. */
import type { WifiFrame } from '../../drivers/frames.js';
import { createWifiFeatures } from '../../pipelines/wifi/amplitude-features.js';
import { draw } from '../pictures/figure.js';
import { heatmapPanel } from '../pictures/heatmap.js';
import { quantile } from './chosen.js';
import type { Drawing } from './sensor-plot.js';
import { createTimeline } from './timeline.js';

export function plotWifiFeatures() {
  const features = createWifiFeatures();
  const [links, places] = features.shape as readonly [number, number];
  const numbers = new Float32Array(links * places);
  const timeline = createTimeline(links * places);
  return {
    push(frame: WifiFrame, time: number): void {
      if (features.take(frame, numbers) === undefined) timeline.push(time, numbers);
    },
    drawings(): Drawing[] {
      const map = timeline.map();
      if (map === undefined) return [];
      const range = [quantile(map.z, 0.005), quantile(map.z, 0.995)] as const;
      const panels = Array.from({ length: links }, (_, link) =>
        heatmapPanel({
          panelTitle: `link ${link + 1}`,
          x: { label: 'time (s)', range: map.range },
          y: { label: 'place of the band', range: [0, places] },
          z: map.z.subarray(link * places * map.columns, (link + 1) * places * map.columns),
          columns: map.columns,
          value: { label: '|H| (rms: 1)', range },
          height: 130,
        }),
      );
      return [
        {
          what: 'features',
          title: 'amplitudes as a window holds them',
          note: `${links} × ${places} numbers an instant`,
          draw: (text) => draw({ ...text, panels }),
        },
      ];
    },
  };
}
