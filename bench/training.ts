/** One training step of the IMU tower beside the same network in PyTorch, in turn, in one run, with the same number of threads. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from '../daemon/package-root.js';
import { fineTuningStep, initialWeights } from '../learning/imu-tower.js';
import { createRandom } from '../learning/random.js';
import { createTrainer } from '../learning/trainer.js';
import { percentile } from './statistics.js';

const python = '/usr/bin/python3';
const batch = 64;
const classes = 27;

interface Options {
  json: boolean;
  threads: number;
  steps: number;
}

/** PyTorch in a process of its own, which does one step each time that it is asked, and tells its milliseconds. */
async function startPyTorch(threads: number) {
  if (!existsSync(python)) throw new Error(`no ${python}; sudo apt install python3 python3-torch`);
  // The peer must run as fast as it can: on the kernel that its library chooses for this processor.
  const { OPENBLAS_CORETYPE: _type, OPENBLAS_L2_SIZE: _size, ...environment } = process.env;
  const child = spawn(python, [join(packageRoot, 'bench', 'training.py'), String(threads), String(batch)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...environment, OMP_NUM_THREADS: String(threads), OPENBLAS_NUM_THREADS: String(threads) },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async () => {
    const { value, done } = (await lines.next()) as { value: string; done?: boolean };
    if (done) throw new Error('PyTorch ended; sudo apt install python3-torch');
    return JSON.parse(value) as { parameters?: number; version?: string; milliseconds?: number };
  };
  const { parameters, version } = await read();
  return {
    parameters,
    version,
    step: async () => {
      child.stdin.write('step\n');
      return (await read()).milliseconds!;
    },
    close: async () => {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}

export async function training({ json, threads, steps }: Options): Promise<void> {
  const random = createRandom(0);
  const { training: step } = fineTuningStep(initialWeights(random), classes, batch);
  const trainer = await createTrainer(step, { threads });
  const feeds = Object.fromEntries(
    step.inputs.map(({ name, shape }) => {
      const size = (shape as number[]).reduce((product, length) => product * length, 1);
      return [name, Float32Array.from({ length: size }, () => (name === 'targets' ? 1 / classes : random.normal()))];
    }),
  );
  const pytorch = await startPyTorch(threads);
  if (pytorch.parameters !== step.initial.length)
    throw new Error(
      `PyTorch's network has ${pytorch.parameters} parameters, ours ${step.initial.length}: not the same`,
    );

  const ours: number[] = [];
  const theirs: number[] = [];
  for (let i = -5; i < steps; i++) {
    const begin = performance.now();
    await trainer.step(feeds, 1e-3);
    const own = performance.now() - begin;
    const other = await pytorch.step();
    if (i < 0) continue; // warm-up
    ours.push(own);
    theirs.push(other);
  }
  await pytorch.close();
  await trainer.release();
  const result = {
    bench: 'training',
    batch,
    threads,
    parameters: step.initial.length,
    pytorch: pytorch.version,
    stepMs: percentile(ours, 0.5),
    pytorchStepMs: percentile(theirs, 0.5),
    ratioToPyTorch: Number((percentile(theirs, 0.5) / percentile(ours, 0.5)).toFixed(2)),
  };
  console.log(json ? JSON.stringify(result) : result);
}
