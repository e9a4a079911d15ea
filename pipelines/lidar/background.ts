/** The room without people, as the range at which each direction ends.
 *
 *     ───────── foreground ─────────┆ tolerance ┆ background: never in front of what lets no light through
 *     sensor                      near − tolerance   near
 *
 *  A spherical grid and no voxels, because what lies beyond a direction's background is known at once not to be a person, whatever it
 *  is: where furniture is taken away the wall behind it is no foreground for minutes. Cells hold a mean and a deviation as in Iglesias
 *  et al., A Fully Interpretable Statistical Approach for Roadside LiDAR Background Subtraction, ICVES 2025 (arXiv 2510.22390), here
 *  of the nearest range, and by azimuth and elevation as in Zhang and Jin, J. Adv. Transp. 2022:2771085.
 *
 *     nearest point of the cell is …
 *       nearer      a candidate: if it stays where it is for `learnAfter` seconds, it is background
 *       there       mean and deviation follow it slowly
 *       farther     light goes through where the background was: after `releaseAfter` seconds without it, it is given up
 *
 *  Calibration is a stretch in which next to nothing comes nearer. If someone was there in spite of that, `releaseAfter` heals it. */
import { sphericalCells, type SphericalPoints } from './spherical-grid.js';

export interface BackgroundOptions {
  /** Seconds without change after which the background is known. */
  calibration: number;
  /** Seconds that something must stay to become background. */
  learnAfter: number;
  /** Seconds after which what is gone is background no more. */
  releaseAfter: number;
  /** How many times longer `learnAfter` is for a person who was seen to move. */
  personFactor: number;
}

export const backgroundDefaults: BackgroundOptions = {
  calibration: 10,
  learnAfter: 180,
  releaseAfter: 20,
  personFactor: 10,
};

export interface Background {
  readonly options: Readonly<BackgroundOptions>;
  calibrated: boolean;
  /** Cells that came nearer in the latest frame, and cells with points in it. */
  changed: number;
  touched: number;
  /** [cells + 1] a point with a lesser range is foreground; metres. */
  readonly threshold: Float32Array;
  /** [cells] written by the caller: 1 where a person is; cleared by `learnBackground`. */
  readonly person: Uint8Array;
  /** [cells] Infinity: no return so far. */
  readonly near: Float32Array;
  readonly deviation: Float32Array;
  readonly candidate: Float32Array;
  /** [cells] seconds that the candidate was there. */
  readonly support: Float32Array;
  /** [cells] seconds that light went through. */
  readonly absent: Float32Array;
  /** [cells] `clock` when the cell last had a point. */
  readonly last: Float64Array;
  /** Seconds observed; seconds without change; seconds in which nearly all had changed. */
  readonly clock: Float64Array;
}

export function createBackground(options: BackgroundOptions): Background {
  const background: Background = {
    options,
    calibrated: false,
    changed: 0,
    touched: 0,
    threshold: new Float32Array(sphericalCells + 1),
    person: new Uint8Array(sphericalCells),
    near: new Float32Array(sphericalCells),
    deviation: new Float32Array(sphericalCells),
    candidate: new Float32Array(sphericalCells),
    support: new Float32Array(sphericalCells),
    absent: new Float32Array(sphericalCells),
    last: new Float64Array(sphericalCells),
    clock: new Float64Array(3),
  };
  forgetBackground(background);
  return background;
}

/** Back to the beginning of the calibration. */
export function forgetBackground(background: Background): void {
  background.calibrated = false;
  background.threshold.fill(Infinity);
  background.threshold[sphericalCells] = 0;
  background.person.fill(0);
  background.near.fill(Infinity);
  background.deviation.fill(firstDeviation);
  background.support.fill(0);
  background.absent.fill(0);
  background.last.fill(0);
  background.clock.fill(0);
}

