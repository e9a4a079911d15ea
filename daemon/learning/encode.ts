/** Windows through frozen encoders, and their outputs kept on disk: alignment reads them hundreds of times. */
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelError, windowLength } from '../../models/manifest.js';
import { sha256 } from '../../models/store.js';
import type { Tower } from '../../models/store.js';
import { openTower } from '../../models/tower-session.js';
import type { TowerSession } from '../../models/tower-session.js';
import { writeWhole } from '../../models/whole-file.js';
import type { Progress } from '../../learning/train.js';
import type { Encoders } from './encoders.js';
import type { WindowSource } from './sources/source.js';

export interface EncodeOptions {
  readonly threads: number;
  /** Folder for the outputs. */
  readonly cache?: string | undefined;
  readonly onProgress?: ((stage: string, progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** @throws ModelError if it cannot be run, or gives what is no number */
export async function openEncoder(tower: Tower, threads: number): Promise<TowerSession> {
  try {
    return await openTower(tower, 'cpu', threads);
  } catch (error) {
    if (error instanceof ModelError) throw error;
    throw new ModelError(`the tower '${tower.manifest.name}' cannot be run: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** An event loop that is never left would not see Ctrl-C. */
const breathe = () => new Promise<void>((done) => setImmediate(done));

function keyOf(source: WindowSource, encoders: Encoders, versions: number): string {
  const hash = createHash('sha256').update(JSON.stringify(['encode 1', source.digest, source.rows.length, versions]));
  for (const [name, { encoder }] of encoders) hash.update(`${name} ${sha256(encoder)} `);
  return hash.digest('hex').slice(0, 24);
}

async function kept(file: string, lengths: readonly number[]): Promise<Float32Array[] | undefined> {
  const bytes = await readFile(file).catch(() => undefined);
  if (bytes?.length !== 4 * lengths.reduce((sum, length) => sum + length, 0)) return undefined;
  const all = new Float32Array(Uint8Array.from(bytes).buffer);
  let at = 0;
  return lengths.map((length) => all.subarray(at, (at += length)));
}

/**
 * Encoder outputs [versions, rows, width] by name, version 0 first.
 * @throws Error if it was interrupted; ModelError if an encoder cannot be run
 */
export async function encodeSource(
  source: WindowSource,
  encoders: Encoders,
  versions: number,
  { threads, cache, onProgress, signal }: EncodeOptions,
): Promise<Record<string, Float32Array>> {
  const names = [...encoders.keys()];
  const count = source.rows.length;
  const widths = names.map((name) => encoders.get(name)!.manifest.embedding.width);
  const lengths = widths.map((width) => versions * count * width);
  const file = cache && join(cache, `outputs-${keyOf(source, encoders, versions)}.f32`);
  const before = file === undefined ? undefined : await kept(file, lengths);
  const outputs = before ?? lengths.map((length) => new Float32Array(length));
  const result = Object.fromEntries(names.map((name, i) => [name, outputs[i]!]));
  if (before) return result;

  const sessions: TowerSession[] = [];
  try {
    for (const name of names) sessions.push(await openEncoder(encoders.get(name)!, threads));
    const windows = Object.fromEntries(
      names.map((name) => [name, new Float32Array(windowLength(encoders.get(name)!.manifest))]),
    );
    for (let version = 0; version < versions; version++)
      for (let row = 0; row < count; row++) {
        if (signal?.aborted) throw new Error('interrupted');
        source.write(row, version, windows);
        for (const [i, name] of names.entries()) {
          const { embedding } = await runWindow(sessions[i]!, name, windows[name]!, source.rows[row]!.recording);
          outputs[i]!.set(embedding, (version * count + row) * widths[i]!);
        }
        const step = version * count + row + 1;
        if (step % 8 === 0 || step === versions * count) {
          onProgress?.(`windows of ${source.title} through the encoders`, { step, steps: versions * count, loss: NaN });
          await breathe();
        }
      }
  } finally {
    for (const session of sessions) await session.release();
  }
  if (file) {
    await mkdir(cache, { recursive: true });
    await writeWhole(
      file,
      Buffer.concat(outputs.map((one) => Buffer.from(one.buffer, one.byteOffset, one.byteLength))),
    );
  }
  return result;
}

async function runWindow(session: TowerSession, name: string, window: Float32Array, recording: string) {
  try {
    return await session.run(window, 1);
  } catch (error) {
    throw new ModelError(`the encoder of ${name} failed on a window of ${recording}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
