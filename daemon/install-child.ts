/** A child process of `createInstaller`: takes one request to install a tower from its standard input and proves it, in a folder that
 *  the parent made and clears. Whatever a stranger's bytes do (unfold without end, crash onnxruntime), they do it here.
 *
 *      bytes ─▶ JSON ─▶ base64 ─▶ manifest ─▶ fits the running tower ─▶ files, checksums ─▶ opened and run once */
import { open, readFile, stat, writeFile } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { ModelError, parseManifest } from '../models/manifest.js';
import type { Manifest } from '../models/manifest.js';
import { loadTower, manifestName } from '../models/store.js';
import { openTower } from '../models/tower-session.js';
import type { InstallOrder, InstallReply } from './model-install.js';
import { problems } from './request-problems.js';
import { fits } from './tower-fits.js';
import { modelRequest } from './topics.js';
import type { ModelRequest } from './topics.js';

type Request = Extract<ModelRequest, { action: 'install' }>;

/** Labels go before. And where memory ends, the system ends this process, not the gateway. */
async function stepBack(): Promise<void> {
  try {
    setPriority(constants.priority.PRIORITY_LOW);
    await writeFile('/proc/self/oom_score_adj', '1000');
  } catch {
    // Not every system has it.
  }
}

async function requestOf(input: AsyncIterable<Buffer>): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of input) chunks.push(chunk);
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch (error) {
    throw new ModelError(`the request is no JSON: ${(error as Error).message}`, { cause: error });
  }
}

function decoded(name: keyof Request['files'], files: Request['files']): Buffer {
  const bytes = Buffer.from(files[name], 'base64');
  if (bytes.toString('base64') !== files[name]) throw new ModelError(`files.${name}: is no base64`);
  return bytes;
}

async function write(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, 'wx');
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function fitsRunning(manifest: Manifest, running: InstallOrder['running']): void {
  const { modality } = manifest;
  const same = running.find(([one]) => one === modality)?.[1];
  if (!same) throw new ModelError(`no sensor of this gateway needs a tower for ${modality}`);
  fits(manifest, same);
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
  const manifestBytes = decoded('manifest', files);
  const manifest = parseManifest(manifestBytes.toString(), manifestName);
  fitsRunning(manifest, running);
  const names = [manifestName, manifest.files.encoder.path, manifest.files.head.path];
  if (new Set(names).size !== names.length) throw new ModelError(`${manifestName} names one file twice`);
  const bytes = [manifestBytes, decoded('encoder', files), decoded('head', files)];
  for (const [i, name] of names.entries()) await write(join(folder, name), bytes[i]!);
  const tower = await loadTower(folder);
  if (await isThere(join(store, model), request, manifestBytes)) return { kind: 'present', model };
  const session = await openTower(tower, 'cpu', 1);
  await session.release();
  return { kind: 'proven', model };
}

function tell(reply: InstallReply): void {
  process.send!(reply);
}

async function answer(order: InstallOrder): Promise<void> {
  try {
    const value = await requestOf(process.stdin);
    const { transaction } = (value ?? {}) as { transaction?: unknown };
    if (typeof transaction === 'string') tell({ kind: 'heard', transaction: transaction.slice(0, 256) });
    const parsed = modelRequest.safeParse(value);
    if (!parsed.success) throw new ModelError(problems(parsed.error));
    if (parsed.data.action !== 'install') throw new ModelError('only a request to install may be so long');
    tell(await prove(order, parsed.data));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    // The folder is this process's own affair.
    tell({ kind: 'refused', reason: reason.replaceAll(order.folder, 'the request') });
  }
}

await stepBack();
process.once('message', (order) => void answer(order as InstallOrder).then(() => process.disconnect()));
