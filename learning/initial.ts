/** Where a training begins: first weights, and which examples each step sees. */
import type { Weights, WeightSource } from '../models/weights.js';
import { createRandom, mixSeeds } from './random.js';
import type { Random } from './random.js';

/** Weights drawn at random from a seed; those that `known` has are taken from there. */
export function initialWeights(random: Random, known: Weights = new Map()): WeightSource {
  return (name, shape, initial) => {
    const size = shape.reduce((product, length) => product * length, 1);
    const found = known.get(name);
    if (found?.length === size) return found;
    if ('fill' in initial) return new Float32Array(size).fill(initial.fill);
    if ('uniform' in initial)
      return Float32Array.from({ length: size }, () => (2 * random.uniform() - 1) * initial.uniform);
    return Float32Array.from({ length: size }, () => random.normal() * initial.deviation);
  };
}

/** Indices of the examples of one step: every example once an epoch, in an order of the epoch's own. */
export function createSampler(count: number, batch: number, seed: number) {
  const stepsPerEpoch = Math.ceil(count / batch);
  let epoch = -1;
  let order: Uint32Array = new Uint32Array();
  const indices = (step: number): number[] => {
    const wanted = Math.floor(step / stepsPerEpoch);
    if (wanted !== epoch) order = createRandom(mixSeeds(seed, 1, (epoch = wanted))).permutation(count);
    const begin = (step % stepsPerEpoch) * batch;
    // The last batch of an epoch is filled up from its beginning: the graph's batch size is fixed.
    return Array.from({ length: batch }, (_, i) => order[(begin + i) % count]!);
  };
  return { stepsPerEpoch, indices };
}
