/** Spectrograms of the amplitudes: the mean of all channels, and that of the first principal component. */
import type { WifiFrame } from '../../drivers/frames.js';
import { createWifiSpectrogram, type WifiSpectrogramPipeline } from '../../pipelines/wifi/spectrogram-pipeline.js';
import { draw } from '../pictures/figure.js';
import { decibelRange, heatmapPanel } from '../pictures/heatmap.js';
import { linesPanel } from '../pictures/lines.js';
import { quantile } from './chosen.js';
import { count, type Drawing, type PlottedSensor } from './sensor-plot.js';
import { createTimeline, type Timeline } from './timeline.js';

/** Packets from which the true rate is taken: the settings' one is what the transmitter was told. */
const measured = 256;
/** Samples a second of the grid: what people do is over below 128 Hz. */
const mostRate = 256;
/** Of the picture, below the strongest. */
const span = 40;

interface Grid {
  readonly rate: number;
  readonly samples: number;
  readonly hop: number;
}

/** About one second a segment, an eighth of it a column. */
function gridFor(packetRate: number): Grid {
  const rate = Math.max(4, Math.min(mostRate, Math.round(packetRate)));
  const samples = Math.max(8, 2 ** Math.round(Math.log2(rate)));
  return { rate, samples, hop: Math.max(1, samples / 8) };
}

/** Packets a second by the times of some; NaN from fewer than two. */
function rateOf(frames: readonly WifiFrame[]): number {
  const times = frames.map(({ deviceTime, arrivalTime }) => deviceTime ?? arrivalTime);
  const steps = times.slice(1).map((time, i) => time - times[i]!);
  // Bursts arrive at once and pauses are long: the mean of the middle half is neither.
  const [low, high] = [quantile(steps, 0.05), quantile(steps, 0.95)];
  const usual = steps.filter((step) => step >= low && step <= high);
  const mean = usual.reduce((sum, step) => sum + step, 0) / usual.length;
  return mean > 0 ? 1 / mean : NaN;
}

export function plotSpectrogram({ driver, settings, origin }: PlottedSensor) {
  let waiting: WifiFrame[] = [];
  let pipeline: WifiSpectrogramPipeline | undefined;
  let grid: Grid | undefined;
  let all: Timeline | undefined;
  let principal: Timeline | undefined;
  let sums = new Float32Array(0);
  const share = createTimeline(1);
  const part = new Float32Array(1);
  const interruptions: Record<string, number> = {};

  function begin(): void {
    const found = rateOf(waiting);
    const inputRate = Number.isFinite(found) ? found : driver.nominalRate(settings);
    grid = gridFor(inputRate);
    const bins = grid.samples / 2 + 1;
    all = createTimeline(bins);
    principal = createTimeline(bins);
    sums = new Float32Array(bins);
    pipeline = createWifiSpectrogram(
      { inputRate, ...grid },
      {
        column(segment, { power, principal: ofComponent, share: ofVariance }) {
          const time = (segment[0]! + segment[1]!) / 2 - origin;
          sums.fill(0);
          for (let i = 0; i < power.length; i++) sums[i % bins]! += (power[i]! * bins) / power.length;
          all!.push(time, sums);
          principal!.push(time, ofComponent);
          part[0] = ofVariance;
          share.push(time, part);
        },
        interrupted: (reason) => count(interruptions, reason),
      },
    );
    for (const frame of waiting) pipeline.push(frame);
    waiting = [];
  }

  function panel(timeline: Timeline, { rate, samples }: Grid) {
    const map = timeline.map()!;
    // Bin 0 is what the detrended mean left.
    const z = map.z.subarray(map.columns).map((power) => 10 * Math.log10(power));
    return heatmapPanel({
      x: { label: 'time (s)', range: map.range },
      y: { label: 'frequency (Hz)', range: [(0.5 * rate) / samples, ((samples / 2 + 0.5) * rate) / samples] },
      z,
      columns: map.columns,
      value: { label: 'density (dB/Hz)', range: decibelRange(z, span), map: 'inferno' },
      height: 260,
    });
  }

  return {
    remarks(): string[] {
      if (all!.samples > 0) return [];
      const length = grid!.samples / grid!.rate;
      return [`no spectrogram: no unbroken stretch of packets lasts ${length.toFixed(1)} s`];
    },
    push(frame: WifiFrame): void {
      if (pipeline) pipeline.push(frame);
      else if (waiting.push(frame) >= measured) begin();
    },
    drawings(): Drawing[] {
      if (!pipeline) begin();
      const [every, component, shape] = [all!, principal!, grid!];
      if (every.samples === 0) return [];
      const broken = Object.entries(interruptions).map(([reason, times]) => `${reason} ${times}`);
      const note = [
        `${shape.samples} samples at ${shape.rate} Hz a segment`,
        ...(broken.length > 0 ? [`broken off: ${broken.join(', ')}`] : []),
      ].join(', ');
      const drawings: Drawing[] = [
        {
          what: 'spectrogram',
          title: 'spectrogram of the CSI amplitude, mean of all subcarriers',
          note,
          draw: (text) => draw({ ...text, panels: [panel(every, shape)] }),
        },
      ];
      if (component.map() !== undefined)
        drawings.push({
          what: 'principal-component',
          title: 'first principal component of the CSI amplitude',
          note,
          draw: (text) => {
            const shares = linesPanel({
              x: { label: 'time (s)', range: component.map()!.range },
              y: { label: 'share of variance', range: [0, 1] },
              series: [share.curve(0, 'share')],
              height: 110,
            });
            return draw({ ...text, panels: [panel(component, shape), shares] });
          },
        });
      return drawings;
    },
  };
}
