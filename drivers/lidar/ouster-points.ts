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

/** Pictures of one return. */
export interface OusterReturn {
  /** Millimetres; 0: no return. */
  readonly range: Uint32Array;
  readonly reflectivity: Uint8Array;
}

/** A frame's, of one length. */
interface Points {
  readonly position: Float32Array;
  readonly intensity: Float32Array;
  readonly time: Float32Array;
  readonly ring: Uint16Array;
  /** Empty if there is one return. */
  readonly returnNumber: Uint8Array;
}

/** Takes E out of the formula: point = (r − n) · (cos E · u + sin E · v + w) + offset of the column, all in metres. */
export class OusterPoints {
  readonly #rows: number;
  readonly #columns: number;
  readonly #origin: number; // n, metres
  readonly #cosine: Float64Array; // of E, by column
  readonly #sine: Float64Array;
  readonly #beams: Float64Array; // [rows, 9] u, v, w
  readonly #offset: Float64Array; // [columns, 3]

  constructor({ rows, columns, altitude, azimuth, beamToLidar, lidarToSensor: m }: OusterSensor) {
    this.#rows = rows;
    this.#columns = columns;
    const n0 = beamToLidar[3]!;
    const n2 = beamToLidar[11]!;
    this.#origin = Math.hypot(n0, n2) / 1000;
    if (n2 === 0) this.#origin = n0 / 1000; // which may be negative
    const rotated = (x: number, y: number, z: number) =>
      [0, 4, 8].map((row) => m[row]! * x + m[row + 1]! * y + m[row + 2]! * z);
    const angles = Float64Array.from({ length: columns }, (_, i) => 2 * Math.PI - (2 * Math.PI * i) / columns);
    this.#cosine = angles.map(Math.cos);
    this.#sine = angles.map(Math.sin);
    this.#offset = new Float64Array(3 * columns);
    for (let column = 0; column < columns; column++) {
      const origin = rotated(n0 * this.#cosine[column]!, n0 * this.#sine[column]!, n2);
      for (let i = 0; i < 3; i++) this.#offset[3 * column + i] = (origin[i]! + m[4 * i + 3]!) / 1000;
    }
    this.#beams = Float64Array.from(
      altitude.flatMap((degrees, row) => {
        const phi = (degrees * Math.PI) / 180;
        const a = (-azimuth[row]! * Math.PI) / 180;
        const x = Math.cos(a) * Math.cos(phi);
        const y = Math.sin(a) * Math.cos(phi);
        return [...rotated(x, y, 0), ...rotated(-y, x, 0), ...rotated(0, 0, Math.sin(phi))];
      }),
    );
  }

  /**
   * The points of a turn, row after row: of each row first the first returns, then the second ones, in the order of columns.
   * @param shift of each row: the pixel of column `c` is at `c + shift`, 0 to columns − 1
   * @param times of the columns, seconds
   */
  of(first: OusterReturn, second: OusterReturn | undefined, shift: Int32Array, times: Float64Array): Points {
    const count = this.#count(first.range) + (second ? this.#count(second.range) : 0);
    const position = new Float32Array(3 * count);
    const intensity = new Float32Array(count);
    const time = new Float32Array(count);
    const ring = new Uint16Array(count);
    const returnNumber = new Uint8Array(second ? count : 0);
    // Arrays go one by one: compiled for objects that hold them, #append is given up by V8 after a turn and never as quick again.
    const append = (one: OusterReturn, before: Uint32Array | undefined, row: number, from: number) =>
      this.#append(
        one.range,
        one.reflectivity,
        before,
        row,
        shift[row]!,
        times,
        position,
        intensity,
        time,
        returnNumber,
        from,
      );
    let end = 0;
    for (let row = 0; row < this.#rows; row++) {
      const begin = end;
      end = append(first, undefined, row, end);
      if (second) end = append(second, first.range, row, end);
      ring.fill(this.#rows - 1 - row, begin, end); // row 0 looks highest
    }
    return { position, intensity, time, ring, returnNumber };
  }

  /**
   * Puts in the points of one row of pictures.
   * @param first range of the first return, if this is the second
   * @param from the points so far
   * @returns the points then
   */
  #append(
    range: Uint32Array,
    reflectivity: Uint8Array,
    first: Uint32Array | undefined,
    row: number,
    shift: number,
    times: Float64Array,
    position: Float32Array,
    intensity: Float32Array,
    time: Float32Array,
    returnNumber: Uint8Array,
    from: number,
  ): number {
    const columns = this.#columns;
    const origin = this.#origin;
    const cosine = this.#cosine;
    const sine = this.#sine;
    const offset = this.#offset;
    // One by one: taken apart by a pattern they made this 15 to 25 % slower.
    const beams = this.#beams;
    const beam = 9 * row;
    const ux = beams[beam]!;
    const uy = beams[beam + 1]!;
    const uz = beams[beam + 2]!;
    const vx = beams[beam + 3]!;
    const vy = beams[beam + 4]!;
    const vz = beams[beam + 5]!;
    const wx = beams[beam + 6]!;
    const wy = beams[beam + 7]!;
    const wz = beams[beam + 8]!;
    const end = (row + 1) * columns;
    let point = from;
    for (let column = 0, pixel = row * columns + shift; column < columns; column++, pixel++) {
      if (pixel === end) pixel -= columns;
      const millimetres = range[pixel]!;
      if (millimetres === 0) continue;
      const r = millimetres * 0.001 - origin;
      const c = cosine[column]!;
      const s = sine[column]!;
      position[3 * point] = r * (c * ux + s * vx + wx) + offset[3 * column]!;
      position[3 * point + 1] = r * (c * uy + s * vy + wy) + offset[3 * column + 1]!;
      position[3 * point + 2] = r * (c * uz + s * vz + wz) + offset[3 * column + 2]!;
      intensity[point] = reflectivity[pixel]!;
      time[point] = times[column]!;
      if (first !== undefined && first[pixel] !== 0) returnNumber[point] = 1;
      point++;
    }
    return point;
  }

  #count(range: Uint32Array): number {
    const pixels = this.#rows * this.#columns;
    let count = 0;
    for (let i = 0; i < pixels; i++) if (range[i] !== 0) count++; // of all loops this form is the fastest
    return count;
  }
}
