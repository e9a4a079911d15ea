/** What the steps make of real scanners' frames. None of them has an empty room and then a person. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { LidarFrame } from '../../../drivers/frames.js';
import { ouster } from '../../../drivers/lidar/ouster.js';
import { velodyne } from '../../../drivers/lidar/velodyne.js';
import { createRandom, type Random } from '../../../learning/random.js';
import { createLidarFeatures } from '../../../pipelines/lidar/features.js';
import { createGroundFinder, findGround } from '../../../pipelines/lidar/ground.js';
import { udpPayloads } from '../../drivers/lidar/pcap.js';

const folder = join(process.env['SENSING_DATA'] ?? '', 'captures');
const present = process.env['SENSING_DATA'] !== undefined && existsSync(join(folder, 'ouster'));
const recordings = present ? {} : { skip: 'skipped: no recordings' };

function ousterFrames(name: string): LidarFrame[] {
  const path = join(folder, 'ouster', name);
  const decoder = ouster.decoder(ouster.settings.parse({}), { metadata: readFileSync(`${path}.json`, 'utf8') });
  return udpPayloads(`${path}.pcap`, 7502).flatMap((packet) => decoder.push(packet, 0));
}
const velodyneFrames = (): LidarFrame[] =>
  velodyne.decoder(velodyne.settings.parse({})).push(readFileSync(join(folder, 'velodyne/vlp16-recording.bin')), 0);

const degrees = (radians: number) => (radians * 180) / Math.PI;

void t.test('Ousters outdoors: level ground 1.8 to 2.1 m below', recordings, (t) => {
  const finder = createGroundFinder();
  for (const name of ['OS-0-128-U1_v2.3.0_1024x10', 'OS-1-128_v2.3.0_1024x10_lb_n3', 'OS-1-32-G_v2.1.1_1024x10']) {
    for (const { position } of ousterFrames(name)) {
      const ground = new Float64Array(4);
      t.ok(findGround(position, position.length / 3, finder, ground), name);
      const tilt = degrees(Math.acos(ground[2]!));
      t.comment(`${name}: ${ground[3]!.toFixed(3)} m below, tilted by ${tilt.toFixed(2)}°`);
      t.ok(ground[3]! > 1.8 && ground[3]! < 2.1, `${ground[3]} m`);
      t.ok(tilt < 2.5, `${tilt}°`);
      // Real ground: much is on it and next to nothing in the 0.3 m below it, within 10 m.
      let on = 0;
      let under = 0;
      for (let i = 0; i < position.length; i += 3) {
        const [x, y, z] = [position[i]!, position[i + 1]!, position[i + 2]!];
        if (Math.hypot(x, y) > 10) continue;
        const above = ground[0]! * x + ground[1]! * y + ground[2]! * z + ground[3]!;
        if (Math.abs(above) < 0.1) on++;
        else if (above < 0 && above > -0.4) under++;
      }
      t.comment(`within 10 m ${on} points on it, ${under} less than 0.4 m under it`);
      t.ok(on > 1000 && under < on / 2);
    }
  }
  t.end();
});

void t.test('VLP-16 in a room: no beam meets the ground', recordings, (t) => {
  const finder = createGroundFinder();
  const frames = velodyneFrames();
  t.equal(frames.length, 12);
  for (const { position } of frames) t.notOk(findGround(position, position.length / 3, finder, new Float64Array(4)));
  t.end();
});

/** The frame with a virtual person at (x, y): what lies behind a cylinder of 1.4 m is moved onto it, with 2 cm of noise. */
function withPerson(frame: LidarFrame, x: number, y: number, random: Random): { frame: LidarFrame; points: number } {
  const position = frame.position.slice();
  let points = 0;
  for (let i = 0; i < position.length; i += 3) {
    const [px, py, pz] = [position[i]!, position[i + 1]!, position[i + 2]!];
    const a = px * px + py * py;
    const b = px * x + py * y;
    const root = b * b - a * (x * x + y * y - 0.22 ** 2);
    const share = (b - Math.sqrt(root)) / a; // of the way
    if (!(share > 0 && share < 1 && Math.abs(pz * share) < 0.7)) continue;
    const noisy = share * (1 + (0.02 * random.normal()) / Math.sqrt(a + pz * pz));
    for (let k = 0; k < 3; k++) position[i + k]! *= noisy;
    points++;
  }
  return { frame: { ...frame, position }, points };
}

void t.test(
  'VLP-16, its turns played round and round: nobody, then a virtual person among the real points',
  recordings,
  (t) => {
    const frames = velodyneFrames();
    const features = createLidarFeatures({ calibration: 3, releaseAfter: 3 });
    const random = createRandom(5);
    const out = new Float32Array(128 * 5);
    const answers: Record<string, number> = {};
    let turn = 0;
    const take = (frame: LidarFrame) => {
      const { deviceTime: _, ...rest } = frame;
      return features.take({ ...rest, arrivalTime: turn / 10 }, out);
    };
    for (; turn < 400; turn++) {
      const answer = take(frames[turn % frames.length]!) ?? 'someone';
      answers[answer] = (answers[answer] ?? 0) + 1;
    }
    t.comment(JSON.stringify(answers));
    t.ok(features.calibrated);
    t.ok(answers['nobody']! > 300);
    t.notOk(answers['someone']);

    let seen = 0;
    let found = 0;
    for (let i = 0; i < 120; i++, turn++) {
      const at = [1.1 * Math.cos(i / 15), 1.1 * Math.sin(i / 15)] as const;
      const { frame, points } = withPerson(frames[turn % frames.length]!, ...at, random);
      const answer = take(frame);
      // Hidden behind what is nearer; so little of a person is one only after half a metre.
      if (points < 100 || i < 10) continue;
      seen++;
      if (answer !== undefined) continue;
      const { clusters, person: c } = features;
      const off = Math.hypot(...[0, 1].map((k) => clusters.sum[3 * c + k]! / clusters.points[c]! - at[k]!));
      if (off < 0.35) found++;
    }
    t.comment(`found in ${found} of ${seen}`);
    t.ok(seen > 30 && found >= 0.95 * seen);
    t.end();
  },
);

void t.test('frames that repeat themselves', recordings, (t) => {
  const [frame] = ousterFrames('OS-1-32-G_v2.1.1_1024x10');
  const features = createLidarFeatures();
  const out = new Float32Array(128 * 5).fill(7);
  const answers = Array.from({ length: 5 }, (_, i) => features.take({ ...frame!, deviceTime: i / 10 }, out));
  t.strictSame(answers, ['calibrating', 'calibrating', 'constant', 'constant', 'constant']);
  t.ok(out.every((value) => value === 7));
  t.end();
});
