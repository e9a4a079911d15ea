/** `babel-gateway decode` as people at the bench run it. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { packageRoot } from '../../daemon/package-root.js';
import { encodeWitmotion } from '../../room/witmotion-encoder.js';
import { run } from './helpers/program.js';

interface Figures {
  shape: number[];
  min: number;
  mean: number;
  max: number;
}
interface FrameLine {
  frame: number;
  kind: string;
  arrivalTime?: number;
  deviceTime?: number;
  fields: Record<string, Figures | undefined>;
}
interface Summary {
  driver: string;
  frames: number;
  bytes: number;
  skippedBytes: number;
  lostPackets: number;
  duration_s: number | null;
  failures: Record<string, number>;
}

/** What `decode --json` prints: a line for each frame, and the last one. */
function parse(stdout: string): { lines: FrameLine[]; summary: Summary } {
  const all = stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as unknown); // prettier-ignore
  return { summary: all.pop() as Summary, lines: all as FrameLine[] };
}

const g = 9.80665; // m/s²
const degree = Math.PI / 180;
/** Three samples, 20 ms apart. */
const samples = [
  { acceleration: [g / 2, -g, g], angularRate: [500 * degree, 0, -125 * degree], time: 1.7e9 },
  { acceleration: [0, 0, g], angularRate: [0, 0, 0], time: 1.7e9 + 0.02 },
  { acceleration: [2 * g, 4 * g, -8 * g], angularRate: [0, 1000 * degree, 0], time: 1.7e9 + 0.04 },
];

/** They as a WT901 sends them, with five bytes behind that are no packet. */
async function witmotionFile(t: Test): Promise<string> {
  const file = join(t.testdir(), 'wrist.bin');
  await writeFile(file, Buffer.concat([...samples.map((one) => encodeWitmotion(one)), Buffer.from([1, 2, 3, 4, 5])]));
  return file;
}

const close = (found: number | undefined, expected: number) => Math.abs(found! - expected) < 1e-5;

void t.test('a stream of unknown origin is recognised, and its figures are those that were sent', async (t) => {
  const file = await witmotionFile(t);
  const { status, stdout, stderr } = await run(t, ['decode', file, '--json']);
  t.equal(status, 0, stderr);
  const { lines, summary } = parse(stdout);
  // 3 packets of 11 bytes a sample, and the 5 behind.
  t.strictSame(summary, {
    driver: 'witmotion-wt901',
    frames: 3,
    bytes: 104,
    skippedBytes: 5,
    lostPackets: 0,
    duration_s: 0.04,
    failures: {},
  });
  t.strictSame(lines.map(({ frame, kind, deviceTime }) => [frame, kind, deviceTime]), [
    [0, 'imu', 1.7e9],
    [1, 'imu', 1.7e9 + 0.02],
    [2, 'imu', 1.7e9 + 0.04],
  ]); // prettier-ignore
  t.ok(lines.every((line) => !('arrivalTime' in line)), 'a file of bytes has no times of arrival'); // prettier-ignore
  const [first, , last] = lines;
  const acceleration = first!.fields['acceleration']!;
  t.strictSame(acceleration.shape, [3]);
  t.ok(close(acceleration.min, -9.80665) && close(acceleration.mean, 4.903325 / 3) && close(acceleration.max, 9.80665));
  const rate = first!.fields['angularRate']!;
  t.ok(close(rate.min, -2.1816616) && close(rate.mean, 2.1816616) && close(rate.max, 8.7266463));
  // (2 + 4 − 8) / 3 g
  t.ok(close(last!.fields['acceleration']!.mean, -6.5377667));
});

void t.test('settings of the driver are taken, in figures and in words', async (t) => {
  const file = await witmotionFile(t);
  const named = ['decode', file, '--driver', 'witmotion-wt901'];
  const [half, wrong, unknown, misspelt] = await Promise.all([
    run(t, [...named, '--setting', 'accelerationRange=8', '--json']),
    run(t, [...named, '--setting', 'accelerationRange=3']),
    run(t, [...named, '--setting', 'accelerationrange=8']),
    run(t, ['decode', file, '--driver', 'witmotion-wt910']),
  ]);
  t.ok(close(parse(half.stdout).lines[1]!.fields['acceleration']!.max, 4.903325), 'half the range, half the value');
  for (const { status, stderr } of [wrong, unknown, misspelt]) {
    t.equal(status, 1);
    t.notMatch(stderr, /at .*\.js:/, 'no stack');
  }
  t.match(wrong.stderr, /settings of witmotion-wt901: accelerationRange: .*2.*4.*8.*16/);
  t.match(unknown.stderr, /there is no accelerationrange; did you mean accelerationRange\?/);
  t.match(misspelt.stderr, /no driver 'witmotion-wt910'; did you mean witmotion-wt901\?/);
});

