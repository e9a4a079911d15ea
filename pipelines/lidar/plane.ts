/** A plane n · p + d = 0 with |n| = 1, n_z > 0; d is the height of the sensor (the origin) above it, metres. */
export interface Plane {
  /** [n_x, n_y, n_z, d] */
  readonly coefficients: Float64Array;
}

/** Sums over points, for `planeOf`: [count, x, y, z, xx, xy, xz, yy, yz, zz]. */
export type PlaneSums = Float64Array;

export function addPoint(sums: PlaneSums, x: number, y: number, z: number): void {
  sums[0]! += 1;
  sums[1]! += x;
  sums[2]! += y;
  sums[3]! += z;
  sums[4]! += x * x;
  sums[5]! += x * y;
  sums[6]! += x * z;
  sums[7]! += y * y;
  sums[8]! += y * z;
  sums[9]! += z * z;
}

/**
 * The plane with the least squared distances from points that lie roughly level: through their mean, its normal the eigenvector of
 * their covariance with the least eigenvalue, by Jacobi's rotations (Golub and Van Loan, Matrix Computations, 8.5). The points lie
 * on a line if the second eigenvalue is as small as the first.
 * @param spread written: [3] standard deviations along the principal axes, ascending, metres
 * @returns false, and writes nothing, for fewer than three points
 */
export function planeOf(sums: PlaneSums, out: Float64Array, spread: Float64Array): boolean {
  const count = sums[0]!;
  if (count < 3) return false;
  const mean = [sums[1]! / count, sums[2]! / count, sums[3]! / count] as const;
  const covariance = (k: number, i: number, j: number) => sums[k]! / count - mean[i]! * mean[j]!;
  const [xx, xy, xz] = [covariance(4, 0, 0), covariance(5, 0, 1), covariance(6, 0, 2)];
  const [yy, yz, zz] = [covariance(7, 1, 1), covariance(8, 1, 2), covariance(9, 2, 2)];
  const a = [xx, xy, xz, xy, yy, yz, xz, yz, zz];
  const v = [1, 0, 0, 0, 1, 0, 0, 0, 1];
  for (let sweep = 0; sweep < 12; sweep++) {
    for (let p = 0; p < 2; p++) for (let q = p + 1; q < 3; q++) rotate(a, v, p, q);
  }
  const order = [0, 1, 2].sort((i, j) => a[4 * i]! - a[4 * j]!);
  order.forEach((k, i) => (spread[i] = Math.sqrt(Math.max(0, a[4 * k]!))));
  const k = order[0]!;
  const sign = v[6 + k]! < 0 ? -1 : 1;
  for (let i = 0; i < 3; i++) out[i] = sign * v[3 * i + k]!;
  out[3] = -(out[0]! * mean[0] + out[1]! * mean[1] + out[2]! * mean[2]);
  return true;
}

/** Turns axes p and q so that a[p][q] is 0; the columns of v become the eigenvectors. */
function rotate(a: number[], v: number[], p: number, q: number): void {
  const off = a[3 * p + q]!;
  if (off === 0) return;
  const theta = (a[4 * q]! - a[4 * p]!) / (2 * off);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const c = 1 / Math.hypot(t, 1);
  const s = t * c;
  for (const [matrix, step, first, second] of [
    [a, 3, p, q],
    [a, 1, 3 * p, 3 * q],
    [v, 3, p, q],
  ] as const) {
    for (let k = 0; k < 3; k++) {
      const x = matrix[first + k * step]!;
      const y = matrix[second + k * step]!;
      matrix[first + k * step] = c * x - s * y;
      matrix[second + k * step] = s * x + c * y;
    }
  }
}
