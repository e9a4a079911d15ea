import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { read } from 'mat-for-js';
import t from 'tap';
import { DatasetError } from '../../learning/datasets/dataset.js';
import { readMatlab } from '../../learning/datasets/matlab.js';
import type { MatlabArray } from '../../learning/datasets/matlab.js';
import { loadPhoneWatch } from '../../learning/datasets/phone-watch.js';
import { loadUtdMhadInertial, utdMhadActions } from '../../learning/datasets/utd-mhad.js';
import {
  classes,
  complex,
  compressed,
  doubles,
  element,
  matFile,
  matrix,
  smallElement,
  text,
  types,
} from './matlab-writer.js';

const data = process.env['SENSING_DATA'] ?? '';
const utdMhad = join(data, 'utd-mhad');
const phoneWatch = join(data, 'phone-watch');
const skipUtdMhad = data && existsSync(utdMhad) ? false : 'skipped: no recordings';
const skipPhoneWatch = data && existsSync(phoneWatch) ? false : 'skipped: no recordings';

type Tap = Pick<typeof t, 'teardown'>;
async function temporaryFolder(t: Tap): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'datasets-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return folder;
}

const sixDoubles = matrix('six', classes.double, [2, 3], [element(types.double, doubles([1, 2, 3, 4, 5, -6.5]))]);
/** Doubles that MATLAB kept as bytes, since they fit. */
const narrow = matrix('narrow', classes.double, [1, 3], [smallElement(types.uint8, Uint8Array.of(7, 0, 255))]);
const cube = matrix('cube', classes.int16, [2, 2, 2], [
  element(types.int16, new Uint8Array(Int16Array.of(1, 2, 3, 4, 5, 6, 7, -8).buffer)),
]); // prettier-ignore
const characters = matrix('said', classes.char, [1, 2], [smallElement(types.utf8, text('hi'))]);
const imaginary = matrix(
  'imaginary',
  classes.double,
  [1, 1],
  [element(types.double, doubles([1])), element(types.double, doubles([2]))],
  complex,
);
const whole = matFile(sixDoubles, compressed(narrow), compressed(cube), characters, imaginary);

const arrayBuffer = (bytes: Uint8Array) => Uint8Array.from(bytes).buffer;

/** Our column-major array, of two axes, as mat-for-js nests it: rows of columns, vectors flat. Of three axes it reads most numbers at wrong places. */
function nested({ dimensions: [rows = 0, columns = 0], data }: MatlabArray): unknown {
  if (rows === 1 || columns === 1) return [...data];
  return Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, k) => data[i + k * rows]));
}

void t.test('a file built by hand from the format’s description', (t) => {
  const arrays = readMatlab(whole);
  t.strictSame([...arrays.keys()], ['six', 'narrow', 'cube'], 'text and complex numbers are passed over');
  t.strictSame(arrays.get('six'), { dimensions: [2, 3], data: Float64Array.of(1, 2, 3, 4, 5, -6.5) });
  t.strictSame(arrays.get('narrow'), { dimensions: [1, 3], data: Uint8Array.of(7, 0, 255) });
  t.strictSame(arrays.get('cube'), { dimensions: [2, 2, 2], data: Int16Array.of(1, 2, 3, 4, 5, 6, 7, -8) });
  t.equal(readMatlab(matFile()).size, 0);
  t.end();
});

void t.test('the independent reader mat-for-js finds the same in it', (t) => {
  const theirs = read(arrayBuffer(matFile(sixDoubles, compressed(narrow)))).data;
  const ours = readMatlab(whole);
  for (const name of ['six', 'narrow']) t.strictSame(nested(ours.get(name)!), theirs[name], name);
  t.end();
});

void t.test('a view into a larger buffer is read where it begins', (t) => {
  const shifted = Buffer.concat([Buffer.alloc(3), whole, Buffer.alloc(5)]).subarray(3, 3 + whole.length);
  t.strictSame(readMatlab(shifted), readMatlab(whole));
  t.end();
});

void t.test('what is wrong with a file', (t) => {
  const bigEndian = Buffer.from(whole);
  bigEndian.write('MI', 126);
  const cases: [Buffer, RegExp][] = [
    [bigEndian, /^it was written on a big-endian machine/],
    [Buffer.alloc(0), /^it is no MATLAB level 5 file$/],
    [whole.subarray(0, 100), /^it is no MATLAB level 5 file$/],
    [whole.subarray(0, 160), /^it is cut off/],
    [matFile(matrix('x', classes.double, [2, 2], [element(types.double, doubles([1, 2, 3]))])), /^it says \[2, 2\] and holds 3 numbers$/],
    [matFile(matrix('x', classes.double, [-1, -1], [element(types.double, doubles([1]))])), /^it is cut off/],
    [matFile(matrix('x', classes.double, [1, 1], [element(99, doubles([1]))])), /^it holds numbers of type 99/],
    [matFile(element(types.compressed, text('no zlib stream'))), /^it is damaged: /],
  ]; // prettier-ignore
  for (const [bytes, message] of cases) t.throws(() => readMatlab(bytes), { message }, message.source);
  t.end();
});

