/** `babel-gateway models list | install FOLDER | activate NAME | rollback MODALITY | remove NAME` */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadTower, manifestName } from '../../models/store.js';
import { findConfigFile } from '../config-file.js';
import { loadConfig } from '../config.js';
import { examplesName } from '../learning/examples.js';
import { largestInstall, modelResponse } from '../topics.js';
import type { ModelResponse } from '../topics.js';
import { ask } from './ask.js';

export interface ModelsOptions {
  config?: string;
  json: boolean;
}

/** Seconds that a gateway has to open a model, on whatever provider, and for others that were asked for before. */
const patience = 90;

export async function listModels(options: ModelsOptions): Promise<void> {
  await request({ action: 'list' }, options, ({ models = [], active = {} }) => {
    const lines = Object.entries(active).map(([modality, name]) => `${modality}: ${name} is in use`);
    return [...lines, `in the store: ${models.join(', ') || 'none'}`].join('\n');
  });
}

/**
 * @param folder of a tower, as `pretrain` or `align` writes it
 * @param options `name` in the store; default: the tower's own
 * @throws Error with one line that says what to do
 */
export async function installModel(folder: string, options: ModelsOptions & { name?: string }): Promise<void> {
  const { manifest, encoder, head } = await loadTower(folder);
  const parts = {
    ...{ manifest: await readFile(join(folder, manifestName)), encoder, head },
    // Of use to `teach` alone; what a damaged one is, the gateway says.
    ...(existsSync(join(folder, examplesName)) && { examples: await readFile(join(folder, examplesName)) }),
  };
  const files = Object.fromEntries(
    Object.entries(parts).map(([part, bytes]) => [part, Buffer.from(bytes).toString('base64')]),
  );
  const size = Object.values(files).reduce((sum, text) => sum + text.length, 0);
  if (size > largestInstall - 4096)
    throw new Error(
      `${folder} is too large to be sent (${size} bytes in base64): copy the folder into the gateway's <dataDirectory>/models`,
    );
  const model = options.name ?? manifest.name;
  await request({ action: 'install', model, files }, options, () => {
    return `${model} is in the store; 'babel-gateway models activate ${model}' takes it into use`;
  });
}

export async function activateModel(model: string, options: ModelsOptions): Promise<void> {
  await request({ action: 'activate', model }, options, inUse);
}

export async function rollbackModel(modality: string, options: ModelsOptions): Promise<void> {
  await request({ action: 'rollback', modality }, options, inUse);
}

export async function removeModel(model: string, options: ModelsOptions): Promise<void> {
  await request({ action: 'remove', model }, options, ({ models = [] }) => {
    return `${model} is deleted; in the store: ${models.join(', ') || 'none'}`;
  });
}

const inUse = ({ active = {} }: ModelResponse) =>
  `in use from the next window on: ${Object.entries(active)
    .map(([modality, name]) => `${modality}: ${name}`)
    .join(', ')}`;

/** @throws Error with one line that says what to do */
async function request(
  wanted: object,
  options: ModelsOptions,
  words: (response: ModelResponse) => string,
): Promise<void> {
  const config = await loadConfig(findConfigFile(options.config));
  const response = await ask(config, 'model', () => wanted, modelResponse, patience);
  if (options.json) console.log(JSON.stringify(response));
  if (response.status === 'error') throw new Error(response.reason);
  if (!options.json) console.log(words(response));
}
