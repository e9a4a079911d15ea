/** What is drawn of each kind of frame, and that no fault becomes a number. */
import { test } from 'tap';
import type { Frame, RadarFrame, WifiFrame } from '../../drivers/frames.js';
import { findDriver } from '../../drivers/registry.js';
import { colourOf } from '../../daemon/pictures/colours.js';
import { createChosen, createPointStore, quantile } from '../../daemon/plot/chosen.js';
import { createFrameTimes } from '../../daemon/plot/frame-times.js';
import { plotOf } from '../../daemon/plot/plots.js';
import { cubeGeometry } from '../../daemon/plot/radar-geometry.js';
import type { Drawing, PlottedSensor, SensorPlot } from '../../daemon/plot/sensor-plot.js';
import { createTimeline } from '../../daemon/plot/timeline.js';
import { createRandom } from '../../learning/random.js';
import { echoes, type EchoRadar } from '../pipelines/radar/echoes.js';
import { decodePng } from './helpers/png.js';

const text = { title: 'title', subtitle: 'subtitle' };
const hot = colourOf(1, [0, 1], 'viridis');

function sensor(driver: string, more: Partial<PlottedSensor> = {}): PlottedSensor {
  const found = findDriver(driver)!;
  const settings: unknown = found.settings.parse({});
  return { name: 'sensor', driver: found, settings, files: {}, origin: 0, arrivals: true, ...more };
}

const whats = (plot: SensorPlot): string[] => plot.drawings().map(({ what }) => what);
const named = (drawings: readonly Drawing[], what: string) => drawings.find((one) => one.what === what)!;

void test('a timeline keeps means, peaks and holes in bounded memory', (t) => {
  const timeline = createTimeline(2, { columns: 64, extremes: true });
  for (let k = 0; k < 10_000; k++) {
    if (k >= 4000 && k < 6000) continue;
    timeline.push(5 + k / 100, [k === 777 ? 50 : 1, k < 5000 ? 0 : 2]);
  }
  const map = timeline.map()!;
  t.ok(map.columns <= 64 && map.columns > 32, `${map.columns} columns`);
  t.equal(map.range[0], 5);
  t.ok(Math.abs(map.range[1] - 105) < 2, `to ${map.range[1]}`);
  t.equal(map.z.length, 2 * map.columns);
  const row = map.z.subarray(map.columns);
  t.equal(row[0], 0);
  t.equal(row.at(-1), 2);
  const holes = row.filter(Number.isNaN).length;
  t.ok(Math.abs(holes / map.columns - 0.2) < 0.06, `${holes} columns of the fifth that is missing`);
  const curve = timeline.curve(0, 'peak');
  t.equal(Math.max(...Array.from(curve.y).filter(Number.isFinite)), 50, 'the single peak is there');
  t.equal(Array.from(curve.y).filter(Number.isNaN).length, 1, 'one break');

  const empty = createTimeline(1);
  empty.push(NaN, [1]);
  t.equal(empty.map(), undefined);
  t.equal(empty.samples, 0);
  empty.push(1, [NaN]);
  t.equal(empty.map(), undefined, 'no number, no column');
  t.end();
});

void test('a few of many, evenly', (t) => {
  const chosen = createChosen<number>(4);
  let made = 0;
  for (let k = 0; k < 1000; k++) {
    chosen.offer(() => {
      made++;
      return k;
    });
  }
  const list = chosen.list();
  t.equal(list.length, 4);
  t.equal(list[0], 0);
  t.ok(
    list.every((one, i) => i === 0 || (one - list[i - 1]! > 150 && one - list[i - 1]! < 450)),
    list.join(),
  );
  t.ok(made < 60, `${made} of 1000 were made`);
  const store = createPointStore(2, 100);
  for (let k = 0; k < 5000; k++) store.push([k, -k]);
  t.ok(store.columns[0]!.length <= 200 && store.columns[0]!.length >= 100);
  t.strictSame([store.columns[1]![3], store.columns[0]![3]], [-3 * store.stride, 3 * store.stride]);
  t.equal(quantile([5, NaN, 1, 3], 0.5), 3);
  t.ok(Number.isNaN(quantile([], 0.5)));
  t.end();
});

