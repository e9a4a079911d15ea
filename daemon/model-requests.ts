/** What is asked of a gateway's models: which there are, another one, the one before. */
import type { Modality } from '../drivers/frames.js';
import type { Inference } from '../models/inference.js';
import { ModelError, windowShape } from '../models/manifest.js';
import type { Manifest } from '../models/manifest.js';
import { hasShippedTower, loadTower, shippedTowerDirectory } from '../models/store.js';
import type { LoadedTower } from '../models/store.js';
import type { Config } from './config.js';
import { choiceBefore, choose, namesIn, towerOfStore, unchoose } from './model-choice.js';
import type { ModelRequest, ModelResponse } from './topics.js';

export interface ModelRequestOptions {
  readonly config: Pick<Config, 'dataDirectory' | 'models'>;
  readonly inference: Pick<Inference, 'towers' | 'install'>;
  /** Another tower is in use. */
  readonly onChange: () => void;
}

/** @throws ModelError with the reason; then the old model goes on */
export async function answerModelRequest(request: ModelRequest, options: ModelRequestOptions): Promise<ModelResponse> {
  const { config, inference, onChange } = options;
  const { dataDirectory } = config;
  switch (request.action) {
    case 'list':
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

/** @throws ModelError if the new tower cannot stand in the old one's place */
function fits(wanted: Manifest, running: Manifest): void {
  const timing = ({ window: { rate, hop } }: Manifest) => `${rate} Hz every ${hop} samples`;
  const shapes = [wanted, running].map((one) => `[${windowShape(one).join(', ')}] at ${timing(one)}`);
  if (shapes[0] !== shapes[1])
    throw new ModelError(
      `'${wanted.name}' reads windows of ${shapes[0]}, the running '${running.name}' of ${shapes[1]}`,
    );
  if (wanted.embedding.space !== running.embedding.space || wanted.embedding.width !== running.embedding.width)
    throw new ModelError(
      `'${wanted.name}' embeds into the space '${wanted.embedding.space}' [${wanted.embedding.width}], ` +
        `the running '${running.name}' into '${running.embedding.space}' [${running.embedding.width}]: they cannot be fused`,
    );
}
