/** What the axes of a cube mean in metres and metres per second.
 *
 *  A chirp of slope S reflected at the distance R comes back after τ = 2R / c. Mixed with the chirp being sent it gives
 *
 *      e^(2πi (f τ + S τ t))          f: frequency in the middle of what is sampled, t: time from there
 *
 *      range bin k       R = k · c · sampleRate / (2 S N)                       N: size of the range FFT
 *      Doppler bin d     v = d · c / (2 f D · loopPeriod), away is positive     D: size of the Doppler FFT
 *      angle             a virtual antenna x half wavelengths to the right and z up sees the wave earlier:
 *                        phase −π (x sin(azimuth) cos(elevation) + z sin(elevation))
 *
 *  Richards, Scheer and Holm, Principles of Modern Radar: Basic Principles, chapters 8 and 17; C. Iovescu and S. Rao, The
 *  fundamentals of millimeter wave sensors, Texas Instruments SPYY005. */

export const speedOfLight = 299792458;

export interface RadarGeometry {
  /** Hz, in the middle of the part of the chirp that is sampled. */
  readonly frequency: number;
  /** Hz/s */
  readonly slope: number;
  /** Samples a second. */
  readonly sampleRate: number;
  /** Seconds from one chirp loop to the next; a loop has one chirp of each transmitter, one after the other. */
  readonly loopPeriod: number;
  readonly transmitters: number;
  /** Where each virtual antenna is, seen from behind the radar, in half wavelengths, whole numbers: x to the right, z up.
   * In the cube's order, [transmitters, receivers]. */
  readonly antennas: readonly (readonly [x: number, z: number])[];
}

/** Metres from one range bin to the next. */
export const rangeStep = (radar: RadarGeometry, fftSize: number): number =>
  (speedOfLight * radar.sampleRate) / (2 * radar.slope * fftSize);

/** m/s from one Doppler bin to the next. */
export const velocityStep = (radar: RadarGeometry, fftSize: number): number =>
  speedOfLight / (2 * radar.frequency * fftSize * radar.loopPeriod);

/** Virtual antennas of one height. */
export interface AntennaRow {
  /** Half wavelengths. */
  readonly z: number;
  /** Index of each antenna in the cube. */
  readonly antenna: Int32Array;
  /** [antennas of the row] half wavelengths from the row's first place, which is the array's leftmost antenna. */
  readonly x: Int32Array;
}

/** The rows of the array, lowest first. Of two antennas in one place the first is used. */
export function antennaRows(radar: RadarGeometry): AntennaRow[] {
  const left = Math.min(...radar.antennas.map(([x]) => x));
  const heights = [...new Set(radar.antennas.map(([, z]) => z))].sort((a, b) => a - b);
  return heights.map((height) => {
    const byPlace = new Map<number, number>();
    radar.antennas.forEach(([x, z], index) => {
      if (z === height && !byPlace.has(x - left)) byPlace.set(x - left, index);
    });
    const places = [...byPlace].sort((a, b) => a[0] - b[0]);
    return {
      z: height,
      antenna: Int32Array.from(places, ([, index]) => index),
      x: Int32Array.from(places, ([x]) => x),
    };
  });
}
