/** A trained IMU tower as the two ONNX files that the gateway runs. */
import type { Tower } from '../models/store.js';
import { limuBert } from '../models/towers/imu.js';
import type { Weights } from '../models/weights.js';
import { exportTower } from './tower-export.js';
import type { TowerDescription } from './tower-export.js';

export type { TowerDescription };

export const exportImuTower = (
  members: readonly Weights[],
  classes: readonly string[],
  description: TowerDescription,
  gatewayVersion: string,
): Tower => exportTower(limuBert, members, classes, description, gatewayVersion);
