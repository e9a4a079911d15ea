/** The motion index over time, with its threshold. */
import type { WifiFrame } from '../../drivers/frames.js';
import type { MotionState } from '../../pipelines/wifi/motion.js';
import { createWifiMotion } from '../../pipelines/wifi/motion-pipeline.js';
import type { Layer } from '../pictures/panel.js';
import { lines } from '../pictures/lines.js';
import type { Drawing } from './sensor-plot.js';
import { createTimeline } from './timeline.js';

const states: readonly MotionState[] = ['filling', 'calibrating', 'quiet', 'moving'];
const moving = states.indexOf('moving');
const undecided = states.indexOf('calibrating');

export function plotMotion() {
  const motion = createWifiMotion();
  const index = createTimeline(1, { columns: 2048, extremes: true });
  const state = createTimeline(1, { columns: 512 });
  const value = new Float32Array(1);
  const counts = states.map(() => 0);

  return {
    push(frame: WifiFrame, time: number): void {
      const at = states.indexOf(motion.push(frame));
      counts[at]!++;
      value[0] = at;
      state.push(time, value);
      value[0] = motion.motion?.index ?? NaN;
      if (Number.isFinite(value[0])) index.push(time, value);
    },
    remarks(): string[] {
      if (index.samples > 0) return [];
      return [`no motion index: no quiet stretch that calibrates it (${motion.motion?.state ?? 'no packets'})`];
    },
    drawings(): Drawing[] {
      const [filling, calibrating, quiet, inMotion] = counts;
      const note = `packets: ${quiet!} quiet, ${inMotion!} moving, ${filling! + calibrating!} undecided`;
      if (index.samples === 0) return [];
      return [{ what: 'motion', title: 'motion index', note, draw: (text) => picture(text) }];
    },
  };

  function picture(text: { title: string; subtitle: string }): Promise<Uint8Array> {
    const map = state.map()!;
    const step = (map.range[1] - map.range[0]) / map.columns;
    const bands: Layer[] = [];
    for (let from = 0; from < map.columns;) {
      const now = Math.round(map.z[from]!);
      let to = from + 1;
      while (to < map.columns && Math.round(map.z[to]!) === now) to++;
      const colour = now === moving ? '#fde3cf' : now <= undecided ? '#ececec' : undefined;
      if (colour !== undefined)
        bands.push({ kind: 'band', from: map.range[0] + from * step, to: map.range[0] + to * step, colour });
      from = to;
    }
    const series = index.curve(0, 'index');
    const values = Array.from(series.y).filter((one) => one > 0);
    const low = Math.min(0.1, ...values);
    const high = Math.max(10, ...values);
    return lines({
      ...text,
      panels: [
        {
          x: { label: 'time (s)', range: map.range },
          y: { label: 'motion index (threshold: 1)', range: [low, high * 1.2], log: true, ticks: logTicks(low, high) },
          series: [series],
          layers: [...bands, { kind: 'rule', y: 1 }],
          height: 240,
        },
      ],
    });
  }
}

/** 1 and 3 times the powers of ten. */
function logTicks(low: number, high: number): number[] {
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high) + 1; power++)
    ticks.push(10 ** power, 3 * 10 ** power);
  return ticks;
}
