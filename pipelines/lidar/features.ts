/** LiDAR frames to the points of the person.
 *
 *    frame ─▶ spherical grid ─▶ foreground ─▶ level ─▶ clusters ─▶ person ─▶ crop ─▶ farthest points ─▶ [128, 5]
 *                   └─▶ background, ground: learned while nobody is there
 *
 *  Times are the device's where it sends them. */
import type { LidarFrame } from '../../drivers/frames.js';
import { faults, type Fault, type FrameFeatures } from '../features.js';
import {
  backgroundDefaults,
  createBackground,
  foreground,
  forgetBackground,
  learnBackground,
  type BackgroundOptions,
} from './background.js';
import { createClusters, findClusters, type Clusters } from './clusters.js';
import { farthestPoints } from './farthest-points.js';
import { createGroundFinder, findGround } from './ground.js';
import { adaptGround, createGroundTrack, forgetGround } from './ground-track.js';
import { level } from './level.js';
import { bodyLimits, createPeople, cropPerson, follow, forgetPeople, groundlessLimits, sliceLimits } from './person.js';
import { createSphericalPoints, toSpherical } from './spherical-grid.js';

export interface LidarFeatureOptions extends BackgroundOptions {
  /** Points of an instant. */
  points: number;
  /** Beyond it nobody is looked for, metres. */
  farthest: number;
  /** Intensity that becomes 1. */
  fullIntensity: number;
  /** Height of a level sensor, metres, until ground is found and where none can be. */
  sensorHeight: number | undefined;
}

export const lidarDefaults: LidarFeatureOptions = {
  ...backgroundDefaults,
  points: 128,
  farthest: 30,
  fullIntensity: 255,
  sensorHeight: undefined,
};

/** x y z of the person's points in the person's axes (see `cropPerson`), metres; intensity 0 to 1; 1: a point, 0: a point again for want of more. */
export const lidarChannels = ['x', 'y', 'z', 'intensity', 'present'] as const;

export interface LidarFeatures extends FrameFeatures<LidarFrame> {
  readonly calibrated: boolean;
  /** [n_x, n_y, n_z, height of the sensor above it, metres]; undefined: none known. */
  readonly ground: Float64Array | undefined;
  /** Foreground clusters of the latest frame, level, and the person's among them; −1: nobody. */
  readonly clusters: Clusters;
  readonly person: number;
  /** [points, 3] level: those that `clusters` labels; until the next frame. */
  readonly foreground: Float32Array;
  /** Frames that gave no numbers, by the reason. */
  readonly refused: Readonly<Record<Fault, number>>;
}

const channels = lidarChannels.length;
const flat = 0.01; // metres of rise in a whole frame: a 2-D LiDAR
const repeats = 3; // equal frames in a row: the device repeats itself
const mostSampled = 2048; // points from which the farthest are taken
const groundEvery = 30; // seconds without a person
const longestStep = 10; // seconds between frames that count
const voxel = [0.2, 0.2, 0.4] as const; // metres: beams of 16 lie 0.35 m apart at 10 m
const sliceVoxel = [0.3, 0.3, 0.4] as const; // two legs are one person