void t.test('hostile bytes do no harm: arrays, or an error that says what it is', (t) => {
  const header = matFile();
  const random = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.concat([header, bytes]));
  const damaged = fc
    .array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
    .map((changes) => {
      const bytes = Buffer.from(whole);
      for (const [at, value] of changes) bytes[at] = value;
      return bytes;
    });
  const cut = fc.nat(whole.length).map((length) => whole.subarray(0, length));
  const inside = fc.uint8Array({ maxLength: 300 }).map((bytes) => matFile(compressed(element(types.matrix, bytes))));
  const seen = { read: 0, refused: 0 };
  fc.assert(
    fc.property(fc.oneof(random, damaged, cut, inside, fc.uint8Array({ maxLength: 300 })), (bytes) => {
      try {
        for (const { dimensions, data } of readMatlab(bytes).values())
          if (dimensions.reduce((product, length) => product * length, 1) !== data.length) return false;
        seen.read++;
        return true;
      } catch (error) {
        seen.refused++;
        return error instanceof Error && /^it [^\n]{1,200}$/.test(error.message);
      }
    }),
    { numRuns: 3000, seed: 1 },
  );
  t.ok(seen.read > 100 && seen.refused > 100, `${seen.read} read, ${seen.refused} refused`);
  t.end();
});

void t.test('real files: the same numbers as mat-for-js gives', { skip: skipUtdMhad }, async (t) => {
  for (const name of ['a1_s1_t1', 'a14_s4_t2', 'a27_s7_t4']) {
    const bytes = await readFile(join(utdMhad, 'Inertial', `${name}_inertial.mat`));
    const array = readMatlab(bytes).get('d_iner')!;
    t.equal(array.dimensions[1], 6);
    t.strictSame(nested(array), read(arrayBuffer(bytes)).data['d_iner'], name);
  }
});

void t.test('real files of three axes: the same as loadmat of SciPy 1.17.1 gives', { skip: skipUtdMhad }, async (t) => {
  const arrayOf = async (file: string, name: string) => {
    const { dimensions, data } = readMatlab(await readFile(join(utdMhad, file))).get(name)!;
    const [rows, columns] = dimensions as [number, number, number];
    return { dimensions, data, at: (i: number, j: number, k: number) => data[i + rows * (j + columns * k)]! };
  };
  const skeleton = await arrayOf('Skeleton/a1_s1_t1_skeleton.mat', 'd_skel');
  t.strictSame(skeleton.dimensions, [20, 3, 48]);
  t.equal(skeleton.at(0, 1, 0), 0.48398542404174805);
  t.equal(skeleton.at(11, 0, 30), -0.3565218150615692);
  t.equal(skeleton.at(19, 2, 47), 2.9011144638061523);

  const depth = await arrayOf('Depth/a1_s1_t1_depth.mat', 'd_depth');
  t.strictSame(depth.dimensions, [240, 320, 48]);
  t.ok(depth.data instanceof Uint16Array);
  t.equal(depth.at(100, 150, 3), 2743);
  t.equal(depth.at(120, 160, 20), 2765);
  t.equal(depth.at(90, 170, 47), 2881);
  const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);
  const plane = (k: number) => sum(depth.data.subarray(240 * 320 * k, 240 * 320 * (k + 1)));
  t.strictSame([plane(0), plane(23), plane(47)], [17257962, 16715343, 17322318]);
  t.equal(sum(depth.data.filter((_, i) => i % 240 === 120)), 6715099, 'row 120');
});