void t.test('a setting that is a text may look like a number', async (t) => {
  const value = { x: 0.1, y: 0, z: 9.8 };
  const payload = ['totalacceleration', 'gyroscope', 'totalacceleration'].map((name, i) => ({
    name,
    time: 1.7e18 + i * 1e7,
    values: value,
  }));
  const message = { messageId: 1, sessionId: 'a', deviceId: '123', payload };
  const file = join(t.testdir(), 'phone.json');
  await writeFile(file, JSON.stringify(message));
  const { stderr, stdout } = await run(t, ['decode', file, '--driver', 'sensor-logger', '--setting', 'deviceId=123', '--json']);
  t.equal((JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as Summary).driver, 'sensor-logger', stderr);
  t.notMatch(stderr, /settings of/);
}); // prettier-ignore

void t.test('bytes that no driver knows, and files that are none, are told in one line', async (t) => {
  const folder = t.testdir({ empty: '' });
  const noise = join(folder, 'noise');
  // The digits of a linear congruence: the same on every machine.
  let state = 1;
  const bytes = Uint8Array.from(
    { length: 4000 },
    () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24,
  );
  await writeFile(noise, bytes);
  const [unknown, empty, absent, isFolder] = await Promise.all([
    run(t, ['decode', noise]),
    run(t, ['decode', join(folder, 'empty')]),
    run(t, ['decode', join(folder, 'absent')]),
    run(t, ['decode', folder]),
  ]);
  t.match(unknown.stderr, /no driver knows these bytes. Name one with --driver: witmotion-wt901, /);
  t.match(empty.stderr, /the file is empty/);
  t.match(absent.stderr, /no such file/);
  t.match(isFolder.stderr, /this is a folder/);
  for (const { status, stderr } of [unknown, empty, absent, isFolder]) {
    t.equal(status, 1);
    t.equal(stderr.trimEnd().split('\n').length, 1);
  }
  // A driver that is named is believed, and what it finds is told.
  const believed = await run(t, ['decode', noise, '--driver', 'witmotion-wt901']);
  t.equal(believed.status, 1);
  t.match(believed.stderr, /no frame came out of it/);
  t.match(believed.stdout, /skippedBytes +3\d\d\d|skippedBytes +4000/);
});

