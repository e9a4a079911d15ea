/** `babel-gateway plot` as people run it: which files it writes, and what it says of what it does not draw. */
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type Test } from 'tap';
import { createRecorder } from '../../drivers/recording/recorder.js';
import type { SensorDescription } from '../../drivers/recording/sensor-description.js';
import { encodeWitmotion } from '../../room/witmotion-encoder.js';
import { decodePng } from './helpers/png.js';
import { plot, type PlotOptions } from '../../daemon/commands/plot.js';
import { run } from './helpers/program.js';

interface Line {
  file: string;
  sensor: string;
  what: string;
  faults?: Record<string, number>;
}

const linesOf = (stdout: string): Line[] =>
  stdout
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);

/** The command in this process, with what it prints. */
async function drawn(t: Test, file: string, options: Partial<PlotOptions>) {
  const [stdout, stderr] = [t.capture(console, 'log'), t.capture(console, 'error')];
  const before = process.exitCode;
  process.exitCode = 0;
  let failed: string | undefined;
  await plot(file, { setting: [], from: 0, json: true, out: t.testdirName, ...options }).catch((error: unknown) => {
    failed = (error as Error).message;
  });
  const printed = (results: typeof stdout) => results().map(({ args }) => String(args[0]));
  const found = {
    status: failed === undefined ? process.exitCode : 1,
    stdout: printed(stdout),
    stderr: printed(stderr),
    failed,
  };
  process.exitCode = before;
  return found;
}

const sensor = (name: string): SensorDescription => ({
  sensor: name,
  driver: 'witmotion-wt901',
  settings: { outputRate: 50 },
  files: {},
  transport: 'serial',
  place: 'here',
  virtual: true,
  recorded: false,
});

/** Eight seconds of a wrist that waves, and a sensor that sends no packet. */
async function recording(t: Test): Promise<string> {
  const file = join(t.testdir(), 'two.mcap');
  const recorder = await createRecorder({ file, onError: (problem) => t.fail(problem) });
  const [wrist, silent] = [sensor('left wrist'), sensor('silent')];
  for (let k = 0; k < 400; k++) {
    const time = k / 50;
    const wave = Math.sin(2 * Math.PI * time);
    const packet = encodeWitmotion({
      acceleration: [3 * wave, 0, 9.8],
      angularRate: [wave, 0, 0],
      time: 1.7e9 + time,
    });
    recorder.write(wrist, packet, 1000 + time);
    if (k % 50 === 0) recorder.write(silent, Uint8Array.of(1, 2, 3), 1000 + time);
  }
  await recorder.close();
  return file;
}

void test('a recording of two sensors, one of which says nothing', async (t) => {
  const file = await recording(t);
  const out = join(t.testdirName, 'pictures', 'deep');
  const { status, stdout, stderr } = await run(t, ['plot', file, '--out', out, '--json']);
  t.equal(status, 0, stderr);
  const lines = linesOf(stdout);
  t.strictSame(
    lines.map(({ what, sensor: name, file: path }) => [what, name, path]),
    ['waveform', 'windows'].map((what) => [what, 'left wrist', join(out, `left_wrist-${what}.png`)]),
  );
  t.strictSame((await readdir(out)).sort(), ['left_wrist-waveform.png', 'left_wrist-windows.png']);
  for (const { file: path } of lines) {
    const { width, height } = await decodePng(await readFile(path));
    t.ok(width > 1000 && width < 3000 && height > 400 && height < 3000, `${path}: ${width} × ${height}`);
  }
  t.match(stderr, /^silent: no frame of witmotion-wt901 .*nothing is drawn/m);
});

void test('one sensor, and a part of its time', async (t) => {
  const file = await recording(t);
  const out = join(t.testdirName, 'pictures');
  const part = await drawn(t, file, { out, sensor: 'left wrist', from: 2, seconds: 1, json: false });
  t.strictSame(part.stdout, [join(out, 'left_wrist-waveform.png')], 'too short for a window');
  t.match((await drawn(t, file, { out, sensor: 'right wrist' })).failed, /nothing of a sensor right wrist/);
  t.match((await drawn(t, file, { out, driver: 'witmotion-wt901' })).failed, /name it with --sensor/);
  const late = await drawn(t, file, { out, from: 1000 });
  t.equal(late.status, 1);
  t.match(late.stderr.join('\n'), /left wrist: no frame .* within this time/);
});

void test('what cannot be drawn is said in one line', async (t) => {
  const folder = t.testdir({ empty: '', 'noise.bin': 'nothing that a device sends', file: 'a file' });
  const noise = join(folder, 'noise.bin');
  const out = join(folder, 'pictures');
  const driver = 'velodyne';
  const cases: [file: string, options: Partial<PlotOptions>, says: RegExp][] = [
    [join(folder, 'empty'), { out }, /the file is empty/],
    [join(folder, 'none'), { out }, /no such file/],
    [noise, { out }, /no driver knows these bytes/],
    [noise, { out, driver: 'velodin' }, /did you mean velodyne/],
    [noise, { out, driver }, /velodyne: no frame/],
    [noise, { out, driver, setting: ['x=1'] }, /there is no x/],
    [noise, { out, driver, sensor: 'x' }, /--sensor is for recordings/],
    [noise, { out: join(folder, 'file'), driver }, /this is a file; name a folder/],
  ];
  for (const [file, options, says] of cases) {
    const { status, stdout, stderr, failed } = await drawn(t, file, options);
    t.equal(status, 1, String(says));
    t.strictSame(stdout, []);
    const lines = failed === undefined ? stderr : [failed];
    t.equal(lines.length, 1, lines.join());
    t.match(lines[0], says);
  }
  t.notOk(existsSync(out) && (await readdir(out)).length > 0, 'no picture was written');
});

