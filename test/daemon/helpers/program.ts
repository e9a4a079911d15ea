/** `babel-gateway` as users run it, a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Test } from 'tap';
import { packageRoot } from '../../../daemon/package-root.js';

const program = join(packageRoot, 'bin', 'babel-gateway.js');

/** Starts it with these arguments, its output kept. */
export function start(t: Pick<Test, 'teardown'>, args: readonly string[], options: { cwd?: string } = {}) {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (text) => (output.stdout += String(text)));
  child.stderr.on('data', (text) => (output.stderr += String(text)));
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  t.teardown(() => child.kill('SIGKILL'));
  return { child, output, ended };
}

/** Runs it to its end. */
export async function run(t: Pick<Test, 'teardown'>, args: readonly string[], options: { cwd?: string } = {}) {
  const { output, ended } = start(t, args, options);
  const [status] = await ended;
  return { status, ...output };
}
