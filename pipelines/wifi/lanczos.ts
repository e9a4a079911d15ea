/** The largest eigenvalue of a symmetric matrix C without negative ones, and its vector, by a few products with C.
 *
 *  Lanczos: an orthonormal basis q_1 … q_m of {v, Cv, C²v, …} in which C is the tridiagonal T; T's largest eigenpair (θ, s) gives
 *  λ ≈ θ and the vector Q s, with the residual |C Q s − θ Q s| = β_m |s_m|. Orthogonalised against all of the basis; begins
 *  anew from the best vector when the basis is full. Golub and Van Loan, Matrix Computations, 10.1.
 *
 *  (θ, s): σ I − T has a Cholesky factor just where σ > θ, which bisection narrows down to the last digit; inverse iteration with it. */

/** Of the residual to λ: the vector's error is that times λ / (λ − λ₂). */
const tolerance = 1e-8;
/** Vectors of a basis, and bases. Where λ₂ is as large as λ no direction is the first, and any is as good. */
const basisSize = 24;
const mostBases = 4;

export interface Lanczos {
  /**
   * @param vector [n] in: where to begin, not 0; out: the eigenvector, length 1
   * λ is in `found` then: a number that is returned may be allocated.
   */
  findLargest(vector: Float64Array): void;
  /** λ, and the residual: above 1e-8 λ where two eigenvalues are almost the same. */
  readonly found: Float64Array;
}

/** How many vectors `basis` must hold. */
export const basisVectors = basisSize + 1;

/**
 * @param basis [basisVectors, n] scratch
 * @param apply the vector that begins at `from` in the basis, times C, goes to `to`
 */
export function createLanczos(n: number, basis: Float64Array, apply: (from: number, to: number) => void): Lanczos {
  const diagonal = new Float64Array(basisSize);
  const beside = new Float64Array(basisSize); // β_j, between j and j + 1
  const pivots = new Float64Array(basisSize);
  const small = new Float64Array(basisSize); // s
  const products = new Float64Array(basisSize + 1);
  const found = new Float64Array(2); // θ, residual
  const trial = new Float64Array(1); // σ

  /** Takes the first `count` rows of the basis out of the row at `to`; the products are kept. */
  function orthogonalise(count: number, to: number): void {
    for (let j = 0, row = 0; j < count; j++, row += n) {
      let product = 0;
      for (let i = 0; i < n; i++) product += basis[row + i]! * basis[to + i]!;
      products[j] = product;
      for (let i = 0; i < n; i++) basis[to + i]! -= product * basis[row + i]!;
    }
  }

  /** Pivots of σ I − T of the first m, σ in `trial`; whether all are positive. */
  function factors(m: number): boolean {
    const sigma = trial[0]!;
    let pivot = 1;
    for (let j = 0; j < m; j++) {
      const before = j === 0 ? 0 : beside[j - 1]! ** 2 / pivot;
      pivot = sigma - diagonal[j]! - before;
      if (!(pivot > 0)) return false;
      pivots[j] = pivot;
    }
    return true;
  }

  /** Largest eigenpair of T's first m: θ into `found`, s into `small`. */
  function solveSmall(m: number): void {
    let low = 0;
    let high = 0;
    for (let j = 0; j < m; j++) {
      low = Math.max(low, diagonal[j]!);
      high = Math.max(high, diagonal[j]! + (j > 0 ? beside[j - 1]! : 0) + (j < m - 1 ? beside[j]! : 0));
    }
    high *= 1 + 1e-15;
    for (let step = 0; step < 60 && high - low > 1e-15 * high; step++) {
      const middle = (low + high) / 2;
      trial[0] = middle;
      if (factors(m)) high = middle;
      else low = middle;
    }
    // The pivots of the last step are another's.
    for (trial[0] = high; !factors(m); trial[0] = high) high *= 1 + 1e-15;
    small.fill(1, 0, m);
    for (let turn = 0; turn < 3; turn++) {
      for (let j = 1; j < m; j++) small[j]! += (beside[j - 1]! / pivots[j - 1]!) * small[j - 1]!;
      small[m - 1]! /= pivots[m - 1]!;
      for (let j = m - 2; j >= 0; j--) small[j] = (small[j]! + beside[j]! * small[j + 1]!) / pivots[j]!;
      let norm = 0;
      for (let j = 0; j < m; j++) norm += small[j]! ** 2;
      norm = Math.sqrt(norm);
      for (let j = 0; j < m; j++) small[j]! /= norm;
    }
    found[0] = high;
  }

  /** Row of length 1; what its length was into `products[basisSize]`. */
  function normalise(row: number): void {
    let norm = 0;
    for (let i = 0; i < n; i++) norm += basis[row + i]! ** 2;
    norm = Math.sqrt(norm);
    if (norm > 0) for (let i = 0; i < n; i++) basis[row + i]! /= norm;
    products[basisSize] = norm;
  }

  /** One basis from the vector on; gives how many vectors it has. Ends where the residual is small enough. */
  function fillBasis(vector: Float64Array): number {
    basis.set(vector);
    normalise(0);
    for (let m = 1; ; m++) {
      const last = (m - 1) * n;
      const next = m * n;
      apply(last, next);
      orthogonalise(m, next);
      diagonal[m - 1] = products[m - 1]!;
      normalise(next);
      beside[m - 1] = products[basisSize]!;
      const full = m === Math.min(basisSize, n);
      if (m % 2 !== 0 && !full && beside[m - 1]! > 0) continue;
      solveSmall(m);
      found[1] = beside[m - 1]! * Math.abs(small[m - 1]!);
      if (full || found[1] <= tolerance * found[0]!) return m;
    }
  }

  return {
    findLargest(vector) {
      for (let bases = 1; ; bases++) {
        const m = fillBasis(vector);
        vector.fill(0);
        for (let j = 0, row = 0; j < m; j++, row += n) {
          for (let i = 0; i < n; i++) vector[i]! += small[j]! * basis[row + i]!;
        }
        if (bases === mostBases || found[1]! <= tolerance * found[0]!) return;
      }
    },
    found,
  };
}
