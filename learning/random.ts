/** Seeded random numbers: the same seed gives the same training on the same machine. */

export interface Random {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** Standard normal. */
  normal(): number;
  /** Uniform integer in [0, limit). */
  integer(limit: number): number;
  /** Beta(a, a), for mixing pairs of examples. */
  beta(a: number): number;
  /** The numbers 0 to count − 1 in random order. */
  permutation(count: number): Uint32Array;
}

/** One number out of several, to seed a generator of its own for each step of a training. */
export function mixSeeds(...seeds: number[]): number {
  return seeds.reduce((mixed, seed) => Math.imul(mixed ^ (mixed >>> 16) ^ seed, 0x9e3779b1) >>> 0, 0x2545f491);
}

/** The generator 'mulberry32' (Tommy Ettinger, public domain): 32 bits of state, enough for augmentation and initial weights. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;

  function uniform(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Box and Muller, 1958. */
  function normal(): number {
    return Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  }

  /** Marsaglia and Tsang, 2000, with the boost for shapes below 1. */
  function gamma(shape: number): number {
    if (shape < 1) return gamma(shape + 1) * Math.pow(1 - uniform(), 1 / shape);
    const d = shape - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = normal();
      const v = (1 + c * x) ** 3;
      if (v > 0 && Math.log(1 - uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
    }
  }

  const integer = (limit: number) => Math.floor(uniform() * limit);

  return {
    uniform,
    normal,
    integer,
    beta(a) {
      const left = gamma(a);
      const right = gamma(a);
      return left / (left + right);
    },
    permutation(count) {
      const order = Uint32Array.from({ length: count }, (_, i) => i);
      for (let i = count - 1; i > 0; i--) {
        const j = integer(i + 1);
        const kept = order[i]!;
        order[i] = order[j]!;
        order[j] = kept;
      }
      return order;
    },
  };
}
