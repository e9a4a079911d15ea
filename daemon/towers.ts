/** Which towers a configuration needs. */
import type { Modality } from '../drivers/frames.js';
import { findDriver } from '../drivers/registry.js';
import { hasShippedTower, shippedTowerDirectory } from '../models/store.js';
import { allSensors } from './config.js';
import type { Config } from './config.js';
import { chosenDirectory } from './model-choice.js';

/**
 * The folder of the tower for each kind of sensor in the configuration: the one that it names, else the one that was activated, else
 * the shipped one. Sensors of a kind
 * that has neither give frames and health, and no labels.
 */
export function towerDirectories(config: Config): Map<Modality, string> {
  const modalities = new Set(allSensors(config).map(({ sensor }) => findDriver(sensor.driver)!.modality));
  const directories = new Map<Modality, string>();
  for (const modality of modalities) {
    const named = config.models.towers[modality] ?? chosenDirectory(config.dataDirectory, modality);
    if (named !== undefined) directories.set(modality, named);
    else if (hasShippedTower(modality)) directories.set(modality, shippedTowerDirectory(modality));
  }
  return directories;
}
