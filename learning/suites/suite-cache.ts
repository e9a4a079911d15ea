/** What takes long to make, kept in a folder. */
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import type { Weights } from '../../models/weights.js';
import { writeWhole } from '../../models/whole-file.js';

/** Tells one set of weights from another. */
export function digestOfWeights(...all: readonly Weights[]): string {
  const hash = createHash('sha256');
  for (const weights of all) for (const [name, values] of weights) hash.update(name).update(values);
  return hash.digest('hex').slice(0, 16);
}

/** The file of that name where it was made from the same `key`; else what `make` gives, which is kept. */
export async function kept<Value>(
  folder: string | undefined,
  name: string,
  key: string,
  make: () => Promise<Value>,
): Promise<Value> {
  if (!folder) return make();
  const file = join(folder, name);
  try {
    const found = deserialize(await readFile(file)) as { key: string; value: Value };
    if (found.key === key) return found.value;
  } catch {
    // Not there yet, or cut off.
  }
  const value = await make();
  await mkdir(folder, { recursive: true });
  await writeWhole(file, serialize({ key, value }));
  return value;
}
