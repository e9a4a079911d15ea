/** The text files that a driver's settings name, for instance a radar's profile. */
import { open } from 'node:fs/promises';
import type { Driver } from '../drivers/driver.js';

/** More than any profile or description of a sensor has. */
const mostBytes = 4 * 1024 * 1024;

/** @returns the path of each file that the settings name, by the setting */
export function driverFilePaths({ files = [] }: Driver, settings: unknown): Map<string, string> {
  const given = settings as Readonly<Record<string, unknown>>;
  return new Map(
    files.flatMap((name) => {
      const path = given[name];
      return typeof path === 'string' && path !== '' ? [[name, path] as const] : [];
    }),
  );
}

/**
 * @param known what is there already and is not read
 * @returns the text of each file that the settings name, by the setting
 * @throws Error with one line that says what to do
 */
export async function readDriverFiles(
  driver: Driver,
  settings: unknown,
  known: Readonly<Record<string, string>> = {},
): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const [name, path] of driverFilePaths(driver, settings)) {
    if (name in known) continue;
    try {
      const handle = await open(path);
      try {
        const { size } = await handle.stat();
        if (size > mostBytes) throw new Error(`it has ${size} bytes, which is too much for such a file`);
        texts[name] = await handle.readFile('utf8');
      } finally {
        await handle.close();
      }
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const reason = code === 'ENOENT' ? 'no such file' : message;
      throw new Error(`${driver.name}: the file of the setting ${name}, ${path}: ${reason}`, { cause: error });
    }
  }
  return texts;
}
