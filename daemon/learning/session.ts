/** What the learning commands share: progress on standard error, and Ctrl-C, after which the same command goes on. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Progress } from '../../learning/train.js';
import { createProgress } from '../commands/progress.js';

export interface LearningSession {
  readonly onProgress: (stage: string, progress: Progress) => void;
  readonly onWarning: (text: string) => void;
  readonly signal: AbortSignal;
}

/** @throws what `work` throws; Error with one line if it was interrupted */
export async function withSession<Result>(work: (session: LearningSession) => Promise<Result>): Promise<Result> {
  const progress = createProgress();
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const told = new Set<string>();
  try {
    return await work({
      onProgress: (stage, step) => progress.update(stage, step),
      onWarning(text) {
        if (told.has(text)) return;
        told.add(text);
        progress.end();
        console.error(text);
      },
      signal: interrupted.signal,
    });
  } finally {
    progress.end();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

/** The file that an interrupted learning is gone on from. */
export function checkpointIn(folder: string, name: string): string {
  mkdirSync(folder, { recursive: true });
  return join(folder, name);
}

/** For JSON: four places are more than any figure here is worth. */
export const rounded = (value: number): number => Math.round(value * 1e4) / 1e4;
