/** What the steps make of real scanners' frames. None of the captures has a person and an empty room: they show ground and cost. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { LidarFrame } from '../../../drivers/frames.js';
import { ouster } from '../../../drivers/lidar/ouster.js';
import { velodyne } from '../../../drivers/lidar/velodyne.js';
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

void t.test('Ousters on cars and tripods: level ground 1.8 to 2.1 m below', recordings, (t) => {
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

void t.test('frames of a room played round and round calibrate; a stranger to it is seen', recordings, (t) => {
  const frames = velodyneFrames();
  const features = createLidarFeatures({ calibration: 3, releaseAfter: 3 });
  const out = new Float32Array(128 * 5);
  const answers: Record<string, number> = {};
  for (let i = 0; i < 400; i++) {
    const { deviceTime: _, ...frame } = frames[i % frames.length]!;
    const answer = features.take({ ...frame, arrivalTime: i / 10 }, out) ?? 'someone';
    answers[answer] = (answers[answer] ?? 0) + 1;
  }
  t.comment(JSON.stringify(answers));
  t.ok(features.calibrated);
  t.ok(answers['nobody']! > 300);
  t.end();
});

void t.test('frames that repeat themselves', recordings, (t) => {
  const [frame] = ousterFrames('OS-1-32-G_v2.1.1_1024x10');
  const features = createLidarFeatures();
  const out = new Float32Array(128 * 5).fill(7);
  const answers = Array.from({ length: 5 }, (_, i) => features.take({ ...frame!, deviceTime: i / 10 }, out));
  t.strictSame(answers, ['calibrating', 'calibrating', 'constant', 'constant', 'constant']);
  t.ok(out.every((value) => value === 7));
  t.end();
});
