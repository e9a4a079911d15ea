/** What a spinning scanner sees of a built room, by its rays alone; shares no code with the pipeline. */
import type { LidarFrame } from '../../../drivers/frames.js';
import type { Random } from '../../../learning/random.js';

/** An upright box or, with a radius, an upright cylinder, in the room's axes: z up, the ground at 0; metres. */
export type Thing =
  | { readonly least: readonly [number, number, number]; readonly most: readonly [number, number, number] }
  | { readonly at: readonly [number, number]; readonly radius: number; readonly height: number };

export interface Scanner {
  /** Metres above the ground, over the room's origin. */
  height: number;
  /** Radians: about x, then about y. */
  tilt: readonly [number, number];
  /** Elevations, radians. */
  rings: readonly number[];
  columns: number;
  /** Standard deviation of the range, metres. */
  noise: number;
}

export const evenRings = (count: number, degrees: number) =>
  Array.from({ length: count }, (_, i) => ((-degrees + (2 * degrees * i) / (count - 1)) * Math.PI) / 180);

/** Room from −x to x and −y to y with walls of 3 m, open above. */
export interface Room {
  readonly size: readonly [x: number, y: number];
  readonly things: readonly Thing[];
}

/** Turns a direction of the sensor's axes into the room's. */
function turned({ tilt }: Scanner, x: number, y: number, z: number): [number, number, number] {
  const [a, b] = tilt;
  const y1 = Math.cos(a) * y - Math.sin(a) * z;
  const z1 = Math.sin(a) * y + Math.cos(a) * z;
  return [Math.cos(b) * x + Math.sin(b) * z1, y1, -Math.sin(b) * x + Math.cos(b) * z1];
}

/** The ground in the sensor's axes: [normal, height]. */
export function trueGround(scanner: Scanner): number[] {
  // Rows of the rotation's inverse: how far each of the sensor's axes points up.
  const up = [turned(scanner, 1, 0, 0)[2], turned(scanner, 0, 1, 0)[2], turned(scanner, 0, 0, 1)[2]];
  return [...up, scanner.height];
}

function rangeTo(thing: Thing, height: number, x: number, y: number, z: number): number {
  if ('radius' in thing) {
    const [cx, cy] = thing.at;
    const a = x * x + y * y;
    const b = x * cx + y * cy;
    const root = b * b - a * (cx * cx + cy * cy - thing.radius ** 2);
    if (root < 0) return Infinity;
    const r = (b - Math.sqrt(root)) / a;
    const at = height + r * z;
    return r > 0 && at >= 0 && at <= thing.height ? r : Infinity;
  }
  const { least, most } = thing;
  let enter = 0;
  let leave = Infinity;
  const direction = [x, y, z];
  for (let k = 0; k < 3; k++) {
    const origin = k === 2 ? height : 0;
    const p = (least[k]! - origin) / direction[k]!;
    const q = (most[k]! - origin) / direction[k]!;
    enter = Math.max(enter, Math.min(p, q));
    leave = Math.min(leave, Math.max(p, q));
  }
  return enter > 0 && enter <= leave ? enter : Infinity;
}

/** One turn. @returns the frame, and which points are of each of the room's things */
export function scan(
  scanner: Scanner,
  room: Room,
  time: number,
  random: Random,
): { frame: LidarFrame; thing: Int32Array } {
  const { height, rings, columns, noise } = scanner;
  const position: number[] = [];
  const thing: number[] = [];
  const ring: number[] = [];
  // Heads do not stand at the same angles in each turn.
  const offset = random.uniform();
  for (let column = 0; column < columns; column++) {
    const azimuth = (2 * Math.PI * (column + offset)) / columns;
    rings.forEach((elevation, number) => {
      const s = [
        Math.cos(elevation) * Math.cos(azimuth),
        Math.cos(elevation) * Math.sin(azimuth),
        Math.sin(elevation),
      ] as const;
      const [x, y, z] = turned(scanner, ...s);
      let r = z < 0 ? -height / z : Infinity;
      const wall = Math.min(room.size[0] / Math.abs(x), room.size[1] / Math.abs(y));
      if (wall < r) r = height + wall * z <= 3 ? wall : Infinity;
      let which = -1;
      room.things.forEach((one, i) => {
        const hit = rangeTo(one, height, x, y, z);
        if (hit >= r) return;
        r = hit;
        which = i;
      });
      if (r > 100) return;
      const measured = r + noise * random.normal();
      position.push(measured * s[0], measured * s[1], measured * s[2]);
      thing.push(which);
      ring.push(number);
    });
  }
  const points = thing.length;
  return {
    frame: {
      kind: 'lidar',
      arrivalTime: time,
      position: Float32Array.from(position),
      intensity: new Float32Array(points).fill(51),
      ring: Uint16Array.from(ring),
    },
    thing: Int32Array.from(thing),
  };
}
