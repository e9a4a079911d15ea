/**
 * t-SNE: points of any dimension on a plane, near ones near each other (van der Maaten, Hinton, 'Visualizing Data using t-SNE', JMLR
 * 2008). Exact: every pair is counted, so time and memory go with the square of the points; a thousand take some seconds.
 *
 *     p(j|i) ∝ exp(−d²ij / 2σi²), σi such that the entropy is ln(perplexity);  pij = (p(j|i) + p(i|j)) / 2n
 *     qij ∝ 1 / (1 + ‖yi − yj‖²);  gradient 4 Σj (pij − qij)(yi − yj) / (1 + ‖yi − yj‖²)
 */
import { createRandom, mixSeeds } from './random.js';

export interface TsneOptions {
  readonly seed: number;
  /** Neighbours that a point counts as near; fewer where there are few points. */
  readonly perplexity?: number | undefined;
  readonly iterations?: number | undefined;
  readonly onProgress?: ((iteration: number, iterations: number, divergence: number) => void) | undefined;
}

/** In the first quarter of the iterations, what is near attracts this much more. */
const exaggeration = 12;
const [slowMomentum, fastMomentum] = [0.5, 0.8];
/** More points than this would take minutes. */
export const mostPoints = 4000;

/** Squared distances of rows [n, width]: [n, n]. */
export function squaredDistances(rows: Float32Array, width: number): Float64Array {
  const n = rows.length / width;
  const distances = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = i + 1; j < n; j++) {
      let sum = 0;
      for (let k = 0; k < width; k++) sum += (rows[i * width + k]! - rows[j * width + k]!) ** 2;
      distances[i * n + j] = distances[j * n + i] = sum;
    }
  return distances;
}

/** Row i of p(j|i) at the precision 1/2σ² of the wanted entropy, by halving. */
function neighbourhood(distances: Float64Array, i: number, n: number, wanted: number, out: Float64Array): void {
  let [low, high, precision] = [0, Infinity, 1];
  let nearest = Infinity;
  let mean = 0;
  for (let j = 0; j < n; j++)
    if (j !== i) {
      nearest = Math.min(nearest, distances[i * n + j]!);
      mean += distances[i * n + j]! / (n - 1);
    }
  if (mean > nearest) precision = 1 / (mean - nearest);
  for (let step = 0; step < 100; step++) {
    let [sum, weighted] = [0, 0];
    for (let j = 0; j < n; j++) {
      const beyond = distances[i * n + j]! - nearest;
      const value = j === i ? 0 : Math.exp(-beyond * precision);
      out[j] = value;
      sum += value;
      weighted += value * beyond;
    }
    const entropy = Math.log(sum) + (precision * weighted) / sum;
    for (let j = 0; j < n; j++) out[j]! /= sum;
    if (Math.abs(entropy - wanted) < 1e-6) return;
    if (entropy > wanted) [low, precision] = [precision, high === Infinity ? precision * 2 : (precision + high) / 2];
    else [high, precision] = [precision, (precision + low) / 2];
  }
}

/** pij of all pairs, which add up to 1: [n, n]. */
export function affinities(distances: Float64Array, n: number, perplexity: number): Float64Array {
  const p = new Float64Array(n * n);
  const row = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    neighbourhood(distances, i, n, Math.log(perplexity), row);
    for (let j = 0; j < n; j++) {
      p[i * n + j]! += row[j]! / (2 * n);
      p[j * n + i]! += row[j]! / (2 * n);
    }
  }
  return p;
}

/** Of the random start. */
const startDeviation = 1e-2;

/**
 * @param rows [n, width]
 * @returns [n, 2] and the Kullback-Leibler divergence that is left, nats
 * @throws Error if there are fewer than four points or too many, or a value is not finite
 */
export function tsne(
  rows: Float32Array,
  width: number,
  { seed, perplexity = 30, iterations = 600, onProgress }: TsneOptions,
): { points: Float64Array; divergence: number } {
  const n = rows.length / width;
  if (!Number.isInteger(n) || n < 4 || n > mostPoints)
    throw new Error(`t-SNE: ${rows.length} values are not 4 to ${mostPoints} rows of ${width}`);
  const bad = rows.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new Error(`t-SNE: row ${Math.floor(bad / width)} has a value ${rows[bad]}`);
  const p = affinities(squaredDistances(rows, width), n, Math.min(perplexity, (n - 1) / 3));
  const random = createRandom(mixSeeds(seed, 30));
  const y = Float64Array.from({ length: 2 * n }, () => startDeviation * random.normal());
  const [velocity, gains, gradient] = [
    new Float64Array(2 * n),
    new Float64Array(2 * n).fill(1),
    new Float64Array(2 * n),
  ];
  const nearness = new Float64Array(n * n);
  // Belkina et al., Nature Communications 10, 2019: the rate goes with the number of points.
  const rate = Math.max(n / exaggeration / 4, 50);
  const early = iterations / 4;

  function nearnesses(): number {
    let total = 0;
    for (let i = 0; i < n; i++)
      for (let j = i + 1; j < n; j++) {
        const [dx, dy] = [y[2 * i]! - y[2 * j]!, y[2 * i + 1]! - y[2 * j + 1]!];
        const near = 1 / (1 + dx * dx + dy * dy);
        nearness[i * n + j] = near;
        total += 2 * near;
      }
    return total;
  }

  function divergence(total: number): number {
    let sum = 0;
    for (let i = 0; i < n; i++)
      for (let j = i + 1; j < n; j++) {
        const value = p[i * n + j]!;
        if (value > 0) sum += 2 * value * Math.log((value * total) / Math.max(nearness[i * n + j]!, 1e-300));
      }
    return sum;
  }

  for (let iteration = 0; iteration < iterations; iteration++) {
    const attraction = iteration < early ? exaggeration : 1;
    const momentum = iteration < early ? slowMomentum : fastMomentum;
    const total = nearnesses();
    gradient.fill(0);
    for (let i = 0; i < n; i++)
      for (let j = i + 1; j < n; j++) {
        const near = nearness[i * n + j]!;
        const force = 4 * (attraction * p[i * n + j]! - near / total) * near;
        const [dx, dy] = [y[2 * i]! - y[2 * j]!, y[2 * i + 1]! - y[2 * j + 1]!];
        gradient[2 * i]! += force * dx;
        gradient[2 * i + 1]! += force * dy;
        gradient[2 * j]! -= force * dx;
        gradient[2 * j + 1]! -= force * dy;
      }
    // Jacobs' gains (1988): faster where the direction lasts.
    for (let k = 0; k < 2 * n; k++) {
      const lasts = gradient[k]! * velocity[k]! < 0;
      gains[k] = Math.max(0.01, lasts ? gains[k]! + 0.2 : gains[k]! * 0.8);
      velocity[k] = momentum * velocity[k]! - rate * gains[k]! * gradient[k]!;
      y[k]! += velocity[k]!;
    }
    for (const axis of [0, 1]) {
      let mean = 0;
      for (let i = 0; i < n; i++) mean += y[2 * i + axis]! / n;
      for (let i = 0; i < n; i++) y[2 * i + axis]! -= mean;
    }
    if (onProgress && (iteration + 1) % 50 === 0) onProgress(iteration + 1, iterations, divergence(nearnesses()));
  }
  return { points: y, divergence: divergence(nearnesses()) };
}
