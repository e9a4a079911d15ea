/** What a radar's own processing sends: points, tracks, and its maps. */
import type { RadarFrame } from '../../drivers/frames.js';
import { decibelRange, heatmap } from '../pictures/heatmap.js';
import { scatter } from '../pictures/scatter.js';
import { createPointStore, quantile } from './chosen.js';
import { plotRadarWindow } from './radar-window.js';
import { count, seconds, type Drawing, type PlottedSensor, type SensorPlot } from './sensor-plot.js';
import { createTimeline, type Timeline } from './timeline.js';

const mostPoints = 20_000;
const span = 50;

export function plotRadarPoints(sensor: PlottedSensor): SensorPlot<RadarFrame> {
  const window = plotRadarWindow(sensor);
  const store = createPointStore(5, mostPoints); // x, y, velocity, time, range
  const tracks = createPointStore(3, mostPoints); // x, y, id
  const faults: Record<string, number> = {};
  let profile: Timeline | undefined;
  let rangeStep = NaN;
  let strongest: { level: number; time: number; map: Float32Array; bins: number; velocityStep: number } | undefined;
  let points = 0;

  function takePoints({ position, velocity }: RadarFrame, time: number): void {
    if (!position) return;
    for (let i = 0; 3 * i + 2 < position.length; i++) {
      const [x, y, z] = [position[3 * i]!, position[3 * i + 1]!, position[3 * i + 2]!];
      const v = velocity?.[i] ?? 0;
      if (!Number.isFinite(x + y + z + v)) {
        count(faults, 'pointsNotANumber');
        continue;
      }
      points++;
      store.push([x, y, v, time, Math.hypot(x, y, z)]);
    }
  }

  function takeMaps(frame: RadarFrame, time: number): void {
    const { rangeProfile, rangeDoppler, rangeBins, velocityStep } = frame;
    if (frame.rangeStep !== undefined) rangeStep = frame.rangeStep;
    if (rangeProfile && rangeProfile.length > 0) {
      profile ??= createTimeline(rangeProfile.length);
      if (profile.rows === rangeProfile.length) profile.push(time, rangeProfile);
      else count(faults, 'settingsChanged');
    }
    if (!rangeDoppler || rangeBins === undefined || velocityStep === undefined) return;
    const bins = rangeDoppler.length / rangeBins;
    if (!Number.isInteger(bins) || bins < 2) {
      count(faults, 'absent');
      return;
    }
    // Off the standing bin, where walls are.
    let level = -Infinity;
    for (let i = 0; i < rangeDoppler.length; i++)
      if (i % bins !== 0 && rangeDoppler[i]! > level) level = rangeDoppler[i]!;
    if (strongest && !(level > strongest.level)) return;
    strongest = { level, time, map: rangeDoppler.slice(), bins, velocityStep };
  }

  function mapDrawings(): Drawing[] {
    const drawings: Drawing[] = [];
    const known = Number.isFinite(rangeStep);
    const rangeAxis = (bins: number) => ({
      label: known ? 'range (m)' : 'range bin (no profile: metres unknown)',
      range: [0, bins * (known ? rangeStep : 1)] as [number, number],
    });
    const profiles = profile?.map();
    if (profile && profiles) {
      drawings.push({
        what: 'range-profile',
        title: "device's range profile over time",
        draw: (text) =>
          heatmap({
            ...text,
            x: { label: 'time (s)', range: profiles.range },
            y: rangeAxis(profile!.rows),
            z: profiles.z,
            columns: profiles.columns,
            value: { label: 'power (dB)', range: decibelRange(profiles.z, 60), map: 'inferno' },
          }),
      });
    }
    if (strongest) {
      const { map, bins, velocityStep, time } = strongest;
      const rows = map.length / bins;
      // Doppler bin 0 stands; the picture has it in the middle.
      const z = map.map((_, i) => map[i - (i % bins) + (((i % bins) + (bins >> 1)) % bins)]!);
      drawings.push({
        what: 'range-doppler',
        title: "device's range-Doppler map",
        note: `frame at ${seconds(time)}, that with the strongest moving echo`,
        draw: (text) =>
          heatmap({
            ...text,
            x: {
              label: 'radial velocity (m/s)',
              range: [(-(bins >> 1) - 0.5) * velocityStep, ((bins >> 1) - 0.5) * velocityStep],
            },
            y: rangeAxis(rows),
            z,
            columns: bins,
            value: { label: 'power (dB)', range: decibelRange(z, span) },
            width: 520,
            height: 420,
          }),
      });
    }
    return drawings;
  }

  return {
    faults,
    push(frame, time) {
      window.push(frame);
      takePoints(frame, time);
      takeMaps(frame, time);
      const { targets } = frame;
      if (targets)
        targets.id.forEach((id, i) => tracks.push([targets.position[3 * i]!, targets.position[3 * i + 1]!, id]));
    },
    get remarks() {
      return window.remarks;
    },
    drawings() {
      const [x, y, velocity, times, range] = store.columns as [number[], number[], number[], number[], number[]];
      if (points === 0) return mapDrawings();
      const fastest = Math.max(0.1, quantile(velocity.map(Math.abs), 0.99));
      const colour = {
        values: velocity,
        label: 'velocity (m/s)',
        range: [-fastest, fastest],
        map: 'diverging',
      } as const;
      const note = store.stride > 1 ? `1 of ${store.stride} of ${points} points` : `${points} points`;
      const drawings: Drawing[] = [
        {
          what: 'points',
          title: 'points from above',
          note,
          draw: (text) =>
            scatter({
              ...text,
              panels: [
                {
                  x: { label: 'x, to the right (m)' },
                  y: { label: 'y, away from the radar (m)', range: [0, Math.max(...y, 0) * 1.05 || 1] },
                  points: { x, y },
                  colour,
                  size: 3,
                  equal: true,
                },
              ],
            }),
        },
        {
          what: 'range-time',
          title: 'range of the points over time',
          note,
          draw: (text) =>
            scatter({
              ...text,
              panels: [
                {
                  x: { label: 'time (s)' },
                  y: { label: 'range (m)', range: [0, Math.max(...range) * 1.05 || 1] },
                  points: { x: times, y: range },
                  colour,
                  size: 3,
                  width: 640,
                  height: 300,
                },
              ],
            }),
        },
      ];
      const [trackX, trackY, ids] = tracks.columns as [number[], number[], number[]];
      if (ids.length > 0) {
        const known = [...new Set(ids)];
        drawings.push({
          what: 'targets',
          title: "device's targets from above",
          note: `${known.length} targets`,
          draw: (text) =>
            scatter({
              ...text,
              panels: [
                {
                  x: { label: 'x, to the right (m)' },
                  y: { label: 'y, away from the radar (m)' },
                  points: { x: trackX, y: trackY },
                  colour: {
                    classes: ids.map((id) => known.indexOf(id)),
                    names: known.slice(0, 10).map((id) => `target ${id}`),
                  },
                  size: 3,
                  equal: true,
                },
              ],
            }),
        });
      }
      return [...drawings, ...window.drawings(), ...mapDrawings()];
    },
  };
}
