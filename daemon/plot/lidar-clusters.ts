/** What of a LiDAR's turn is not the background, from above, coloured by cluster; the person's is framed. */
import type { LidarFrame } from '../../drivers/frames.js';
import type { LidarFeatures } from '../../pipelines/lidar/features.js';
import { level } from '../../pipelines/lidar/level.js';
import { classColours } from '../pictures/colours.js';
import type { Layer } from '../pictures/panel.js';
import { scatter } from '../pictures/scatter.js';
import { quantile } from './chosen.js';
import { seconds, type Drawing } from './sensor-plot.js';

/** As many have a name and a colour of their own, the person's the first; of the others the colour is one. */
const namedClusters = 7;
const grey = '#d4d4d4';

/** A turn in level axes, x ahead of the sensor, y to its left. */
interface Turn {
  readonly time: number;
  readonly person: number;
  /** [points] of the clusters */
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly label: Int32Array;
  /** [clusters] points; [clusters, 6] least x, y, z, greatest x, y, z */
  readonly points: Int32Array;
  readonly bounds: Float32Array;
  /** All points of the turn. */
  readonly room: { readonly x: Float32Array; readonly y: Float32Array };
}

const axis = (position: Float32Array, which: number) =>
  Float32Array.from({ length: position.length / 3 }, (_, i) => position[3 * i + which]!);

/** @param features asked after each turn that they have taken */
export function plotClusters(features: LidarFeatures) {
  let kept: Turn | undefined;
  let most = -1;

  function keep({ position }: LidarFrame, time: number): Turn {
    const { clusters, foreground, person, ground } = features;
    const count = position.length / 3;
    const upright = new Float32Array(position.length);
    level(
      position,
      Int32Array.from({ length: count }, (_, i) => i),
      count,
      ground ?? Float64Array.of(0, 0, 1, 0),
      upright,
    );
    return {
      time,
      person,
      x: axis(foreground, 0),
      y: axis(foreground, 1),
      label: clusters.label.slice(0, foreground.length / 3),
      points: clusters.points.slice(0, clusters.count),
      bounds: clusters.bounds.slice(0, 6 * clusters.count),
      room: { x: axis(upright, 0), y: axis(upright, 1) },
    };
  }

  return {
    /** The turn with the most points of the person is kept; as long as there is none, that with the most points of clusters. */
    look(frame: LidarFrame, time: number): void {
      const { clusters, foreground, person } = features;
      if (clusters.count === 0) return;
      const somebody = person !== -1;
      if (!somebody && kept !== undefined && kept.person !== -1) return;
      const now = somebody ? clusters.points[person]! : foreground.length / 3;
      const first = kept === undefined || (somebody && kept.person === -1);
      if (!first && now <= most) return;
      most = now;
      kept = keep(frame, time);
    },
    drawings(): Drawing[] {
      if (kept === undefined) return [];
      const { time, person, points, label } = kept;
      const turn = kept;
      return [
        {
          what: 'clusters',
          title: 'clusters before the background, from above',
          note: `turn at ${seconds(time)}, ${points.length} clusters of ${label.length} points, ${person === -1 ? 'nobody' : 'the person framed'}`,
          draw: (text) => scatter({ ...text, panels: [panel(turn)] }),
        },
      ];
    },
  };
}

function panel({ person, x, y, label, points, bounds, room }: Turn) {
  const bySize = Array.from(points.keys())
    .filter((c) => c !== person)
    .sort((a, b) => points[b]! - points[a]!);
  const named = [...(person === -1 ? [] : [person]), ...bySize].slice(0, namedClusters);
  const names = named.map((c, i) => `${c === person ? 'person' : `cluster ${i + 1}`}: ${points[c]!}`);
  const others = points.length - named.length;
  if (others > 0) names.push(`${others} smaller`);
  const classes = Int32Array.from(label, (c) => (named.includes(c) ? named.indexOf(c) : named.length));
  const mostOf = (all: Float32Array, own: Float32Array): [number, number] => [
    Math.min(quantile(all, 0.01), quantile(own, 0)) - 0.3,
    Math.max(quantile(all, 0.99), quantile(own, 1)) + 0.3,
  ];
  const background: Layer = { kind: 'points', ...room, colour: grey, size: 1.6 };
  return {
    x: { label: 'x (m)', range: mostOf(room.x, x) },
    y: { label: 'y (m)', range: mostOf(room.y, y) },
    points: { x, y },
    colour: { classes, names },
    size: 3,
    equal: true,
    below: [background],
    layers: [...sensorMark, ...(person === -1 ? [] : frameOf(bounds.subarray(6 * person, 6 * person + 6)))],
    width: 620,
    height: 560,
  };
}

const sensorMark: readonly Layer[] = [
  { kind: 'points', x: [0], y: [0], colour: '#555', size: 8, shape: 'cross' },
  { kind: 'text', x: 0, y: 0, text: 'sensor', colour: '#555' },
];

function frameOf(bounds: Float32Array): Layer[] {
  const margin = 0.12;
  const [left, low] = [bounds[0]! - margin, bounds[1]! - margin];
  const [right, high] = [bounds[3]! + margin, bounds[4]! + margin];
  const ends = [left, low, right, low, right, low, right, high, right, high, left, high, left, high, left, low];
  return [
    { kind: 'segments', ends, colour: classColours[0]!, width: 1.2 },
    { kind: 'text', x: right, y: high, text: 'person', colour: classColours[0]! },
  ];
}