void test('a recording that was cut off is drawn as far as it can be read', async (t) => {
  const file = await recording(t);
  const whole = await readFile(file);
  const cut = join(t.testdirName, 'cut.mcap');
  await writeFile(cut, whole.subarray(0, whole.length - 20));
  const { stdout, stderr } = await drawn(t, cut, { out: join(t.testdirName, 'out') });
  t.match(stderr.join('\n'), /cut off/);
  t.ok(stdout.length > 0, 'something can');
});

/** 128 loops of two transmitters, four receivers, 128 samples; for OpenRadar's example, whose own profile is not published. */
const profile = `dfeDataOutputMode 1
channelCfg 15 5 0
adcCfg 2 1
adcbufCfg -1 0 1 1 1
profileCfg 0 77 58 7 40 0 0 100 1 128 9121 0 0 30
chirpCfg 0 0 0 0 0 0 0 1
chirpCfg 1 1 0 0 0 0 0 4
frameCfg 0 1 128 0 50 1 0
lvdsStreamCfg -1 0 1 0
`;

void test('a cube of raw samples as a NumPy file: what cannot be drawn', async (t) => {
  const header = (descr: string, shape: string) => {
    const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }\n`;
    return Buffer.concat([
      Buffer.from([0x93]),
      Buffer.from('NUMPY'),
      Buffer.from([1, 0, text.length, 0]),
      Buffer.from(text),
    ]);
  };
  const numbers = Buffer.alloc(8 * 2 * 2 * 2 * 2);
  numbers.writeFloatLE(0.5, 8);
  const small = profile
    .replace('1 128 9121', '1 2 9121')
    .replace('frameCfg 0 1 128', 'frameCfg 0 1 2')
    .replace('channelCfg 15', 'channelCfg 1');
  const folder = t.testdir({
    'big.cfg': profile,
    'small.cfg': small,
    'real.npy': header('<f8', '(2, 2, 2)'),
    'half.npy': Buffer.concat([header('<c8', '(2, 2, 2)'), numbers.subarray(0, 64)]),
    'short.npy': Buffer.concat([header('<c8', '(2, 2, 2)'), numbers.subarray(0, 60)]),
  });
  const out = join(folder, 'pictures');
  for (const [file, cfg, says] of [
    ['half.npy', undefined, /name it with --profile/],
    ['real.npy', 'big.cfg', /holds no complex numbers/],
    ['short.npy', 'small.cfg', /says \[2, 2, 2\] and holds 60 bytes/],
    ['half.npy', 'big.cfg', /is of \[2, 2, 2\], and the profile of \[128, 8, 128\]/],
    ['half.npy', 'small.cfg', /holds 0\.5, which is no step/],
  ] as const) {
    const given = cfg === undefined ? {} : { profile: join(folder, cfg) };
    t.match((await drawn(t, join(folder, file), { out, ...given })).failed, says);
  }
});

const data = process.env['SENSING_DATA'];
const ouster = 'ouster/OS-1-32-G_v2.1.1_1024x10';
const wifi = ['amplitude', 'phase', 'rssi', 'spectrogram', 'principal-component'];
const captures: Record<string, { file: string; metadata?: string; sensor: string; pictures: string[] }> = {
  'an ESP32': {
    file: 'esp32/example_100hz_pitraffic.csv',
    sensor: 'esp32-csi',
    pictures: [...wifi, 'motion', 'features'],
  },
  'an Intel 5300': { file: 'intel5300/example.dat', sensor: 'intel-5300', pictures: [...wifi, 'features'] },
  'a VLP-16': {
    file: 'velodyne/vlp16-recording.bin',
    sensor: 'velodyne',
    pictures: ['points-height', 'points-intensity', 'range-image'],
  },
  'an OS-1': {
    file: `${ouster}.pcap`,
    metadata: `${ouster}.json`,
    sensor: 'ouster',
    pictures: ['points-height', 'points-intensity', 'ground', 'range-image'],
  },
};

for (const [name, { file, metadata, sensor: driver, pictures }] of Object.entries(captures)) {
  void test(`a capture of ${name}`, { skip: data === undefined && 'skipped: no recordings' }, async (t) => {
    const folder = join(data!, 'captures');
    const out = t.testdir();
    const given = metadata === undefined ? {} : { metadata: join(folder, metadata) };
    const { status, stdout, stderr } = await drawn(t, join(folder, file), { out, ...given });
    t.equal(status, 0, stderr.join());
    t.strictSame(
      stdout.map((line) => JSON.parse(line) as Line).map((line) => [line.sensor, line.what]),
      pictures.map((what) => [driver, what]),
    );
    for (const what of pictures) {
      const picture = await decodePng(await readFile(join(out, `${driver}-${what}.png`)));
      t.ok(picture.width < 3000 && picture.height < 3000, `${what}: ${picture.width} × ${picture.height}`);
      t.equal(picture.at(2, 2), '#ffffff', 'a white margin');
    }
  });
}

void test("OpenRadar's cube", { skip: data === undefined && 'skipped: no recordings' }, async (t) => {
  const folder = t.testdir({ 'radar.cfg': profile });
  const file = join(data!, 'captures', 'openradar', 'doppler_example_1.npy');
  const { status, stdout, stderr } = await drawn(t, file, { out: folder, profile: join(folder, 'radar.cfg') });
  t.equal(status, 0, stderr.join());
  t.strictSame(
    stdout.map((line) => (JSON.parse(line) as Line).what),
    ['range-doppler', 'range-azimuth', 'range-time', 'micro-doppler', 'features'],
  );
});
