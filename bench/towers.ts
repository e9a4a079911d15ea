/** What each encoder costs: milliseconds a window on one thread, and parameters. Its time does not hang on what it has learnt, so that
 * encoders that are not trained yet are timed with random weights, and say so; shipped towers are timed as they are, head included. */
import { performance } from 'node:perf_hooks';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { initialWeights } from '../learning/initial.js';
import { createRandom } from '../learning/random.js';
import { graph } from '../models/graph.js';
import { windowLength } from '../models/manifest.js';
import { sizeOf } from '../models/operators.js';
import { hasShippedTower, loadTower, shippedTowerDirectory } from '../models/store.js';
import { openTower } from '../models/tower-session.js';
import { depthEncoder } from '../models/towers/depth.js';
import { depthPoseEncoder } from '../models/towers/depth-pose.js';
import { windowShape, windowSize } from '../models/towers/encoder.js';
import type { Encoder } from '../models/towers/encoder.js';
import { limuBert } from '../models/towers/imu.js';
import { lidarEncoder } from '../models/towers/lidar.js';
import { mmwaveHeatmapsEncoder } from '../models/towers/mmwave-heatmaps.js';
import { mmwavePointsEncoder } from '../models/towers/mmwave-points.js';
import { skeletonEncoder } from '../models/towers/skeleton.js';
import { videoEncoder } from '../models/towers/video.js';
import { wifiGruEncoder } from '../models/towers/wifi-gru.js';
import { wifiVitEncoder } from '../models/towers/wifi-vit.js';
import { modalities } from '../drivers/frames.js';
import { percentile } from './statistics.js';

export const encoders: readonly Encoder[] = [
  limuBert,
  skeletonEncoder,
  depthEncoder,
  depthPoseEncoder,
  mmwavePointsEncoder,
  mmwaveHeatmapsEncoder,
  wifiGruEncoder,
  wifiVitEncoder,
  lidarEncoder,
  videoEncoder,
];

interface Measured {
  readonly tower: string;
  readonly modality: string;
  readonly weights: 'random' | 'shipped';
  readonly parameters?: number;
  readonly millisecondsPerWindow: number;
  readonly fastest: number;
}

async function timed(run: () => Promise<unknown>, repetitions: number) {
  for (let i = 0; i < 5; i++) await run();
  const times: number[] = [];
  for (let i = 0; i < repetitions; i++) {
    const before = performance.now();
    await run();
    times.push(performance.now() - before);
  }
  return { millisecondsPerWindow: percentile(times, 0.5), fastest: percentile(times, 0) };
}

const noise = (length: number) => {
  const random = createRandom(1);
  return Float32Array.from({ length }, () => random.normal());
};

async function measureEncoder(encoder: Encoder, repetitions: number): Promise<Measured> {
  const g = graph();
  const shape = [1, ...windowShape(encoder)];
  const network = { g, weights: initialWeights(createRandom(0)) };
  g.output('embedding', encoder.embed(network, g.input('window', shape)));
  const parameters = g.packing().reduce((sum, one) => sum + sizeOf(one.shape), 0);
  const session = await InferenceSession.create(g.toOnnx({ parametersAs: 'initializers' }), {
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  const feeds = { window: new Tensor('float32', noise(windowSize(encoder)), shape) };
  const times = await timed(() => session.run(feeds), repetitions);
  await session.release();
  return { tower: encoder.name, modality: encoder.modality, weights: 'random', parameters, ...times };
}

/** @param repetitions windows of each */
export async function towers({ json, repetitions }: { json: boolean; repetitions: number }): Promise<void> {
  const all: Measured[] = [];
  const add = (one: Measured) => {
    all.push(one);
    if (json) console.log(JSON.stringify(one));
  };
  for (const encoder of encoders) add(await measureEncoder(encoder, repetitions));
  for (const modality of modalities) {
    if (!hasShippedTower(modality)) continue;
    const tower = await loadTower(shippedTowerDirectory(modality));
    const session = await openTower(tower, 'cpu', 1);
    const window = noise(windowLength(tower.manifest));
    const times = await timed(() => session.run(window, 1), repetitions);
    await session.release();
    add({ tower: tower.manifest.name, modality, weights: 'shipped', ...times });
  }
  if (!json) console.table(all);
}
