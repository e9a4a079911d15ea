/** What is asked of a gateway's models: which there are, another one, the one before, one less. (A new one: model-install.ts.) */
import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Modality } from '../drivers/frames.js';
import type { Inference } from '../models/inference.js';
import { ModelError } from '../models/manifest.js';
import { hasShippedTower, loadTower, shippedTowerDirectory } from '../models/store.js';
import type { LoadedTower } from '../models/store.js';
import type { Config } from './config.js';
import {
  choiceBefore,
  choose,
  directoryInStore,
  forget,
  namesIn,
  storeOf,
  towerOfStore,
  unchoose,
  unfinished,
} from './model-choice.js';
import { fits } from './tower-fits.js';
import type { ModelRequest, ModelResponse } from './topics.js';
import { towerDirectory } from './towers.js';

export interface ModelRequestOptions {
  readonly config: Pick<Config, 'dataDirectory' | 'models'>;
  readonly inference: Pick<Inference, 'towers' | 'install'>;
  /** Another tower is in use. */
  readonly onChange: () => void;
}

/** Those that bring no model. */
export type PlainModelRequest = Exclude<ModelRequest, { action: 'install' }>;

/** @throws ModelError with the reason; then the old model goes on */
export async function answerModelRequest(
  request: PlainModelRequest,
  options: ModelRequestOptions,
): Promise<ModelResponse> {
  const { config, inference, onChange } = options;
  const { dataDirectory } = config;
  switch (request.action) {
    case 'list':
      return { status: 'ok', models: await namesIn(dataDirectory), active: activeOf(inference) };
    case 'remove':
      await remove(request.model, options);
      return { status: 'ok', models: await namesIn(dataDirectory), active: activeOf(inference) };
    case 'activate': {
      const tower = await towerOfStore(dataDirectory, request.model);
      const { modality } = tower.manifest;
      await exchange(tower, options);
      await choose(dataDirectory, modality, request.model);
      break;
    }
    case 'rollback': {
      const before = choiceBefore(dataDirectory, request.modality);
      if (before === undefined)
        throw new ModelError(`${request.modality}: no model was activated, so none can be taken back`);
      await exchange(await towerBefore(before, request.modality, dataDirectory), options);
      await unchoose(dataDirectory, request.modality);
    }
  }
  onChange();
  return { status: 'ok', active: activeOf(inference) };
}

function activeOf({ towers }: Pick<Inference, 'towers'>): Record<string, string> {
  return Object.fromEntries([...towers].map(([modality, { manifest }]) => [modality, manifest.name]));
}

async function towerBefore(name: string, modality: Modality, dataDirectory: string): Promise<LoadedTower> {
  if (name !== 'shipped') return towerOfStore(dataDirectory, name);
  if (!hasShippedTower(modality))
    throw new ModelError(`no tower for ${modality} comes with the gateway: nothing to go back to`);
  return loadTower(shippedTowerDirectory(modality));
}

async function remove(name: string, { config, inference }: ModelRequestOptions): Promise<void> {
  const { dataDirectory } = config;
  const directory = await directoryInStore(dataDirectory, name);
  const modality = [...inference.towers.keys()].find((one) => towerDirectory(config, one) === directory);
  if (modality) throw new ModelError(`'${name}' is in use for ${modality}; take another one into use first`);
  // Whole or not at all: what has the other name is no model any more, and is cleared at the next start.
  const leaving = join(storeOf(dataDirectory), `${unfinished}${randomUUID()}`);
  await rename(directory, leaving);
  await forget(dataDirectory, name);
  await rm(leaving, { recursive: true });
}

async function exchange(tower: LoadedTower, { config, inference }: ModelRequestOptions): Promise<void> {
  const { modality } = tower.manifest;
  const named = config.models.towers[modality];
  if (named !== undefined)
    throw new ModelError(
      `the configuration names the tower for ${modality} (models.towers.${modality}: ${named}); take that out first`,
    );
  const running = inference.towers.get(modality)?.manifest;
  if (!running) throw new ModelError(`no sensor of this gateway needs a tower for ${modality}`);
  fits(tower.manifest, running);
  await inference.install(tower);
}
