/** Which configuration file is meant. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ConfigError } from './config.js';
import { packageRoot } from './package-root.js';

const here = 'babel-gateway.yaml';
const ofTheMachine = '/etc/babel-gateway/babel-gateway.yaml';

/** @returns the file that was named, else `babel-gateway.yaml` in this folder, else the machine's; undefined if there is none */
export function configFileFor(named: string | undefined): string | undefined {
  const found = named ?? [here, ofTheMachine].find((file) => existsSync(file));
  return found === undefined ? undefined : resolve(found);
}

/** `configFileFor`. @throws ConfigError if there is none */
export function findConfigFile(named: string | undefined): string {
  const found = configFileFor(named);
  if (found !== undefined) return found;
  const message = `no configuration here, nor ${ofTheMachine}. Begin with a copy of ${join(packageRoot, 'examples', 'home.yaml')}, or name one with --config`;
  throw new ConfigError([{ file: here, key: '', message }]);
}
