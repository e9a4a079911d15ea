/** Built rooms: the ground, a person who walks, stands and leaves, furniture that moves. */
import t from 'tap';
import { createRandom } from '../../../learning/random.js';
import type { Fault } from '../../../pipelines/features.js';
import { createLidarFeatures, type LidarFeatureOptions } from '../../../pipelines/lidar/features.js';
import { createGroundFinder, findGround } from '../../../pipelines/lidar/ground.js';
import { evenRings, scan, trueGround, type Room, type Scanner, type Thing } from './scanner.js';

const degrees = (radians: number) => (radians * 180) / Math.PI;
const table: Thing = { least: [1.5, 2.6, 0], most: [3, 3.4, 0.75] };
const cupboard: Thing = { least: [-4.9, -1, 0], most: [-4.4, 0.6, 2] };
const shelf: Thing = { least: [-1, -3.9, 0], most: [1.2, -3.5, 1.8] };
const furniture = [table, cupboard, shelf];
const person = (x: number, y: number): Thing => ({ at: [x, y], radius: 0.22, height: 1.75 });
const room = (...more: Thing[]): Room => ({ size: [5, 4], things: [...furniture, ...more] });
const wide: Scanner = { height: 1.4, tilt: [0.03, -0.05], rings: evenRings(32, 22.5), columns: 360, noise: 0.02 };
const narrow: Scanner = { ...wide, height: 1.2, rings: evenRings(16, 15) };
const rate = 5; // turns a second

/** A scanner in a room and what is made of its frames. */
function watch(scanner: Scanner, options: Partial<LidarFeatureOptions> = {}) {
  const random = createRandom(7);
  const features = createLidarFeatures({ calibration: 4, ...options });
  const out = new Float32Array(128 * 5);
  let turn = 0;
  return {
    features,
    out,
    see(view: Room): { fault: Fault | undefined; thing: Int32Array } {
      const { frame, thing } = scan(scanner, view, ++turn / rate, random);
      return { fault: features.take(frame, out), thing };
    },
    /** Seconds of the same view. @returns how many frames gave each answer */
    stay(view: Room, seconds: number): Record<string, number> {
      const answers: Record<string, number> = {};
      for (let i = 0; i < seconds * rate; i++) {
        const { fault = 'someone' } = this.see(view);
        answers[fault] = (answers[fault] ?? 0) + 1;
      }
      return answers;
    },
  };
}

void t.test('ground within 1 cm and 0.2°', (t) => {
  const finder = createGroundFinder();
  const random = createRandom(1);
  for (const rings of [evenRings(32, 22.5), evenRings(16, 15), evenRings(32, 45)]) {
    for (const height of [1, 1.7, 2.5]) {
      for (const tilt of [
        [0, 0],
        [0.1, -0.06],
        [-0.2, 0.1],
      ] as const) {
        const scanner: Scanner = { height, tilt, rings, columns: 600, noise: 0.02 };
        // Where the steepest beam, tilted, still meets ground: a hall.
        const { frame } = scan(scanner, { size: [14, 12], things: furniture }, 0, random);
        const found = new Float64Array(4);
        const name = `${rings.length} rings, ${height} m, tilt ${tilt.join(' ')}`;
        if (!t.ok(findGround(frame.position, frame.position.length / 3, finder, found), name)) continue;
        const truth = trueGround(scanner);
        const cosine = truth[0]! * found[0]! + truth[1]! * found[1]! + truth[2]! * found[2]!;
        const angle = degrees(Math.acos(Math.min(1, cosine)));
        t.ok(angle < 0.2, `${angle.toFixed(3)}° off`);
        t.ok(Math.abs(found[3]! - height) < 0.01, `${(1000 * (found[3]! - height)).toFixed(1)} mm off`);
      }
    }
  }
  t.end();
});

