/** Windows of a data set, of one sensor or of several at the same moments. */
import type { UnreadableFile } from '../../../learning/datasets/dataset.js';

export interface SourceRow {
  /** Name of the recording. */
  readonly recording: string;
  readonly subject?: number | undefined;
  readonly label: string;
  /** Windows of one recording have the same number. */
  readonly group: number;
}

export interface WindowSource {
  /** Data set and subjects, for people. */
  readonly title: string;
  readonly dataset: string;
  readonly terms: string;
  readonly names: readonly string[];
  readonly rows: readonly SourceRow[];
  readonly unreadable: readonly UnreadableFile[];
  /** Tells this data from other data. */
  readonly digest: string;
  /**
   * Writes one window of each name, all of the same moment.
   * @param version 0: as recorded; others: changed at random, alike for all names
   */
  write(row: number, version: number, out: Readonly<Record<string, Float32Array>>): void;
}

export interface SourceRequest {
  /** Folder of the data set, or the one that holds it. */
  readonly data: string;
  readonly names: readonly string[];
  readonly subjects?: readonly number[] | undefined;
  readonly seed: number;
  /** Folder for features that take long to make. */
  readonly cache?: string | undefined;
  readonly onProgress?: ((stage: string, done: number, of: number) => void) | undefined;
}
