import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadWiar, wiarActivities } from '../../learning/datasets/wiar.js';
import { folderWith, isAscending } from './datasets-folder.js';

const data = process.env['SENSING_DATA'] ?? '';
const skip = data && existsSync(join(data, 'wiar')) ? false : 'skipped: no recordings';

/** One record of csitool: three receivers, one stream, every value of the csi 0 but for the first real part. */
function record(microseconds: number, count: number): Buffer {
  const length = Math.ceil((30 * (3 * 16 + 3)) / 8);
  const bytes = Buffer.alloc(23 + length);
  bytes.writeUInt16BE(21 + length, 0);
  bytes[2] = 0xbb;
  bytes.writeUInt32LE(microseconds >>> 0, 3);
  bytes.writeUInt16LE(count, 7);
  bytes.set([3, 1, 40, 41, 42, 0x81, 30, 0b100100], 11);
  bytes.writeUInt16LE(length, 19);
  bytes[23] = 8 << 3; // 3 bits to skip, then the first real part
  return bytes;
}

void t.test('a folder written here', async (t) => {
  // The clock wraps between the first two; the last one is of an older log.
  const log = Buffer.concat([
    record(0xffff_ff00, 7),
    record(0x0000_1000, 8),
    record(0x0000_2000, 10),
    record(0x1800, 2),
  ]);
  const folder = await folderWith(t, {
    'wiar/height-60/csi_a12_10.dat': log,
    'wiar/height-60/csi_a12_2.dat': Buffer.concat([Buffer.from('noise'), log]),
    'wiar/height-60/csi_a17_1.dat': 'there is no activity 17',
    'wiar/far/1/csi_a1_1.dat': 'no log',
    'wiar/SOURCE.md': '',
  });
  const { recordings, unreadable } = await loadWiar(folder);
  t.strictSame(unreadable, []);
  t.strictSame(
    recordings.map(({ id, label, classIndex, session, placement, repetition }) => [id, label, classIndex, session, placement, repetition]),
    [
      ['far/1/csi_a1_1', 'horizontal arm wave', 0, 'far/1', 'far/1', 1],
      ['height-60/csi_a12_2', 'walk', 11, 'height-60', 'height-60', 2],
      ['height-60/csi_a12_10', 'walk', 11, 'height-60', 'height-60', 10],
    ],
  ); // prettier-ignore
  await t.rejects(recordings[0]!.read(), { message: 'it holds no packet of an Intel 5300' });
  for (const [recording, skipped] of [[recordings[1]!, 5], [recordings[2]!, 0]] as const) {
    const { frames, skippedBytes, lost, dropped } = await recording.read();
    t.equal(skippedBytes, skipped);
    t.equal(lost, 1, 'the card counted 9');
    t.equal(dropped, 1, 'later in the file, earlier in time');
    const times = frames.map(({ deviceTime }) => deviceTime! - frames[0]!.deviceTime!);
    t.ok([0, 0x1100, 0x2100].every((micros, i) => Math.abs(times[i]! - micros / 1e6) < 1e-6), times.join(' '));
    t.equal(times.length, 3);
    t.ok(frames.every(({ arrivalTime, deviceTime }) => arrivalTime === deviceTime));
    t.strictSame([frames[0]!.receivers, frames[0]!.transmitters, frames[0]!.csi.length], [3, 1, 180]);
  } // prettier-ignore
  t.equal((await loadWiar(folder, { placements: ['far/1'] })).recordings.length, 1);
  await t.rejects(loadWiar(folder, { placements: ['near'] }), {
    name: 'DatasetError',
    message: /no recording of placements near\. Placements there: far\/1, height-60$/,
  });
  await t.rejects(loadWiar(join(folder, 'absent')), { name: 'DatasetError', message: /no WiAR here/ });
});

void t.test('WiAR itself', { skip }, async (t) => {
  const { recordings } = await loadWiar(data);
  t.equal(recordings.length, 960);
  t.strictSame(
    [...new Set(recordings.map(({ placement }) => placement))],
    ['distance-1', 'distance-3', 'height-60', 'height-120'],
  );
  for (const [placement, repetitions] of [['distance-1', 10], ['distance-3', 10], ['height-60', 20], ['height-120', 20]] as const) {
    const there = recordings.filter((recording) => recording.placement === placement);
    t.strictSame(
      there.map(({ label, repetition }) => `${label} ${repetition}`),
      wiarActivities.flatMap((label) => Array.from({ length: repetitions }, (_, i) => `${label} ${i + 1}`)),
      placement,
    );
  } // prettier-ignore

  const { frames } = await recordings.find(({ id }) => id === 'distance-1/csi_a12_1')!.read();
  t.equal(frames.length, 604, 'as the page of the recordings says');
  t.ok(Math.abs(frames.at(-1)!.deviceTime! - frames[0]!.deviceTime! - 18.54) < 0.01);

  const notWhole: string[] = [];
  for (const recording of recordings) {
    const { id } = recording;
    const { frames, skippedBytes, dropped } = await recording.read();
    if (skippedBytes > 0 || dropped > 0) notWhole.push(`${id}: ${skippedBytes} bytes, ${dropped} packets`);
    const times = frames.map(({ deviceTime }) => deviceTime!);
    if (!isAscending(times)) t.fail(id);
    const seconds = times.at(-1)! - times[0]!;
    const rate = (times.length - 1) / seconds;
    if (seconds < 4 || seconds > 20 || rate < 29 || rate > 36) t.fail(`${id}: ${seconds} s, ${rate} packets a second`);
    // |csi|² is signal over noise power.
    const { receivers, csi, scale } = frames[times.length >> 1]!;
    const ratio = 10 * Math.log10(csi.reduce((sum, value) => sum + value * value, 0) / (csi.length / 2));
    if (receivers !== 3 || scale !== 'absolute' || !(ratio > 0 && ratio < 60)) t.fail(`${id}: ${ratio} dB`);
  }
  t.strictSame(notWhole, ['height-60/csi_a5_20: 11 bytes, 18 packets'], 'an older log shows behind its end');
});
