import { depthZmq } from './depth/depth-zmq.js';
import { skeletonZmq } from './depth/skeleton-zmq.js';
import { v4l2Depth } from './depth/v4l2-depth.js';
import { videoZmq } from './depth/video-zmq.js';
import type { Driver } from './driver.js';
import { bno08xRvc } from './imu/bno08x-rvc.js';
import { sensorLogger } from './imu/sensor-logger.js';
import { witmotion } from './imu/witmotion.js';
import { xsensMti } from './imu/xsens-mti.js';
import { livoxMid360 } from './lidar/livox-mid360.js';
import { ouster } from './lidar/ouster.js';
import { rplidar } from './lidar/rplidar.js';
import { velodyne } from './lidar/velodyne.js';
import { tiDca1000 } from './mmwave/ti-dca1000.js';
import { tiMmwave } from './mmwave/ti-mmwave.js';
import { esp32Csi } from './wifi/esp32-csi.js';
import { feitcsi } from './wifi/feitcsi.js';
import { intel5300 } from './wifi/intel-5300.js';
import { nexmonCsi } from './wifi/nexmon-csi.js';
import { picoscenes } from './wifi/picoscenes.js';

/** Every device that the gateway can read. A new device is one file and one line here. */
export const drivers: readonly Driver[] = [
  witmotion,
  xsensMti,
  bno08xRvc,
  sensorLogger,
  esp32Csi,
  nexmonCsi,
  intel5300,
  feitcsi,
  picoscenes,
  tiMmwave,
  tiDca1000,
  velodyne,
  ouster,
  livoxMid360,
  rplidar,
  v4l2Depth,
  depthZmq,
  skeletonZmq,
  videoZmq,
];

/** @returns the driver of that name, for instance `witmotion-wt901`, or undefined if there is none */
export function findDriver(name: string): Driver | undefined {
  return drivers.find((driver) => driver.name === name);
}
