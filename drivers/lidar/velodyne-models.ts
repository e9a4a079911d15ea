/** What differs between the Velodyne models: how often they fire, and where each laser points.
 *
 * Sources: VLP-16 User Manual 63-9243 (VLP-16, Puck LITE, Puck Hi-Res), table 9-1 (angles and vertical corrections) and 9.4 (times);
 * VLP-32C User Manual 63-9325, tables 9-2 and 9-6 (angles, azimuth offsets) and 9.4; HDL-32E application note 63-9277 (angles, times).
 */

export interface VelodyneModel {
  readonly name: string;
  readonly lasers: number;
  /** Metres in a step of the distance. */
  readonly metresPerStep: number;
  /** Seconds that one data block (32 measurements) takes to fire. */
  readonly blockTime: number;
  /** The following have one entry a measurement of a block (two firings where the model has 16 lasers). Seconds after the block's first. */
  readonly fireTime: Float64Array;
  /** Upwards is positive, radians. */
  readonly elevation: Float64Array;
  /** What to add to the block's azimuth, radians. */
  readonly azimuthOffset: Float64Array;
  /** How far above the sensor's origin the beam starts, metres. */
  readonly height: Float64Array;
  /** The laser's rank by elevation, from 0, lowest first. */
  readonly ring: Uint16Array;
}

interface Table {
  readonly name: string;
  /** Millimetres. */
  readonly step: number;
  /** Microseconds from one firing of all lasers to the next. */
  readonly cycle: number;
  /** Microseconds from one group of lasers that fire at once to the next. */
  readonly pulse: number;
  readonly together: 1 | 2;
  /** Degrees, in the order of firing. */
  readonly elevation: readonly number[];
  /** Degrees. */
  readonly azimuthOffset?: readonly number[];
  /** Millimetres. */
  readonly height?: readonly number[];
}

const measurementsPerBlock = 32;

/** By the second factory byte. */
const tables: readonly (readonly [factory: number, table: Table])[] = [
  [
    0x21,
    {
      name: 'HDL-32E',
      step: 2,
      cycle: 46.08,
      pulse: 1.152,
      together: 1,
      // The lower half and the upper half of the fan take turns.
      elevation: [
        -30.67, -9.33, -29.33, -8, -28, -6.67, -26.67, -5.33, -25.33, -4, -24, -2.67, -22.67, -1.33, -21.33, 0, -20,
        1.33, -18.67, 2.67, -17.33, 4, -16, 5.33, -14.67, 6.67, -13.33, 8, -12, 9.33, -10.67, 10.67,
      ],
    },
  ],
  [
    0x22,
    {
      name: 'VLP-16',
      step: 2,
      cycle: 55.296,
      pulse: 2.304,
      together: 1,
      elevation: [-15, 1, -13, 3, -11, 5, -9, 7, -7, 9, -5, 11, -3, 13, -1, 15],
      height: [11.2, -0.7, 9.7, -2.2, 8.1, -3.7, 6.6, -5.1, 5.1, -6.6, 3.7, -8.1, 2.2, -9.7, 0.7, -11.2],
    },
  ],
  [
    0x24,
    {
      name: 'Puck Hi-Res',
      step: 2,
      cycle: 55.296,
      pulse: 2.304,
      together: 1,
      elevation: [-10, 0.67, -8.67, 2, -7.33, 3.33, -6, 4.67, -4.67, 6, -3.33, 7.33, -2, 8.67, -0.67, 10],
      height: [7.4, -0.9, 6.5, -1.8, 5.5, -2.7, 4.6, -3.7, 3.7, -4.6, 2.7, -5.5, 1.8, -6.5, 0.9, -7.4],
    },
  ],
  [
    0x28,
    {
      name: 'VLP-32C',
      step: 4,
      cycle: 55.296,
      pulse: 2.304,
      together: 2,
      elevation: [
        -25, -1, -1.667, -15.639, -11.31, 0, -0.667, -8.843, -7.254, 0.333, -0.333, -6.148, -5.333, 1.333, 0.667, -4,
        -4.667, 1.667, 1, -3.667, -3.333, 3.333, 2.333, -2.667, -3, 7, 4.667, -2.333, -2, 15, 10.333, -1.333,
      ],
      azimuthOffset: [
        1.4, -4.2, 1.4, -1.4, 1.4, -1.4, 4.2, -1.4, 1.4, -4.2, 1.4, -1.4, 4.2, -1.4, 4.2, -1.4, 1.4, -4.2, 1.4, -4.2,
        4.2, -1.4, 1.4, -1.4, 1.4, -1.4, 1.4, -4.2, 4.2, -1.4, 1.4, -1.4,
      ],
    },
  ],
];

function model({ name, step, cycle, pulse, together, elevation, azimuthOffset, height }: Table): VelodyneModel {
  const lasers = elevation.length;
  const radians = (degrees: number) => (degrees * Math.PI) / 180;
  const each = (value: (laser: number, firing: number) => number) =>
    Float64Array.from({ length: measurementsPerBlock }, (_, i) => value(i % lasers, Math.floor(i / lasers)));
  const ascending = elevation.toSorted((a, b) => a - b);
  return {
    name,
    lasers,
    metresPerStep: step / 1000,
    blockTime: ((measurementsPerBlock / lasers) * cycle) / 1e6,
    fireTime: each((laser, firing) => (firing * cycle + Math.floor(laser / together) * pulse) / 1e6),
    elevation: each((laser) => radians(elevation[laser]!)),
    azimuthOffset: each((laser) => radians(azimuthOffset?.[laser] ?? 0)),
    height: each((laser) => (height?.[laser] ?? 0) / 1000),
    ring: Uint16Array.from(each((laser) => ascending.indexOf(elevation[laser]!))),
  };
}

/** By the second factory byte. */
export const velodyneModels: ReadonlyMap<number, VelodyneModel> = new Map(
  tables.map(([factory, table]) => [factory, model(table)]),
);
