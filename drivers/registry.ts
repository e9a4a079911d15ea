import type { Driver } from './driver.js';
import { witmotion } from './imu/witmotion.js';

/** Every device that the gateway can read. A new device is one file and one line here. */
export const drivers: readonly Driver[] = [witmotion];

/** @returns the driver of that name, for instance `witmotion-wt901`, or undefined if there is none */
export function findDriver(name: string): Driver | undefined {
  return drivers.find((driver) => driver.name === name);
}
