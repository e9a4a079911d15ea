/** Which frozen encoder stands for each name: one that was given, one that the trunk has, or the one that comes with the gateway. */
import { modalities } from '../../drivers/frames.js';
import type { Modality } from '../../drivers/frames.js';
import type { Manifest } from '../../models/manifest.js';
import { hasShippedTower, loadTower, shippedTowerDirectory } from '../../models/store.js';
import type { Tower } from '../../models/store.js';

export type Encoders = ReadonlyMap<string, Tower>;

/** Two names, for instance `imu:skeleton`. */
export type PairNames = readonly [string, string];

const plainName = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** `imu:skeleton,skeleton:depth` @throws Error with one line */
export function parsePairs(text: string): PairNames[] {
  const pairs = text.split(',').map((part) => part.trim().split(':'));
  for (const pair of pairs)
    if (pair.length !== 2 || !pair.every((name) => plainName.test(name)) || pair[0] === pair[1])
      throw new Error(
        `--pairs ${text}: '${pair.join(':')}' is no pair; write for instance imu:skeleton,skeleton:depth`,
      );
  return pairs as unknown as PairNames[];
}

/** `['imu=DIR']` → folder by name. @throws Error with one line */
export function parseFolders(option: string, given: readonly string[]): Map<string, string> {
  return new Map(
    given.map((text): [string, string] => {
      const at = text.indexOf('=');
      const [name, folder] = [text.slice(0, at), text.slice(at + 1)];
      if (at < 0 || !plainName.test(name) || folder === '')
        throw new Error(`${option} ${text}: write NAME=FOLDER, for instance imu=towers/imu`);
      return [name, folder];
    }),
  );
}

const isModality = (name: string): name is Modality => (modalities as readonly string[]).includes(name);

/** @throws Error with one line if there is none; ModelError if its folder is damaged */
export async function findEncoder(name: string, given: ReadonlyMap<string, string>, trunk?: Encoders): Promise<Tower> {
  const folder = given.get(name);
  const known = trunk?.get(name);
  if (known && folder !== undefined) {
    const other = await loadTower(folder);
    if (other.manifest.files.encoder.sha256 !== known.manifest.files.encoder.sha256)
      throw new Error(
        `--encoder ${name}=${folder}: the trunk was aligned with another encoder of ${name}; leave the option out, or give this one another name`,
      );
  }
  if (known) return known;
  if (folder !== undefined) return loadTower(folder);
  if (isModality(name) && hasShippedTower(name)) return loadTower(shippedTowerDirectory(name));
  throw new Error(
    isModality(name)
      ? `no encoder of ${name} comes with this version: train one (babel-gateway pretrain --help says of which sensors) or take your own, and name its folder with --encoder ${name}=FOLDER`
      : `${name} is no kind of sensor (${modalities.join(', ')}): name its encoder's folder with --encoder ${name}=FOLDER`,
  );
}

/** @throws Error with one line, as `findEncoder` */
export async function findEncoders(
  names: readonly string[],
  given: ReadonlyMap<string, string>,
  trunk?: Encoders,
): Promise<Map<string, Tower>> {
  const unknown = [...given.keys()].filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new Error(`--encoder ${unknown[0]!}=…: no pair names it (${names.join(', ')})`);
  const found = new Map<string, Tower>();
  for (const name of names) found.set(name, await findEncoder(name, given, trunk));
  return found;
}

/** Seconds of a window. */
export const lengthOf = ({ window }: Pick<Manifest, 'window'>): number => window.samples / window.rate;

/** A line where towers read windows of different lengths, which the gateway cannot fuse in one place; else undefined. */
export function differingLengths(encoders: Encoders): string | undefined {
  const lengths = [...encoders].map(([name, { manifest }]) => ({ name, seconds: lengthOf(manifest) }));
  if (lengths.every(({ seconds }) => Math.abs(seconds - lengths[0]!.seconds) < 1e-6)) return undefined;
  return lengths.map(({ name, seconds }) => `${name} reads windows of ${Number(seconds.toFixed(3))} s`).join(', ');
}