const firstDeviation = 0.02; // metres
const mostDeviation = 0.1;
const tolerance = 0.1; // metres, and
const tolerancePerMetre = 0.005;
const deviations = 3;
const sameCandidate = 0.15; // metres: how far a candidate may sway
const longestGap = 1; // seconds between two points of a cell that count as watching it
const calibratingRate = 1 / 2; // of mean and deviation, per second
const followingRate = 1 / 60;
const quietCells = 3; // that may come nearer in a frame of a quiet room, and
const quietShare = 0.001;
const movedShare = 0.4; // of cells nearer or farther: the sensor itself was moved, if for
const movedAfter = 5; // seconds

/**
 * Writes which points are foreground.
 * @param farthest foreground beyond it is left out, metres
 * @param out [points] indices of points
 * @returns how many
 */
export function foreground(
  { range, cell }: SphericalPoints,
  points: number,
  { threshold }: Background,
  farthest: number,
  out: Int32Array,
): number {
  let count = 0;
  for (let i = 0; i < points; i++) {
    if (range[i]! < threshold[cell[i]!]! && range[i]! <= farthest) out[count++] = i;
  }
  return count;
}

/**
 * Learns from a frame, after `foreground` has used what was learned before.
 * @param seconds since the frame before
 * @returns true if the sensor was moved: all is forgotten
 */
export function learnBackground({ nearest }: SphericalPoints, background: Background, seconds: number): boolean {
  const { options, clock, person, threshold, near, deviation, candidate, support, absent, last, calibrated } =
    background;
  const { learnAfter, releaseAfter, personFactor } = options;
  const step = Math.min(Math.max(seconds, 0), longestGap);
  const now = clock[0]! + step;
  const rate = calibrated ? followingRate : calibratingRate;
  let changed = 0;
  let through = 0;
  let touched = 0;
  for (let c = 0; c < sphericalCells; c++) {
    const r = nearest[c]!;
    if (r === Infinity) continue;
    touched++;
    const gap = now - last[c]!;
    last[c] = now;
    const watched = gap < longestGap ? gap : longestGap;
    // For as long as the cell was empty the candidate was not there.
    let held = support[c]! - 2 * (gap - watched);
    if (held < 0) held = 0;
    let b = near[c]!;
    if (r < threshold[c]!) {
      changed++;
      if (!calibrated) b = r;
      else if (Math.abs(r - candidate[c]!) < sameCandidate) {
        held += person[c] === 1 ? watched / personFactor : watched;
        candidate[c]! += 0.1 * (r - candidate[c]!);
        if (held >= learnAfter) b = candidate[c]!;
      } else {
        held -= 2 * watched;
        if (held <= 0) {
          held = 0;
          candidate[c] = r;
        }
      }
      absent[c] = 0;
    } else {
      held -= 2 * watched;
      if (held < 0) held = 0;
      const beyond = r - b;
      if (beyond <= b - threshold[c]!) {
        absent[c] = 0;
        const share = Math.min(1, rate * watched);
        const off = Math.abs(beyond);
        b += share * beyond;
        deviation[c] = Math.min(mostDeviation, deviation[c]! + share * (off - deviation[c]!));
      } else {
        through++;
        if ((absent[c]! += watched) >= releaseAfter) b = r;
      }
    }
    if (Math.abs(b - near[c]!) > tolerance) {
      deviation[c] = firstDeviation;
      held = 0;
      absent[c] = 0;
    }
    near[c] = b;
    support[c] = held;
    threshold[c] = b - (tolerance + tolerancePerMetre * b + deviations * deviation[c]!);
    if (b === Infinity) threshold[c] = Infinity;
  }
  if (calibrated) person.fill(0);
  background.changed = changed;
  background.touched = touched;
  clock[0] = now;
  clock[1] = changed <= Math.max(quietCells, quietShare * touched) ? clock[1]! + step : 0;
  clock[2] = changed + through > movedShare * touched ? clock[2]! + step : 0;
  if (!calibrated) background.calibrated = touched > 0 && clock[1] >= options.calibration;
  else if (clock[2] >= movedAfter) {
    forgetBackground(background);
    return true;
  }
  return false;
}
