import { join } from 'node:path';
import t from 'tap';
import { loadKinetics } from '../../learning/datasets/kinetics.js';
import { loadMmFi, mmFiActions } from '../../learning/datasets/mm-fi.js';
import { folderWith, npyOf, pngFile } from './datasets-folder.js';
import { classes, compressed, doubles, element, matFile, matrix, types } from './matlab-writer.js';

const float64 = (...numbers: number[]) => new Uint8Array(Float64Array.from(numbers).buffer);
/** Antenna r, subcarrier s, packet p is 100 p + 10 r + s/100, as MATLAB's columns lie. */
const amplitudes = (change: (value: number, i: number) => number = (value) => value) =>
  matFile(
    compressed(
      matrix('CSIamp', classes.double, [3, 114, 10], [
        element(types.double, doubles(Array.from({ length: 3420 }, (_, i) => change(100 * Math.floor(i / 342) + 10 * (i % 3) + (Math.floor(i / 3) % 114) / 100, i)))),
      ]),
    ),
  ); // prettier-ignore

void t.test('MM-Fi: a folder of the published layout', async (t) => {
  t.equal(new Set(mmFiActions).size, 27);
  const at = 'E02/S11/A12';
  const folder = await folderWith(t, {
    [`${at}/ground_truth.npy`]: npyOf(
      [297, 17, 3],
      Float64Array.from({ length: 297 * 51 }, (_, i) => i),
    ),
    [`${at}/rgb/frame001.npy`]: npyOf(
      [17, 2],
      Float64Array.from({ length: 34 }, (_, i) => i),
    ),
    [`${at}/depth/frame002.png`]: pngFile(3, 2, 1, Uint16Array.of(0, 1000, 2000, 3000, 4000, 65535), 4),
    [`${at}/depth/frame003.png`]: pngFile(3, 2, 3, new Uint8Array(18), 0),
    [`${at}/lidar/frame010.bin`]: float64(1, 2, 3),
    [`${at}/lidar/frame002.bin`]: float64(4, 5, 6, 7, 8, 9),
    [`${at}/mmwave/frame001.bin`]: float64(1, 2, 3, -0.5, 30),
    [`${at}/mmwave/frame002.bin`]: new Uint8Array(),
    [`${at}/mmwave/frame003.bin`]: float64(1, 2, 3),
    [`${at}/mmwave/frame004.bin`]: float64(1, 2, NaN, 0, 0),
    [`${at}/wifi-csi/frame001.mat`]: amplitudes(),
    [`${at}/wifi-csi/frame002.mat`]: amplitudes((value, i) => (i === 342 ? -Infinity : value)),
    [`${at}/wifi-csi/frame003.mat`]: amplitudes(() => NaN),
    [`${at}/wifi-csi/frame004.mat`]: 'no matrix',
    'E01/S02/A01/mmwave/frame001.bin': float64(1, 2, 3, 4, 5),
    'E01/S02/A28/mmwave/frame001.bin': float64(1, 2, 3, 4, 5),
  });
  const { recordings } = await loadMmFi(folder);
  t.strictSame(
    recordings.map(({ id, subject, room, label, classIndex, session }) => ({ id, subject, room, label, classIndex, session })),
    [
      { id: 'E01/S02/A01', subject: 2, room: 1, label: 'stretching and relaxing', classIndex: 0, session: 'room-1/subject-2' },
      { id: at, subject: 11, room: 2, label: 'squat', classIndex: 11, session: 'room-2/subject-11' },
    ],
  ); // prettier-ignore
  const [bare, whole] = recordings;
  const skeleton = await whole!.readSkeleton();
  t.strictSame([skeleton.length, skeleton[51 + 3]], [297 * 51, 54]);
  t.strictSame((await whole!.readKeypoints('rgb')).frames[0]!.shape, [17, 2]);

  const depth = await whole!.readDepth();
  t.strictSame(depth.frames, [{ time: 0.1, shape: [2, 3], data: Uint16Array.of(0, 1000, 2000, 3000, 4000, 65535) }]);
  t.match(depth.unreadable, [{ reason: 'it is no picture of 16 bits grey' }]);

  const lidar = await whole!.readLidar();
  t.strictSame(lidar.frames.map(({ time, shape }) => [time, shape]), [[0.1, [2, 3]], [0.9, [1, 3]]], 'by number'); // prettier-ignore
  const radar = await whole!.readRadar();
  t.strictSame(radar.frames, [
    { time: 0, shape: [1, 5], data: Float32Array.of(1, 2, 3, -0.5, 30) },
    { time: 0.1, shape: [0, 5], data: new Float32Array() },
  ]);
  t.strictSame(
    radar.unreadable.map(({ reason }) => reason),
    ['it has 24 bytes, which are no points of 40', 'it holds values that are no numbers'],
  );

  const wifi = await whole!.readWifi();
  t.strictSame(wifi.frames.map(({ shape }) => shape), [[10, 3, 114], [9, 3, 114]]); // prettier-ignore
  t.equal(wifi.dropped, 1, 'one packet with an infinite amplitude');
  t.equal(wifi.frames[0]!.data[4 * 342 + 2 * 114 + 7], Math.fround(420.07), 'packet 4, antenna 2, subcarrier 7');
  t.equal(wifi.frames[1]!.data[342], 200, 'packet 1 is the one left out');
  t.strictSame(
    wifi.unreadable.map(({ reason }) => reason),
    ['it holds values that are no numbers', 'it is no MATLAB level 5 file'],
  );

  await t.rejects(bare!.readWifi(), { message: 'it has no wifi-csi' });
  await t.rejects(bare!.readSkeleton());
  t.equal((await loadMmFi(folder, { subjects: [11], actions: [12] })).recordings.length, 1);
  await t.rejects(loadMmFi(folder, { subjects: [40] }), {
    name: 'DatasetError',
    message: /no recording of subjects 40/,
  });
  await t.rejects(loadMmFi(join(folder, 'absent')), { name: 'DatasetError', message: /no MM-Fi here/ });
});

