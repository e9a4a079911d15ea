/** The largest eigenvalue of C = X Xᵀ and its vector, without C: that would cost more than the few products with X.
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
   * @param x [n, length]
   * @param vector [n] in: where to begin, not 0; out: the eigenvector, length 1
   * @returns λ
   */
  largest(x: Float64Array, vector: Float64Array): number;
  /** Residual over λ of the newest result: above 1e-8 where two eigenvalues are almost the same. */
  readonly residual: number;
}

/** out = Xᵀ v.  X: [n, length], v: [n] at `from` in `of`, out: [length] */
export function timesTransposed(x: Float64Array, length: number, of: Float64Array, from: number, out: Float64Array): void {
  const n = x.length / length;
  out.fill(0);
  let c = 0;
  let row = 0;
  // Four rows at a time: their sum is read and written once.
  for (; c + 3 < n; c += 4, row += 4 * length) {
    const v0 = of[from + c]!;
    const v1 = of[from + c + 1]!;
    const v2 = of[from + c + 2]!;
    const v3 = of[from + c + 3]!;
    for (let i = 0, a = row, b = a + length, d = b + length, e = d + length; i < length; i++, a++, b++, d++, e++) {
      out[i]! += v0 * x[a]! + v1 * x[b]! + (v2 * x[d]! + v3 * x[e]!);
    }
  }
  for (; c < n; c++, row += length) {
    const v = of[from + c]!;
    for (let i = 0; i < length; i++) out[i]! += v * x[row + i]!;
  }
}

/** out = X t.  X: [n, length], t: [length], out: [n] at `to` in `into` */
function times(x: Float64Array, t: Float64Array, into: Float64Array, to: number): void {
  const { length } = t;
  const n = x.length / length;
  let c = 0;
  let row = 0;
  for (; c + 3 < n; c += 4, row += 4 * length) {
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let i = 0, a = row, b = a + length, d = b + length, e = d + length; i < length; i++, a++, b++, d++, e++) {
      const value = t[i]!;
      s0 += x[a]! * value;
      s1 += x[b]! * value;
      s2 += x[d]! * value;
      s3 += x[e]! * value;
    }
    into[to + c] = s0;
    into[to + c + 1] = s1;
    into[to + c + 2] = s2;
    into[to + c + 3] = s3;
  }
  for (; c < n; c++, row += length) {
    let sum = 0;
    for (let i = 0; i < length; i++) sum += x[row + i]! * t[i]!;
    into[to + c] = sum;
  }
}

/** @param length columns of X */
export function createLanczos(n: number, length: number): Lanczos {
  const between = new Float64Array(length); // Xᵀ q
  const basis = new Float64Array((basisSize + 1) * n);
  const diagonal = new Float64Array(basisSize);
  const beside = new Float64Array(basisSize); // β_j, between j and j + 1
  const pivots = new Float64Array(basisSize);
  const small = new Float64Array(basisSize); // s
  const products = new Float64Array(basisSize + 1);
  const result = new Float64Array(2); // θ, residual; not returned, so that no number is allocated

  /** Takes the first `count` rows of the basis out of the row at `to`; the products are kept. */
  function orthogonalise(count: number, to: number): void {
    for (let j = 0, row = 0; j < count; j++, row += n) {
      let product = 0;
      for (let i = 0; i < n; i++) product += basis[row + i]! * basis[to + i]!;
      products[j] = product;
      for (let i = 0; i < n; i++) basis[to + i]! -= product * basis[row + i]!;
    }
  }

  /** Pivots of σ I − T of the first m; whether all are positive. */
  function factors(m: number, sigma: number): boolean {
    let pivot = 1;
    for (let j = 0; j < m; j++) {
      const before = j === 0 ? 0 : beside[j - 1]! ** 2 / pivot;
      pivot = sigma - diagonal[j]! - before;
      if (!(pivot > 0)) return false;
      pivots[j] = pivot;
    }
    return true;
  }

  /** Largest eigenpair of T's first m: θ into `result`, s into `small`. */
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
      if (factors(m, middle)) high = middle;
      else low = middle;
    }
    while (!factors(m, high)) high *= 1 + 1e-15; // the pivots of the last step are another's
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
    result[0] = high;
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
  function fillBasis(x: Float64Array, vector: Float64Array): number {
    basis.set(vector);
    normalise(0);
    for (let m = 1; ; m++) {
      const last = (m - 1) * n;
      const next = m * n;
      timesTransposed(x, length, basis, last, between);
      times(x, between, basis, next);
      orthogonalise(m, next);
      diagonal[m - 1] = products[m - 1]!;
      normalise(next);
      beside[m - 1] = products[basisSize]!;
      const full = m === Math.min(basisSize, n);
      if (m % 2 !== 0 && !full && beside[m - 1]! > 0) continue;
      solveSmall(m);
      result[1] = beside[m - 1]! * Math.abs(small[m - 1]!);
      if (full || result[1] <= tolerance * result[0]!) return m;
    }
  }

  return {
    largest(x, vector) {
      for (let bases = 1; ; bases++) {
        const m = fillBasis(x, vector);
        vector.fill(0);
        for (let j = 0, row = 0; j < m; j++, row += n) {
          for (let i = 0; i < n; i++) vector[i]! += small[j]! * basis[row + i]!;
        }
        if (bases === mostBases || result[1]! <= tolerance * result[0]!) return result[0]!;
      }
    },
    get residual() {
      return result[1]! / result[0]!;
    },
  };
}
