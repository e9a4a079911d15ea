/** What `doctor` says of one thing, and the means that its checks share. */
import { spawn } from 'node:child_process';

export interface Finding {
  /** What was looked at, for instance `sensor wrist`. */
  readonly about: string;
  /** `note`: it works, and there is something to know. */
  readonly state: 'ok' | 'note' | 'problem';
  /** What was found; for a problem, with what to do. */
  readonly text: string;
}

export const ok = (about: string, text: string): Finding => ({ about, state: 'ok', text });
export const note = (about: string, text: string): Finding => ({ about, state: 'note', text });
export const problem = (about: string, error: unknown): Finding => ({
  about,
  state: 'problem',
  text: error instanceof Error ? error.message : String(error),
});

/** Waits for `work`, but not longer than `seconds`. @throws Error that says `late` then; whatever `work` throws */
export async function within<T>(seconds: number, late: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${late} within ${seconds} s`)), seconds * 1000);
  });
  return Promise.race([work, enough]).finally(() => clearTimeout(timer));
}

const programPatience = 5; // seconds

/** @returns what a program prints, with its exit status; undefined if there is no such program */
export function output(
  program: string,
  options: readonly string[],
): Promise<{ status: number | null; text: string } | undefined> {
  return new Promise((resolve) => {
    const child = spawn(program, options, { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (words) => (text += String(words)));
    const timer = setTimeout(() => child.kill('SIGKILL'), programPatience * 1000);
    child.on('error', () => {
      clearTimeout(timer);
      resolve(undefined);
    });
    child.on('close', (status) => {
      clearTimeout(timer);
      resolve({ status, text: text.trim() });
    });
  });
}
