/** Where the models run. */
import { pino } from 'pino';
import { findDriver } from '../../drivers/registry.js';
import { startInference } from '../../models/inference.js';
import { loadTower, shippedTowerDirectory } from '../../models/store.js';
import { allSensors } from '../config.js';
import type { Config } from '../config.js';
import { towerDirectories } from '../towers.js';
import { note, ok, problem } from './finding.js';
import type { Finding } from './finding.js';

const silent = pino({ level: 'silent' });

/** Loads and runs each tower that the configuration needs. */
export async function* models(config: Config): AsyncGenerator<Finding> {
  const { providers, threads } = config.models;
  const towers = towerDirectories(config);
  const modalities = new Set(allSensors(config).map(({ sensor }) => findDriver(sensor.driver)!.modality));
  for (const modality of modalities)
    if (!towers.has(modality))
      yield note(
        `tower for ${modality}`,
        `there is none: such sensors give frames and health, and no labels; models.towers.${modality} would name one`,
      );
  for (const [modality, directory] of towers) yield* tower(`tower for ${modality}`, directory, providers, threads);
  if (towers.size === 0) yield* shippedTower(providers);
}

/** Says which provider works where no tower is asked for: with the one that comes with the gateway. */
export function shippedTower(providers?: readonly string[]): AsyncGenerator<Finding> {
  return tower('models', shippedTowerDirectory('imu'), providers, 1);
}

async function* tower(
  about: string,
  directory: string,
  providers: readonly string[] | undefined,
  threads: number,
): AsyncGenerator<Finding> {
  try {
    const loaded = await loadTower(directory);
    const inference = await startInference({ towers: [loaded], ...(providers && { providers }), threads, log: silent });
    const [running] = inference.towers.values();
    await inference.close();
    yield ok(about, `${loaded.manifest.name} runs on ${running!.provider}`);
    for (const { provider: other, reason } of running!.passedOver) yield note(about, `not on ${other}: ${reason}`);
  } catch (error) {
    yield problem(about, error);
  }
}
