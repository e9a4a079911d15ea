/** One tower on the CPU and on WebGPU, in a process of its own: a driver may crash, and reads the environment that it is started with. */
import { performance } from 'node:perf_hooks';
import { exportTower } from '../learning/tower-export.js';
import { loadUtdMhadPaired, windowsOf } from '../learning/datasets/utd-mhad-windows.js';
import { initialWeights } from '../learning/initial.js';
import { createRandom } from '../learning/random.js';
import type { Modality } from '../drivers/frames.js';
import { graph } from '../models/graph.js';
import { windowLength } from '../models/manifest.js';
import { label, largestDifference, medianMilliseconds, trialWindows } from '../models/provider-trial.js';
import { reasonOf } from '../models/providers.js';
import { loadTower, shippedTowerDirectory } from '../models/store.js';
import type { Tower } from '../models/store.js';
import { openTower } from '../models/tower-session.js';
import { activityHead, windowShape } from '../models/towers/encoder.js';
import type { Encoder } from '../models/towers/encoder.js';
import { encoders } from './towers.js';

export interface Task {
  /** A shipped tower, or an encoder with random weights and a random head. */
  readonly tower: { readonly shipped: Modality } | { readonly encoder: string };
  /** Folder of UTD-MHAD. */
  readonly recordings?: string | undefined;
  /** Windows to compare, at most. */
  readonly windows: number;
  /** To compare them in, and to measure each provider in; a window begun is ended. */
  readonly seconds: number;
}

export interface Result {
  readonly windows: number;
  readonly from: 'recordings' | 'pseudo-random';
  /** Of an embedding's element between CPU and WebGPU. */
  readonly largestDifference: number;
  readonly labelsDiffering: number;
  /** Median of one window. */
  readonly milliseconds: { readonly cpu: number; readonly webgpu: number };
}

/** Random weights stand in for trained ones: what runs, and how fast, does not hang on them. */
function untrained(encoder: Encoder): Tower {
  const weights = new Map<string, Float32Array>();
  const source = initialWeights(createRandom(0));
  const g = graph();
  const network = {
    g,
    weights: (...[name, ...rest]: Parameters<typeof source>) => {
      const made = Float32Array.from(source(name, ...rest));
      weights.set(name, made);
      return made;
    },
  };
  const classes = Array.from({ length: 27 }, (_, i) => `class ${i}`);
  const embedding = encoder.embed(network, g.input('window', [1, ...windowShape(encoder)]));
  activityHead(network, embedding, classes.length);
  const description = { trainedOn: { text: 'not trained', datasets: [] }, figures: {}, seed: 0 };
  return exportTower(encoder, [weights], classes, description, '0');
}

/** The first window of one performance of each of some actions, at the right wrist. */
async function recordedWindows(folder: string, { manifest }: Tower): Promise<Float32Array[]> {
  const { modality, window } = manifest;
  if (modality !== 'imu' && modality !== 'skeleton' && modality !== 'depth') return [];
  const kinds = modality === 'imu' ? [] : [modality];
  const { recordings } = await loadUtdMhadPaired(folder, { kinds, subjects: [2], trials: [1] });
  return recordings.map((recording) => windowsOf(recording, modality, window)[0]!);
}

async function compare({ tower: which, recordings, windows: most, seconds }: Task): Promise<Result> {
  const tower =
    'shipped' in which
      ? await loadTower(shippedTowerDirectory(which.shipped))
      : untrained(encoders.find(({ name }) => name === which.encoder)!);
  const real = recordings === undefined ? [] : await recordedWindows(recordings, tower);
  const windows = (real.length > 0 ? real : trialWindows(most, windowLength(tower.manifest))).slice(0, most);
  const cpu = await openTower(tower, 'cpu', 1);
  const webgpu = await openTower(tower, 'webgpu', 1);

  let largest = 0;
  let labelsDiffering = 0;
  let compared = 0;
  const end = performance.now() + seconds * 1000;
  for (const window of windows) {
    if (compared >= 2 && performance.now() > end) break;
    const wanted = await cpu.run(window, 1);
    const found = await webgpu.run(window, 1);
    largest = Math.max(largest, largestDifference(found.embedding, wanted.embedding));
    if (label(found) !== label(wanted)) labelsDiffering++;
    compared++;
  }
  const time = (session: typeof cpu) => medianMilliseconds(() => session.run(windows[0]!, 1), 100, seconds);
  return {
    windows: compared,
    from: real.length > 0 ? 'recordings' : 'pseudo-random',
    largestDifference: largest,
    labelsDiffering,
    milliseconds: { cpu: await time(cpu), webgpu: await time(webgpu) },
  };
}

process.once('message', (task: Task) => {
  void compare(task)
    .catch((error: unknown) => ({ error: reasonOf(error) }))
    .then((result) => process.send!(result));
});
