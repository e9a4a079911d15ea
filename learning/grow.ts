/**
 * Growth of an aligned trunk by a branch modality (Dai et al., 'Babel', SenSys 2025, 3.2), on recordings of just the branch and a connecting
 * modality that is in the trunk.
 *
 * The concept alignment modules of both learn. The prototype network, through which all that was aligned goes, moves slowly: after each update
 * θ′ of the optimiser it is the moving average μ θ + (1 − μ) θ′. And the trunk from before the growth teaches: the connecting modality's
 * embeddings are held near those that it had, by 1 − cosine, so that the modalities aligned to it earlier still meet it there.
 * That holds it where the growth's recordings are. What was learned from others before (memory.ts) is held there in the same way, without pairs:
 * the module of each remembered modality makes up for what moves in the prototype network.
 * The authors' published code has neither (its momentum, 0.996, is a setting that nothing reads); both are from the paper's text.
 */
import { moduleOf } from '../models/trunk.js';
import type { Trunk } from '../models/trunk.js';
import { AlignmentError } from './align-data.js';
import type { AlignmentSet } from './align-data.js';
import { learn } from './align.js';
import type { Aligned, AlignOptions } from './align.js';
import { embed } from './embed.js';

export interface GrowOptions extends AlignOptions {
  /** The new modality, or one to be grown again. */
  readonly branch: string;
  /** The modality of the trunk that it grows through. */
  readonly via: string;
  /** Moving average and distillation (default); without, the prototype network learns like the rest. */
  readonly protect?: boolean | undefined;
  /** μ of the prototype network's moving average. */
  readonly momentum?: number | undefined;
  /** Weight of the connecting modality's distillation, on the growth's recordings. */
  readonly distillation?: number | undefined;
  /** What the trunk learned from earlier, to be held too. */
  readonly remembered?: readonly RememberedRows[] | undefined;
  /** Weight of each remembered modality's distillation. */
  readonly holding?: number | undefined;
}

/** Encoder outputs [rows, inputs] of a modality in the trunk. */
export interface RememberedRows {
  readonly modality: string;
  readonly outputs: Float32Array;
}

/** Fewer epochs at a higher rate than an alignment's: a growth starts from a trunk that is aligned, and is run on the edge. */
export const growDefaults = { epochs: 100, learningRate: 1e-3, momentum: 0.99, distillation: 4, holding: 16 } as const;

/**
 * @param set recordings of the branch and the connecting modality, and of no other
 * @returns the trunk with the branch; the one given stays as it was
 * @throws AlignmentError where the data cannot be used; Error if the connecting modality is not in the trunk, or as `align`
 */
export async function grow(trunk: Trunk, set: AlignmentSet, options: GrowOptions): Promise<Aligned> {
  const { branch, via, protect = true } = options;
  const names = Object.keys(set.outputs);
  if (branch === via || names.length !== 2 || !names.includes(branch) || !names.includes(via))
    throw new AlignmentError(`a growth of ${branch} through ${via} needs just these two, not ${names.join(', ')}`);
  moduleOf(trunk, via);
  const outputs = { [branch]: set.outputs[branch]!, [via]: set.outputs[via]! };
  const { distillation = growDefaults.distillation, holding = growDefaults.holding } = options;
  const hold = async (modality: string, rows: Float32Array, weight: number) => ({
    ...{ modality, weight, outputs: rows },
    embeddings: await embed(trunk, modality, rows, options),
  });
  const taught = protect && distillation > 0 ? await hold(via, outputs[via]!, distillation) : undefined;
  const remembered: Awaited<ReturnType<typeof hold>>[] = [];
  if (protect && holding > 0)
    for (const one of options.remembered ?? []) remembered.push(await hold(one.modality, one.outputs, holding));
  return learn(
    [{ ...set, outputs }],
    {
      ...options,
      epochs: options.epochs ?? growDefaults.epochs,
      learningRate: options.learningRate ?? growDefaults.learningRate,
      from: trunk,
    },
    { kind: 'grow', modalities: [branch, via] },
    { prototypeShare: protect ? 1 - (options.momentum ?? growDefaults.momentum) : 1, taught, remembered },
  );
}
