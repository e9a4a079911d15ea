/** Which file draws which kind of frame. */
import type { Frame } from '../../drivers/frames.js';
import { plotDepth } from './depth.js';
import { plotImu } from './imu.js';
import { plotLidar } from './lidar.js';
import { plotRadarCube } from './radar-cube.js';
import { plotRadarPoints } from './radar-points.js';
import type { PlottedSensor, SensorPlot } from './sensor-plot.js';
import { plotSkeleton } from './skeleton.js';
import { plotVideo } from './video.js';
import { plotWifi } from './wifi.js';

type Plots = {
  readonly [Kind in Frame['kind']]: (sensor: PlottedSensor) => SensorPlot<Extract<Frame, { kind: Kind }>>;
};

const plots: Plots = {
  imu: plotImu,
  wifi: plotWifi,
  mmwave: plotRadarPoints,
  'radar-cube': plotRadarCube,
  lidar: plotLidar,
  depth: plotDepth,
  skeleton: plotSkeleton,
  video: plotVideo,
};

/** A plot gets frames of its kind only. */
export const plotOf = (kind: Frame['kind'], sensor: PlottedSensor): SensorPlot => plots[kind](sensor);