void test("frames' times: the device's clock, the rate where there is none, and faults", (t) => {
  const frame = { kind: 'skeleton', arrivalTime: 0, people: 0, layout: 'coco', joints: new Float32Array(0) } as const;
  const raw = createFrameTimes(false, 10);
  t.strictSame(
    [0, 1, 2].map(() => raw.timed(frame)?.time),
    [0, 0.1, 0.2],
  );
  t.equal(raw.source, 'rate');
  const device = createFrameTimes(false, 10);
  const times = [7, 7.5, NaN, 7.4, 3].map((deviceTime) => device.timed({ ...frame, deviceTime })?.time);
  t.strictSame(times, [7, 7.5, undefined, 7.4, undefined]);
  t.equal(device.source, 'device');
  const arrivals = createFrameTimes(true, 10);
  t.strictSame(
    [3, 4].map((arrivalTime) => arrivals.timed({ ...frame, arrivalTime })?.time),
    [3, 4],
  );
  t.end();
});

const wifiFrame = (time: number, csi: (subcarrier: number, part: number) => number): WifiFrame => {
  const subcarriers = Int16Array.from({ length: 57 }, (_, i) => i - 28);
  const values = Float32Array.from({ length: 2 * 57 }, (_, i) => csi(subcarriers[i >> 1]!, i % 2));
  return {
    kind: 'wifi',
    arrivalTime: time,
    receivers: 1,
    transmitters: 1,
    subcarriers,
    csi: values,
    scale: 'absolute',
  };
};

void test('frames that are no numbers are counted, and nothing is drawn of them', (t) => {
  const nan = (length: number) => new Float32Array(length).fill(NaN);
  const bad: Record<string, { frame: Frame; driver: string; fault: string }> = {
    imu: {
      frame: { kind: 'imu', arrivalTime: 0, acceleration: nan(3), angularRate: nan(3) },
      driver: 'witmotion-wt901',
      fault: 'notANumber',
    },
    wifi: { frame: wifiFrame(0, () => NaN), driver: 'esp32-csi', fault: 'notANumber' },
    'no csi': { frame: wifiFrame(0, () => 0), driver: 'esp32-csi', fault: 'absent' },
    mmwave: {
      frame: { kind: 'mmwave', arrivalTime: 0, position: nan(6), velocity: nan(2) },
      driver: 'ti-mmwave',
      fault: 'pointsNotANumber',
    },
    'no profile': {
      frame: {
        kind: 'radar-cube',
        arrivalTime: 0,
        shape: [2, 1, 1, 4],
        components: 1,
        data: new Int16Array(8),
        missing: 0,
      },
      driver: 'ti-dca1000',
      fault: 'noProfile',
    },
    lidar: { frame: { kind: 'lidar', arrivalTime: 0, position: nan(300) }, driver: 'velodyne', fault: 'notANumber' },
    'no points': { frame: { kind: 'lidar', arrivalTime: 0, position: nan(0) }, driver: 'velodyne', fault: 'absent' },
    depth: {
      frame: { kind: 'depth', arrivalTime: 0, width: 4, height: 4, depth: new Uint16Array(3), metresPerStep: 0.001 },
      driver: 'depth-zmq',
      fault: 'absent',
    },
    skeleton: {
      frame: { kind: 'skeleton', arrivalTime: 0, people: 1, layout: 'coco', joints: nan(51) },
      driver: 'skeleton-zmq',
      fault: 'notANumber',
    },
    nobody: {
      frame: { kind: 'skeleton', arrivalTime: 0, people: 0, layout: 'coco', joints: nan(0) },
      driver: 'skeleton-zmq',
      fault: 'nobody',
    },
    video: {
      frame: { kind: 'video', arrivalTime: 0, width: 4, height: 4, pixels: new Uint8Array(5) },
      driver: 'video-zmq',
      fault: 'absent',
    },
  };
  for (const [name, { frame, driver, fault }] of Object.entries(bad)) {
    const plot = plotOf(frame.kind, sensor(driver));
    for (let k = 0; k < 5; k++) plot.push({ ...frame, arrivalTime: k / 10 }, k / 10);
    t.strictSame(whats(plot), [], name);
    t.ok((plot.faults[fault] ?? 0) >= 5, `${name}: ${JSON.stringify(plot.faults)}`);
  }
  t.end();
});

