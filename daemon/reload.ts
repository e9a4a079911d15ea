/** From one configuration to another while the gateway runs: only what is another is touched. */
import { isDeepStrictEqual } from 'node:util';
import { loadTower } from '../models/store.js';
import type { Config, PlaceConfig } from './config.js';
import type { Shared } from './gateway.js';
import { createRunningPlace } from './running-place.js';
import type { RunningPlace } from './running-place.js';
import { towerDirectories } from './towers.js';

/** Keys that take effect at a start alone. */
const fixed = ['gateway', 'mqtt', 'dataDirectory', 'log'] as const satisfies readonly (keyof Config)[];

/** @param places by name; what the configuration adds or takes away is added and taken away there */
export function createReload(shared: Shared, first: Config, places: Map<string, RunningPlace>) {
  const { log, inference, tellModels } = shared;
  let current = first;
  let last: Promise<unknown> = Promise.resolve();

  async function changeTowers(next: Config): Promise<void> {
    const before = towerDirectories(current);
    for (const [modality, directory] of towerDirectories(next)) {
      if (before.get(modality) === directory) continue;
      const tower = await loadTower(directory);
      await inference.install(tower);
      log.info(`${modality}: the tower '${tower.manifest.name}' is in use`);
      tellModels();
    }
  }

  async function changePlace(name: string, before: PlaceConfig | undefined, next: PlaceConfig): Promise<void> {
    // What the sensors' windows become hangs on the policy: the place begins anew.
    const anew = before === undefined || !isDeepStrictEqual(before.activities, next.activities);
    if (anew) {
      await places.get(name)?.stop();
      places.set(name, createRunningPlace(shared, name, next));
    }
    const place = places.get(name)!;
    const had = anew ? {} : before.sensors;
    const isAnother = (sensor: string) => !isDeepStrictEqual(had[sensor], next.sensors[sensor]);
    const ended = Object.keys(had).filter(isAnother);
    const started = Object.entries(next.sensors).filter(([sensor]) => isAnother(sensor));
    if (ended.length > 0) await place.end(ended);
    if (started.length > 0) await place.start(started);
    if (!anew && !isDeepStrictEqual(before.modalities, next.modalities)) place.request(next.modalities);
    for (const sensor of ended) log.info(`${name}: ${sensor} was ended, for the configuration says otherwise now`);
    for (const [sensor] of started) log.info(`${name}: ${sensor} was started`);
  }

  async function change(next: Config): Promise<void> {
    for (const key of fixed)
      if (!isDeepStrictEqual(current[key], next[key]))
        log.warn(`${key} is another in the configuration: it takes effect when the gateway is started again`);
    if (
      !isDeepStrictEqual(
        [current.models.providers, current.models.threads],
        [next.models.providers, next.models.threads],
      )
    )
      log.warn('models.providers and models.threads take effect when the gateway is started again');
    await changeTowers(next);
    for (const [name, place] of [...places])
      if (!(name in next.places)) {
        await place.stop();
        places.delete(name);
        log.info(`${name} is no place any more`);
      }
    for (const [name, settings] of Object.entries(next.places)) {
      const before = current.places[name];
      if (!isDeepStrictEqual(before, settings)) await changePlace(name, before, settings);
      current = { ...current, places: { ...current.places, [name]: settings } };
    }
    current = next;
  }

  /** One at a time. */
  return (next: Config): Promise<void> => {
    const done = last.then(() => change(next));
    last = done.catch(() => undefined);
    return done;
  };
}
