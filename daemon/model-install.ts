/** Towers that come with a request, into the model store: proven in a process of their own, then there as a whole or not at all.
 *
 *      models/.unfinished-<random>/  until it is proven; what a cut left behind is cleared at the next start
 *      models/<name>/                renamed into place */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Modality } from '../drivers/frames.js';
import type { Inference } from '../models/inference.js';
import { ModelError } from '../models/manifest.js';
import { inChild } from './child.js';
import { namesIn, storeOf, unfinished } from './model-choice.js';
import { oneByOne } from './one-by-one.js';
import type { Fitting } from './tower-fits.js';
import { modelName } from './topics.js';
import type { ModelResponse } from './topics.js';

/** What the parent sends to an `install-child.js`; the request itself goes to its standard input. */
export interface InstallOrder {
  /** To write into; empty. */
  readonly folder: string;
  readonly store: string;
  readonly running: readonly (readonly [Modality, Fitting])[];
}
export type InstallReply =
  /** Before anything that may crash. */
  | { readonly kind: 'heard'; readonly transaction: string }
  | { readonly kind: 'proven'; readonly model: string }
  /** The store has the same tower under this name. */
  | { readonly kind: 'present'; readonly model: string }
  | { readonly kind: 'refused'; readonly reason: string };

export interface InstallerOptions {
  readonly dataDirectory: string;
  readonly inference: Pick<Inference, 'towers'>;
  /** Seconds that proving a tower may take. Default: 60. */
  readonly limit?: number;
  /** The child's code; another one in tests. */
  readonly script?: URL;
}

export interface Installer {
  /** @param request as it came: anything. @returns the answer, with the transaction where it could be read; never rejects */
  readonly install: (request: Uint8Array) => Promise<ModelResponse>;
}

/** Requests that wait while another is proven: each is held in memory. */
const mostWaiting = 2;
/** @throws the file system's errors */
export async function clearUnfinished(dataDirectory: string): Promise<void> {
  const store = storeOf(dataDirectory);
  const entries = await readdir(store).catch(() => []);
  for (const name of entries)
    if (name.startsWith(unfinished)) await rm(join(store, name), { recursive: true, force: true });
}

export function createInstaller(options: InstallerOptions): Installer {
  const { dataDirectory } = options;
  let waiting = 0;
  const installNext = oneByOne(installOne);

  async function installOne(request: Uint8Array): Promise<ModelResponse> {
    const store = storeOf(dataDirectory);
    const folder = join(store, `${unfinished}${randomUUID()}`);
    let transaction = {};
    try {
      await mkdir(folder, { recursive: true });
      const reply = await prove(request, folder, options, (heard) => (transaction = { transaction: heard }));
      if (reply.kind === 'proven') await rename(folder, join(store, modelName.parse(reply.model)));
      return { ...transaction, status: 'ok', models: await namesIn(dataDirectory) };
    } catch (error) {
      return { ...transaction, status: 'error', reason: (error as Error).message };
    } finally {
      await rm(folder, { recursive: true, force: true }).catch(() => undefined);
    }
  }

  return {
    async install(request) {
      if (waiting > mostWaiting)
        return { status: 'error', reason: 'other models are being installed: ask again when they are' };
      waiting++;
      return installNext(request).finally(() => waiting--);
    },
  };
}

type Verdict = Extract<InstallReply, { kind: 'proven' | 'present' }>;

/** @throws ModelError with the reason if the tower is refused, or if the child crashes or takes too long */
async function prove(
  request: Uint8Array,
  folder: string,
  { dataDirectory, inference, limit = 60, script = new URL('./install-child.js', import.meta.url) }: InstallerOptions,
  onHeard: (transaction: string) => void,
): Promise<Verdict> {
  const running = [...inference.towers].map(([modality, { manifest }]) => {
    const { name, window, embedding } = manifest;
    return [modality, { name, window, embedding }] as const;
  });
  const order: InstallOrder = { folder, store: storeOf(dataDirectory), running };
  const crashed = 'it is damaged, or far too large';
  const work = { script, order, input: request, what: 'trying the model', crashed, limit };
  const reply = await inChild<InstallReply>(work, (one) => one.kind === 'heard' && onHeard(one.transaction));
  if (reply.kind === 'refused') throw new ModelError(reply.reason);
  if (reply.kind === 'heard') throw new ModelError('trying the model gave no answer');
  return reply;
}
