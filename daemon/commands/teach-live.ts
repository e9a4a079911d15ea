/** `babel-gateway teach --place PLACE --last SECONDS`: by what the running gateway just saw. */
import { findConfigFile } from '../config-file.js';
import { loadConfig } from '../config.js';
import { keptFor } from '../recent-windows.js';
import { teachResponse } from '../topics.js';
import { ask } from './ask.js';

export interface TeachLiveOptions {
  place: string;
  label: string;
  last: number;
  ago: number;
  sensor?: string;
  rest: 'other' | 'unknown';
  config?: string;
  json: boolean;
}

/** Seconds that a gateway has to teach all towers of a place. */
const patience = 90;

/** Seconds since the command was typed: a slow machine takes some to start it, and 'now' was before. Never so many that the gateway would have forgotten what was asked for. */
function sinceStart(asked: number): number {
  return Math.min(performance.now() / 1000, Math.max(0, keptFor - asked));
}

/** @throws Error with one line that says what to do */
export async function teachLive(options: TeachLiveOptions): Promise<void> {
  const { place, label: wanted, last, ago, sensor, rest, config, json } = options;
  const loaded = await loadConfig(findConfigFile(config));
  const request = () => ({ place, label: wanted, seconds: last, ago: ago + sinceStart(last + ago), sensor, rest });
  const response = await ask(loaded, 'teach', request, teachResponse, patience);
  if (json) console.log(JSON.stringify(response));
  if (response.status === 'error') throw new Error(response.reason);
  if (json) return;
  const { label, taught = {} } = response;
  for (const [modality, { model, shots, others }] of Object.entries(taught))
    console.log(
      `${modality}: '${label}' was taught by ${shots} windows, beside ${others} of something else (${model})`,
    );
  console.log(
    `in use from the next window on; 'babel-gateway models rollback ${Object.keys(taught)[0]}' takes it back`,
  );
}