void t.test('no ground where none is seen', (t) => {
  const finder = createGroundFinder();
  const random = createRandom(2);
  const ground = new Float64Array(4);
  const slice: Scanner = { ...wide, rings: [0], noise: 0.01 };
  const high: Scanner = { ...wide, height: 2, rings: evenRings(16, 15), tilt: [0, 0] };
  for (const [name, scanner, size] of [
    ['2-D', slice, [5, 4]],
    ['walls before the ground', high, [4, 3]],
  ] as const) {
    const { frame } = scan(scanner, { size, things: [] }, 0, random);
    t.notOk(findGround(frame.position, frame.position.length / 3, finder, ground), name);
  }
  t.end();
});

for (const [name, scanner] of [
  ['32 rings', wide],
  ['16 rings', narrow],
] as const) {
  void t.test(`${name}: who walks is found, and nobody when the room is empty`, (t) => {
    const scene = watch(scanner);
    const { features, out } = scene;
    const view = room();
    const quiet = scene.stay(view, 10);
    t.ok(features.calibrated);
    t.ok(quiet['calibrating']! >= 4 * rate && quiet['calibrating']! < 8 * rate, 'calibrated in time');
    t.equal(quiet['someone'] ?? 0, 0, 'no ghosts');
    t.ok(Math.abs(features.ground![3]! - scanner.height) < 0.01, `ground ${features.ground![3]} m below`);

    let found = 0;
    let whole = 0;
    let strays = 0;
    const turns = 200;
    for (let i = 0; i < turns; i++) {
      // 1 m/s round the room.
      const at = [2.6 * Math.cos((i / rate) * 0.42), 2.2 * Math.sin((i / rate) * 0.42)] as const;
      const { fault, thing } = scene.see(room(person(...at)));
      if (fault !== undefined) continue;
      const { clusters, person: c } = features;
      const points = clusters.points[c]!;
      const off = Math.hypot(clusters.sum[3 * c]! / points - at[0], clusters.sum[3 * c + 1]! / points - at[1]);
      if (off < 0.35) found++;
      else strays++;
      const real = thing.reduce((sum, which) => sum + Number(which === furniture.length), 0);
      if (points >= 0.8 * real && points <= 1.1 * real) whole++;
      // The crop stands on the ground and faces the sensor.
      if (i === 20) {
        const z = Array.from({ length: 128 }, (_, k) => out[5 * k + 2]!);
        t.ok(Math.min(...z) > -0.1 && Math.max(...z) < 1.85, `z ${Math.min(...z)} to ${Math.max(...z)}`);
        t.ok(out.every(Number.isFinite));
        for (let k = 0; k < 128; k++) if (out[5 * k]! ** 2 + out[5 * k + 1]! ** 2 > 0.5 ** 2) t.fail('far off');
        t.ok(Math.abs(out[3]! - 0.2) < 1e-6, 'intensity 51 of 255');
      }
    }
    t.comment(`found ${found}, whole ${whole}, elsewhere ${strays} of ${turns}`);
    t.ok(found >= 0.95 * turns, `found in ${found} of ${turns}`);
    t.ok(whole >= 0.9 * turns, `whole in ${whole}`);
    t.ok(strays <= 2, `elsewhere in ${strays}`);

    const empty = scene.stay(view, 20);
    t.ok(empty['nobody']! >= 99, JSON.stringify(empty));
    t.end();
  });
}

void t.test('who stands still for a minute does not melt in', (t) => {
  const scene = watch(narrow);
  scene.stay(room(), 8);
  for (let i = 0; i < 15; i++) scene.see(room(person(1.5 + 0.1 * i, 1)));
  const answers = scene.stay(room(person(2.9, 1)), 60);
  t.equal(answers['someone'], 60 * rate, JSON.stringify(answers));
  const points = scene.features.clusters.points[scene.features.person]!;
  scene.stay(room(person(2.9, 1)), 180);
  const later = scene.features.clusters.points[scene.features.person]!;
  t.ok(later > 0.9 * points, `nor after four minutes, since he was seen to walk: ${points}, ${later} points`);
  t.ok(scene.stay(room(), 3)['nobody']! >= 3 * rate - 1, 'gone at once when he goes');
  t.end();
});

