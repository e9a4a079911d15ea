/** Real captures, which are not part of the repository; `SENSING_DATA` says where they are. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.env['SENSING_DATA'] ?? '';
export const skip = folder !== '' && existsSync(join(folder, 'captures')) ? false : 'skipped: no recordings';

export function recording(...path: string[]): Uint8Array {
  return Uint8Array.from(readFileSync(join(folder, ...path)));
}
