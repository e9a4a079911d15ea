/** What an evaluation suite is asked, and what it answers. */
import type { Progress } from '../train.js';

export interface SuiteRequest {
  /** Folder of the recordings, or the one that holds the data set's. */
  readonly data: string;
  readonly seeds: readonly number[];
  /** Subjects, where the data set has any; absent: the protocol's. */
  readonly train?: readonly number[] | undefined;
  readonly test?: readonly number[] | undefined;
  readonly threads: number;
  /** Passes over the training part; absent: the recipe's. */
  readonly epochs?: number | undefined;
  /** Folder for trained weights and encoder outputs: an interrupted run goes on from there, a finished one is quick. */
  readonly cache?: string | undefined;
  readonly onProgress?: ((stage: string, progress: Progress) => void) | undefined;
  readonly onWarning?: ((text: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One figure. */
export interface SuiteLine {
  readonly suite: string;
  readonly case: string;
  readonly metric: string;
  /** Mean over the seeds; accuracies are fractions. */
  readonly value: number;
  /** Standard deviation over the seeds, divided by their number less one; 0 of a single seed. */
  readonly spread: number;
  readonly seeds: number;
}

/** @param values of each seed */
export function lineOf(suite: string, name: string, metric: string, values: readonly number[]): SuiteLine {
  // From the first one on, so that the mean of equal values is that value.
  const first = values[0]!;
  const value = first + values.reduce((sum, each) => sum + (each - first), 0) / values.length;
  const squares = values.reduce((sum, each) => sum + (each - value) ** 2, 0);
  const spread = Math.sqrt(squares / Math.max(1, values.length - 1));
  return { suite, case: name, metric, value, spread, seeds: values.length };
}

/** Place of the largest of `probabilities` [rows, classes] in one row. */
export function likeliest(probabilities: Float32Array, row: number, classes: number): number {
  let best = 0;
  for (let i = 1; i < classes; i++)
    if (probabilities[row * classes + i]! > probabilities[row * classes + best]!) best = i;
  return best;
}
