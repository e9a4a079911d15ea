/** Proves a tower that came with a request, in a folder that is given for it. Run in a process of its own: install-child.ts.
 *
 *      bytes ─▶ JSON ─▶ base64 ─▶ manifest ─▶ fits the running tower ─▶ files, checksums ─▶ opened and run once */
import { readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { ModelError, parseManifest } from '../models/manifest.js';
import type { Manifest } from '../models/manifest.js';
import { loadTower, manifestName } from '../models/store.js';
import { openTower } from '../models/tower-session.js';
import { writeWhole } from '../models/whole-file.js';
import { examplesName, loadExamples } from './learning/examples.js';
import type { InstallOrder, InstallReply } from './model-install.js';
import { problems } from './request-problems.js';
import { fits } from './tower-fits.js';
import { modelRequest } from './topics.js';
import type { ModelRequest } from './topics.js';

type Request = Extract<ModelRequest, { action: 'install' }>;

function read(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch (error) {
    throw new ModelError(`the request is no JSON: ${(error as Error).message}`, { cause: error });
  }
}

function decoded(name: keyof Request['files'], text: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) throw new ModelError(`files.${name}: is no base64`);
  return bytes;
}

function fitsRunning(manifest: Manifest, running: InstallOrder['running']): void {
  const { modality } = manifest;
  const same = running.find(([one]) => one === modality)?.[1];
  if (!same) throw new ModelError(`no sensor of this gateway needs a tower for ${modality}`);
  fits(manifest, same);
}

/** @throws ModelError if there are examples that are damaged or of another tower */
async function examplesFit(folder: string, { embedding: { width, space } }: Manifest): Promise<void> {
  const found = await loadExamples(folder);
  if (found && (found.width !== width || found.space !== space))
    throw new ModelError(`${examplesName} holds embeddings of '${found.space}' [${found.width}], not of this tower`);
}

/** @returns whether the store has the same tower under this name. @throws ModelError if it has another */
async function isThere(target: string, request: Request, manifestBytes: Buffer): Promise<boolean> {
  if (!(await stat(target).catch(() => undefined))) return false;
  const there = await readFile(join(target, manifestName)).catch(() => undefined);
  // The manifest holds the checksums of the other two, which loading compares.
  if (there?.equals(manifestBytes) && (await loadTower(target).catch(() => undefined))) return true;
  throw new ModelError(`there is another model '${request.model}' in the store: choose another name`);
}

async function prove({ folder, store, running }: InstallOrder, request: Request): Promise<InstallReply> {
  const { model, files } = request;
  const manifestBytes = decoded('manifest', files.manifest);
  const manifest = parseManifest(manifestBytes.toString(), manifestName);
  fitsRunning(manifest, running);
  const names = [manifestName, examplesName, manifest.files.encoder.path, manifest.files.head.path];
  if (new Set(names).size !== names.length) throw new ModelError(`${manifestName} names one file twice`);
  const examples = files.examples === undefined ? undefined : decoded('examples', files.examples);
  const bytes = [manifestBytes, examples, decoded('encoder', files.encoder), decoded('head', files.head)];
  for (const [i, name] of names.entries()) if (bytes[i]) await writeWhole(join(folder, name), bytes[i]);
  const tower = await loadTower(folder);
  await examplesFit(folder, manifest);
  if (await isThere(join(store, model), request, manifestBytes)) return { kind: 'present', model };
  const session = await openTower(tower, 'cpu', 1);
  await session.release();
  return { kind: 'proven', model };
}

/**
 * Nothing of it is thrown but what the file system or onnxruntime do to the process itself.
 * @param bytes of the request: anything
 * @param onHeard called with the request's transaction before its files are looked at
 */
export async function proveInstall(
  order: InstallOrder,
  bytes: Buffer,
  onHeard: (transaction: string) => void,
): Promise<InstallReply> {
  try {
    const value = read(bytes);
    const { transaction } = (value ?? {}) as { transaction?: unknown };
    if (typeof transaction === 'string') onHeard(transaction.slice(0, 256));
    const parsed = modelRequest.safeParse(value);
    if (!parsed.success) throw new ModelError(problems(parsed.error));
    if (parsed.data.action !== 'install') throw new ModelError('only a request to install may be so long');
    return await prove(order, parsed.data);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    // Where the files lay for a moment is nobody's affair.
    const places = [order.folder, relative(process.cwd(), order.folder)];
    return { kind: 'refused', reason: places.reduce((text, place) => text.replaceAll(join(place, '/'), ''), reason) };
  }
}