void t.test('UTD-MHAD: the recordings that are asked for, in SI units', { skip: skipUtdMhad }, async (t) => {
  const { recordings, unreadable } = await loadUtdMhadInertial(data);
  t.strictSame(unreadable, []);
  t.strictSame([...new Set(recordings.map(({ subject }) => subject))].sort(), [1, 2, 3, 4, 5, 7]);
  t.equal(new Set(recordings.map(({ label }) => label)).size, 27);
  t.equal(recordings.length, (await readdir(join(utdMhad, 'Inertial'))).length);
  for (const { classIndex, label, rate, id } of recordings)
    if (label !== utdMhadActions[classIndex] || rate !== 50 || !id.startsWith(`a${classIndex + 1}_`)) t.fail(id);
  // Most people stand or sit still when a recording begins: what is felt is gravity.
  const felt = recordings.map(({ samples: [x, y, z] }) => Math.hypot(x!, y!, z!)).sort((a, b) => a - b);
  t.ok(Math.abs(felt[felt.length >> 1]! - 9.8) < 0.8, `${felt[felt.length >> 1]!} m/s² at the median`);

  const bytes = await readFile(join(utdMhad, 'Inertial', 'a1_s1_t1_inertial.mat'));
  const theirs = (read(arrayBuffer(bytes)).data['d_iner'] as number[][]).flatMap(([ax, ay, az, gx, gy, gz]) => [
    ...[ax!, ay!, az!].map((g) => g * 9.80665),
    ...[gx!, gy!, gz!].map((degrees) => (degrees / 180) * Math.PI),
  ]);
  t.equal(recordings[0]!.id, 'a1_s1_t1');
  t.equal(theirs.length, recordings[0]!.samples.length);
  t.ok(theirs.every((value, i) => Math.abs(value - recordings[0]!.samples[i]!) < 1e-5));

  const ids = async (selection: object) =>
    (await loadUtdMhadInertial(utdMhad, selection)).recordings.map(({ id }) => id);
  t.strictSame(await ids({ subjects: [2, 1], actions: [10, 2], trials: [3] }), [
    'a2_s1_t3',
    'a2_s2_t3',
    'a10_s1_t3',
    'a10_s2_t3',
  ]);
  t.equal(
    (await ids({ subjects: [7] })).every((id) => id.includes('_s7_')),
    true,
  );
  await t.rejects(loadUtdMhadInertial(utdMhad, { subjects: [6, 8] }), {
    name: 'DatasetError',
    message: /no recording of subjects 6, 8, actions any, trials any\. Subjects there: 1, 2, 3, 4, 5, 7$/,
  });
});

/** An inertial file: every sample the same. */
function inertial(count: number, sample: number[]): Buffer {
  const columns = sample.flatMap((value) => Array<number>(count).fill(value));
  return matFile(compressed(matrix('d_iner', classes.double, [count, 6], [element(types.double, doubles(columns))])));
}

void t.test('UTD-MHAD: a folder written here, with files that cannot be used', async (t) => {
  const folder = await temporaryFolder(t);
  const sample = [1, 0, -1, 180, 0, -90];
  await writeFile(join(folder, 'a3_s2_t1_inertial.mat'), inertial(4, sample));
  await writeFile(join(folder, 'a3_s2_t2_inertial.mat'), 'text');
  await writeFile(join(folder, 'a3_s2_t3_inertial.mat'), matFile(sixDoubles));
  await writeFile(join(folder, 'a3_s2_t4_inertial.mat'), inertial(2, [NaN, 0, 0, 0, 0, 0]));
  await writeFile(join(folder, 'a28_s2_t1_inertial.mat'), 'there is no action 28');
  await writeFile(join(folder, 'notes.txt'), 'no recording');

  // The inertial folder alone is enough.
  const { recordings, unreadable } = await loadUtdMhadInertial(folder);
  t.equal(recordings.length, 1);
  const [{ samples, ...rest }] = recordings as [(typeof recordings)[number]];
  t.strictSame(rest, { id: 'a3_s2_t1', subject: 2, label: 'wave', classIndex: 2, rate: 50 });
  t.strictSame(samples.subarray(6, 12), Float32Array.of(9.80665, 0, -9.80665, Math.PI, 0, -Math.PI / 2));
  t.strictSame(unreadable, [
    { file: join(folder, 'a3_s2_t2_inertial.mat'), reason: 'it is no MATLAB level 5 file' },
    { file: join(folder, 'a3_s2_t3_inertial.mat'), reason: 'it has no array d_iner of [samples, 6]' },
    { file: join(folder, 'a3_s2_t4_inertial.mat'), reason: 'it holds values that are no numbers' },
  ]);
  await t.rejects(loadUtdMhadInertial(folder, { trials: [2] }), {
    name: 'DatasetError',
    message: `${folder}: none of 1 files can be read: it is no MATLAB level 5 file`,
  });
  // As `Inertial` in the data set's folder, too.
  const outer = await temporaryFolder(t);
  await mkdir(join(outer, 'utd-mhad'));
  await cp(folder, join(outer, 'utd-mhad', 'Inertial'), { recursive: true });
  t.strictSame((await loadUtdMhadInertial(outer)).recordings, recordings);
  t.strictSame((await loadUtdMhadInertial(join(outer, 'utd-mhad'))).recordings, recordings);
});

void t.test('a folder that is not there, or holds something else', async (t) => {
  const folder = await temporaryFolder(t);
  for (const place of [folder, join(folder, 'absent')])
    for (const load of [loadUtdMhadInertial, loadPhoneWatch]) {
      const error: unknown = await load(place).catch((error: unknown) => error);
      t.ok(error instanceof DatasetError);
      t.ok((error as Error).message.startsWith(`${place}: no `), (error as Error).message);
      t.notMatch((error as Error).message, '\n');
    }
});

