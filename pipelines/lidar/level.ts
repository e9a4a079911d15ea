/**
 * Points in axes that stand on the ground: turned by the least rotation that brings the plane's normal upright (Rodrigues), the origin
 * on the ground below the sensor. Azimuths are kept but for the tilt.
 * @param position [points, 3] in the sensor's axes
 * @param index [count] which of them
 * @param plane [n_x, n_y, n_z, height of the sensor]; 0, 0, 1, 0 leaves all as it is
 * @param out [count, 3]
 */
export function level(
  position: Float32Array,
  index: Int32Array,
  count: number,
  plane: Float64Array,
  out: Float32Array,
): void {
  const a = plane[0]!;
  const b = plane[1]!;
  const c = plane[2]!;
  const d = plane[3]!;
  const k = 1 / (1 + c);
  for (let i = 0; i < count; i++) {
    const from = 3 * index[i]!;
    const x = position[from]!;
    const y = position[from + 1]!;
    const z = position[from + 2]!;
    out[3 * i] = (1 - k * a * a) * x - k * a * b * y - a * z;
    out[3 * i + 1] = (1 - k * b * b) * y - k * a * b * x - b * z;
    out[3 * i + 2] = a * x + b * y + c * z + d;
  }
}
