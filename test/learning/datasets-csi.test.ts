import { join } from 'node:path';
import t from 'tap';
import { loadOperanet } from '../../learning/datasets/operanet.js';
import { loadUtHar } from '../../learning/datasets/ut-har.js';
import { loadXrf55, xrf55Actions } from '../../learning/datasets/xrf55.js';
import { folderWith, npyOf } from './datasets-folder.js';

const counted = (length: number, step = 1) => Float64Array.from({ length }, (_, i) => i * step);

void t.test('UT-HAR: a folder of the published layout', async (t) => {
  const two = counted(2 * 250 * 90);
  const folder = await folderWith(t, {
    'UT_HAR/data/X_train.csv': npyOf([2, 250, 90], two),
    'UT_HAR/label/y_train.csv': npyOf([2], Int32Array.of(6, 1)),
    'UT_HAR/data/X_val.csv': npyOf([1, 250, 90], counted(250 * 90)),
    'UT_HAR/label/y_val.csv': npyOf([1], Float64Array.of(7)),
    'UT_HAR/data/X_test.csv': npyOf([2, 250, 90], two),
    'UT_HAR/label/y_test.csv': npyOf([1], Int32Array.of(0)),
  });
  const { recordings, unreadable } = await loadUtHar(folder);
  t.strictSame(
    recordings.map(({ amplitude, ...about }) => [about, amplitude.length]),
    [
      [{ id: 'train/0', label: 'stand up', classIndex: 6, session: 'train', part: 'train', receivers: 3, subcarriers: 30 }, 22500],
      [{ id: 'train/1', label: 'fall', classIndex: 1, session: 'train', part: 'train', receivers: 3, subcarriers: 30 }, 22500],
    ],
  ); // prettier-ignore
  t.equal(recordings[1]!.amplitude[90 + 31], 22500 + 90 + 31, 'packet 1, antenna 1, subcarrier 1');
  t.strictSame(
    unreadable.map(({ reason }) => reason),
    ['its window 0 is of activity 7, which is none', 'it has 2 windows, and 1 labels'],
  );
  await t.rejects(loadUtHar(folder, { parts: ['val'] }), {
    name: 'DatasetError',
    message: /none of 1 files can be read/,
  });
  const wrong = await folderWith(t, {
    'data/X_test.csv': npyOf([1, 250, 60], counted(250 * 60)),
    'label/y_test.csv': npyOf([1], Int32Array.of(0)),
  });
  await t.rejects(loadUtHar(wrong), { name: 'DatasetError', message: /it is of \[1, 250, 60\], not \[…, 250, 90\]$/ });
  await t.rejects(loadUtHar(join(folder, 'absent')), { name: 'DatasetError', message: /no UT-HAR here/ });
});

void t.test('XRF55: a folder of the published layout', async (t) => {
  t.equal(new Set(xrf55Actions).size, 55);
  // Channel c at packet p is 1000 c + p, whichever axis is first.
  const channelsFirst = Float64Array.from({ length: 270 * 1000 }, (_, i) => i);
  const packetsFirst = Float64Array.from({ length: 270 * 1000 }, (_, i) => 1000 * (i % 270) + Math.floor(i / 270));
  const folder = await folderWith(t, {
    'Scene1/WiFi/03_25_07.npy': npyOf([270, 1000], channelsFirst),
    'Scene1/RFID/03_25_07.npy': npyOf([23, 148], counted(23 * 148)),
    'Scene1/mmWave/03_25_07.npy': npyOf([17, 4, 2], counted(17 * 8)),
    'Scene2/WiFi/31_55_20.npy': npyOf([1000, 270], packetsFirst),
    'Scene2/RFID/31_55_20.npy': npyOf([1], Float64Array.of(NaN)),
    'Scene2/mmWave/31_55_20.npy': npyOf([1, 1, 1], Float64Array.of(NaN)),
    'Scene2/WiFi/31_56_1.npy': 'there is no action 56',
  });
  const { recordings } = await loadXrf55(folder);
  t.strictSame(
    recordings.map(({ id, subject, repetition, place, session, label, classIndex, kinds }) => ({ id, subject, repetition, place, session, label, classIndex, kinds })),
    [
      { id: 'Scene1/03_25_07', subject: 3, repetition: 7, place: 'Scene1', session: 'Scene1/person-3', label: 'boxing', classIndex: 24, kinds: ['WiFi', 'RFID', 'mmWave'] },
      { id: 'Scene2/31_55_20', subject: 31, repetition: 20, place: 'Scene2', session: 'Scene2/person-31', label: 'swiping down', classIndex: 54, kinds: ['WiFi', 'RFID', 'mmWave'] },
    ],
  ); // prettier-ignore
  const [first, second] = recordings;
  for (const recording of recordings) {
    const { amplitude, rate, receivers, subcarriers } = await recording.readWifi();
    t.strictSame([rate, receivers, subcarriers, amplitude.length], [200, 9, 30, 270_000]);
    t.equal(amplitude[5 * 270 + 31], 31_005, 'packet 5, antenna 1, subcarrier 1');
  }
  const rfid = await first!.readRfid();
  t.strictSame([rfid.rate, rfid.phase[23 * 2 + 1]], [29.6, 148 + 2], 'sample 2 of tag 1');
  const radar = await first!.readRadar();
  t.strictSame([radar.shape, radar.rate, radar.data[8]], [[17, 4, 2], 3.4, 8]);
  await t.rejects(second!.readRfid(), { message: /^it is of \[1\], not \[…, 23\]$/ });
  await t.rejects(second!.readRadar(), { message: 'it holds values that are no numbers' });
  const alone = await folderWith(t, { 'WiFi/1_1_1.npy': 'no array' });
  const [only] = (await loadXrf55(alone)).recordings;
  await t.rejects(only!.readWifi(), { message: 'it is no NumPy file' });
  await t.rejects(only!.readRadar(), { message: 'it has no mmWave' });
  await t.rejects(loadXrf55(folder, { actions: [1] }), {
    name: 'DatasetError',
    message: /no recording of subjects any, actions 1$/,
  });
  await t.rejects(loadXrf55(join(folder, 'absent')), { name: 'DatasetError', message: /no XRF55 here/ });
});

