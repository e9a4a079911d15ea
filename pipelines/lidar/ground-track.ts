/** The ground over time: what is found while nobody is there changes it a little; what disagrees must be found three times in a row. */
export interface GroundTrack {
  known: boolean;
  /** [n_x, n_y, n_z, height of the sensor, metres] */
  readonly plane: Float64Array;
  /** [4] the latest that was found; written by the caller. */
  readonly measured: Float64Array;
  /** [4] the latest that disagreed */
  readonly other: Float64Array;
  /** Rather than only said to be so by `sensorHeight`. */
  measuredBefore: boolean;
  disagreed: number;
  readonly sensorHeight: number | undefined;
}

const share = 0.2; // of the new one
const agreement = { angle: (1 * Math.PI) / 180, height: 0.05 };
const confirmations = 3;

/** @param sensorHeight of a level sensor, metres, as long as no ground was found */
export function createGroundTrack(sensorHeight: number | undefined): GroundTrack {
  const track = {
    known: false,
    plane: new Float64Array(4),
    measured: new Float64Array(4),
    other: new Float64Array(4),
    measuredBefore: false,
    disagreed: 0,
    sensorHeight,
  };
  forgetGround(track);
  return track;
}

export function forgetGround(track: GroundTrack): void {
  track.known = track.sensorHeight !== undefined;
  track.measuredBefore = false;
  track.disagreed = 0;
  track.plane.set([0, 0, 1, track.sensorHeight ?? 0]);
}

/** @param found whether `measured` holds ground */
export function adaptGround(track: GroundTrack, found: boolean): void {
  const { plane, measured, other } = track;
  if (!found) return;
  if (track.measuredBefore && agree(plane, measured)) {
    track.disagreed = 0;
    for (let i = 0; i < 4; i++) plane[i]! += share * (measured[i]! - plane[i]!);
    const length = Math.hypot(plane[0]!, plane[1]!, plane[2]!);
    for (let i = 0; i < 3; i++) plane[i]! /= length;
    return;
  }
  track.disagreed = track.disagreed > 0 && agree(other, measured) ? track.disagreed + 1 : 1;
  other.set(measured);
  if (track.measuredBefore && track.disagreed < confirmations) return;
  plane.set(measured);
  track.known = true;
  track.measuredBefore = true;
  track.disagreed = 0;
}

function agree(a: Float64Array, b: Float64Array): boolean {
  const cosine = a[0]! * b[0]! + a[1]! * b[1]! + a[2]! * b[2]!;
  return cosine >= Math.cos(agreement.angle) && Math.abs(a[3]! - b[3]!) <= agreement.height;
}
