/** Which cluster is the person, from frame to frame.
 *
 *     track     a cluster that is no larger than a person, followed to the nearest one around where it is expected, given up after
 *               2 s unseen
 *     body      a track that was as tall as people are at least; or, if only a part of it is seen, that moved and reached as high
 *     person    the body followed so far, if it has moved; else the one that has moved with the most points; else the one with the most
 *
 *  Furniture that someone moved and let stand is a body too, but one that never moved. */
import type { Clusters } from './clusters.js';

export interface BodyLimits {
  /** Points. */
  fewest: number;
  /** Metres of it that are seen, upright: of a body at least that has not moved, of any track at most. */
  height: readonly [least: number, most: number];
  /** Metres above the ground that a body's highest point is at least, if it is less tall than that: pets are lower. */
  top: number;
  /** Metres, along x or y, the longer one: of any track. */
  width: readonly [least: number, most: number];
}

export const bodyLimits: BodyLimits = { fewest: 10, height: [0.4, 2.4], top: 0.6, width: [0.1, 2.2] };
/** Where the ground is not known, no more is known of the top. */
export const groundlessLimits: BodyLimits = { ...bodyLimits, top: -Infinity };
/** A 2-D LiDAR sees a slice of the trunk, or two legs. */
export const sliceLimits: BodyLimits = { fewest: 3, height: [0, Infinity], top: -Infinity, width: [0.05, 1] };

const tracks = 32;
const gate = 0.5; // metres, and
const fastest = 3; // m/s: more for each second unseen
const forgottenAfter = 2; // seconds
const moved = 0.5; // metres from where it was first seen
const smoothing = 0.5; // of the velocity

export interface People {
  /** Track of the person, −1: nobody. */
  person: number;
  /** [tracks] 1: in use; 1: is a body; 1: has moved; cluster in this frame or −1 */
  readonly used: Uint8Array;
  readonly body: Uint8Array;
  readonly moved: Uint8Array;
  readonly cluster: Int32Array;
  /** [tracks, 7] x, y of the mean, velocity, x, y where first seen, seconds since it was seen last */
  readonly state: Float64Array;
  /** [clusters] 0: nothing to follow, 1: part of a body perhaps, 2: body, 3: taken by a track */
  kind: Uint8Array;
}

export const createPeople = (): People => ({
  person: -1,
  used: new Uint8Array(tracks),
  body: new Uint8Array(tracks),
  moved: new Uint8Array(tracks),
  cluster: new Int32Array(tracks).fill(-1),
  state: new Float64Array(7 * tracks),
  kind: new Uint8Array(64),
});

export function forgetPeople(people: People): void {
  people.person = -1;
  people.used.fill(0);
  people.moved.fill(0);
  people.cluster.fill(-1);
}

function kindOf({ points, bounds }: Clusters, c: number, limits: BodyLimits): number {
  const { fewest, height, width } = limits;
  const at = 6 * c;
  const tall = bounds[at + 5]! - bounds[at + 2]!;
  const wide = Math.max(bounds[at + 3]! - bounds[at]!, bounds[at + 4]! - bounds[at + 1]!);
  if (points[c]! < fewest || tall > height[1] || wide < width[0] || wide > width[1]) return 0;
  return tall < height[0] ? 1 : 2;
}

/**
 * Follows people into the next frame.
 * @param clusters of level points
 * @param seconds since the frame before
 * @returns the person's cluster, −1: nobody
 */
export function follow(clusters: Clusters, limits: BodyLimits, seconds: number, people: People): number {
  const { used, moved: hasMoved, cluster, state } = people;
  if (people.kind.length < clusters.count) people.kind = new Uint8Array(2 * clusters.count);
  const { kind } = people;
  for (let c = 0; c < clusters.count; c++) kind[c] = kindOf(clusters, c, limits);

  // Those that have moved choose first: a person who passes furniture keeps being the person.
  for (let pass = 1; pass >= 0; pass--) {
    for (let k = 0; k < tracks; k++) {
      if (used[k] === 0 || hasMoved[k] !== pass) continue;
      state[7 * k + 6]! += seconds;
      cluster[k] = nearestBody(clusters, kind, state, 7 * k);
      if (cluster[k] !== -1) kind[cluster[k]!] = 3;
    }
  }
  for (let k = 0; k < tracks; k++) {
    if (used[k] === 1) update(clusters, limits, people, k);
  }
  // Bodies first, for want of tracks.
  for (let wanted = 2; wanted > 0; wanted--) {
    for (let c = 0; c < clusters.count; c++) if (kind[c] === wanted) begin(clusters, people, c, wanted);
  }
  people.person = choose(clusters, people);
  return people.person === -1 ? -1 : cluster[people.person]!;
}

