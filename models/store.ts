/** The model store: a tower is a directory with `manifest.json` and two ONNX files, whose checksums the manifest holds. */
import { createHash } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Modality } from '../drivers/frames.js';
import { ModelError, parseManifest } from './manifest.js';
import type { Manifest } from './manifest.js';
import { writeWhole } from './whole-file.js';

export const manifestName = 'manifest.json';

const largestManifest = 1 << 20;
const largestModel = 1 << 30;

export interface Tower {
  readonly manifest: Manifest;
  /** ONNX files. */
  readonly encoder: Uint8Array;
  readonly head: Uint8Array;
}

export interface LoadedTower extends Tower {
  readonly directory: string;
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** As a person would name it from where the gateway was started. */
function shown(file: string): string {
  const relative = path.relative(process.cwd(), file);
  return relative.startsWith('..') ? file : relative;
}

async function readWhole(file: string, largest: number): Promise<Uint8Array> {
  const remedy = `restore it (git checkout -- ${shown(file)}) or train the tower again (babel-gateway pretrain)`;
  let handle;
  try {
    // Without O_NONBLOCK, a named pipe in the file's place would be waited for here for ever.
    handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const status = await handle.stat();
    if (!status.isFile()) throw new ModelError(`${shown(file)} is no file: ${remedy}`);
    if (status.size > largest)
      throw new ModelError(`${shown(file)} has ${status.size} bytes, more than the ${largest} allowed: ${remedy}`);
    return await handle.readFile();
  } catch (error) {
    if (error instanceof ModelError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'is missing' : `cannot be read (${message})`;
    throw new ModelError(`${shown(file)} ${reason}: ${remedy}`, { cause: error });
  } finally {
    await handle?.close();
  }
}

/**
 * Reads a tower and checks its manifest and the SHA-256 of both files.
 * @throws ModelError: a file is missing or changed, or the manifest is malformed; the message says what to do
 */
export async function loadTower(directory: string): Promise<LoadedTower> {
  const manifestFile = path.join(directory, manifestName);
  const json = new TextDecoder().decode(await readWhole(manifestFile, largestManifest));
  const manifest = parseManifest(json, shown(manifestFile));
  const [encoder, head] = await Promise.all(
    [manifest.files.encoder, manifest.files.head].map(async (expected) => {
      const file = path.join(directory, expected.path);
      const bytes = await readWhole(file, largestModel);
      const found = sha256(bytes);
      if (found !== expected.sha256)
        throw new ModelError(
          `${shown(file)} has SHA-256 ${found.slice(0, 12)}…, its manifest says ${expected.sha256.slice(0, 12)}…: the file was ` +
            `changed or cut off; restore it (git checkout -- ${shown(file)}) or train the tower again (babel-gateway pretrain)`,
        );
      return bytes;
    }),
  );
  return { manifest, encoder: encoder!, head: head!, directory };
}

/** The aligned trunk that comes with the gateway (`daemon/learning/trunk-folder.ts`), wherever this code was compiled to. */
export function shippedTrunkDirectory(): string {
  let root = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(root, 'package.json'))) {
    const parent = path.dirname(root);
    if (parent === root)
      throw new ModelError('the shipped models are not found: no package.json above the code; install again');
    root = parent;
  }
  return path.join(root, 'models', 'pretrained');
}

/**
 * The tower that comes with the gateway: the trunk's frozen encoder with its own head, which alone is 1 to 2 points better than the
 * aligned tower made of it.
 */
export const shippedTowerDirectory = (modality: Modality): string =>
  path.join(shippedTrunkDirectory(), 'encoders', modality);

/** Whether weights for this kind of sensor come with the gateway. */
export function hasShippedTower(modality: Modality): boolean {
  return existsSync(path.join(shippedTowerDirectory(modality), manifestName));
}

/**
 * Writes a tower as `encoder.onnx`, `head.onnx` and, last, `manifest.json` with their checksums. If it is cut off between two
 * files of a tower that was there before, the checksums tell at the next load.
 * @returns the manifest as written
 * @throws ModelError if the manifest is malformed; the file system's errors
 */
export async function saveTower(
  directory: string,
  { manifest, encoder, head }: Omit<Tower, 'manifest'> & { manifest: Omit<Manifest, 'files'> },
): Promise<Manifest> {
  const files = {
    encoder: { path: 'encoder.onnx', sha256: sha256(encoder) },
    head: { path: 'head.onnx', sha256: sha256(head) },
  };
  const json = `${JSON.stringify({ ...manifest, files }, null, 2)}\n`;
  const written = parseManifest(json, shown(path.join(directory, manifestName)));
  await mkdir(directory, { recursive: true });
  await writeWhole(path.join(directory, files.encoder.path), encoder);
  await writeWhole(path.join(directory, files.head.path), head);
  await writeWhole(path.join(directory, manifestName), new TextEncoder().encode(json));
  return written;
}
