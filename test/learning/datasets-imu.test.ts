import { join } from 'node:path';
import t from 'tap';
import { loadHhar } from '../../learning/datasets/hhar.js';
import { loadMotionSense } from '../../learning/datasets/motion-sense.js';
import { loadUciHar } from '../../learning/datasets/uci-har.js';
import { folderWith } from './datasets-folder.js';

const g = 9.80665;
const near = (actual: Float32Array, expected: readonly number[]) =>
  actual.length === expected.length && expected.every((value, i) => Math.abs(actual[i]! - value) < 1e-5);

/** Two windows of a half as the data set writes them: blanks before and between, a value that says axis, window and sample. */
function uciHarHalf(half: string, activities: number[], subjects: number[]): Record<string, string> {
  const signal = (value: (window: number, sample: number) => number) =>
    activities.map((_, w) => `  ${Array.from({ length: 128 }, (_, i) => value(w, i).toExponential(7)).join('  ')}\n`).join(''); // prettier-ignore
  const files: Record<string, string> = {
    [`${half}/y_${half}.txt`]: activities.map((activity) => `${activity}\n`).join(''),
    [`${half}/subject_${half}.txt`]: subjects.map((subject) => `${subject}\n`).join(''),
  };
  ['x', 'y', 'z'].forEach((axis, k) => {
    files[`${half}/Inertial Signals/total_acc_${axis}_${half}.txt`] = signal((w, i) => k + 10 * w + i / 1000);
    files[`${half}/Inertial Signals/body_gyro_${axis}_${half}.txt`] = signal((w, i) => -k - 10 * w - i / 1000);
    files[`${half}/Inertial Signals/body_acc_${axis}_${half}.txt`] = 'without gravity: not needed';
  });
  return files;
}

void t.test('UCI-HAR: a folder of the published layout', async (t) => {
  const files = { ...uciHarHalf('train', [5, 2], [1, 30]), ...uciHarHalf('test', [6], [2]) };
  const under = Object.fromEntries(Object.entries(files).map(([path, text]) => [`UCI HAR Dataset/${path}`, text]));
  const folder = await folderWith(t, under);
  const { recordings, unreadable } = await loadUciHar(folder);
  t.strictSame(unreadable, []);
  t.strictSame(
    recordings.map(({ id, subject, label, classIndex, half, session, rate }) => [id, subject, label, classIndex, half, session, rate]),
    [
      ['train/1', 1, 'standing', 4, 'train', 'subject-1', 50],
      ['train/2', 30, 'walking upstairs', 1, 'train', 'subject-30', 50],
      ['test/1', 2, 'laying', 5, 'test', 'subject-2', 50],
    ],
  ); // prettier-ignore
  const { samples } = recordings[1]!;
  t.equal(samples.length, 128 * 6);
  t.ok(near(samples.subarray(6 * 127), [10.127 * g, 11.127 * g, 12.127 * g, -10.127, -11.127, -12.127]));
  t.equal((await loadUciHar(folder, { subjects: [30] })).recordings.length, 1);
  await t.rejects(loadUciHar(folder, { subjects: [9] }), {
    name: 'DatasetError',
    message: /no windows of subjects 9$/,
  });
  await t.rejects(loadUciHar(join(folder, 'absent')), { name: 'DatasetError', message: /no UCI-HAR here/ });

  // A line that is missing, or damaged, would shift what follows against the labels.
  const short = await folderWith(t, { ...files, 'train/subject_train.txt': '1\n' });
  const loaded = await loadUciHar(short);
  t.strictSame(loaded.recordings.map(({ id }) => id), ['test/1']); // prettier-ignore
  t.match(loaded.unreadable, [
    { file: join(short, 'train'), reason: /not of the same number of windows as y_train\.txt, 2$/ },
  ]);
  const damaged = await folderWith(t, { ...files, 'test/y_test.txt': '6\nx\n', 'train/y_train.txt': '7\n2\n' });
  await t.rejects(loadUciHar(damaged), { name: 'DatasetError', message: /neither half can be read: y_train\.txt: there is no activity 7$/ }); // prettier-ignore
});

