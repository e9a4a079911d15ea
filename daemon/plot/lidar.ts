/** One turn of a LiDAR from above and from the side, as range image, with the ground; and the person's points. */
import type { LidarFrame } from '../../drivers/frames.js';
import { createLidarFeatures } from '../../pipelines/lidar/features.js';
import { createGroundFinder, findGround } from '../../pipelines/lidar/ground.js';
import { scatter, type PointColour, type Scatter } from '../pictures/scatter.js';
import { quantile } from './chosen.js';
import { plotClusters } from './lidar-clusters.js';
import { rangeImages } from './lidar-images.js';
import { plotLidarWindow } from './lidar-window.js';
import { count, seconds, type Drawing, type PlottedSensor, type SensorPlot } from './sensor-plot.js';

/** Metres to the ground plane within which a point is ground. */
const groundThickness = 0.1;

interface Turn {
  readonly frame: LidarFrame;
  readonly time: number;
}

/** The person's points of the frame with the most of them, in their own axes. */
interface Person {
  readonly time: number;
  readonly x: number[];
  readonly y: number[];
  readonly z: number[];
  readonly intensity: number[];
}

export function plotLidar(sensor: PlottedSensor): SensorPlot<LidarFrame> {
  const faults: Record<string, number> = {};
  const features = createLidarFeatures();
  const numbers = new Float32Array(features.shape.reduce((product, length) => product * length, 1));
  const clusters = plotClusters(features);
  const window = plotLidarWindow(sensor);
  let fullest: Turn | undefined;
  let person: Person | undefined;
  let turns = 0;

  function keepPerson(time: number): void {
    const kept = Array.from({ length: numbers.length / 5 }, (_, i) => 5 * i).filter((i) => numbers[i + 4] === 1);
    if (person && kept.length < person.x.length) return;
    const channel = (which: number) => kept.map((i) => numbers[i + which]!);
    person = { time, x: channel(0), y: channel(1), z: channel(2), intensity: channel(3) };
  }

  return {
    faults,
    push(frame, time) {
      turns++;
      const { position } = frame;
      if (position.length < 3 || position.length % 3 !== 0) {
        count(faults, 'absent');
        return;
      }
      let finite = true;
      for (let i = 0; finite && i < position.length; i++) finite = Number.isFinite(position[i]!);
      if (!finite) {
        count(faults, 'notANumber');
        return;
      }
      if (fullest === undefined || position.length > fullest.frame.position.length) fullest = { frame, time };
      window.push(frame);
      const fault = features.take(frame, numbers);
      if (fault === undefined || fault === 'nobody') clusters.look(frame, time);
      if (fault === undefined) keepPerson(time);
      else if (fault !== 'nobody' && fault !== 'calibrating') count(faults, fault);
    },
    get remarks() {
      if (!features.calibrated)
        return ['no clusters, no person, no window: the background was not learned in this time'];
      return [...(person === undefined ? ['no person: nobody came'] : []), ...window.remarks];
    },
    drawings() {
      if (fullest === undefined) return [];
      return [
        ...viewDrawings(fullest, turns),
        ...rangeImages(fullest.frame, fullest.time),
        ...clusters.drawings(),
        ...personDrawing(person),
        ...window.drawings(),
      ];
    },
  };
}

function columnsOf(position: Float32Array): { x: Float32Array; y: Float32Array; z: Float32Array } {
  const points = position.length / 3;
  const axis = (a: number) => Float32Array.from({ length: points }, (_, i) => position[3 * i + a]!);
  return { x: axis(0), y: axis(1), z: axis(2) };
}

/** Ends that hold all but the outermost few, so that a single far echo does not shrink the room to a dot. */
function mostOf(values: ArrayLike<number>): [number, number] {
  const [low, high] = [quantile(values, 0.005), quantile(values, 0.995)];
  const margin = Math.max(0.1, 0.03 * (high - low));
  return [low - margin, high + margin];
}

function viewDrawings({ frame, time }: Turn, turns: number): Drawing[] {
  const { x, y, z } = columnsOf(frame.position);
  const note = `turn at ${seconds(time)} of ${turns}, ${x.length} points`;
  const [alongX, alongY, upwards] = [mostOf(x), mostOf(y), mostOf(z)];
  const views = (colour: PointColour, size: number): Scatter[] => {
    const panel = { colour, size, equal: true } as const;
    return [
      {
        panelTitle: 'from above',
        x: { label: 'x (m)', range: alongX },
        y: { label: 'y (m)', range: alongY },
        points: { x, y },
        ...panel,
        width: 620,
        height: 560,
      },
      {
        panelTitle: 'from the side',
        x: { label: 'x (m)', range: alongX },
        y: { label: 'z (m)', range: upwards },
        points: { x, y: z },
        ...panel,
        showColourBar: false,
        width: 620,
        height: 300,
      },
    ];
  };
  const height: PointColour = { values: z, label: 'height z (m)', range: upwards };
  const drawings: Drawing[] = [
    {
      what: 'points-height',
      title: 'points from above and from the side',
      note,
      draw: (text) => scatter({ ...text, panels: views(height, 1.6) }),
    },
  ];
  const { intensity } = frame;
  if (intensity) {
    const brightest = quantile(intensity, 0.98);
    const colour: PointColour = { values: intensity, label: 'intensity', range: [0, brightest || 1], map: 'inferno' };
    drawings.push({
      what: 'points-intensity',
      title: 'intensity of the points',
      note,
      draw: (text) => scatter({ ...text, panels: views(colour, 1.6) }),
    });
  }
  const plane = new Float64Array(4);
  if (findGround(frame.position, x.length, createGroundFinder(), plane)) {
    const [nx, ny, nz, sensorHeight] = plane as unknown as [number, number, number, number];
    const classes = Array.from(x, (px, i) => {
      const above = nx * px + ny * y[i]! + nz * z[i]! + sensorHeight;
      return Math.abs(above) < groundThickness ? 0 : 1;
    });
    const ground = classes.filter((one) => one === 0).length;
    const tilt = (Math.acos(Math.min(1, nz)) * 180) / Math.PI;
    drawings.push({
      what: 'ground',
      title: 'ground under the sensor',
      note: `${note}; sensor ${sensorHeight.toFixed(2)} m high, tilted ${tilt.toFixed(1)}°, ${Math.round((100 * ground) / x.length)} % ground`,
      draw: (text) => scatter({ ...text, panels: views({ classes, names: ['ground', 'other'] }, 1.6) }),
    });
  }
  return drawings;
}

function personDrawing(found: Person | undefined): Drawing[] {
  if (found === undefined) return [];
  const { x, y, z, intensity, time } = found;
  const colour: PointColour = { values: intensity, label: 'intensity', range: [0, 1], map: 'inferno' };
  const panel = { colour, size: 5, equal: true, width: 300, height: 300 } as const;
  return [
    {
      what: 'person',
      title: "the person's points",
      note: `turn at ${seconds(time)}, farthest-point sampling to at most 128 of the cluster`,
      draw: (text) =>
        scatter({
          ...text,
          columns: 2,
          panels: [
            {
              panelTitle: 'from above',
              x: { label: "x from the person's middle (m)" },
              y: { label: 'y (m)' },
              points: { x, y },
              ...panel,
              showColourBar: false,
            },
            {
              panelTitle: 'from the side',
              x: { label: "x from the person's middle (m)" },
              y: { label: 'height over the ground (m)' },
              points: { x, y: z },
              ...panel,
            },
          ],
        }),
    },
  ];
}
