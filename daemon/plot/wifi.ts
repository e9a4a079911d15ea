/** Channel state information: amplitude, phase, signal strength, spectrograms and motion index over time. */
import type { WifiFrame } from '../../drivers/frames.js';
import { amplitude, phase } from '../../pipelines/wifi/amplitude.js';
import type { Layout } from '../../pipelines/wifi/layout.js';
import { removeLinearPhase, unwrapPhase } from '../../pipelines/wifi/phase.js';
import { createInspector } from '../../pipelines/wifi/quality.js';
import { draw } from '../pictures/figure.js';
import { heatmapPanel, type Heatmap } from '../pictures/heatmap.js';
import { lines } from '../pictures/lines.js';
import { quantile } from './chosen.js';
import { count, type Drawing, type PlottedSensor, type SensorPlot } from './sensor-plot.js';
import { createTimeline, type Timeline } from './timeline.js';
import { plotWifiFeatures } from './wifi-features.js';
import { plotMotion } from './wifi-motion.js';
import { plotSpectrogram } from './wifi-spectrogram.js';

/** Antenna pairs that get a panel; more make no readable picture. */
const mostPairs = 3;
const mostLayouts = 4;

/** What is drawn of the packets of one layout. */
interface Maps {
  readonly layout: Layout;
  readonly raw: boolean;
  readonly amplitudes: Float32Array;
  readonly phases: Float32Array;
  readonly amplitudeMaps: Timeline;
  readonly phaseMaps: Timeline;
}

/** Rows from the lowest subcarrier to the highest; which kept one each shows, −1: none. */
function rowsOf({ numbers }: Layout): Int32Array {
  const steps = Array.from(numbers.subarray(1), (number, i) => number - numbers[i]!).sort((a, b) => a - b);
  // Intel's card groups subcarriers: each stands for its neighbours.
  const reach = Math.floor(steps[steps.length >> 1]! / 2);
  const rows = new Int32Array(numbers.at(-1)! - numbers[0]! + 1).fill(-1);
  for (let distance = reach; distance >= 0; distance--) {
    numbers.forEach((number, i) => {
      for (const at of [number - distance, number + distance]) rows[at - numbers[0]!] = i;
    });
  }
  return rows;
}

function createMaps(layout: Layout, raw: boolean): Maps {
  const { channels, kept } = layout;
  const rows = Math.min(channels, mostPairs * kept.length);
  return {
    layout,
    raw,
    amplitudes: new Float32Array(channels),
    phases: new Float32Array(channels),
    amplitudeMaps: createTimeline(rows),
    phaseMaps: createTimeline(rows),
  };
}

/** A panel for each antenna pair of a timeline of [pairs, kept subcarriers]. */
function pairPanels({ layout }: Maps, timeline: Timeline, value: Heatmap['value']): Heatmap[] {
  const map = timeline.map()!;
  const { numbers, kept, transmitters } = layout;
  const rows = rowsOf(layout);
  const pairs = timeline.rows / kept.length;
  return Array.from({ length: pairs }, (_, pair): Heatmap => {
    const z = new Float32Array(rows.length * map.columns).fill(NaN);
    rows.forEach((from, row) => {
      if (from < 0) return;
      const at = (pair * kept.length + from) * map.columns;
      z.set(map.z.subarray(at, at + map.columns), row * map.columns);
    });
    const antennas = `receiver ${Math.floor(pair / transmitters) + 1}, stream ${(pair % transmitters) + 1}`;
    return {
      ...(layout.channels > kept.length && { panelTitle: antennas }),
      x: { label: 'time (s)', range: map.range },
      y: { label: 'subcarrier', range: [numbers[0]! - 0.5, numbers.at(-1)! + 0.5] },
      z,
      columns: map.columns,
      value,
      height: pairs > 1 ? 170 : 280,
    };
  });
}