void t.test('MotionSense: a folder of the published layout', async (t) => {
  const header = ',attitude.roll,attitude.pitch,attitude.yaw,gravity.x,gravity.y,gravity.z,rotationRate.x,rotationRate.y,rotationRate.z,userAcceleration.x,userAcceleration.y,userAcceleration.z\n'; // prettier-ignore
  // On its back: gravity along −z.
  const rows = '0,9,9,9,0,0,-1,0.1,0.2,0.3,0.5,0,0\n1,9,9,9,0,nan,-1,0,0,0,0,0,0\n2,9,9,9,0,0,-1,0,0,0,0,0,0\n';
  const folder = await folderWith(t, {
    'A_DeviceMotion_data/wlk_15/sub_10.csv': header + rows,
    'A_DeviceMotion_data/dws_1/sub_2.csv': header + rows,
    'A_DeviceMotion_data/std_6/sub_1.csv': 'x,y,z\n1,2,3\n',
    'A_DeviceMotion_data/fly_1/sub_1.csv': header + rows,
    'B_Accelerometer_data/dws_1/sub_2.csv': header + rows,
    'data_subjects_info.csv': 'code\n1\n',
  });
  const { recordings, unreadable } = await loadMotionSense(folder);
  t.strictSame(
    recordings.map(({ id, subject, label, classIndex, trial, session, rate, dropped }) => [id, subject, label, classIndex, trial, session, rate, dropped]),
    [
      ['dws_1/sub_2', 2, 'walking downstairs', 0, 1, 'subject-2', 50, 1],
      ['wlk_15/sub_10', 10, 'walking', 4, 15, 'subject-10', 50, 1],
    ],
  ); // prettier-ignore
  t.ok(near(recordings[0]!.samples, [-0.5 * g, 0, g, 0.1, 0.2, 0.3, 0, 0, g, 0, 0, 0]), 'what carries it points up');
  t.match(unreadable, [
    { file: join(folder, 'A_DeviceMotion_data/std_6/sub_1.csv'), reason: /^it has no column gravity\.x/ },
  ]);
  await t.rejects(loadMotionSense(folder, { subjects: [3] }), { name: 'DatasetError' });
});

const hharHeader = 'Index,Arrival_Time,Creation_Time,x,y,z,User,Model,Device,gt\n';
const hharRows = (rows: readonly (readonly [time: number | string, x: number | string, gt?: string])[], user = 'b', device = 'nexus4_1') =>
  rows.map(([time, x, gt = 'walk'], i) => `${i},${time},1424696638740127000,${x},2,3,${user},nexus4,${device},${gt}\n`).join(''); // prettier-ignore

void t.test('HHAR: a folder of the published layout', async (t) => {
  const folder = await folderWith(t, {
    // Out of order, two at one time, one without a number, one before the gyroscope's first.
    'Phones_accelerometer.csv':
      hharHeader +
      hharRows([[900, 0], [1000, 1], [1020, 3, 'null'], [1010, 2], [1010, 7], ['', 8], [1015, 'x'], [1030, 4]]) +
      hharRows([[1000, 1]], 'c') +
      hharRows([[1000, 1]], 'z'),
    'Phones_gyroscope.csv': hharHeader + hharRows([[990, 10], [1010, 30], [1030, 50], [5000, 0]]),
    'Watch_accelerometer.csv': hharHeader + hharRows([[1000, 1], [3000, 2], [3001, 2]], 'a', 'gear_2'),
    'Watch_gyroscope.csv': hharHeader + hharRows([[1000, 5], [2999, 6], [3001, 8]], 'a', 'gear_2'),
  }); // prettier-ignore
  const { recordings, unreadable } = await loadHhar(folder);
  t.strictSame(
    recordings.map(({ id, subject, sensor, device, model, labels, dropped }) => [id, subject, sensor, device, model, labels, dropped]),
    [
      ['b/nexus4_1', 2, 'phone', 'nexus4_1', 'nexus4', ['walk', 'walk', 'null', 'walk'], 4],
      ['a/gear_2', 1, 'watch', 'gear_2', 'nexus4', ['walk', 'walk', 'walk'], 0],
    ],
  ); // prettier-ignore
  const [phone, watch] = recordings;
  t.strictSame(phone!.times, Float64Array.of(1, 1.01, 1.02, 1.03));
  t.ok(
    near(phone!.samples, [1, 2, 3, 20, 2, 3, 2, 2, 3, 30, 2, 3, 3, 2, 3, 40, 2, 3, 4, 2, 3, 50, 2, 3]),
    'interpolated',
  );
  t.ok(Math.abs(phone!.rate - 100) < 1e-6);
  t.ok(near(watch!.samples.subarray(6, 12), [2, 2, 3, 7, 2, 3]), 'nothing across a gap of 2 s');
  t.match(unreadable, [{ reason: /^c\/nexus4_1: its two sensors have no time in common$/ }]);
  t.strictSame((await loadHhar(folder, { sensors: ['watch'] })).recordings.map(({ id }) => id), ['a/gear_2']); // prettier-ignore
  t.strictSame((await loadHhar(folder, { subjects: [2] })).recordings.map(({ id }) => id), ['b/nexus4_1']); // prettier-ignore

  const half = await folderWith(t, {
    'Phones_accelerometer.csv': hharHeader + hharRows([[1, 1]]),
    'Phones_gyroscope.csv': 'time,x\n1,2\n',
  });
  await t.rejects(loadHhar(half), { name: 'DatasetError', message: /nothing can be used: .*gyroscope\.csv: it has no column Arrival_Time/ }); // prettier-ignore
  await t.rejects(loadHhar(join(folder, 'absent')), { name: 'DatasetError', message: /no HHAR here/ });
});
