/**
 * Alignment of modalities with each other on cached outputs of their frozen encoders (Dai et al., 'Babel', SenSys 2025): their concept
 * alignment modules and the prototype network learn.
 */
import { alignmentDefaults, conceptPrefix, prototypePrefix } from '../models/alignment.js';
import { moduleOf } from '../models/trunk.js';
import type { ConceptModule, Trunk, TrunkEvent } from '../models/trunk.js';
import type { Weights } from '../models/weights.js';
import { AlignmentError, createBatches, digestOf, prepareAlone, prepareSet, standardisation } from './align-data.js';
import type { AlignmentSet, PreparedSet } from './align-data.js';
import { alignmentOutputs, alignmentStep } from './align-step.js';
import type { AlignmentStepOptions } from './align-step.js';
import { initialWeights } from './imu-tower.js';
import { createRandom, mixSeeds } from './random.js';
import { train } from './train.js';
import type { Progress } from './train.js';

export interface AlignOptions {
  readonly seed: number;
  /** Default 2. */
  readonly threads?: number | undefined;
  /** Passes over the longest set. */
  readonly epochs?: number | undefined;
  /** Of each set; fewer where a set has fewer recordings. */
  readonly batch?: number | undefined;
  /** Highest rate; warm-up and half a cosine, see `train`. */
  readonly learningRate?: number | undefined;
  readonly weightDecay?: number | undefined;
  /** τ */
  readonly temperature?: number | undefined;
  /** Weights of the directions by their gradients (default), or ½ each. */
  readonly adaptive?: boolean | undefined;
  /** Share of the old value in the running average of the weights, which is the result; default 0, the last weights. */
  readonly averaging?: number | undefined;
  /** Share of the encoder outputs that are dropped in each row while learning, default 0. */
  readonly dropout?: number | undefined;
  readonly checkpoint?: string | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface NewTrunkOptions extends AlignOptions {
  /** Width of the embedding, default 512; with `from`, the trunk's. */
  readonly width?: number | undefined;
  /** Width of the hidden layers, default 256; with `from`, the trunk's. */
  readonly hidden?: number | undefined;
  /** Whether there is a prototype network (default). */
  readonly prototype?: boolean | undefined;
  /** A trunk to go on from; its modules and prototype network go on learning. */
  readonly from?: Trunk | undefined;
}

/** What the authors' code uses. */
export const alignDefaults = {
  epochs: 500,
  batch: 256,
  learningRate: 1e-4,
  weightDecay: 1e-4,
  temperature: 0.07,
} as const;

/** How the losses and weights of one pair of modalities went, step by step. Steps before an interruption are not in it. */
export interface AlignmentCurve {
  /** α and β. */
  readonly modalities: readonly [string, string];
  readonly steps: number[];
  readonly lossAb: number[];
  readonly lossBa: number[];
  readonly weightAb: number[];
  readonly weightBa: number[];
}

export interface Aligned {
  readonly trunk: Trunk;
  readonly curves: readonly AlignmentCurve[];
}

/** A modality that stays near what it was. */
export interface Held {
  readonly modality: string;
  /** Of its distance, in the loss. */
  readonly weight: number;
  /** From before, [rows, width of the trunk]. */
  readonly embeddings: Float32Array;
}

/** What growth adds to an alignment. */
export interface Growing {
  /** Share of its update that the prototype network takes. */
  readonly prototypeShare: number;
  /** In set 0; rows are versions · count. */
  readonly taught?: Held | undefined;
  /** Where there are no pairs: encoder outputs [rows, inputs] of modalities of the trunk. */
  readonly remembered?: readonly (Held & { readonly outputs: Float32Array })[] | undefined;
}

const before = (weights: Weights | undefined, prefix: string): [string, Float32Array][] =>
  [...(weights ?? [])].map(([name, values]) => [`${prefix}.${name}`, values]);

const after = (weights: Weights, prefix: string): Weights =>
  new Map(
    [...weights]
      .filter(([name]) => name.startsWith(`${prefix}.`))
      .map(([name, values]) => [name.slice(prefix.length + 1), values]),
  );

/** Each modality's standardisation: the trunk's own where it has it, else that of the recordings here, without augmented copies. */
function standards(sets: readonly PreparedSet[], from: Trunk | undefined) {
  const data = new Map<string, { width: number; rows: Float32Array[] }>();
  for (const { count, modalities } of sets)
    for (const { modality, width, data: outputs } of modalities) {
      const found = data.get(modality) ?? { width, rows: [] };
      const known = from?.modules.get(modality)?.inputs ?? found.width;
      if (width !== found.width || width !== known)
        throw new AlignmentError(`${modality}: encoder outputs ${width} wide, but ${known} elsewhere`);
      found.rows.push(outputs.subarray(0, count * width));
      data.set(modality, found);
    }
  return new Map(
    [...data].map(([modality, { width, rows }]) => {
      const { mean, scale } = from?.modules.get(modality) ?? standardisation(width, rows);
      return [modality, { inputs: width, mean, scale }];
    }),
  );
}

/** Alignment and growth are the same but for what `growing` adds. */
export async function learn(
  given: readonly AlignmentSet[],
  options: NewTrunkOptions,
  event: Pick<TrunkEvent, 'kind' | 'modalities'>,
  { prototypeShare, taught, remembered = [] }: Growing = { prototypeShare: 1 },
): Promise<Aligned> {
  const {
    seed,
    threads = 2,
    from,
    adaptive = true,
    averaging = 0,
    dropout = 0,
    checkpoint,
    onProgress,
    signal,
  } = options;
  const { epochs, batch, learningRate, weightDecay, temperature } = {
    ...alignDefaults,
    ...Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
  };
  const width = from?.width ?? options.width ?? alignmentDefaults.width;
  const hidden = from?.hidden ?? options.hidden ?? alignmentDefaults.hidden;
  const prototype = from ? from.prototype !== undefined : (options.prototype ?? true);
  if (given.length === 0) throw new AlignmentError('nothing to align: no set of recordings');
  const paired = given.map(prepareSet);
  const sets = [
    ...paired,
    ...remembered.map(({ modality, outputs }) => prepareAlone(modality, outputs, moduleOf(from!, modality).inputs)),
  ];
  const held = [taught, ...paired.slice(1).map(() => undefined), ...remembered];
  const scales = standards(sets, from);
  const stepSets = sets.map(({ count, modalities, groups }, index) => ({
    batch: Math.min(batch, count),
    modalities: modalities.map(({ modality, width: inputs }) => ({ modality, width: inputs })),
    grouped: groups !== undefined,
    taught: held[index] && { modality: held[index].modality, weight: held[index].weight },
  }));
  const known = new Map([
    ...before(from?.prototype, prototypePrefix),
    ...[...(from?.modules ?? [])].flatMap(([modality, { weights }]) => before(weights, conceptPrefix(modality))),
  ]);
  const step: AlignmentStepOptions = {
    ...{ width, hidden, temperature, adaptive, prototype, weightDecay, prototypeShare },
  };
  const { training, pairs } = alignmentStep(initialWeights(createRandom(mixSeeds(seed, 12)), known), stepSets, step);
  const batches = sets.map((set, index) =>
    createBatches(set, index, scales, {
      batch: stepSets[index]!.batch,
      seed,
      dropout,
      teacher: held[index] && { width, data: held[index].embeddings },
    }),
  );
  const steps = epochs * Math.max(...batches.slice(0, paired.length).map(({ stepsPerEpoch }) => stepsPerEpoch));
  const curves = pairs.map((modalities): AlignmentCurve => ({
    modalities,
    ...{ steps: [], lossAb: [], lossBa: [], weightAb: [], weightBa: [] },
  }));
  const weights = await train({
    training,
    ...{ statistics: [], steps, learningRate, averaging, threads, checkpoint, onProgress, signal },
    feeds: (now) => Object.assign({}, ...batches.map(({ feeds }) => feeds(now))) as Record<string, Float32Array>,
    fingerprint: JSON.stringify({
      ...{ step, stepSets, seed, steps, learningRate, averaging, dropout, event },
      data: digestOf(sets),
      start: digestOfWeights(known),
    }),
    onStep: (now, { outputs }) => {
      for (const [i, curve] of curves.entries()) {
        curve.steps.push(now);
        for (const name of alignmentOutputs) curve[name].push(Number(outputs[name]![i]));
      }
    },
  });

  const learned = [...scales].map(([modality, standard]): [string, ConceptModule] => [
    modality,
    { ...standard, weights: after(weights, conceptPrefix(modality)) },
  ]);
  const trunk: Trunk = {
    width,
    hidden,
    prototype: prototype ? after(weights, prototypePrefix) : undefined,
    modules: new Map([...(from?.modules ?? []), ...learned]),
    history: [
      ...(from?.history ?? []),
      {
        ...event,
        counts: paired.map(({ count }) => count),
        pairings: paired.map(({ pairing }) => pairing),
        epochs,
        seed,
      },
    ],
  };
  return { trunk, curves };
}

function digestOfWeights(weights: Weights): number {
  let mixed = weights.size;
  for (const values of weights.values())
    for (const bits of new Uint32Array(values.slice().buffer)) mixed = Math.imul(mixed ^ bits, 0x9e3779b1) >>> 0;
  return mixed;
}

/**
 * Aligns modalities. Each step takes a batch of every set and adds up the losses of every two modalities of each: one set of two
 * modalities is Babel's alignment of a pair; several sets are several pairs at once; a set of three or more is joint training on complete recordings.
 * @throws AlignmentError where the data cannot be used; Error if the loss is not finite or it was aborted (a checkpoint is kept)
 */
export async function align(sets: readonly AlignmentSet[], options: NewTrunkOptions): Promise<Aligned> {
  const modalities = [...new Set(sets.flatMap(({ outputs }) => Object.keys(outputs)))];
  return learn(sets, options, { kind: 'align', modalities });
}
