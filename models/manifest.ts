import { z } from 'zod';
import { modalities } from '../drivers/frames.js';

/** Something is wrong with a model or with running it; the message says what to do. */
export class ModelError extends Error {
  override name = 'ModelError';
}

/** A file beside the manifest. Only a plain name is taken: manifests come from strangers too, and must reach nothing outside. */
const fileName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'must be a plain file name (letters, digits, ".", "_", "-"; no folders)');

const modelFile = z.strictObject({
  path: fileName,
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits'),
});

const text = z.string().min(1).max(10_000);
const count = z.int().positive().max(1_000_000);

/** What a tower is: one JSON file, `manifest.json`, beside the tower's two ONNX files. */
export const manifestSchema = z.strictObject({
  formatVersion: z.literal(1),
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must be lower-case letters, digits and "-"'),
  modality: z.enum(modalities),
  title: text,
  /** What the encoder reads: [N, samples, …shape], float32. */
  window: z.strictObject({
    /** Samples a second, Hz. */
    rate: z.number().positive().max(1e6),
    samples: count,
    /** Samples from one window's start to the next one's; not whole where windows of several modalities start together. */
    hop: z.number().positive().max(1_000_000),
    /** Name and unit of what lies along the last axis, for instance `acceleration x, m/s²`, or of what every element is. */
    channels: z.array(text).min(1).max(100_000),
    /** Of one sample, where it is not one number a channel: [joints, channels], [rows, columns]. */
    shape: z.array(count).min(1).max(4).optional(),
  }),
  embedding: z.strictObject({
    width: count,
    /** Towers whose space is the same may be fused. */
    space: text,
  }),
  files: z.strictObject({
    /** Window [N, samples, …shape] → embedding [N, width]; N is 1 or left open. */
    encoder: modelFile,
    /** Embedding [N, width] → logits [N, classes]; N is 1 or left open. */
    head: modelFile,
  }),
  /** Labels, in the order of the logits, for instance `wave`. */
  classes: z
    .array(text)
    .min(1)
    .max(10_000)
    .refine((labels) => new Set(labels).size === labels.length, 'names a class twice'),
  /** Logits are divided by it before the softmax (Guo et al., On calibration of modern neural networks, 2017). */
  temperature: z.number().positive().max(1e6).default(1),
  /**
   * Mean negative logarithm (nats) of the right label's probability, after the temperature, on people that it was not trained on: how
   * much its opinion counts beside others' (fusion.ts). Absent: not measured.
   */
  loss: z.number().nonnegative().max(1e6).optional(),
  trainedOn: z.strictObject({
    text,
    datasets: z.array(z.strictObject({ dataset: text, subjects: z.array(z.union([text, z.number()])), terms: text })),
  }),
  /** Measured figures, for instance `{ "accuracy": 0.93 }`; the card beside says how. */
  figures: z.record(z.string(), z.json()),
  seed: z.int(),
  /** ISO 8601. */
  created: z.iso.datetime({ offset: true }),
  gatewayVersion: text,
});

export type Manifest = z.infer<typeof manifestSchema>;

/** Shape of one window, without the batch axis. */
export function windowShape({ window }: Pick<Manifest, 'window'>): number[] {
  return [window.samples, ...(window.shape ?? [window.channels.length])];
}

/** The numbers in one window. */
export function windowLength(manifest: Pick<Manifest, 'window'>): number {
  return windowShape(manifest).reduce((product, size) => product * size, 1);
}

/**
 * A manifest from the text of its file.
 * @param source the file, as messages name it
 * @throws ModelError that names each wrong field
 */
export function parseManifest(json: string, source: string): Manifest {
  const remedy = 'restore it (git checkout) or train the tower again (babel-gateway pretrain)';
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new ModelError(`${source} is no JSON (${(error as Error).message}): ${remedy}`, { cause: error });
  }
  const result = manifestSchema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message }) => `${path.join('.') || 'the whole'}: ${message}`);
  const shown = issues.length > 5 ? [...issues.slice(0, 5), `and ${issues.length - 5} more`] : issues;
  throw new ModelError(`${source} is no tower manifest (${shown.join('; ')}): ${remedy}`);
}