void t.test('a reader that has read enough ends it without a word', async (t) => {
  const file = join(t.testdir(), 'long.bin');
  const one = encodeWitmotion(samples[0]!);
  await writeFile(file, Buffer.concat(Array.from({ length: 5000 }, () => one)));
  const child = spawn(process.execPath, [join(packageRoot, 'bin', 'babel-gateway.js'), 'decode', file, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (text) => (stderr += String(text)));
  child.stdout.once('data', () => child.stdout.destroy());
  const [status] = (await once(child, 'close')) as [number | null];
  t.strictSame([status, stderr], [0, '']);
});

/** NumPy's format 1.0 as numpy/lib/format.py describes it. */
async function readNpy(file: string): Promise<{ descr: string; shape: number[]; numbers: Uint8Array }> {
  const bytes = await readFile(file);
  t.equal(bytes.subarray(0, 8).toString('latin1'), '\x93NUMPY\x01\x00');
  const end = 10 + bytes.readUInt16LE(8);
  const header = bytes.subarray(10, end).toString('latin1');
  t.equal(end % 64, 0, 'aligned');
  const [, descr = '', shape = ''] =
    /^\{'descr': '(...)', 'fortran_order': False, 'shape': \(([\d, ]*)\), \} *\n$/.exec(header) ?? [];
  return { descr, shape: shape.split(',').filter(Boolean).map(Number), numbers: Uint8Array.from(bytes.subarray(end)) };
}

void t.test('fields of all frames as NumPy files', async (t) => {
  const file = await witmotionFile(t);
  const folder = join(t.testdirName, 'npy');
  t.equal((await run(t, ['decode', file, '--npy', folder])).status, 0);
  const { descr, shape, numbers } = await readNpy(join(folder, 'acceleration.npy'));
  t.strictSame([descr, shape], ['<f4', [3, 3]]);
  const values = new Float32Array(numbers.buffer);
  samples.flatMap(({ acceleration }) => acceleration).forEach((expected, i) => t.ok(close(values[i], expected)));
  const index = await readNpy(join(folder, 'acceleration.frame.npy'));
  t.strictSame([index.descr, index.shape], ['<u4', [3]]);
  t.strictSame([...new Uint32Array(index.numbers.buffer)], [0, 1, 2]);
  const times = await readNpy(join(folder, 'deviceTime.npy'));
  t.strictSame([times.descr, times.shape], ['<f8', [3]]);
  t.strictSame([...new Float64Array(times.numbers.buffer)], samples.map(({ time }) => time)); // prettier-ignore
});

const python = '/usr/bin/python3';
const numpy = spawnSync(python, ['-c', 'import numpy']).status === 0 ? false : 'skipped: no numpy';

void t.test('NumPy itself reads them', { skip: numpy }, async (t) => {
  const file = await witmotionFile(t);
  const folder = join(t.testdirName, 'npy');
  await run(t, ['decode', file, '--npy', folder]);
  const script =
    'import json, numpy, sys; a = numpy.load(sys.argv[1] + "/angularRate.npy"); i = numpy.load(sys.argv[1] + "/angularRate.frame.npy"); ' +
    'print(json.dumps([str(a.dtype), a.shape, a[i == 2].tolist()]))';
  const { stdout, stderr } = spawnSync(python, ['-c', script, folder], { encoding: 'utf8' });
  const [type, shape, last] = JSON.parse(stdout) as [string, number[], number[][]];
  t.strictSame([type, shape], ['float32', [3, 3]], stderr);
  t.ok(close(last[0]![1], 17.453293), '1000 °/s');
});

const captures = join(process.env['SENSING_DATA'] ?? '', 'captures');
const skip = process.env['SENSING_DATA'] !== undefined && existsSync(captures) ? false : 'skipped: no recordings';

// Frames: of ESP32 the good lines of the files; of Nexmon, FeitCSI and PicoScenes what CSIKit d2705ab reads; of Intel 5300
// csitool's own count of records; of Ouster the maker's digests (OS-1-128: `n3` in the name); of Velodyne the whole turns among the
// 1,000 packets, by the azimuths in the file (next test).
const table: [file: string, driver: string, frames: number, ...more: string[]][] = [
  ['esp32/example_data.csv', 'esp32-csi', 60],
  ['esp32/example_100hz_pitraffic.csv', 'esp32-csi', 833],
  ['esp32/example_fast_100hz_pitraffic.csv', 'esp32-csi', 1089],
  ['nexmon/example_4339.pcap', 'nexmon-csi', 950],
  ['nexmon/example_43455c0.pcap', 'nexmon-csi', 566],
  ['nexmon/example_4358.pcap', 'nexmon-csi', 1, '--setting', 'packetsPerFrame=4'],
  ['intel5300/example.dat', 'intel-5300', 26],
  ['intel5300/log.all_csi.6.7.6.dat', 'intel-5300', 29],
  ['feitcsi/HT20_2452.csi', 'feitcsi', 48],
  ['feitcsi/VHT80_5500.csi', 'feitcsi', 40],
  ['feitcsi/HESU20_5500.csi', 'feitcsi', 28],
  ['feitcsi/HESU160_5500.csi', 'feitcsi', 26],
  ['picoscenes/picoscenes_ax200_example.csi', 'picoscenes', 885],
  ['picoscenes/picoscenes_iwl5300_example.csi', 'picoscenes', 112],
  ['ouster/OS-0-128-U1_v2.3.0_1024x10.pcap', 'ouster', 1],
  ['ouster/OS-1-32-G_v2.1.1_1024x10.pcap', 'ouster', 1],
  ['ouster/OS-1-128_v2.3.0_1024x10_lb_n3.pcap', 'ouster', 3],
];

void t.test('every capture is recognised, and gives the frames that others count in it', { skip }, async (t) => {
  const left = [...table];
  const work = async () => {
    for (let next = left.pop(); next; next = left.pop()) {
      const [file, driver, frames, ...more] = next;
      const path = join(captures, file);
      const metadata = driver === 'ouster' ? ['--metadata', path.replace('.pcap', '.json')] : [];
      const { stdout, stderr } = await run(t, ['decode', path, ...metadata, ...more, '--json']);
      t.equal(stderr, '', file);
      const { summary, lines } = parse(stdout);
      t.strictSame([summary.driver, summary.frames, lines.length], [driver, frames, frames], file);
    }
  };
  await Promise.all([work(), work()]);
});

void t.test('points of all frames in one NumPy file, with the frame that each belongs to', { skip }, async (t) => {
  const file = join(captures, 'velodyne', 'vlp16-recording.bin');
  const folder = join(t.testdir(), 'npy');
  const { stdout, stderr } = await run(t, ['decode', file, '--npy', folder, '--json']);
  const { summary, lines } = parse(stdout);
  // VLP-16 manual, 9.3.1: 12 blocks of 100 bytes, azimuth in 0.01° at 2 of each.
  const bytes = await readFile(file);
  const azimuths = Array.from({ length: 12 * (bytes.length / 1206) }, (_, i) =>
    bytes.readUInt16LE(1206 * Math.floor(i / 12) + 100 * (i % 12) + 2),
  );
  const passings = azimuths.filter((azimuth, i) => i > 0 && azimuth < azimuths[i - 1]!).length;
  t.strictSame([summary.driver, summary.frames], ['velodyne', passings - 1], stderr);
  const points = await readNpy(join(folder, 'position.npy'));
  const index = await readNpy(join(folder, 'position.frame.npy'));
  const frames = new Uint32Array(index.numbers.buffer);
  t.strictSame(points.shape, [frames.length, 3]);
  t.equal(points.numbers.length, 12 * frames.length);
  t.strictSame(
    lines.map(({ frame }) => frames.filter((one) => one === frame).length),
    lines.map(({ fields }) => fields['position']!.shape[0]),
  );
});
