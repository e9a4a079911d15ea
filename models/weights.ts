import type { Shape } from './operators.js';

/** How a weight starts before it is trained: all alike, or drawn from a uniform distribution in ±limit or a normal one. */
export type Initial = { readonly fill: number } | { readonly uniform: number } | { readonly deviation: number };

/** Gives each named weight of a network its values: drawn at random, or trained ones. */
export type WeightSource = (name: string, shape: Shape, initial: Initial) => ArrayLike<number>;

/** Weights by name, as training leaves them and files keep them. */
export type Weights = ReadonlyMap<string, Float32Array>;

/**
 * Trained weights by name.
 * @throws Error if a weight is absent or of another size: the weights belong to another network
 */
export function trained(weights: Weights): WeightSource {
  return (name, shape) => {
    const values = weights.get(name);
    const size = shape.reduce((product, length) => product * length, 1);
    if (values?.length !== size)
      throw new Error(`weight ${name} [${shape.join(', ')}] needs ${size} values, found ${values?.length ?? 'none'}`);
    return values;
  };
}