const columns = [1, 2, 3].flatMap((tx) => [1, 2, 3].flatMap((rx) => Array.from({ length: 30 }, (_, s) => `tx${tx}rx${rx}_sub${s + 1}`))); // prettier-ignore
const header = `timestamp,activity,exp_no,person_id,room_no,${columns.join(',')}\n`;
/** Transmitter t, receiver r, subcarrier s is `base` + 100 t + 10 r + s/100, minus i. */
function row(time: string, activity: string, base: number, damaged = ''): string {
  const values = columns.map((name) => {
    const [tx, rx, sub] = /tx(\d)rx(\d)_sub(\d+)/.exec(name)!.slice(1).map(Number) as [number, number, number];
    return `${base + 100 * tx + 10 * rx + sub / 100}-1i`;
  });
  if (damaged) values[7] = damaged;
  return `${time},${activity},exp_002,One,1,${values.join(',')}\n`;
}

void t.test('OPERAnet: a folder of tables written by MATLAB', async (t) => {
  const folder = await folderWith(t, {
    'wificsi1/exp_002.csv':
      header +
      row('23:59:59.998', 'walk', 0) +
      row('23:59:59.999', 'walk', 1) +
      row('23:59:59.999', 'walk', 2) +
      row('23:59:59.999', 'walk', 3, 'NaN+0i') +
      row('23:59:59.100', 'walk', 4) + // goes back
      row('00:00:00.500', '"sit"', 5) +
      row('14-Mar-2021 00:00:01.000', 'walk', 6, '1.5e-1 + 2.5j'),
    'wificsi2/exp_002.csv': 'timestamp,activity\n1,2\n',
    'wificsi2/exp_003.csv': header,
  });
  const { recordings, unreadable } = await loadOperanet(folder, { every: 1 });
  t.strictSame(
    recordings.map(({ frames, ...about }) => [about, frames.length]),
    [
      ['wificsi1/exp_002/1', 'walk', 1, 3, 2],
      ['wificsi1/exp_002/2', 'sit', 0, 1, 0],
      ['wificsi1/exp_002/3', 'walk', 1, 1, 0],
    ].map(([id, label, classIndex, count, dropped]) => [
      { id, label, session: 'room-1/exp_002', receiver: 'wificsi1', experiment: 'exp_002', person: 'One', room: '1', dropped, classIndex },
      count,
    ]),
  ); // prettier-ignore
  const times = recordings.flatMap(({ frames }) => frames.map(({ deviceTime }) => deviceTime!));
  const expected = [86399.998, 86399.999, 86399.9995, 86400.5, 86401];
  t.ok(
    times.length === 5 && times.every((time, i) => Math.abs(time - expected[i]!) < 1e-9),
    'one of a millisecond is half of it later',
  );
  const [{ csi, receivers, transmitters, subcarriers }] = recordings[0]!.frames as [
    (typeof recordings)[0]['frames'][0],
  ];
  t.strictSame([receivers, transmitters, subcarriers.length, csi.length], [3, 3, 30, 540]);
  // Receiver 2, transmitter 3, subcarrier 5.
  const at = 2 * ((1 * 3 + 2) * 30 + 4);
  t.strictSame([csi[at], csi[at + 1]], [Math.fround(320.05), -1]);
  // Column 8 is transmitter 1, receiver 1, subcarrier 8.
  t.strictSame([...recordings[2]!.frames[0]!.csi.subarray(14, 16)], [Math.fround(0.15), 2.5]);
  t.strictSame(
    unreadable.map(({ reason }) => reason),
    ['it has no column exp_no, person_id, room_no', 'it has no row of a time and complex numbers'],
  );
  t.equal((await loadOperanet(folder, { every: 5 })).recordings.flatMap(({ frames }) => frames).length, 2);
  await t.rejects(loadOperanet(join(folder, 'absent')), { name: 'DatasetError', message: /no OPERAnet here/ });
});
