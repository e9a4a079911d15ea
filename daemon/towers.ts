/** Which towers a configuration needs. */
import type { Modality } from '../drivers/frames.js';
import { findDriver } from '../drivers/registry.js';
import { hasShippedTower, shippedTowerDirectory } from '../models/store.js';
import { allSensors } from './config.js';
import type { Config } from './config.js';
import { chosenDirectory } from './model-choice.js';

/** The folder of a kind of sensor's tower: the one that the configuration names, else the one that was activated, else the shipped one. */
export function towerDirectory(
  { models, dataDirectory }: Pick<Config, 'models' | 'dataDirectory'>,
  modality: Modality,
): string | undefined {
  const named = models.towers[modality] ?? chosenDirectory(dataDirectory, modality);
  return named ?? (hasShippedTower(modality) ? shippedTowerDirectory(modality) : undefined);
}

/** Those of the kinds of sensor in the configuration. Sensors of a kind that has none give frames and health, and no labels. */
export function towerDirectories(config: Config): Map<Modality, string> {
  const modalities = new Set(allSensors(config).map(({ sensor }) => findDriver(sensor.driver)!.modality));
  const directories = new Map<Modality, string>();
  for (const modality of modalities) {
    const directory = towerDirectory(config, modality);
    if (directory !== undefined) directories.set(modality, directory);
  }
  return directories;
}
