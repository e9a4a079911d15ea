/** Raw samples of a radar: range-Doppler and range-azimuth maps with detections, range and micro-Doppler over time. */
import type { RadarCubeFrame } from '../../drivers/frames.js';
import { cubeFault } from '../../pipelines/radar/cube-faults.js';
import { createCubeDetector, type CubeDetector } from '../../pipelines/radar/cube-detector.js';
import { createCubeHeatmaps, type CubeHeatmaps } from '../../pipelines/radar/cube-heatmaps.js';
import { extent } from '../pictures/colours.js';
import type { Layer } from '../pictures/panel.js';
import { decibelRange, heatmap } from '../pictures/heatmap.js';
import { plotRadarFeatures } from './radar-features.js';
import { cubeGeometry, type CubeGeometry } from './radar-geometry.js';
import { count, seconds, type Drawing, type PlottedSensor, type SensorPlot } from './sensor-plot.js';
import { createTimeline, type Timeline } from './timeline.js';

/** dB below the largest. */
const span = 50;
/** A map in degrees has a column for each. */
const degrees = 180;

/** The frame with the strongest moving echo so far. */
interface Strongest {
  power: number;
  time: number;
  readonly rangeDoppler: Float32Array;
  readonly rangeAzimuth: Float32Array;
  /** [range, velocity, azimuth] of each detection */
  points: [range: number, velocity: number, azimuth: number][];
}

interface Chain {
  readonly shape: RadarCubeFrame['shape'];
  readonly components: RadarCubeFrame['components'];
  readonly maps: CubeHeatmaps;
  readonly detector: CubeDetector;
  readonly range: Timeline;
  readonly doppler: Timeline;
  readonly ranges: Float32Array;
  readonly dopplers: Float32Array;
  readonly strongest: Strongest;
  readonly features: ReturnType<typeof plotRadarFeatures> | undefined;
}

const decibel = (power: number) => 10 * Math.log10(Math.max(power, Number.MIN_VALUE));

/** A map in dB, its largest value 0, and how it is drawn. */
function belowPeak(db: Float32Array) {
  const [, peak] = extent(db);
  const z = db.map((value) => value - peak);
  return { z, value: { label: 'power (dB re peak)', range: decibelRange(z, span) } };
}

/** Map over sin(azimuth) to one over degrees, [range bins, 180]; each is the bin that holds its middle. */
function overDegrees(map: Float32Array, bins: number): Float32Array {
  const rows = map.length / bins;
  const out = new Float32Array(rows * degrees);
  for (let column = 0; column < degrees; column++) {
    const sine = Math.sin(((column + 0.5 - degrees / 2) * Math.PI) / 180);
    const bin = Math.round(((sine + 1) / 2) * bins) % bins;
    for (let row = 0; row < rows; row++) out[row * degrees + column] = map[row * bins + bin]!;
  }
  return out;
}

