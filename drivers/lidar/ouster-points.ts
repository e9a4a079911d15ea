/** Points of a range picture.
 *
 * With E = 2π − 2π · column / columns, A = −azimuth and φ = altitude of the row's beam, n the distance of the beam's origin from the
 * LiDAR's axis, the point of range r is
 *
 *     (r − n) · (cos(E + A) cos φ, sin(E + A) cos φ, sin φ) + (n₀ cos E, n₀ sin E, n₂)
 *
 * in the LiDAR's axes, and lidar_to_sensor_transform gives it in the sensor's. (n₀, 0, n₂) is the origin in beam_to_lidar_transform.
 *
 * Source: Ouster sensor documentation, 'Sensor Data: Coordinate Frames and XYZ Calculation'.
 */
import type { OusterSensor } from './ouster-metadata.js';
import type { PointBuffer } from './points.js';

/** Takes E out of the formula: point = (r − n) · (cos E · u + sin E · v + w) + cos E · a + sin E · b + c, all in metres. */
export class OusterPoints {
  readonly #rows: number;
  readonly #columns: number;
  readonly #origin: number; // n, metres
  readonly #cosine: Float64Array; // of E, by column
  readonly #sine: Float64Array;
  readonly #beams: Float64Array; // [rows, 9] u, v, w
  readonly #offset: Float64Array; // a, b, c

  constructor({ rows, columns, altitude, azimuth, beamToLidar, lidarToSensor: m }: OusterSensor) {
    this.#rows = rows;
    this.#columns = columns;
    const n0 = beamToLidar[3]!;
    const n2 = beamToLidar[11]!;
    this.#origin = Math.hypot(n0, n2) / 1000;
    if (n2 === 0) this.#origin = n0 / 1000; // which may be negative
    const angles = Float64Array.from({ length: columns }, (_, i) => 2 * Math.PI - (2 * Math.PI * i) / columns);
    this.#cosine = angles.map(Math.cos);
    this.#sine = angles.map(Math.sin);
    const rotated = (x: number, y: number, z: number) =>
      [0, 4, 8].map((row) => m[row]! * x + m[row + 1]! * y + m[row + 2]! * z);
    this.#beams = Float64Array.from(
      altitude.flatMap((degrees, row) => {
        const phi = (degrees * Math.PI) / 180;
        const a = (-azimuth[row]! * Math.PI) / 180;
        const x = Math.cos(a) * Math.cos(phi);
        const y = Math.sin(a) * Math.cos(phi);
        return [...rotated(x, y, 0), ...rotated(-y, x, 0), ...rotated(0, 0, Math.sin(phi))];
      }),
    );
    const up = rotated(0, 0, n2).map((value, i) => value + m[4 * i + 3]!);
    this.#offset = Float64Array.from([...rotated(n0, 0, 0), ...rotated(0, n0, 0), ...up]).map((value) => value / 1000);
  }

  /**
   * Appends the points of one row of pictures, in the order of columns.
   * @param range millimetres; 0: no return
   * @param shift of the row: the pixel of column `c` is at `c + shift`, 0 to columns − 1
   * @param times of the columns, seconds
   * @param first range of the first return, if this is the second
   */
  append(
    { range, reflectivity, first }: { range: Uint32Array; reflectivity: Uint32Array; first?: Uint32Array | undefined },
    row: number,
    shift: number,
    times: Float64Array,
    points: PointBuffer,
  ): void {
    const columns = this.#columns;
    const [ux, uy, uz, vx, vy, vz, wx, wy, wz] = this.#beams.subarray(9 * row, 9 * row + 9) as unknown as Nine;
    const [ax, ay, az, bx, by, bz, cx, cy, cz] = this.#offset as unknown as Nine;
    const origin = this.#origin;
    const cosine = this.#cosine;
    const sine = this.#sine;
    const { position, intensity, ring, time, returnNumber } = points;
    const fromBelow = this.#rows - 1 - row; // row 0 looks highest
    let { count } = points;
    const end = (row + 1) * columns;
    for (let column = 0, pixel = row * columns + shift; column < columns; column++, pixel++) {
      if (pixel === end) pixel -= columns;
      const millimetres = range[pixel]!;
      if (millimetres === 0) continue;
      const r = millimetres * 0.001 - origin;
      const c = cosine[column]!;
      const s = sine[column]!;
      position[3 * count] = r * (c * ux + s * vx + wx) + c * ax + s * bx + cx;
      position[3 * count + 1] = r * (c * uy + s * vy + wy) + c * ay + s * by + cy;
      position[3 * count + 2] = r * (c * uz + s * vz + wz) + c * az + s * bz + cz;
      intensity[count] = reflectivity[pixel]!;
      ring[count] = fromBelow;
      time[count] = times[column]!;
      if (first !== undefined && first[pixel] !== 0) returnNumber[count] = 1;
      count++;
    }
    points.count = count;
  }
}

type Nine = [number, number, number, number, number, number, number, number, number];