void test('CSI: a strong subcarrier is a bright row', async (t) => {
  const plot = plotOf('wifi', sensor('esp32-csi'));
  for (let k = 0; k < 200; k++) {
    const angle = k / 3;
    const frame = wifiFrame(
      k / 100,
      // Just below 40 and 20 dB.
      (subcarrier, part) => (subcarrier === 20 ? 99.9 : 9.99) * (part === 0 ? Math.cos(angle) : Math.sin(angle)),
    );
    plot.push(frame, k / 100);
  }
  const drawings = plot.drawings();
  t.strictSame(
    drawings.map(({ what }) => what),
    ['amplitude', 'phase', 'spectrogram', 'features'],
    'amplitudes that do not vary have no principal component',
  );
  t.match(plot.remarks?.join(), /no motion index/);
  const picture = await decodePng(await named(drawings, 'amplitude').draw(text));
  const { left, right, top, bottom, count } = picture.find(hot);
  t.ok(right - left > 1200 && count > 1000, `${count} bright pixels over ${right - left} columns`);
  t.ok((bottom - top) / picture.height < 0.5);
});

const profile = `% Platform:xWR18xx
channelCfg 15 5 0
adcCfg 2 1
adcbufCfg -1 0 0 1 1
profileCfg 0 77 100 6 57.14 0 0 60 1 128 5209 0 0 30
chirpCfg 0 0 0 0 0 0 0 1
chirpCfg 1 1 0 0 0 0 0 4
frameCfg 0 1 32 0 50 1 0
`;

void test('a radar cube: the target is where it was put', async (t) => {
  const { geometry, noAngles } = cubeGeometry(profile, 'xwr1843');
  t.equal(noAngles, undefined);
  t.strictSame(
    geometry.antennas.map(([x]) => x),
    [0, 1, 2, 3, 4, 5, 6, 7],
    'transmitters 1 and 3',
  );
  t.ok(Math.abs(geometry.slope / 60e12 - 1) < 0.01 && geometry.sampleRate === 5.209e6);
  t.match(cubeGeometry(profile.replace('18xx', '68xx_AOP'), 'xwr6843').noAngles, /not known/);
  t.match(
    cubeGeometry(profile.replace(/1\nframe/, '5\nframe').replace('0 4\n', '0 5\n'), 'xwr1843').noAngles,
    /several/,
  );

  const radar: EchoRadar = {
    geometry,
    shape: [32, 2, 4, 128],
    transmitters: [
      [0, 0],
      [4, 0],
    ],
    receivers: [0, 1, 2, 3].map((x) => [x, 0]),
  };
  const settings = { ...(sensor('ti-dca1000').settings as object), board: 'xwr1843' };
  const plot = plotOf('radar-cube', sensor('ti-dca1000', { settings, files: { profile } }));
  const target = { range: 6, velocity: 1, azimuth: Math.PI / 6, amplitude: 500 };
  for (let k = 0; k < 4; k++) plot.push(echoes(radar, [target], 5, createRandom(k)), k / 20);
  const clipped = echoes(radar, [target], 5, createRandom(9));
  plot.push({ ...clipped, data: clipped.data.map(() => 32767) }, 0.2);
  plot.push({ ...clipped, shape: [16, 4, 4, 128] }, 0.25);
  const drawings = plot.drawings();
  t.strictSame(
    drawings.map(({ what }) => what),
    ['range-doppler', 'range-azimuth', 'range-time', 'micro-doppler', 'features'],
  );
  t.strictSame(plot.faults, { constant: 1, shape: 1 });
  const picture = await decodePng(await named(drawings, 'range-azimuth').draw(text));
  // The panel is 1040 × 840 pixels; the bar at the right has the bright colour too.
  const axis = picture.width;
  let [sumX, sumY, count] = [0, 0, 0];
  const isBright = (x: number, y: number) => picture.at(x, y) === hot;
  for (let y = 0; y < picture.height; y++) {
    for (let x = 0; x < axis * 0.8; x++) {
      if (!isBright(x, y)) continue;
      sumX += x;
      sumY += y;
      count++;
    }
  }
  const dark = (x: number, y: number) => picture.at(x, y) !== '#ffffff';
  let left = 0;
  const middle = Math.round(sumY / count);
  // The frame's left edge, right of ticks and texts: the first of many pixels that are not white.
  for (let run = 0; run < 200; left++) run = dark(left, middle - 60) ? run + 1 : 0;
  left -= 200;
  t.ok(count > 0, 'a brightest spot');
  const azimuth = ((sumX / count - left) / 1040) * 180 - 90;
  t.ok(Math.abs(azimuth - 30) < 3, `azimuth ${azimuth.toFixed(1)}°`);
});

