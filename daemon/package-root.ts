import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folder of this package: examples, manual and shipped weights lie below it. */
export const packageRoot = join(import.meta.dirname, '..', '..');

export function packageVersion(): string {
  return packageDescription().version;
}

/** The oldest Node.js that the gateway runs on, for instance `20.19`. */
export function requiredNodeVersion(): string {
  return packageDescription().engines.node.replace(/^>=/, '');
}

function packageDescription() {
  const text = readFileSync(join(packageRoot, 'package.json'), 'utf8');
  return JSON.parse(text) as { version: string; engines: { node: string } };
}
