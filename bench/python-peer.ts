/** A peer in Python, in a process of its own, which does one step each time that it is asked, and tells its milliseconds. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from '../daemon/package-root.js';

const python = '/usr/bin/python3';

/**
 * @param script file in `bench/`; its first line of JSON describes it, each further one answers a step with `milliseconds`
 * @throws Error if there is no Python or no PyTorch
 */
export async function startPythonPeer<Description>(script: string, given: readonly number[], threads: number) {
  if (!existsSync(python)) throw new Error(`no ${python}; sudo apt install python3 python3-torch`);
  // The peer must run as fast as it can: on the kernel that its library chooses for this processor.
  const { OPENBLAS_CORETYPE: _type, OPENBLAS_L2_SIZE: _size, ...environment } = process.env;
  const child = spawn(python, [join(packageRoot, 'bench', script), ...given.map(String)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...environment, OMP_NUM_THREADS: String(threads), OPENBLAS_NUM_THREADS: String(threads) },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async <Answer>(): Promise<Answer> => {
    const { value, done } = (await lines.next()) as { value: string; done?: boolean };
    if (done) throw new Error(`${script} ended; sudo apt install python3-torch`);
    return JSON.parse(value) as Answer;
  };
  const description = await read<Description>();
  return {
    description,
    step: async () => {
      child.stdin.write('step\n');
      return (await read<{ milliseconds: number }>()).milliseconds;
    },
    close: async () => {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}
