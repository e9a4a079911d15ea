/** The model store of a gateway: towers in folders below `<dataDirectory>/models`, and which of them are in use.
 *
 *      models/imu-2026-11/manifest.json, encoder.onnx, head.onnx
 *      models/active.json      { "imu": ["imu-2026-11", "imu-2026-10"] }   the newest choice first; none: the shipped tower
 *
 *  Only plain names reach the file system, so that no request can name anything outside. */
import { readFileSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { modalities } from '../drivers/frames.js';
import type { Modality } from '../drivers/frames.js';
import { ModelError } from '../models/manifest.js';
import { loadTower } from '../models/store.js';
import type { LoadedTower } from '../models/store.js';
import { writeWhole } from '../models/whole-file.js';
import { modelName } from './topics.js';

const choices = z.partialRecord(z.enum(modalities), z.array(modelName));
type Choices = z.infer<typeof choices>;

/** Choices that can be gone back to. */
const remembered = 10;

/** Begins the names of folders that are not whole yet, or not any more. */
export const unfinished = '.unfinished-';

export const storeOf = (dataDirectory: string): string => join(dataDirectory, 'models');
const choiceFile = (dataDirectory: string) => join(storeOf(dataDirectory), 'active.json');

/** @returns none where there is no file yet, or one that says nothing that can be understood */
function readChoices(dataDirectory: string): Choices {
  try {
    return choices.catch({}).parse(JSON.parse(readFileSync(choiceFile(dataDirectory), 'utf8')));
  } catch {
    return {};
  }
}

async function writeChoices(dataDirectory: string, value: Choices): Promise<void> {
  const file = choiceFile(dataDirectory);
  await mkdir(storeOf(dataDirectory), { recursive: true });
  await writeWhole(file, `${JSON.stringify(value, null, 2)}\n`);
}

/** Folder of the tower that was chosen for a modality. */
export function chosenDirectory(dataDirectory: string, modality: Modality): string | undefined {
  const name = readChoices(dataDirectory)[modality]?.[0];
  return name === undefined ? undefined : join(storeOf(dataDirectory), name);
}

/** @throws ModelError if there is no such tower in the store */
export async function directoryInStore(dataDirectory: string, name: string): Promise<string> {
  const known = await namesIn(dataDirectory);
  if (!modelName.safeParse(name).success || !known.includes(name))
    throw new ModelError(
      `there is no model '${name.slice(0, 64)}' in ${storeOf(dataDirectory)}; there are ${known.join(', ') || 'none'}`,
    );
  return join(storeOf(dataDirectory), name);
}

/** @throws ModelError if there is no such tower in the store, or it is damaged */
export const towerOfStore = async (dataDirectory: string, name: string): Promise<LoadedTower> =>
  loadTower(await directoryInStore(dataDirectory, name));

export async function namesIn(dataDirectory: string): Promise<string[]> {
  const entries = await readdir(storeOf(dataDirectory), { withFileTypes: true }).catch(() => []);
  return entries
    .filter((one) => one.isDirectory() && modelName.safeParse(one.name).success)
    .map(({ name }) => name)
    .sort();
}

/** Keeps that a tower is in use now. */
export async function choose(dataDirectory: string, modality: Modality, name: string): Promise<void> {
  const all = readChoices(dataDirectory);
  const before = (all[modality] ?? []).filter((one) => one !== name);
  await writeChoices(dataDirectory, { ...all, [modality]: [name, ...before].slice(0, remembered) });
}

/** Keeps that the newest choice was taken back. */
export async function unchoose(dataDirectory: string, modality: Modality): Promise<void> {
  const all = readChoices(dataDirectory);
  await writeChoices(dataDirectory, { ...all, [modality]: (all[modality] ?? []).slice(1) });
}

/** Keeps that a tower is none to go back to any more. */
export async function forget(dataDirectory: string, name: string): Promise<void> {
  const all = Object.entries(readChoices(dataDirectory));
  const without = all.map(([modality, names]) => [modality, names.filter((one) => one !== name)]);
  await writeChoices(dataDirectory, Object.fromEntries(without) as Choices);
}

/** The choice before the newest one: a name, `shipped`, or undefined if nothing was chosen. */
export function choiceBefore(dataDirectory: string, modality: Modality): string | undefined {
  const all = readChoices(dataDirectory)[modality] ?? [];
  return all.length === 0 ? undefined : (all[1] ?? 'shipped');
}
