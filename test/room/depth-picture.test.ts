import t from 'tap';
import { bodyJoints, placeBody } from '../../room/body.js';
import {
  capsules,
  focalLength,
  measureDepth,
  pictureHeight,
  pictureWidth,
  renderBody,
} from '../../room/depth-picture.js';
import { createRandom } from '../../room/random.js';

const joints = new Float64Array(60);
const picture = new Float32Array(pictureWidth * pictureHeight);
const guard = { elevation: 1.2, azimuth: -0.6, twist: 0.4, elbow: 1.5, pronation: 0.3 };

/** Metres from a point to the body's surface; below 0 inside. */
function distanceToBody(x: number, y: number, z: number): number {
  let least = Infinity;
  for (const { from, to, radius } of capsules) {
    const a = joints.subarray(3 * from, 3 * from + 3);
    const [bx, by, bz] = [0, 1, 2].map((i) => joints[3 * to + i]! - a[i]!) as [number, number, number];
    const [px, py, pz] = [x - a[0]!, y - a[1]!, z - a[2]!];
    const length2 = bx * bx + by * by + bz * bz;
    const part = length2 === 0 ? 0 : Math.max(0, Math.min(1, (px * bx + py * by + pz * bz) / length2));
    least = Math.min(least, Math.hypot(px - part * bx, py - part * by, pz - part * bz) - radius);
  }
  return least;
}

/** Where a ray meets the body, by steps that cannot go beyond its surface (Hart, The Visual Computer 12, 1996). */
function march(dx: number, dy: number): number {
  const long = Math.hypot(dx, dy, 1);
  let z = 1;
  for (let i = 0; i < 3000 && z < 5; i++) {
    const free = distanceToBody(dx * z, dy * z, z);
    if (free < 1e-6) return z;
    z += free / long;
  }
  return Infinity;
}

void t.test('every ray ends where the body’s surface is', (t) => {
  placeBody(guard, { ...guard, elbow: 0.2 }, joints);
  renderBody(joints, picture);
  let [hits, edges] = [0, 0];
  for (let v = 2; v < pictureHeight; v += 5)
    for (let u = 1; u < pictureWidth; u += 4) {
      const expected = march((u + 0.5 - 160) / focalLength, (120 - v - 0.5) / focalLength);
      const found = picture[v * pictureWidth + u]!;
      if ((found === Infinity) !== (expected === Infinity)) edges++;
      else if (found < Infinity && Math.abs(found - expected) > 1e-3)
        t.fail(`${u}, ${v}: ${found} instead of ${expected} m`);
      else if (found < Infinity) hits++;
    }
  t.ok(hits > 200, `${hits} rays hit`);
  t.ok(edges <= 1, 'a grazing ray at most is seen otherwise');
  t.end();
});

void t.test('the body stands where its joints are, all of it in the picture', (t) => {
  placeBody(guard, guard, joints);
  renderBody(joints, picture);
  for (const [i, name] of bodyJoints.entries()) {
    const [x, y, z] = joints.subarray(3 * i, 3 * i + 3);
    const u = Math.floor(160 + (focalLength * x!) / z!);
    const v = Math.floor(120 - (focalLength * y!) / z!);
    const nearer = z! - picture[v * pictureWidth + u]!;
    t.ok(nearer > 0.03 && nearer < 0.8, `${name} lies ${nearer} m behind the surface`);
  }
  const seen = (from: number, to: number) => picture.subarray(from, to).some((z) => z < Infinity);
  t.notOk(seen(0, 40 * pictureWidth) || seen(238 * pictureWidth, picture.length), 'room above and below');
  const share = picture.filter((z) => z < Infinity).length / picture.length;
  t.ok(share > 0.05 && share < 0.12, `${share} of the picture`);
  t.end();
});

void t.test('distances come in the camera’s steps, with its noise', (t) => {
  const z = 2.8;
  const out = new Uint16Array(4000);
  const metres = new Float32Array(4000).fill(z);
  metres[0] = Infinity;
  measureDepth(metres, createRandom(1), out);
  t.equal(out[0], 0, 'no return');
  const values = [...out.subarray(1)];
  const mean = values.reduce((sum, value) => sum + value) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  t.ok(Math.abs(mean - 1000 * z) < 1.5, `${mean} mm in the mean`);
  // Half a step, and what rounding to steps adds.
  const expected = 2.85 * z * z * Math.sqrt(1 / 4 + 1 / 12);
  t.ok(Math.abs(deviation - expected) < 0.05 * expected, `${deviation} mm beside ${expected}`);
  const steps = [...new Set(values)].sort((a, b) => a - b);
  t.ok(
    steps.slice(1).every((value, i) => Math.abs(value - steps[i]! - 2.85 * z * z) < 2.5),
    steps.join(' '),
  );
  t.end();
});
