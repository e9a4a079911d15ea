/**
 * Training of the part of the depth tower that finds joints: single pictures and the camera's own skeletons at their times. No label is needed.
 * And what it finds in recordings.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { graph } from '../models/graph.js';
import type { BatchStatistics } from '../models/layers.js';
import { depthPose } from '../models/towers/depth-pose.js';
import { joints } from '../models/towers/skeleton-graph.js';
import { trained } from '../models/weights.js';
import type { Weights, WeightSource } from '../models/weights.js';
import { betweenSkeletons } from '../pipelines/skeleton/between.js';
import { jointChannels } from '../pipelines/skeleton/normalise.js';
import { trainingStep } from './adamw.js';
import { augmentedDepth } from './augment-depth.js';
import type { DepthAugmentation } from './augment-depth.js';
import type { TrainingOptions } from './classifier.js';
import { skeletonRate, skeletonRow } from './datasets/utd-mhad-features.js';
import { depthScale, depthSize } from './depth-clip.js';
import { skeletonAt } from './depth-tower.js';
import type { DepthExample } from './depth-tower.js';
import { createSampler, initialWeights } from './initial.js';
import { createRandom, mixSeeds } from './random.js';
import { statisticsOutputs, train } from './train.js';

const cells = depthSize * depthSize;
const places = 3 * joints;

export interface DepthPoseRecipe {
  /** Pictures. */
  readonly batch: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly clipNorm: number;
  readonly averaging: number;
  /** Trunk lengths: an error well above it counts as it is, one well below by its square. */
  readonly near: number;
  readonly augmentation: DepthAugmentation;
}

/** Pictures are not turned: the joints that belong to them are not either. Depth is changed little for the same reason. */
export const depthPoseRecipe: DepthPoseRecipe = {
  ...{ batch: 128, learningRate: 3e-3, weightDecay: 0.02, clipNorm: 1, averaging: 0.99, near: 0.05 },
  augmentation: { shift: 3, size: 0.1, turn: 0, slope: 0.1, gain: 0.05, offset: 0.05, noise: 0.02, hidden: 0.2 },
};

/** The training graph of a batch: distance between where a joint is and where it is found, mean over the joints that the camera saw. */
export function depthPoseStep({ batch, near, weightDecay, clipNorm }: DepthPoseRecipe, source: WeightSource) {
  const g = graph();
  const statistics: BatchStatistics[] = [];
  const pictures = g.input('pictures', [batch, depthSize, depthSize]);
  const targets = g.input('targets', [batch, joints, 3]);
  const seen = g.input('seen', [batch, joints, 1]);
  const error = g.mul(g.sub(depthPose({ g, weights: source }, pictures, statistics), targets), seen);
  const loss = g.reduceMean(g.sqrt(g.add(g.reduceSum(g.mul(error, error), [2]), near ** 2)));
  const training = trainingStep(g, loss, statisticsOutputs(statistics), { weightDecay, clipNorm });
  return { training, statistics: statistics.map(({ name }) => name) };
}

const unmoved = { begin: 0, speed: 1, sway: 0, phase: 0 };

/** @param epochs passes over all pictures of all recordings */
export async function trainDepthPose(
  examples: readonly Pick<DepthExample, 'depth' | 'skeleton'>[],
  { seed, epochs, dataset, ...options }: TrainingOptions,
  recipe = depthPoseRecipe,
): Promise<Weights> {
  const { batch, augmentation } = recipe;
  const pictures = examples.flatMap((example) =>
    Array.from(example.depth.times, (time, at) => ({ example, time, at })),
  );
  const { stepsPerEpoch, indices } = createSampler(pictures.length, batch, seed);
  const { training, statistics } = depthPoseStep(recipe, initialWeights(createRandom(mixSeeds(seed, 0))));

  function feeds(step: number) {
    const random = createRandom(mixSeeds(seed, 2, step));
    const fed = { pictures: new Float32Array(batch * cells), targets: new Float32Array(batch * places) };
    const seen = new Float32Array(batch * joints);
    for (const [row, index] of indices(step).entries()) {
      const { example, time, at } = pictures[index]!;
      const { depth, skeleton } = example;
      const one = {
        times: depth.times.subarray(at, at + 1),
        pictures: depth.pictures.subarray(at * cells, (at + 1) * cells),
      };
      augmentedDepth(one, 1, unmoved, augmentation, random, fed.pictures.subarray(row * cells, (row + 1) * cells));
      const from = skeletonAt(skeleton, time);
      for (let joint = 0; joint < joints; joint++) {
        seen[row * joints + joint] = skeleton[from + 4 * joint + 3]!;
        for (let axis = 0; axis < 3; axis++)
          fed.targets[row * places + 3 * joint + axis] = skeleton[from + 4 * joint + axis]!;
      }
    }
    return { ...fed, seen };
  }

  return train({
    ...options,
    training,
    statistics,
    steps: epochs * stepsPerEpoch,
    learningRate: recipe.learningRate,
    averaging: recipe.averaging,
    feeds,
    fingerprint: JSON.stringify({ recipe, seed, epochs, dataset, packing: training.packing }),
  });
}

const inferenceBatch = 64;

/**
 * What a trained part finds in the pictures of each recording, in between by straight lines: [count, 20, 4] at 25 Hz, as the camera's own
 * skeletons are given.
 */
export async function foundSkeletons(
  weights: Weights,
  examples: readonly Pick<DepthExample, 'depth' | 'duration'>[],
  threads: number,
): Promise<Float32Array[]> {
  const g = graph();
  const pictures = g.input('pictures', [inferenceBatch, depthSize, depthSize]);
  g.output('joints', depthPose({ g, weights: trained(weights) }, pictures));
  const session = await InferenceSession.create(g.toOnnx({ parametersAs: 'initializers' }), {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    logSeverityLevel: 3,
  });
  const found: Float32Array[] = [];
  for (const { depth, duration } of examples) {
    const count = depth.times.length;
    const all = new Float32Array(count * skeletonRow).fill(1);
    for (let from = 0; from < count; from += inferenceBatch) {
      const rows = Math.min(inferenceBatch, count - from);
      const batch = new Float32Array(inferenceBatch * cells);
      for (let i = 0; i < rows * cells; i++) batch[i] = depth.pictures[from * cells + i]! / depthScale;
      const tensor = new Tensor('float32', batch, [inferenceBatch, depthSize, depthSize]);
      const some = (await session.run({ pictures: tensor }))['joints']!.data as Float32Array;
      for (let i = 0; i < rows * joints; i++)
        all.set(some.subarray(3 * i, 3 * i + 3), (from * joints + i) * jointChannels);
    }
    found.push(evenly(depth.times, all, duration));
  }
  await session.release();
  return found;
}

/** Skeletons [times, 20, 4] → [count, 20, 4] at 25 Hz. */
function evenly(times: Float64Array, all: Float32Array, duration: number): Float32Array {
  const count = Math.ceil(duration * skeletonRate) + 1;
  const out = new Float32Array(count * skeletonRow);
  const row = (of: Float32Array, i: number) => of.subarray(i * skeletonRow, (i + 1) * skeletonRow);
  let left = 0;
  for (let i = 0; i < count; i++) {
    const time = i / skeletonRate;
    while (left < times.length - 1 && times[left + 1]! <= time) left++;
    const right = Math.min(left + 1, times.length - 1);
    const span = times[right]! - times[left]!;
    const part = span > 0 ? Math.min(1, Math.max(0, (time - times[left]!) / span)) : 0;
    betweenSkeletons(row(all, left), row(all, right), part, row(out, i));
  }
  return out;
}
