export interface Random {
  /** At least 0, less than 1. */
  uniform(): number;
  /** Of mean 0 and standard deviation 1. */
  normal(): number;
}

/** The generator 'mulberry32' (Tommy Ettinger, public domain): the same seed, the same numbers. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  function uniform(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  }
  return {
    uniform,
    /** Box and Muller, 1958. */
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  };
}
