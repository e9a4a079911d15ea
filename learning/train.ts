/** The training loop: learning rate schedule, averaged weights, checkpoints. What is trained is the caller's graph. */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import type { TensorData } from '../models/onnx.js';
import type { BatchStatistics } from '../models/layers.js';
import type { Weights } from '../models/weights.js';
import type { TrainingStep } from './adamw.js';
import { createTrainer } from './trainer.js';
import type { StepResult, TrainingState } from './trainer.js';

export interface Progress {
  readonly step: number;
  readonly steps: number;
  /** Average over the last steps. */
  readonly loss: number;
}

export interface TrainOptions {
  /** The step; its extra outputs are the statistics' means and variances, as `statisticsOutputs` names them. */
  readonly training: TrainingStep;
  /** Names of the batch normalisation layers. */
  readonly statistics: readonly string[];
  readonly steps: number;
  /** Highest learning rate: linear warm-up over 5 % of the steps, then half a cosine to zero. */
  readonly learningRate: number;
  /** Share of the old value in each step's running average of the weights; 0: the last weights are the result. */
  readonly averaging: number;
  /** The network's inputs for a step; must depend on nothing but the step, so that an interrupted training goes on as it would have. */
  readonly feeds: (step: number) => Readonly<Record<string, TensorData>>;
  readonly threads: number;
  /** File to go on from and to keep the state in; removed by the caller when all is done. */
  readonly checkpoint?: string | undefined;
  /** What the training depends on; a checkpoint of another one is not gone on from. */
  readonly fingerprint: string;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** What each step gave, with the step's extra outputs; a resumed training tells only of the steps that it does itself. */
  readonly onStep?: ((step: number, result: StepResult) => void) | undefined;
  /** Aborting keeps a checkpoint and rejects. */
  readonly signal?: AbortSignal | undefined;
}

interface Checkpoint {
  readonly fingerprint: string;
  readonly state: TrainingState;
  readonly average: Float32Array;
  readonly running: Map<string, Float32Array>;
}

const checkpointPeriod = 15_000;
/** Share of the old value in the running statistics of a batch normalisation. */
const statisticsMomentum = 0.9;

/** The extra outputs that `train` needs of a graph with batch normalisation. */
export function statisticsOutputs(statistics: readonly BatchStatistics[]) {
  return Object.fromEntries(
    statistics.flatMap(({ name, mean, variance }) => [
      [`${name}.mean`, mean],
      [`${name}.variance`, variance],
    ]),
  );
}

export function readCheckpoint(file: string, fingerprint: string): Checkpoint | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const found = deserialize(readFileSync(file)) as Checkpoint;
    return found.fingerprint === fingerprint ? found : undefined;
  } catch {
    // Cut off or of another version: the training starts anew.
    return undefined;
  }
}

function writeCheckpoint(file: string, checkpoint: Checkpoint): void {
  writeFileSync(`${file}.new`, serialize(checkpoint));
  renameSync(`${file}.new`, file);
}

function blend(into: Float32Array, from: ArrayLike<number>, kept: number): void {
  for (let i = 0; i < into.length; i++) into[i] = kept * into[i]! + (1 - kept) * from[i]!;
}

/**
 * @returns the averaged weights and running statistics, by name
 * @throws Error if the loss is not finite, or if it was aborted
 */
export async function train(options: TrainOptions): Promise<Weights> {
  const { training, statistics, steps, learningRate, averaging, feeds, threads, checkpoint, fingerprint } = options;
  const trainer = await createTrainer(training, { threads });
  const outputs = statistics.flatMap((name) => [`${name}.mean`, `${name}.variance`]);
  let average = Float32Array.from(training.initial);
  let running = new Map<string, Float32Array>();
  let first = 0;
  let loss = NaN;

  const found = checkpoint && readCheckpoint(checkpoint, fingerprint);
  if (found) {
    trainer.restore(found.state);
    average = Float32Array.from(found.average);
    running = found.running;
    first = found.state.step;
  }
  const keep = () => {
    if (checkpoint) writeCheckpoint(checkpoint, { fingerprint, state: trainer.state(), average, running });
  };

  let kept = Date.now();
  const warmUp = Math.max(1, 0.05 * steps);
  for (let step = first; step < steps; step++) {
    const rate = learningRate * Math.min(1, (step + 1) / warmUp) * 0.5 * (1 + Math.cos((Math.PI * step) / steps));
    const result = await trainer.step(feeds(step), rate);
    if (averaging > 0) blend(average, trainer.packed(), Math.min(averaging, (step + 1) / (step + 10)));
    options.onStep?.(step, result);
    for (const name of outputs) {
      const batch = result.outputs[name] as Float32Array;
      const values = running.get(name);
      if (values) blend(values, batch, statisticsMomentum);
      else running.set(name, Float32Array.from(batch));
    }
    loss = Number.isNaN(loss) ? result.loss : 0.95 * loss + 0.05 * result.loss;
    options.onProgress?.({ step: step + 1, steps, loss });
    if (options.signal?.aborted) {
      keep();
      throw new Error('interrupted; the same command goes on from the checkpoint');
    }
    if (Date.now() - kept > checkpointPeriod) {
      keep();
      kept = Date.now();
    }
  }
  if (averaging === 0) average = Float32Array.from(trainer.packed());
  keep();
  await trainer.release();

  const weights = new Map(running);
  for (const { name, offset, length } of training.packing) weights.set(name, average.slice(offset, offset + length));
  return weights;
}

/** Forgets a finished training's state. */
export function removeCheckpoint(file: string): void {
  rmSync(file, { force: true });
}
