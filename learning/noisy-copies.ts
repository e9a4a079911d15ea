import { createRandom, mixSeeds } from './random.js';

/**
 * Encoder outputs and copies of them with white noise, each value's own deviation times `share`. What is trained on them bends less
 * between the few points that an encoder gives for what it was trained on.
 * @param outputs [rows, width]
 * @returns [(1 + copies) · rows, width], the outputs themselves first
 */
export function noisyCopies(
  outputs: Float32Array,
  width: number,
  { copies, share, seed }: { readonly copies: number; readonly share: number; readonly seed: number },
): Float32Array {
  const rows = outputs.length / width;
  const [mean, square] = [new Float64Array(width), new Float64Array(width)];
  for (let i = 0; i < outputs.length; i++) {
    mean[i % width]! += outputs[i]! / rows;
    square[i % width]! += outputs[i]! ** 2 / rows;
  }
  const deviation = square.map((value, k) => Math.sqrt(Math.max(0, value - mean[k]! ** 2)));
  const all = new Float32Array((1 + copies) * outputs.length);
  all.set(outputs);
  for (let copy = 1; copy <= copies; copy++) {
    const random = createRandom(mixSeeds(seed, 33, copy));
    for (let i = 0; i < outputs.length; i++)
      all[copy * outputs.length + i] = outputs[i]! + share * deviation[i % width]! * random.normal();
  }
  return all;
}