const header = 'x_acc,y_acc,z_acc,x_gyro,y_gyro,z_gyro,timestamp,label\n';

void t.test('phone and watch: a folder written here', async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, 's01'));
  await mkdir(join(folder, 's12'));
  const rows = [
    '0.5,-3.5,9.25,-0.25,0.5,1,1657533977810,SEATED',
    '1,2,3,4,5,6,1657533977830,WALKING',
    '7,8,9,10,11,12,1657533977820,SEATED', // late
    ',2,3,4,5,6,1657533977840,WALKING', // a field is empty: no number, and not 0
    '1,2,3,4,5,six,1657533977850,WALKING',
    '1,2,3,4,5,6,,WALKING',
  ];
  const watch = header + rows.join('\n') + '\n';
  await writeFile(join(folder, 's01', 's01_02_sw.csv.gz'), gzipSync(watch));
  await writeFile(join(folder, 's01', 's01_02_sp.csv'), `${header}1,2,3,4,5,6,1000,SEATED\n`);
  await writeFile(join(folder, 's12', 's12_01_sp.csv'), 'time,value\n1,2\n');
  await writeFile(join(folder, 's12', 's12_01_sw.csv.gz'), 'not zipped');
  await writeFile(join(folder, 'subjects_info.csv'), 'age\n30\n');

  const { recordings, unreadable } = await loadPhoneWatch(folder);
  t.strictSame(recordings, [
    {
      id: 's01_02_sp',
      subject: 1,
      sensor: 'phone',
      rate: 100,
      times: Float64Array.of(1),
      samples: Float32Array.of(1, 2, 3, 4, 5, 6),
      labels: ['SEATED'],
    },
    {
      id: 's01_02_sw',
      subject: 1,
      sensor: 'watch',
      rate: 100,
      times: Float64Array.of(1657533977.81, 1657533977.82, 1657533977.83),
      samples: Float32Array.of(0.5, -3.5, 9.25, -0.25, 0.5, 1, 7, 8, 9, 10, 11, 12, 1, 2, 3, 4, 5, 6),
      labels: ['SEATED', 'SEATED', 'WALKING'],
    },
  ]);
  t.strictSame(
    unreadable.map(({ file }) => file),
    [join(folder, 's12', 's12_01_sp.csv'), join(folder, 's12', 's12_01_sw.csv.gz')],
  );
  t.match(unreadable[0]!.reason, /^it has no rows with the columns x_acc, /);
  t.match(unreadable[1]!.reason, /^it is damaged: /);
  t.equal((await loadPhoneWatch(folder, { subjects: [1] })).unreadable.length, 0);
  await t.rejects(loadPhoneWatch(folder, { subjects: [12] }), {
    name: 'DatasetError',
    message: /: none of 2 files can be read: it has no rows/,
  });
  await t.rejects(loadPhoneWatch(folder, { subjects: [2] }), {
    name: 'DatasetError',
    message: `${folder}: no recording of subjects 2. Subjects there: 1, 12`,
  });
});

void t.test('phone and watch: the real ones', { skip: skipPhoneWatch }, async (t) => {
  const { recordings, unreadable } = await loadPhoneWatch(phoneWatch);
  // Figures of SOURCE.md.
  t.strictSame(unreadable, []);
  t.strictSame(
    [...new Set(recordings.map(({ subject }) => subject))],
    Array.from({ length: 18 }, (_, i) => i + 1),
  );
  t.strictSame([...new Set(recordings.flatMap(({ labels }) => labels))].sort(), [
    'SEATED',
    'SITTING_DOWN',
    'STANDING_UP',
    'TURNING',
    'WALKING',
  ]);
  const watches = recordings.filter(({ sensor }) => sensor === 'watch');
  t.equal(2 * watches.length, recordings.length, 'pairs');
  const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;
  const seconds = recordings.map(({ times }) => times.at(-1)! - times[0]!);
  const rates = recordings.map(({ times }, i) => (times.length - 1) / seconds[i]!);
  t.ok(Math.abs(median(rates) - 100) < 10, `${median(rates)} Hz`);
  t.ok(Math.abs(median(seconds) - 15) < 7, `${median(seconds)} s`);
  for (const { id, times, samples, labels } of recordings) {
    const ascending = times.every((time, i) => i === 0 || time >= times[i - 1]!);
    if (samples.length !== 6 * times.length || labels.length !== times.length || !ascending) t.fail(id);
  }
  const gravity = median(
    watches.flatMap(({ samples, times }) =>
      Array.from(times, (_, i) => Math.hypot(samples[6 * i]!, samples[6 * i + 1]!, samples[6 * i + 2]!)),
    ),
  );
  t.ok(Math.abs(gravity - 9.8) < 0.5, `${gravity} m/s² is felt at the median`);
});
