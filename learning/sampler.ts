import { createRandom, mixSeeds } from './random.js';

/** Indices of the examples of one step: every example once an epoch, in an order of the epoch's own. Depends on nothing but the step. */
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
