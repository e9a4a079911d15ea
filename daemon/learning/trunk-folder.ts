/** The folder of an aligned trunk:
 *
 *      trunk.babel       prototype network and concept alignment modules (models/trunk.ts)
 *      trunk.json        what it was made of: its encoders with their checksums, its pairs, and whether those are by time or by label
 *      encoders/NAME/    the frozen encoder, as a tower folder, as it was given
 *      head.onnx         the head that all share, where classes are known; its classes and temperatures are in trunk.json
 *      towers/NAME/      the aligned tower that the gateway runs, where classes are known
 *      curves.json       losses and weights of every step of the last alignment or growth
 *      memory.babel      some encoder outputs of what it learned from, for later growths to hold (memory-file.ts)
 *      examples.json     embeddings of some examples of each class, for `teach` */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { AlignmentCurve } from '../../learning/align.js';
import type { Memory } from '../../learning/memory.js';
import type { SharedHead } from '../../models/aligned-tower.js';
import { ModelError } from '../../models/manifest.js';
import { loadTower, saveTower, sha256 } from '../../models/store.js';
import type { LoadedTower, Tower } from '../../models/store.js';
import { decodeTrunk, encodeTrunk } from '../../models/trunk.js';
import type { Trunk } from '../../models/trunk.js';
import { writeWhole } from '../../models/whole-file.js';
import { decodeMemory, encodeMemory } from './memory-file.js';

const text = z.string().min(1).max(10_000);
const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, 'must be letters, digits, "_" and "-"');
const digest = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits');

const pairs = z.strictObject({
  kind: z.enum(['align', 'grow']),
  /** Of a growth the branch, then the one that it grew through. */
  modalities: z.tuple([name, name]),
  /** Recorded together, or only of the same label. */
  pairing: z.enum(['time', 'label']),
  /** Data set with its subjects, or files of recordings. */
  source: text,
  /** Absent of recordings: whose data it was, as in a tower's manifest. */
  datasets: z.array(z.strictObject({ dataset: text, subjects: z.array(z.number()), terms: text })).optional(),
  windows: z.int().nonnegative(),
  versions: z.int().positive(),
  /** Windows left out, by the reason. */
  leftOut: z.record(z.string(), z.number()).optional(),
});
/** What one alignment or growth learned from. */
export type PairsAbout = z.infer<typeof pairs>;

const schema = z.strictObject({
  formatVersion: z.literal(1),
  sha256: digest,
  encoders: z.record(name, z.strictObject({ sha256: digest })),
  /** Absent: no class is known yet. */
  head: z
    .strictObject({
      sha256: digest,
      classes: z.array(text).min(1).max(10_000),
      temperatures: z.record(name, z.number().positive().max(1e6)),
    })
    .optional(),
  /** Absent: nothing is remembered. */
  memory: z.strictObject({ sha256: digest }).optional(),
  pairs: z.array(pairs),
  seed: z.int(),
  created: text,
  gatewayVersion: text,
});
export type TrunkAbout = Omit<
  z.infer<typeof schema>,
  'formatVersion' | 'sha256' | 'encoders' | 'head' | 'memory' | 'created'
>;

export interface TrunkFolder {
  readonly trunk: Trunk;
  /** By the module's name. */
  readonly encoders: ReadonlyMap<string, Tower>;
  readonly about: TrunkAbout;
  /** Undefined where no class is known yet. */
  readonly head: SharedHead | undefined;
  /** Aligned towers, where they were kept. */
  readonly towers: ReadonlyMap<string, Tower>;
  readonly curves: readonly AlignmentCurve[];
  readonly memory: Memory;
}

const files = {
  ...{ trunk: 'trunk.babel', about: 'trunk.json', curves: 'curves.json' },
  ...{ head: 'head.onnx', memory: 'memory.babel' },
} as const;
const remedy = "name the folder that 'babel-gateway align --output' wrote, or align again";

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new ModelError(`${file} ${code === 'ENOENT' ? 'is missing' : `cannot be read (${message})`}: ${remedy}`, {
      cause: error,
    });
  }
}

/** Runs what reads a file that may come from anybody. */
function reading<Result>(file: string, parse: () => Result): Result {
  try {
    return parse();
  } catch (error) {
    if (error instanceof ModelError) throw error;
    const reason =
      error instanceof z.ZodError
        ? error.issues
            .slice(0, 3)
            .map(({ path, message }) => `${path.join('.') || 'the whole'}: ${message}`)
            .join('; ')
        : (error as Error).message;
    throw new ModelError(`${file}: ${reason}: ${remedy}`, { cause: error });
  }
}

