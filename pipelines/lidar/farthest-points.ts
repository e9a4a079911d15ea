/**
 * Farthest-point sampling: each next point is the one farthest from all that were taken. Qi et al., PointNet++, NeurIPS 2017, section
 * 3.2, where the first is any; here it is the one farthest from the mean, and of equally far ones the first: the same points, the
 * same sample.
 * @param position [points, 3] finite
 * @param wanted how many to take, at most `points`
 * @param distance [points] scratch: squared distances to the sample
 * @param out [wanted] indices in the order in which they were taken
 * @returns how many, the lesser of `wanted` and `points`
 */
export function farthestPoints(
  position: Float32Array,
  points: number,
  wanted: number,
  distance: Float64Array,
  out: Int32Array,
): number {
  const count = Math.min(wanted, points);
  if (count === 0) return 0;
  let x = 0;
  let y = 0;
  let z = 0;
  for (let i = 0; i < points; i++) {
    x += position[3 * i]!;
    y += position[3 * i + 1]!;
    z += position[3 * i + 2]!;
    distance[i] = Infinity;
  }
  x /= points;
  y /= points;
  z /= points;
  // Round 0 finds the point farthest from the mean, whose distances are forgotten.
  for (let k = 0; k <= count; k++) {
    let farthest = 0;
    let most = -1;
    for (let i = 0, at = 0; i < points; i++, at += 3) {
      const dx = position[at]! - x;
      const dy = position[at + 1]! - y;
      const dz = position[at + 2]! - z;
      let d = dx * dx + dy * dy + dz * dz;
      if (k > 0) {
        if (d < distance[i]!) distance[i] = d;
        else d = distance[i]!;
      }
      if (d > most) {
        most = d;
        farthest = i;
      }
    }
    if (k === count) break;
    out[k] = farthest;
    x = position[3 * farthest]!;
    y = position[3 * farthest + 1]!;
    z = position[3 * farthest + 2]!;
  }
  return count;
}