void test("a radar's own points and maps", async (t) => {
  const plot = plotOf('mmwave', sensor('ti-mmwave'));
  for (let k = 0; k < 30; k++) {
    const rangeDoppler = new Float32Array(32 * 16).fill(20);
    rangeDoppler[10 * 16 + 3] = 60;
    const frame: RadarFrame = {
      kind: 'mmwave',
      arrivalTime: k / 10,
      position: Float32Array.of(1, 2, 0, -1, 3, 0),
      velocity: Float32Array.of(0.5, -0.5),
      rangeBins: 32,
      rangeStep: 0.1,
      velocityStep: 0.2,
      rangeProfile: new Float32Array(32).fill(30),
      rangeDoppler,
      targets: {
        id: Uint32Array.of(7),
        position: Float32Array.of(1, 2, 0),
        velocity: new Float32Array(3),
        acceleration: new Float32Array(3),
      },
    };
    plot.push(frame, k / 10);
  }
  plot.push({ kind: 'mmwave', arrivalTime: 4, rangeProfile: new Float32Array(64) }, 4);
  const drawings = plot.drawings();
  t.strictSame(
    drawings.map(({ what }) => what),
    ['points', 'range-time', 'targets', 'range-profile', 'range-doppler'],
  );
  t.strictSame(plot.faults, { settingsChanged: 1 });
  for (const drawing of drawings) t.ok((await decodePng(await drawing.draw(text))).width > 600, drawing.what);
});

void test('skeletons, depth and video', async (t) => {
  const skeleton = plotOf('skeleton', sensor('skeleton-zmq'));
  const depth = plotOf('depth', sensor('depth-zmq'));
  const video = plotOf('video', sensor('video-zmq'));
  for (let k = 0; k < 20; k++) {
    const time = k / 20;
    const joints = Float32Array.from({ length: 60 }, (_, i) => (i === 5 ? NaN : Math.sin(i + k / 5)));
    skeleton.push({ kind: 'skeleton', arrivalTime: time, people: 1, layout: 'kinect-v1', joints }, time);
    const steps = Uint16Array.from({ length: 64 * 48 }, (_, i) => (i % 64 < 8 ? 0 : 1000 + i + k));
    depth.push({ kind: 'depth', arrivalTime: time, width: 64, height: 48, depth: steps, metresPerStep: 0.001 }, time);
    const pixels = new Uint8Array(3 * 32 * 24).fill(10 * k);
    video.push({ kind: 'video', arrivalTime: time, width: 32, height: 24, pixels }, time);
  }
  skeleton.push({ kind: 'skeleton', arrivalTime: 2, people: 1, layout: 'coco', joints: new Float32Array(51) }, 2);
  t.strictSame(skeleton.faults, { settingsChanged: 1 });
  const all = [skeleton, depth, video].flatMap((plot) => plot.drawings());
  t.strictSame(
    all.map(({ what }) => what),
    ['figures', 'trajectories', 'depth', 'video'],
  );
  t.match(depth.remarks?.join(), /no person/);
  for (const drawing of all) {
    const { width, height } = await decodePng(await drawing.draw(text));
    t.ok(width > 600 && width < 4000 && height > 300, `${drawing.what}: ${width} × ${height}`);
  }
});
