/**
 * One step of alignment with adaptive weights beside the same step in PyTorch, in turn, in one run, with the same number of threads; and
 * the time of one whole growth. What is fed is random numbers: the time of a step does not depend on them.
 */
import { align } from '../learning/align.js';
import { alignmentStep } from '../learning/align-step.js';
import { alignmentDefaults } from '../models/alignment.js';
import { grow, growDefaults } from '../learning/grow.js';
import { initialWeights } from '../learning/imu-tower.js';
import { createRandom } from '../learning/random.js';
import { createTrainer } from '../learning/trainer.js';
import { startPythonPeer } from './python-peer.js';
import { percentile } from './statistics.js';

const batch = 256;
/** Widths of the IMU tower's encoder output and of a smaller one. */
const inputs = { imu: 576, skeleton: 256 };
const pairs = 5000;

interface Options {
  json: boolean;
  threads: number;
  steps: number;
}

function numbers(length: number): Float32Array {
  const random = createRandom(length);
  return Float32Array.from({ length }, () => random.normal());
}

async function stepTimes(threads: number, steps: number) {
  const { width, hidden } = alignmentDefaults;
  const modalities = Object.entries(inputs).map(([modality, inputWidth]) => ({ modality, width: inputWidth }));
  const { training } = alignmentStep(initialWeights(createRandom(0)), [{ batch, modalities, grouped: false }], {
    width,
    hidden,
    temperature: 0.07,
    adaptive: true,
    prototype: true,
    weightDecay: 1e-4,
    prototypeShare: 1,
  });
  const trainer = await createTrainer(training, { threads });
  const feeds = Object.fromEntries(
    training.inputs.map(({ name, shape }) => [name, numbers((shape as number[]).reduce((a, b) => a * b, 1))]),
  );
  const peer = await startPythonPeer<{ parameters: number; version: string; optimiser: string }>(
    'alignment.py',
    [threads, batch, width, hidden, ...Object.values(inputs)],
    threads,
  );
  const { parameters, version, optimiser } = peer.description;
  if (parameters !== training.initial.length)
    throw new Error(`PyTorch's network has ${parameters} parameters, ours ${training.initial.length}: not the same`);
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let i = -5; i < steps; i++) {
    const begin = performance.now();
    await trainer.step(feeds, 1e-4);
    const own = performance.now() - begin;
    const other = await peer.step();
    if (i < 0) continue; // warm-up
    ours.push(own);
    theirs.push(other);
  }
  await peer.close();
  await trainer.release();
  return {
    parameters,
    pytorch: version,
    pytorchOptimiser: optimiser,
    stepMs: percentile(ours, 0.5),
    pytorchStepMs: percentile(theirs, 0.5),
    ratioToPyTorch: Number((percentile(theirs, 0.5) / percentile(ours, 0.5)).toFixed(2)),
  };
}

/** One growth with its defaults, from reading cached outputs to the new trunk. */
async function growthSeconds(threads: number): Promise<number> {
  const of = (count: number, names: readonly (keyof typeof inputs)[]) =>
    Object.fromEntries(names.map((name) => [name, numbers(count * inputs[name])]));
  const start = { count: batch, outputs: { ...of(batch, ['skeleton']), other: numbers(batch * 64) } };
  const { trunk } = await align([start], { seed: 0, epochs: 1, threads });
  const begin = performance.now();
  const set = { count: pairs, outputs: of(pairs, ['imu', 'skeleton']) };
  await grow(trunk, set, { seed: 0, threads, branch: 'imu', via: 'skeleton' });
  return (performance.now() - begin) / 1000;
}

export async function alignment({ json, threads, steps }: Options): Promise<void> {
  const measured = await stepTimes(threads, steps);
  const result = {
    ...{ bench: 'alignment', batch, inputs: Object.values(inputs), width: alignmentDefaults.width, threads },
    ...measured,
    growthPairs: pairs,
    growthEpochs: growDefaults.epochs,
    growthSeconds: Number((await growthSeconds(threads)).toFixed(1)),
  };
  console.log(json ? JSON.stringify(result) : result);
}
