/**
 * `memory.babel`: what a trunk remembers of what it learned from, as one file: a line that says what it is, a line of JSON (rows of each part
 * of each modality), then all float32 values, little-endian, in the order of the JSON.
 */
import { z } from 'zod';
import type { Memory } from '../../learning/memory.js';
import type { Trunk } from '../../models/trunk.js';

const magic = 'babel-memory 1\n';

const header = z
  .array(
    z.strictObject({
      modality: z.string().min(1).max(64),
      inputs: z.int().positive().max(100_000),
      parts: z.array(z.int().positive().max(1_000_000)).min(1).max(10_000),
    }),
  )
  .max(1_000);

/** @param trunk that has each of the memory's modalities */
export function encodeMemory(memory: Memory, { modules }: Pick<Trunk, 'modules'>): Uint8Array {
  const about: z.infer<typeof header> = [...memory].map(([modality, parts]) => {
    const { inputs } = modules.get(modality)!;
    return { modality, inputs, parts: parts.map(({ length }) => length / inputs) };
  });
  const text = new TextEncoder().encode(`${magic}${JSON.stringify(about)}\n`);
  const all = [...memory.values()].flat();
  const bytes = new Uint8Array(text.length + 4 * all.reduce((sum, { length }) => sum + length, 0));
  bytes.set(text);
  const view = new DataView(bytes.buffer);
  let offset = text.length;
  for (const part of all) for (const value of part) view.setFloat32((offset += 4) - 4, value, true);
  return bytes;
}

/** @throws Error if the bytes are no memory of this trunk, are cut off, or hold what is no number */
export function decodeMemory(bytes: Uint8Array, { modules }: Pick<Trunk, 'modules'>): Memory {
  const end = bytes.indexOf(0x0a, magic.length);
  if (new TextDecoder().decode(bytes.subarray(0, magic.length)) !== magic || end < 0)
    throw new Error("this is no file of a trunk's memory (version 1)");
  const about = header.parse(JSON.parse(new TextDecoder().decode(bytes.subarray(magic.length, end))));
  const values = about.reduce(
    (sum, { inputs, parts }) => sum + inputs * parts.reduce((rows, more) => rows + more, 0),
    0,
  );
  if (bytes.length !== end + 1 + 4 * values) throw new Error('it was cut off, or something was added');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = end + 1;
  const memory = new Map<string, readonly Float32Array[]>();
  for (const { modality, inputs, parts } of about) {
    if (modules.get(modality)?.inputs !== inputs || memory.has(modality))
      throw new Error(`it remembers ${modality}, ${inputs} wide, which the trunk does not have so`);
    const read = parts.map((rows) =>
      Float32Array.from({ length: rows * inputs }, () => view.getFloat32((offset += 4) - 4, true)),
    );
    if (!read.every((part) => part.every(Number.isFinite)))
      throw new Error(`it holds a value of ${modality} that is no number`);
    memory.set(modality, read);
  }
  return memory;
}