export function plotRadarCube({ settings, files }: PlottedSensor): SensorPlot<RadarCubeFrame> {
  const board = (settings as { board?: string }).board ?? '';
  const known: CubeGeometry | undefined =
    files['profile'] === undefined ? undefined : cubeGeometry(files['profile'], board);
  const faults: Record<string, number> = {};
  let chain: Chain | undefined;
  let frames = 0;
  let detections = 0;

  function begin({ shape, components }: RadarCubeFrame, { geometry, noAngles }: CubeGeometry): Chain {
    const maps = createCubeHeatmaps({ geometry, shape, components, azimuthBins: 256 });
    const { rangeBins, dopplerBins, azimuthBins } = maps;
    return {
      shape,
      components,
      maps,
      detector: createCubeDetector(maps),
      // One of its two pictures is of angles.
      features: noAngles === undefined ? plotRadarFeatures({ geometry, shape, components }) : undefined,
      range: createTimeline(rangeBins),
      doppler: createTimeline(dopplerBins),
      ranges: new Float32Array(rangeBins),
      dopplers: new Float32Array(dopplerBins),
      strongest: {
        power: -Infinity,
        time: NaN,
        rangeDoppler: new Float32Array(rangeBins * dopplerBins),
        rangeAzimuth: new Float32Array(rangeBins * azimuthBins),
        points: [],
      },
    };
  }

  function take(time: number, { maps, detector, range, doppler, ranges, dopplers, strongest }: Chain): void {
    const { rangeBins, dopplerBins, rangeDopplerPower: power } = maps;
    ranges.fill(0);
    dopplers.fill(0);
    let peak = 0;
    for (let r = 0, at = 0; r < rangeBins; r++) {
      for (let d = 0; d < dopplerBins; d++, at++) {
        const value = power[at]!;
        ranges[r]! += value;
        dopplers[d]! += value;
        if (value > peak) peak = value;
      }
    }
    range.push(time, ranges);
    doppler.push(time, dopplers);
    detector.update();
    const { points } = detector;
    detections += points.count;
    if (!(peak > strongest.power)) return;
    strongest.power = peak;
    strongest.time = time;
    strongest.rangeDoppler.set(maps.rangeDoppler);
    strongest.rangeAzimuth.set(maps.rangeAzimuth);
    strongest.points = Array.from({ length: points.count }, (_, i) => [
      points.range[i]!,
      points.velocity[i]!,
      points.azimuth[i]!,
    ]);
  }

  const marks = (x: number[], y: number[]): Layer[] => [
    { kind: 'points', x, y, colour: 'white', size: 9, shape: 'ring' },
  ];

  function overTime(timeline: Timeline, y: { label: string; range: [number, number] }) {
    const map = timeline.map()!;
    const { z, value } = belowPeak(map.z.map(decibel));
    return (text: { title: string; subtitle: string }) =>
      heatmap({
        ...text,
        x: { label: 'time (s)', range: map.range },
        y,
        z,
        columns: map.columns,
        value: { ...value, map: 'inferno' },
      });
  }

  return {
    faults,
    push(frame, time) {
      if (known === undefined) {
        count(faults, 'noProfile');
        return;
      }
      const { shape, components } = chain ?? frame;
      const fault = cubeFault(frame, shape, components);
      if (fault !== undefined) {
        count(faults, fault);
        return;
      }
      chain ??= begin(frame, known);
      frames++;
      chain.maps.update(frame);
      take(time, chain);
      chain.features?.push(frame, time);
    },
    drawings() {
      if (chain === undefined || known === undefined) return [];
      const { maps, range, doppler, strongest } = chain;
      const { rangeBins, dopplerBins, azimuthBins, scales } = maps;
      const rangeAxis = { label: 'range (m)', range: [0, rangeBins * scales.rangeStep] as [number, number] };
      const half = dopplerBins / 2;
      // Bin `half` stands: the middle of its cell is 0.
      const velocityAxis = {
        label: 'radial velocity (m/s)',
        range: [(-half - 0.5) * scales.velocityStep, (half - 0.5) * scales.velocityStep] as [number, number],
      };
      const { points } = strongest;
      const found = `frame at ${seconds(strongest.time)}, that with the strongest moving echo; ○ ${points.length} detections`;
      const drawings: Drawing[] = [
        {
          what: 'range-doppler',
          title: 'range-Doppler map, static clutter removed',
          note: found,
          draw: (text) =>
            heatmap({
              ...text,
              x: velocityAxis,
              y: rangeAxis,
              ...belowPeak(strongest.rangeDoppler),
              columns: dopplerBins,
              layers: marks(
                points.map(([, velocity]) => velocity),
                points.map(([distance]) => distance),
              ),
              width: 520,
              height: 420,
            }),
        },
        {
          what: 'range-time',
          title: 'range over time, static clutter removed',
          note: `${frames} frames, ${detections} detections`,
          draw: overTime(range, rangeAxis),
        },
        {
          what: 'micro-doppler',
          title: 'micro-Doppler spectrogram',
          note: `${frames} frames, all ranges`,
          draw: overTime(doppler, velocityAxis),
        },
      ];
      if (known.noAngles !== undefined) {
        count(faults, `no angles: ${known.noAngles}`);
        return drawings;
      }
      drawings.splice(1, 0, {
        what: 'range-azimuth',
        title: 'range-azimuth map, static clutter removed',
        note: found,
        draw: (text) =>
          heatmap({
            ...text,
            x: { label: 'azimuth (degrees, to the right)', range: [-90, 90], ticks: [-90, -60, -30, 0, 30, 60, 90] },
            y: rangeAxis,
            ...belowPeak(overDegrees(strongest.rangeAzimuth, azimuthBins)),
            columns: degrees,
            layers: marks(
              points.map(([, , azimuth]) => (azimuth * 180) / Math.PI),
              points.map(([distance]) => distance),
            ),
            width: 520,
            height: 420,
          }),
      });
      return [...drawings, ...(chain.features?.drawings() ?? [])];
    },
  };
}
