/** `babel-gateway modalities PLACE SET` */
import { findConfigFile } from '../config-file.js';
import { loadConfig } from '../config.js';
import { modalitiesResponse } from '../topics.js';
import { ask } from './ask.js';

/** @throws Error with one line that says what to do */
export async function modalities(
  place: string,
  set: string,
  options: { config?: string; json: boolean },
): Promise<void> {
  const config = await loadConfig(findConfigFile(options.config));
  const request = { place, set: set === 'all' ? 'all' : set.split(',').map((one) => one.trim()) };
  const response = await ask(config, 'modalities', () => request, modalitiesResponse);
  if (options.json) console.log(JSON.stringify(response));
  if (response.status === 'error') throw new Error(response.reason);
  if (!options.json)
    console.log(`${place} fuses ${String(response.set).replaceAll(',', ', ')} from the next window on`);
}