export function createLidarFeatures(options: Partial<LidarFeatureOptions> = {}): LidarFeatures {
  const { points: wanted, farthest, fullIntensity, sensorHeight, ...learning } = { ...lidarDefaults, ...options };
  const spherical = createSphericalPoints();
  const background = createBackground(learning);
  const finder = createGroundFinder();
  const ground = createGroundTrack(sensorHeight);
  const clusters = createClusters();
  const people = createPeople();
  let index = new Int32Array(0);
  let upright = new Float32Array(0);
  const crop = new Float32Array(3 * mostSampled);
  const cropIndex = new Int32Array(mostSampled);
  const distance = new Float64Array(mostSampled);
  const sample = new Int32Array(wanted);
  const refused = Object.fromEntries(faults.map((fault) => [fault, 0])) as Record<Fault, number>;
  /** Time of the frame before; its checksum; seconds without a person since the ground was looked at. */
  const before = new Float64Array([NaN, NaN, 0]);
  let layout = -1;
  let equal = 0;
  let planar = false;
  let person = -1;

  /** Fields and picture size, as one number. */
  function layoutOf({ intensity, ring, images }: LidarFrame): number {
    const range = images?.['range'];
    const picture = range === undefined ? 0 : 1 + range.rows * 8192 + range.columns;
    return 4 * picture + (intensity === undefined ? 0 : 2) + (ring === undefined ? 0 : 1);
  }

  function forgetRoom(): void {
    forgetBackground(background);
    forgetGround(ground);
    forgetPeople(people);
    person = -1;
  }

  function inspect(frame: LidarFrame, points: number): Fault | undefined {
    const { position, intensity } = frame;
    if (points === 0 || !Number.isInteger(points)) return 'absent';
    if (intensity !== undefined && intensity.length !== points) return 'absent';
    const time = frame.deviceTime ?? frame.arrivalTime;
    if (!Number.isFinite(time)) return 'notANumber';
    const now = layoutOf(frame);
    if (now !== layout) {
      const first = layout === -1;
      layout = now;
      if (!first) {
        forgetRoom();
        before[0] = NaN;
        return 'settingsChanged';
      }
    }
    toSpherical(position, points, spherical);
    if (!Number.isFinite(spherical.checksum)) return 'notANumber';
    if (intensity !== undefined && !allFinite(intensity)) return 'notANumber';
    equal = spherical.checksum === before[1] ? equal + 1 : 0;
    before[1] = spherical.checksum;
    return equal + 1 >= repeats ? 'constant' : undefined;
  }

  /** @returns true if the calibration ended with this frame */
  function learn(seconds: number): boolean {
    const { calibrated } = background;
    const lost = learnBackground(spherical, background, seconds);
    if (!lost && calibrated === background.calibrated) return false;
    forgetGround(ground);
    forgetPeople(people);
    return !lost;
  }

  function lookAtGround(position: Float32Array, points: number): void {
    before[2] = 0;
    if (!planar) adaptGround(ground, findGround(position, points, finder, ground.measured));
  }

  /** [foreground points] of the frame, made level. */
  function foregroundOf(position: Float32Array, points: number): number {
    if (index.length < points) index = new Int32Array(points + (points >> 2));
    const count = foreground(spherical, points, background, farthest, index);
    if (upright.length < 3 * count) upright = new Float32Array(3 * (count + (count >> 1)));
    level(position, index, count, ground.plane, upright);
    return count;
  }

  function protect(count: number): void {
    const { label } = clusters;
    for (let k = 0; k < people.used.length; k++) {
      const c = people.cluster[k]!;
      if (people.used[k] === 0 || people.moved[k] === 0 || c === -1) continue;
      for (let i = 0; i < count; i++) if (label[i] === c) background.person[spherical.cell[index[i]!]!] = 1;
    }
  }

  function write(frame: LidarFrame, count: number, out: Float32Array): void {
    const cropped = cropPerson(upright, count, clusters, person, mostSampled, cropIndex, crop);
    const taken = farthestPoints(crop, cropped, wanted, distance, sample);
    // Without ground the lowest point of the person stands on it.
    const floor = ground.known || planar ? 0 : clusters.bounds[6 * person + 2]!;
    for (let k = 0; k < wanted; k++) {
      const i = sample[k % taken]!;
      const to = channels * k;
      out[to] = crop[3 * i]!;
      out[to + 1] = crop[3 * i + 1]!;
      out[to + 2] = crop[3 * i + 2]! - floor;
      const { intensity } = frame;
      const value = intensity === undefined ? 0 : intensity[index[cropIndex[i]!]!]! / fullIntensity;
      out[to + 3] = value < 0 ? 0 : value > 1 ? 1 : value;
      out[to + 4] = k < taken ? 1 : 0;
    }
  }

  function take(frame: LidarFrame, out: Float32Array): Fault | undefined {
    const { position } = frame;
    const points = position.length / 3;
    person = -1;
    clusters.count = 0;
    const fault = inspect(frame, points);
    if (fault !== undefined) return fault;
    const time = frame.deviceTime ?? frame.arrivalTime;
    const seconds = time > before[0]! ? Math.min(time - before[0]!, longestStep) : 0;
    before[0] = time;
    planar = spherical.rise < flat;

    if (!background.calibrated) {
      if (learn(seconds)) lookAtGround(position, points);
      return 'calibrating';
    }
    const count = foregroundOf(position, points);
    findClusters(upright, count, planar ? sliceVoxel : voxel, clusters);
    const limits = planar ? sliceLimits : ground.known ? bodyLimits : groundlessLimits;
    person = follow(clusters, limits, seconds, people);
    protect(count);
    learn(seconds);
    if (person === -1) {
      before[2]! += seconds;
      if (before[2]! >= groundEvery) lookAtGround(position, points);
      return 'nobody';
    }
    write(frame, count, out);
    return undefined;
  }

  return {
    shape: [wanted, channels],
    take(frame, out) {
      const fault = take(frame, out);
      if (fault !== undefined) refused[fault]++;
      return fault;
    },
    reset() {
      forgetPeople(people);
      person = -1;
      before[0] = NaN;
      before[1] = NaN;
      equal = 0;
    },
    get calibrated() {
      return background.calibrated;
    },
    get ground() {
      return ground.known ? ground.plane : undefined;
    },
    clusters,
    get person() {
      return person;
    },
    get foreground() {
      let points = 0;
      for (let c = 0; c < clusters.count; c++) points += clusters.points[c]!;
      return upright.subarray(0, 3 * points);
    },
    refused,
  };
}

function allFinite(values: Float32Array): boolean {
  const count = values.length;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += values[i]! - values[i]!; // NaN once, NaN for ever
  return sum === 0;
}