void t.test('furniture that was moved is learned after minutes; where it stood people are seen after seconds', (t) => {
  const scene = watch(narrow);
  scene.stay(room(), 8);
  const chair: Thing = { least: [2, -1, 0], most: [2.5, -0.5, 1.2] };
  const seen = () =>
    scene.features.clusters.points.subarray(0, scene.features.clusters.count).reduce((a, b) => a + b, 0);
  scene.stay(room(chair), 5);
  const atFirst = seen();
  t.ok(atFirst > 40, `foreground at first: ${atFirst} points`);
  scene.stay(room(chair), 165);
  t.ok(seen() > 0.9 * atFirst, `for minutes: ${seen()}`);
  scene.stay(room(chair), 20);
  t.equal(scene.stay(room(chair), 5)['nobody'], 5 * rate, 'then background');
  t.ok(seen() < 0.05 * atFirst, `${seen()} points of it are left`);
  const beside = scene.stay(room(chair, person(2, 0.6)), 2);
  t.ok(beside['someone']! >= 2 * rate - 1, 'a person beside it is seen');

  t.equal(scene.stay(room(), 21)['nobody'], 21 * rate, 'taken away: what was behind it is not foreground');
  const there = scene.stay(room(person(2.6, -0.7)), 2);
  t.equal(there['someone'], 2 * rate, 'and who stands there is seen');
  t.end();
});

void t.test('a cat is nobody', (t) => {
  const scene = watch(wide);
  scene.stay(room(), 8);
  let seen = 0;
  for (let i = 0; i < 100; i++) {
    const { fault } = scene.see(room({ at: [3.4, 0.02 * i - 1], radius: 0.18, height: 0.35 }));
    seen += Number(scene.features.clusters.count > 0);
    if (fault !== 'nobody') t.fail(`${fault} in turn ${i}`);
  }
  t.ok(seen > 50, `though it is foreground in ${seen} of 100 turns`);
  t.end();
});

void t.test('a sensor that is moved calibrates anew', (t) => {
  const scanner = { ...wide };
  const scene = watch(scanner);
  scene.stay(room(), 8);
  t.ok(scene.features.calibrated);
  scanner.tilt = [-0.12, 0.1];
  scanner.height = 1.1;
  scene.stay(room(), 8);
  t.notOk(scene.features.calibrated);
  scene.stay(room(), 8);
  t.ok(scene.features.calibrated);
  t.ok(Math.abs(scene.features.ground![3]! - 1.1) < 0.01);
  t.end();
});

void t.test('a 2-D LiDAR: a person is a slice', (t) => {
  const scanner: Scanner = { height: 1, tilt: [0, 0], rings: [0], columns: 360, noise: 0.01 };
  const scene = watch(scanner, { sensorHeight: 1 });
  scene.stay(room(), 8);
  t.ok(scene.features.calibrated);
  let found = 0;
  for (let i = 0; i < 50; i++) {
    const x = 2.5 - 0.05 * i;
    if (scene.see(room(person(x, 1.2))).fault !== undefined) continue;
    const { clusters, person: c } = scene.features;
    if (
      Math.hypot(clusters.sum[3 * c]! / clusters.points[c]! - x, clusters.sum[3 * c + 1]! / clusters.points[c]! - 1.2) <
      0.3
    )
      found++;
  }
  t.ok(found >= 48, `found in ${found} of 50`);
  t.equal(scene.out[2], 1, 'at the height that was said');
  t.ok(scene.out[5 * 127 + 4] === 0 && scene.out[4] === 1, 'fewer points than wanted: repeated and marked');
  t.equal(scene.stay(room(), 3)['nobody'], 3 * rate);
  t.end();
});