void t.test('Kinetics: clips decoded beforehand', async (t) => {
  const pixels = Uint8Array.from({ length: 2 * 2 * 3 * 3 }, (_, i) => i);
  const folder = await folderWith(t, {
    'train/arm wrestling/__NrybzYzUg_000415_000425.npy': npyOf([2, 2, 3, 3], pixels),
    'val/zumba/abc.npy': npyOf([2, 2, 3], new Uint8Array(12)),
    'val/zumba/floats.npy': npyOf([1, 1, 1, 3], new Float32Array(3)),
    'val/zumba/abc.mp4': 'not decoded',
  });
  const { recordings } = await loadKinetics(folder, { rate: 10 });
  t.strictSame(
    recordings.map(({ id, label, classIndex, split, session }) => [id, label, classIndex, split, session]),
    [
      ['train/arm wrestling/__NrybzYzUg_000415_000425', 'arm wrestling', 0, 'train', '__NrybzYzUg'],
      ['val/zumba/abc', 'zumba', 1, 'val', 'abc'],
      ['val/zumba/floats', 'zumba', 1, 'val', 'floats'],
    ],
  );
  const frames = await recordings[0]!.read();
  t.strictSame(frames[1], {
    kind: 'video',
    arrivalTime: 0.1,
    deviceTime: 0.1,
    width: 3,
    height: 2,
    pixels: pixels.subarray(18),
  });
  await t.rejects(recordings[1]!.read(), { message: 'it is of [2, 2, 3], not [frames, height, width, 3] of bytes' });
  await t.rejects(recordings[2]!.read(), { message: /of bytes$/ });
  await t.rejects(loadKinetics(folder, { rate: 0 }), { name: 'DatasetError', message: /0 frames a second cannot be$/ });
  await t.rejects(loadKinetics(folder, { rate: 10, classes: ['yoga'] }), { name: 'DatasetError', message: /no clip of yoga\. There: arm wrestling, zumba$/ }); // prettier-ignore
  await t.rejects(loadKinetics(join(folder, 'absent'), { rate: 10 }), {
    name: 'DatasetError',
    message: /no clips here/,
  });
});