function mapDrawings(maps: Maps, others: number): Drawing[] {
  const { layout, raw, amplitudeMaps, phaseMaps } = maps;
  const pairs = layout.receivers * layout.transmitters;
  const shown = Math.min(pairs, mostPairs);
  const notes = [
    'grey: null and pilot subcarriers, gaps',
    ...(pairs > shown ? [`${shown} of ${pairs} antenna pairs`] : []),
    ...(others > 0 ? [`${others} packets of other layouts are left out`] : []),
  ];
  const note = notes.join('; ');
  const draws = (timeline: Timeline, value: Heatmap['value']) => (text: { title: string; subtitle: string }) =>
    draw({ ...text, panels: pairPanels(maps, timeline, value).map(heatmapPanel) });
  const level = amplitudeMaps.map()!.z;
  const steepest = quantile(
    phaseMaps.map()!.z.map((value) => Math.abs(value)),
    0.98,
  );
  const range = Math.min(3.2, Math.max(0.1, Math.ceil(steepest * 10) / 10));
  return [
    {
      what: 'amplitude',
      title: 'CSI amplitude',
      note,
      draw: draws(amplitudeMaps, {
        label: raw ? '|H| (dB, raw units)' : '|H| (dB)',
        range: [Math.floor(quantile(level, 0.005)), Math.ceil(quantile(level, 0.998))],
      }),
    },
    {
      what: 'phase',
      title: 'CSI phase, sanitised (line over the subcarriers removed)',
      note,
      draw: draws(phaseMaps, { label: 'phase (rad)', range: [-range, range], map: 'diverging' }),
    },
  ];
}

export function plotWifi(sensor: PlottedSensor): SensorPlot<WifiFrame> {
  const inspector = createInspector();
  const all: { maps: Maps; packets: number }[] = [];
  const levels = createTimeline(5, { columns: 2048, extremes: true }); // up to 4 receivers, noise
  const level = new Float32Array(5);
  const motion = plotMotion();
  const spectrogram = plotSpectrogram(sensor);
  const features = plotWifiFeatures();
  const faults: Record<string, number> = {};
  let layouts = 0;
  let receivers = 0;
  let others = 0;
  let hasNoise = false;

  /** Of the layout in use; undefined where there have been too many. */
  function mapsOf({ scale }: WifiFrame): Maps | undefined {
    if (layouts !== inspector.layouts) {
      layouts = inspector.layouts;
      const layout = inspector.layout!;
      const same = all.findIndex(
        ({ maps }) => maps.layout.channels === layout.channels && maps.layout.numbers.join() === layout.numbers.join(),
      );
      if (same >= 0) all.push(...all.splice(same, 1));
      else if (all.length < mostLayouts) all.push({ maps: createMaps(layout, scale === 'raw'), packets: 0 });
      else return undefined;
    }
    const newest = all.at(-1)!;
    newest.packets++;
    return newest.maps;
  }

  return {
    faults,
    push(frame, time) {
      motion.push(frame, time);
      spectrogram.push(frame);
      features.push(frame, time);
      const refusal = inspector.inspect(frame);
      if (refusal !== undefined) {
        count(faults, refusal);
        return;
      }
      const maps = mapsOf(frame);
      if (maps === undefined) others++;
      else {
        const { layout, amplitudes, phases } = maps;
        amplitude(frame.csi, layout, amplitudes);
        for (let c = 0; c < amplitudes.length; c++) amplitudes[c] = 20 * Math.log10(amplitudes[c]!);
        maps.amplitudeMaps.push(time, amplitudes);
        phase(frame.csi, layout, phases);
        unwrapPhase(phases, layout);
        removeLinearPhase(phases, layout);
        maps.phaseMaps.push(time, phases);
      }
      level.fill(NaN);
      const { rssi, noise } = frame;
      if (rssi) for (let r = 0; r < Math.min(4, rssi.length); r++) level[r] = rssi[r]!;
      receivers = Math.max(receivers, Math.min(4, rssi?.length ?? 0));
      if (noise !== undefined) {
        level[4] = noise;
        hasNoise = true;
      }
      levels.push(time, level);
    },
    get remarks() {
      return [...spectrogram.remarks(), ...motion.remarks()];
    },
    drawings() {
      const ordered = [...all].sort((a, b) => b.packets - a.packets);
      const best = ordered[0];
      if (best === undefined) return [];
      const left = others + ordered.slice(1).reduce((sum, { packets }) => sum + packets, 0);
      const strengths = Array.from({ length: receivers }, (_, r) => levels.curve(r, `RSSI, receiver ${r + 1}`));
      const noise = hasNoise ? [levels.curve(4, 'noise floor')] : [];
      const strength: Drawing = {
        what: 'rssi',
        title: 'received signal strength',
        draw: (text) => {
          const x = { label: 'time (s)', range: levels.range() };
          const y = { label: 'level (dBm)' };
          return lines({ ...text, panels: [{ x, y, series: [...strengths, ...noise], height: 220 }] });
        },
      };
      return [
        ...mapDrawings(best.maps, left),
        ...(receivers > 0 ? [strength] : []),
        ...spectrogram.drawings(),
        ...motion.drawings(),
        ...features.drawings(),
      ];
    },
  };
}
