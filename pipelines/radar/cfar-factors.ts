/** Factors that give a CFAR its false-alarm rate, for noise whose power in a cell is the sum of `looks` independent
 *  exponential ones (|complex Gaussian|² of each antenna): a gamma distribution of that shape.
 *
 *    Q(L, x) = e^−x Σ_{i<L} x^i / i!      probability that a cell with L looks of mean 1 exceeds x
 *
 *  Rohling, IEEE Trans. AES 19 (1983), for one look; P. P. Gandhi and S. A. Kassam, Analysis of CFAR processors in
 *  nonhomogeneous background, IEEE Trans. AES 24 (1988). */

/** Q(looks, x) */
function exceeds(looks: number, x: number): number {
  let term = 1;
  let sum = 1;
  for (let i = 1; i < looks; i++) sum += term *= x / i;
  return Math.exp(-x) * sum;
}

/** 1 − Q(looks, x); below the mean by the series from i = looks on, since the difference would cancel. */
function staysBelow(looks: number, x: number): number {
  if (x > looks) return 1 - exceeds(looks, x);
  let term = Math.exp(-x);
  for (let i = 1; i <= looks; i++) term *= x / i;
  let sum = 0;
  for (let i = looks + 1; term > 1e-17 * sum; i++) {
    sum += term;
    term *= x / i;
  }
  return sum;
}

/**
 * P(cell > factor · mean of `cells`) = E[Q(L, b S)], b = factor / cells, S the sum of the training cells, gamma of shape
 * M = L · cells:  Σ_{i<L} C(M + i − 1, i) b^i / (1 + b)^(M + i).  For one look it is (1 + b)^−cells.
 */
export function cellAveragingRate(factor: number, cells: number, looks: number): number {
  const b = factor / cells;
  const shape = looks * cells;
  let term = (1 + b) ** -shape;
  let sum = term;
  for (let i = 1; i < looks; i++) sum += term *= ((shape + i - 1) / i) * (b / (1 + b));
  return sum;
}

const quadratureSteps = 2000;

/** ∫ f(z) · density of the k-th smallest of `cells` cells at z, dz, by Simpson's rule: density ∝ P^(k−1) Q^(N−k) z^(L−1) e^−z,
 *  P = 1 − Q, so that k and N need not be whole numbers. */
function meanOverRank(cells: number, rank: number, looks: number, f: (z: number) => number): number {
  const most = looks + 12 * Math.sqrt(looks) + 30;
  let sum = 0;
  let total = 0;
  for (let i = 1; i <= quadratureSteps; i++) {
    const z = (i * most) / quadratureSteps;
    const p = staysBelow(looks, z);
    const q = exceeds(looks, z);
    const logDensity = (rank - 1) * Math.log(p) + (cells - rank) * Math.log(q) + (looks - 1) * Math.log(z) - z;
    const weight = i === quadratureSteps ? 1 : i % 2 === 1 ? 4 : 2;
    total += weight * Math.exp(logDensity);
    sum += weight * Math.exp(logDensity) * f(z);
  }
  return sum / total;
}

/** P(cell > factor · k-th smallest). For one look it is Π_{i<k} (N − i) / (N − i + factor). */
export const orderedStatisticRate = (factor: number, cells: number, rank: number, looks: number): number =>
  meanOverRank(cells, rank, looks, (z) => exceeds(looks, factor * z));

/** Mean of the k-th smallest of so many cells whose mean is 1. */
export const meanOfRank = (cells: number, rank: number, looks: number): number =>
  meanOverRank(cells, rank, looks, (z) => z / looks);

/** The factor for which a falling function has this value, to a relative 1e-9. */
function factorFor(rate: number, rateOf: (factor: number) => number): number {
  let [low, high] = [0, 1];
  while (rateOf(high) > rate && high < 1e12) high *= 2;
  while (high - low > 1e-9 * high) {
    const middle = (low + high) / 2;
    if (rateOf(middle) > rate) low = middle;
    else high = middle;
  }
  return high;
}

export const cellAveragingFactor = (rate: number, cells: number, looks: number): number =>
  factorFor(rate, (factor) => cellAveragingRate(factor, cells, looks));

export const orderedStatisticFactor = (rate: number, cells: number, rank: number, looks: number): number =>
  factorFor(rate, (factor) => orderedStatisticRate(factor, cells, rank, looks));

/**
 * How alike the powers of noise in cells k = 1, 2, … bins apart are, as a window function and zero-padding make them:
 * |Σ w² e^(−2πi kn/N)|² / (Σ w²)², up to the last k with 0.001 and more.
 */
export function powerCorrelation(window: ArrayLike<number>, fftSize: number): number[] {
  const correlation: number[] = [];
  for (let k = 0; k <= fftSize / 2; k++) {
    let [re, im] = [0, 0];
    for (let n = 0; n < window.length; n++) {
      const angle = (2 * Math.PI * k * n) / fftSize;
      re += window[n]! ** 2 * Math.cos(angle);
      im += window[n]! ** 2 * Math.sin(angle);
    }
    correlation.push(re * re + im * im);
  }
  const relative = correlation.slice(1).map((value) => value / correlation[0]!);
  return relative.slice(0, 1 + relative.findLastIndex((value) => value >= 1e-3));
}

/** As many independent cells have a mean of the same variance as a row of `cells` such ones: N² / (N + 2 Σ (N − k) r[k]). */
export function independentCells(cells: number, correlation: readonly number[]): number {
  let variance = cells;
  for (let k = 1; k <= correlation.length && k < cells; k++) variance += 2 * (cells - k) * correlation[k - 1]!;
  return cells > 0 ? cells ** 2 / variance : 0;
}

/**
 * How alike two cells are in whether they lie below the value that a share of all do, when their powers are alike by r: what
 * counts for an order statistic as r does for a mean. With that value q and the density f, it is
 *
 *     Σ_{n≥1} n! Γ(L) / Γ(n + L) · r^n (q f(q) / n · Laguerre_{n−1}^{(L)}(q))² / (share (1 − share))
 *
 * by the series of the two cells' joint density: W. F. Kibble, A two-variate gamma type distribution, Sankhyā 5 (1941).
 */
export function rankCorrelation(r: number, share: number, looks: number): number {
  let [low, high] = [0, looks + 12 * Math.sqrt(looks) + 30];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (staysBelow(looks, middle) < share) low = middle;
    else high = middle;
  }
  const q = low;
  let density = Math.exp(-q); // · q
  for (let i = 1; i <= looks; i++) density *= q / (i < looks ? i : 1);
  let [before, laguerre, weight, sum] = [0, 1, 1, 0];
  for (let n = 1; n <= 40; n++) {
    weight *= (n * r) / (n + looks - 1);
    sum += weight * ((density * laguerre) / n) ** 2;
    const next = ((2 * n - 1 + looks - q) * laguerre - (n - 1 + looks) * before) / n;
    before = laguerre;
    laguerre = next;
  }
  return sum / (share * (1 - share));
}
