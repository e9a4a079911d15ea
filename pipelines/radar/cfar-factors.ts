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

/** ∫ f(z) · density of the k-th smallest of `cells` cells at z, dz, by Simpson's rule:
 *  density = N! / ((k − 1)! (N − k)!) · P^(k−1) Q^(N−k) · z^(L−1) e^−z / (L − 1)!,  P = 1 − Q. */
function meanOverRank(cells: number, rank: number, looks: number, f: (z: number) => number): number {
  let log = 0; // of the factorials
  for (let i = 1; i <= cells; i++) log += Math.log(i);
  for (let i = 1; i < rank; i++) log -= Math.log(i);
  for (let i = 1; i <= cells - rank; i++) log -= Math.log(i);
  for (let i = 1; i < looks; i++) log -= Math.log(i);
  const most = looks + 12 * Math.sqrt(looks) + 30;
  const step = most / quadratureSteps;
  let sum = 0;
  for (let i = 1; i <= quadratureSteps; i++) {
    const z = i * step;
    const [p, q] = [staysBelow(looks, z), exceeds(looks, z)];
    const logDensity = log + (rank - 1) * Math.log(p) + (cells - rank) * Math.log(q) + (looks - 1) * Math.log(z) - z;
    sum += (i === quadratureSteps ? 1 : i % 2 === 1 ? 4 : 2) * Math.exp(logDensity) * f(z);
  }
  return (sum * step) / 3;
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
