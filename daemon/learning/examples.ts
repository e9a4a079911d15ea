/** `examples.json`: embeddings that `teach` learns from, kept beside a tower or a trunk. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Example } from '../../learning/teach.js';
import type { TrainedTower } from '../../learning/train-tower.js';
import { ModelError } from '../../models/manifest.js';
import { writeWhole } from '../../models/whole-file.js';

export const examplesName = 'examples.json';

const schema = z.strictObject({
  formatVersion: z.literal(1),
  width: z.int().positive().max(1_000_000),
  /** The aligned space, or the tower's own: embeddings of another one mean nothing here. */
  space: z.string(),
  /** Classes that the head was trained on, before anything was taught. */
  trained: z.array(z.string()),
  /** Base64 of float32, little-endian; label null: something else than what was taught. */
  examples: z.array(z.strictObject({ label: z.string().nullable(), embedding: z.string() })).max(100_000),
});

export interface ExampleFile {
  readonly width: number;
  readonly space: string;
  readonly trained: readonly string[];
  readonly examples: readonly Example[];
}

function floats(base64: string): Float32Array {
  const bytes = Buffer.from(base64, 'base64');
  return Float32Array.from({ length: bytes.length >> 2 }, (_, i) => bytes.readFloatLE(4 * i));
}

/** @returns undefined where there is none. @throws ModelError if it is damaged */
export async function loadExamples(directory: string): Promise<ExampleFile | undefined> {
  const file = join(directory, examplesName);
  let json;
  try {
    json = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { width, space, trained, examples } = schema.parse(JSON.parse(json));
    const read = examples.map(({ label, embedding }) => ({ label, embedding: floats(embedding) }));
    if (read.some(({ embedding }) => embedding.length !== width || !embedding.every(Number.isFinite)))
      throw new Error(`an embedding is not ${width} finite numbers`);
    return { width, space, trained, examples: read };
  } catch (error) {
    throw new ModelError(`${file} is damaged: delete it (what was taught must be taught again), or restore it`, {
      cause: error,
    });
  }
}

/** Those of a tower that was just trained. */
export const saveTrainedExamples = (
  directory: string,
  { tower: { manifest }, examples }: TrainedTower,
): Promise<void> => saveExamples(directory, { ...manifest.embedding, trained: manifest.classes, examples });

export async function saveExamples(directory: string, { examples, ...about }: ExampleFile): Promise<void> {
  const encoded = examples.map(({ label, embedding }) => {
    const bytes = Buffer.alloc(4 * embedding.length);
    embedding.forEach((value, i) => bytes.writeFloatLE(value, 4 * i));
    return { label, embedding: bytes.toString('base64') };
  });
  await writeWhole(
    join(directory, examplesName),
    `${JSON.stringify({ formatVersion: 1, ...about, examples: encoded })}\n`,
  );
}