// Distances by square root: `Math.hypot` allocates.
function nearestBody({ count, points, sum }: Clusters, kind: Uint8Array, state: Float64Array, at: number): number {
  const unseen = state[at + 6]!;
  const x = state[at]! + state[at + 2]! * unseen;
  const y = state[at + 1]! + state[at + 3]! * unseen;
  let least = gate + fastest * unseen;
  let nearest = -1;
  for (let c = 0; c < count; c++) {
    if (kind[c] !== 1 && kind[c] !== 2) continue;
    const dx = sum[3 * c]! / points[c]! - x;
    const dy = sum[3 * c + 1]! / points[c]! - y;
    const d = Math.sqrt(dx * dx + dy * dy);
    if (d >= least) continue;
    least = d;
    nearest = c;
  }
  return nearest;
}

function update(clusters: Clusters, limits: BodyLimits, people: People, k: number): void {
  const { points, sum, bounds } = clusters;
  const { used, body, moved: hasMoved, cluster, state } = people;
  const at = 7 * k;
  const c = cluster[k]!;
  if (c === -1) {
    if (state[at + 6]! > forgottenAfter) used[k] = 0;
    return;
  }
  const elapsed = Math.max(state[at + 6]!, 1e-3);
  let fromFirst = 0;
  for (let axis = 0; axis < 2; axis++) {
    const value = sum[3 * c + axis]! / points[c]!;
    const velocity = Math.min(fastest, Math.max(-fastest, (value - state[at + axis]!) / elapsed));
    state[at + 2 + axis]! += smoothing * (velocity - state[at + 2 + axis]!);
    state[at + axis] = value;
    fromFirst += (value - state[at + 4 + axis]!) ** 2;
  }
  state[at + 6] = 0;
  if (fromFirst > moved * moved) hasMoved[k] = 1;
  if (kindOf(clusters, c, limits) === 2 || (hasMoved[k] === 1 && bounds[6 * c + 5]! >= limits.top)) body[k] = 1;
}

function begin({ points, sum }: Clusters, people: People, c: number, kind: number): void {
  const { used, body, moved: hasMoved, cluster, state } = people;
  const k = used.indexOf(0);
  if (k === -1) return;
  const at = 7 * k;
  used[k] = 1;
  body[k] = kind - 1;
  hasMoved[k] = 0;
  cluster[k] = c;
  state[at] = state[at + 4] = sum[3 * c]! / points[c]!;
  state[at + 1] = state[at + 5] = sum[3 * c + 1]! / points[c]!;
  state[at + 2] = state[at + 3] = state[at + 6] = 0;
}

function choose({ points }: Clusters, { person, used, body, moved: hasMoved, cluster }: People): number {
  if (person !== -1 && used[person] === 1 && body[person] === 1 && hasMoved[person] === 1 && cluster[person] !== -1)
    return person;
  // While one that has moved is hidden for a moment, furniture does not take its place.
  let wanted = 0;
  for (let k = 0; k < tracks; k++) if (used[k] === 1 && body[k] === 1 && hasMoved[k] === 1) wanted = 1;
  let best = -1;
  for (let k = 0; k < tracks; k++) {
    if (used[k] === 0 || body[k] === 0 || cluster[k] === -1 || hasMoved[k] !== wanted) continue;
    if (best === -1 || points[cluster[k]!]! > points[cluster[best]!]!) best = k;
  }
  return best;
}

/**
 * The person's points in axes of their own: the origin on the ground below their mean, x away from the sensor, y to its left, z up.
 * What the sensor sees of a person, the side towards it, is so the same wherever in the room the person is.
 * @param position [points, 3] level, the sensor at x = y = 0
 * @param most how many to take at most, evenly from all
 * @param index [most] written: which points
 * @param out [most, 3]
 * @returns how many
 */
export function cropPerson(
  position: Float32Array,
  points: number,
  clusters: Clusters,
  cluster: number,
  most: number,
  index: Int32Array,
  out: Float32Array,
): number {
  const { label, sum } = clusters;
  const all = clusters.points[cluster]!;
  const x = sum[3 * cluster]! / all;
  const y = sum[3 * cluster + 1]! / all;
  const distance = Math.sqrt(x * x + y * y);
  const cosine = distance > 0 ? x / distance : 1;
  const sine = distance > 0 ? y / distance : 0;
  const kept = Math.min(all, most);
  let seen = 0;
  let count = 0;
  for (let i = 0; i < points && count < kept; i++) {
    if (label[i] !== cluster) continue;
    // The k-th that is kept is number ⌊k · all / kept⌋.
    if (seen++ < Math.floor((count * all) / kept)) continue;
    const dx = position[3 * i]! - x;
    const dy = position[3 * i + 1]! - y;
    index[count] = i;
    out[3 * count] = cosine * dx + sine * dy;
    out[3 * count + 1] = cosine * dy - sine * dx;
    out[3 * count + 2] = position[3 * i + 2]!;
    count++;
  }
  return count;
}
