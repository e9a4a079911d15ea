/** What the loaders share: files by name, unzipping, and a list of those that cannot be used. */
import { readdir, readFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { DatasetError } from './dataset.js';
import type { Loaded, UnreadableFile } from './dataset.js';

const largestUnzipped = 1 << 28;

/** Numbers within names in the order of their values: `a2` before `a10`; the same on every machine. */
export function compareNames(a: string, b: string): number {
  const [left, right] = [a, b].map((name) => name.split(/(\d+)/)) as [string[], string[]];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const [one, other] = [left[i]!, right[i]!];
    if (one === other) continue;
    const difference = i % 2 === 1 ? Number(one) - Number(other) : 0;
    return difference || (one < other ? -1 : 1);
  }
  return left.length - right.length;
}

/**
 * Paths below `folder` with `/` between the parts, sorted by `compareNames`, that match `pattern`; none where there is no such folder.
 * Hidden files are passed over.
 */
export async function findFiles(folder: string, pattern: RegExp): Promise<RegExpExecArray[]> {
  const found = await readdir(folder, { recursive: true }).catch((): string[] => []);
  return found
    .map((path) => path.split(sep).join('/'))
    .filter((path) => !/(^|\/)\./.test(path))
    .sort(compareNames)
    .map((path) => pattern.exec(path))
    .filter((match) => match !== null);
}

/** The first of the folders that holds files that match, with them. @throws DatasetError with `remedy` if none does */
export async function findDataset(
  folders: readonly string[],
  pattern: RegExp,
  remedy: string,
): Promise<{ folder: string; files: RegExpExecArray[] }> {
  for (const folder of folders) {
    const files = await findFiles(folder, pattern);
    if (files.length > 0) return { folder, files };
  }
  throw new DatasetError(`${folders[0]!}: ${remedy}; docs/datasets.md says where to get it`);
}

/** @throws Error that begins with 'it' */
export async function readUnzipped(path: string): Promise<Buffer> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new Error(`it cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`, { cause: error });
  });
  if (!path.endsWith('.gz')) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: largestUnzipped });
  } catch (error) {
    throw new Error(`it is damaged: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * One recording a file, or several.
 * @param read throws an Error that begins with 'it' where the file cannot be used
 * @throws DatasetError if `files` is empty, or none can be read
 */
export async function loadEach<File extends { readonly path: string }, Recording>(
  folder: string,
  files: readonly File[],
  read: (file: File) => Promise<Recording | readonly Recording[]>,
): Promise<Loaded<Recording>> {
  if (files.length === 0) throw new DatasetError(`${folder}: no recording of those that are asked for`);
  const recordings: Recording[] = [];
  const unreadable: UnreadableFile[] = [];
  for (const file of files)
    try {
      const made = await read(file);
      if (Array.isArray(made)) for (const recording of made as readonly Recording[]) recordings.push(recording);
      else recordings.push(made as Recording);
    } catch (error) {
      unreadable.push({
        file: join(folder, file.path),
        reason: error instanceof Error ? error.message : String(error),
      });
    }
  if (recordings.length === 0)
    throw new DatasetError(
      `${folder}: none of ${files.length} files can be read: ${unreadable[0]?.reason ?? 'they are empty'}`,
    );
  return { recordings, unreadable };
}