/** @throws ModelError: something is missing or was changed; the message says what to do */
export async function loadTrunkFolder(directory: string): Promise<TrunkFolder> {
  const aboutFile = join(directory, files.about);
  const json = await read(aboutFile);
  const found = reading(aboutFile, () => schema.parse(JSON.parse(json.toString())));
  const trunkFile = join(directory, files.trunk);
  const bytes = await read(trunkFile);
  if (sha256(bytes) !== found.sha256) throw new ModelError(`${trunkFile} was changed or cut off: ${remedy}`);
  const trunk = reading(trunkFile, () => decodeTrunk(bytes));
  const encoders = new Map<string, LoadedTower>();
  const towers = new Map<string, LoadedTower>();
  for (const [module, { sha256: expected }] of Object.entries(found.encoders)) {
    const folder = join(directory, 'encoders', module);
    const encoder = await loadTower(folder);
    if (encoder.manifest.files.encoder.sha256 !== expected || !trunk.modules.has(module))
      throw new ModelError(`${folder} holds another encoder than the one that was aligned: ${remedy}`);
    encoders.set(module, encoder);
    const tower = await loadTower(join(directory, 'towers', module)).catch((error: unknown) => {
      if ((error as { cause?: NodeJS.ErrnoException }).cause?.code === 'ENOENT') return undefined;
      throw error;
    });
    if (tower) towers.set(module, tower);
  }
  const missing = [...trunk.modules.keys()].filter((module) => !encoders.has(module));
  if (missing.length > 0) throw new ModelError(`${aboutFile} names no encoder of ${missing.join(', ')}: ${remedy}`);
  const curves = await readFile(join(directory, files.curves), 'utf8').then(
    (text) => reading(files.curves, () => JSON.parse(text) as AlignmentCurve[]),
    () => [],
  );
  const memory = found.memory ? await loadMemory(directory, found.memory.sha256, trunk) : new Map<string, never>();
  const head = found.head && (await loadHead(directory, found.head));
  const { pairs: made, seed, gatewayVersion } = found;
  return { trunk, encoders, head, towers, curves, memory, about: { pairs: made, seed, gatewayVersion } };
}

async function loadHead(
  directory: string,
  { sha256: expected, classes, temperatures }: NonNullable<z.infer<typeof schema>['head']>,
): Promise<SharedHead> {
  const file = await read(join(directory, files.head));
  if (sha256(file) !== expected)
    throw new ModelError(`${join(directory, files.head)} was changed or cut off: ${remedy}`);
  return { file, classes, temperatures: new Map(Object.entries(temperatures)) };
}

async function loadMemory(directory: string, expected: string, trunk: Trunk): Promise<Memory> {
  const file = join(directory, files.memory);
  const bytes = await read(file);
  if (sha256(bytes) !== expected) throw new ModelError(`${file} was changed or cut off: ${remedy}`);
  return reading(file, () => decodeMemory(bytes, trunk));
}

const write = (directory: string, file: string, bytes: Uint8Array | string): Promise<void> =>
  writeWhole(join(directory, file), bytes);

/** Writes `trunk.json` last, so that a folder that was cut off is told by its checksum. @throws the file system's errors */
export async function saveTrunkFolder(directory: string, folder: TrunkFolder): Promise<void> {
  const { trunk, encoders, head, towers, about, curves, memory } = folder;
  await mkdir(directory, { recursive: true });
  for (const [module, tower] of encoders) await saveTower(join(directory, 'encoders', module), tower);
  for (const module of encoders.keys()) {
    const tower = towers.get(module);
    if (tower) await saveTower(join(directory, 'towers', module), tower);
    // An aligned tower of an earlier trunk would lie in another space.
    else await rm(join(directory, 'towers', module), { recursive: true, force: true });
  }
  const bytes = encodeTrunk(trunk);
  await write(directory, files.trunk, bytes);
  await write(directory, files.curves, JSON.stringify(curves));
  const remembered = memory.size > 0 ? encodeMemory(memory, trunk) : undefined;
  if (remembered) await write(directory, files.memory, remembered);
  else await rm(join(directory, files.memory), { force: true });
  if (head) await write(directory, files.head, head.file);
  else await rm(join(directory, files.head), { force: true });
  const json: z.infer<typeof schema> = {
    formatVersion: 1,
    sha256: sha256(bytes),
    encoders: Object.fromEntries([...encoders].map(([module, { encoder }]) => [module, { sha256: sha256(encoder) }])),
    ...(head && {
      head: {
        sha256: sha256(head.file),
        classes: [...head.classes],
        temperatures: Object.fromEntries(head.temperatures),
      },
    }),
    ...(remembered && { memory: { sha256: sha256(remembered) } }),
    ...about,
    created: new Date().toISOString(),
  };
  await write(directory, files.about, `${JSON.stringify(json, null, 2)}\n`);
}
