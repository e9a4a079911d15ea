/** The windows of skeletons, radar points and LiDARs on the pictures: those that the gateway would make, and no refused one as numbers. */
import { test } from 'tap';
import type { Frame, LidarFrame, RadarFrame, SkeletonFrame } from '../../drivers/frames.js';
import { findDriver } from '../../drivers/registry.js';
import { plotOf } from '../../daemon/plot/plots.js';
import type { Drawing, PlottedSensor, SensorPlot } from '../../daemon/plot/sensor-plot.js';
import { createRandom } from '../../learning/random.js';
import { evenRings, scan, type Room, type Scanner, type Thing } from '../pipelines/lidar/scanner.js';
import { decodePng } from './helpers/png.js';

const text = { title: 'title', subtitle: 'subtitle' };

function sensor(name: string, given: object, arrivals = true): PlottedSensor {
  const driver = findDriver(name)!;
  return { name: 'sensor', driver, settings: driver.settings.parse(given), files: {}, origin: 100, arrivals };
}

const named = (drawings: readonly Drawing[], what: string) => drawings.find((one) => one.what === what);

function play(plot: SensorPlot, rate: number, seconds: number, frame: (time: number) => Frame): void {
  for (let k = 0; k < rate * seconds; k++) plot.push({ ...frame(k / rate), arrivalTime: 100 + k / rate }, k / rate);
}

/** Upright, of a usual size, its hands go up and down. */
function skeletonAt(time: number): SkeletonFrame {
  const joints = new Float32Array(60);
  const place = (joint: number, x: number, y: number) => joints.set([x, y, 2.5], 3 * joint);
  const wave = 0.4 * Math.sin(2 * Math.PI * 0.5 * time);
  [0.65, 0.45, 0.1, 0].forEach((y, joint) => place(joint, 0.001, y));
  for (const [first, side] of [
    [4, -1],
    [8, 1],
  ] as const) {
    for (let k = 0; k < 4; k++) place(first + k, side * (0.18 + 0.13 * k), 0.4 + (wave * k) / 3);
    for (let k = 0; k < 4; k++) place(first + 8 + k, side * 0.1, -0.28 * k);
  }
  return { kind: 'skeleton', arrivalTime: 0, people: 1, layout: 'kinect-v1', joints };
}

const nobody: SkeletonFrame = { ...skeletonAt(0), people: 0, joints: new Float32Array(0) };

void test('a window of a skeleton, with its marks; refused windows are named', async (t) => {
  const plot = plotOf('skeleton', sensor('skeleton-zmq', { rate: 30 }));
  // Six seconds of somebody, then nobody: the windows in between bear marks.
  play(plot, 30, 12, (time) => (time < 6 ? skeletonAt(time) : nobody));
  const drawing = named(plot.drawings(), 'window')!;
  t.match(drawing.title, /^skeleton window \[\d\.\d0, \d\.\d4\) s, shape \[76, 20, 4\]$/);
  t.match(
    drawing.note,
    /^no marks · alignment error \d+\.\d ms · 1 of \d+ windows, .*\nwindows refused, not drawn: nobody \d+$/,
  );
  t.strictSame(plot.remarks, []);
  const { width, height } = await decodePng(await drawing.draw(text));
  t.ok(width > 1400 && height > 1000, `${width} × ${height}`);

  const marked = plotOf('skeleton', sensor('skeleton-zmq', { rate: 30 }));
  play(marked, 30, 3.2, (time) => (time < 2.4 ? skeletonAt(time) : nobody));
  const found = named(marked.drawings(), 'window')!;
  t.match(found.note, /^marks: nobody \d+ of 76 · /);
  t.ok((await found.draw(text)).length > 10_000, 'is drawn with a hole');
});

void test('no window where none was sound or long enough', (t) => {
  const empty = plotOf('skeleton', sensor('skeleton-zmq', { rate: 30 }));
  play(empty, 30, 5, () => nobody);
  t.equal(named(empty.drawings(), 'window'), undefined);
  t.match(empty.remarks?.join(), /all were refused: nobody \d/);

  const short = plotOf('mmwave', sensor('ti-mmwave', { frameRate: 10 }));
  play(short, 10, 1, (time) => radarAt(time));
  t.equal(named(short.drawings(), 'window'), undefined);
  t.match(short.remarks?.join(), /no window: the frames do not last 3\.04 s/);
  t.end();
});

const random = createRandom(3);
function radarAt(time: number): RadarFrame {
  const noise = (middle: number) => middle + 0.1 * random.normal();
  const position = Float32Array.from({ length: 60 }, (_, i) => noise([0.2, 2, 0.4][i % 3]!));
  const velocity = Float32Array.from({ length: 20 }, () => noise(Math.sin(3 * time)));
  return { kind: 'mmwave', arrivalTime: 0, position, velocity, snr: velocity.map(() => 15) };
}

void test("a window of a radar's points", async (t) => {
  const plot = plotOf('mmwave', sensor('ti-mmwave', { frameRate: 10 }, false));
  play(plot, 10, 5, radarAt);
  const drawing = named(plot.drawings(), 'window')!;
  t.match(drawing.title, /^mmwave window \[\d\.\d0, \d\.\d4\) s, shape \[38, 32, 8\]$/);
  t.match(drawing.note, /^no marks · alignment error unknown · 1 of \d windows, that with the most points: 1036$/);
  const { width, height } = await decodePng(await drawing.draw(text));
  t.ok(width > 1400 && height > 1000, `${width} × ${height}`);
});

const scanner: Scanner = { height: 1.4, tilt: [0.03, -0.05], rings: evenRings(32, 22.5), columns: 360, noise: 0.02 };
const cupboard: Thing = { least: [-3.9, -1, 0], most: [-3.4, 0.6, 2] };
const chair: Thing = { least: [1.4, -1.6, 0], most: [1.9, -1.1, 1] };
const room = (...things: Thing[]): Room => ({ size: [4, 3.5], things: [cupboard, ...things] });

void test("a LiDAR's clusters, and a window of the person", async (t) => {
  const plot = plotOf('lidar', sensor('velodyne', { turnsPerSecond: 5 }));
  const noise = createRandom(7);
  const empty = Array.from({ length: 5 }, () => scan(scanner, room(), 0, noise).frame);
  const at = (time: number): LidarFrame => {
    if (time < 12) return empty[Math.round(5 * time) % empty.length]!;
    const angle = 0.4 * (time - 12);
    const walker: Thing = { at: [2.2 * Math.cos(angle), 2.2 * Math.sin(angle)], radius: 0.22, height: 1.75 };
    return scan(scanner, room(chair, walker), 0, noise).frame;
  };
  play(plot, 5, 18, at);
  const drawings = plot.drawings();
  t.strictSame(
    drawings.map(({ what }) => what),
    ['points-height', 'points-intensity', 'ground', 'range-image', 'clusters', 'person', 'window'],
  );
  const clusters = named(drawings, 'clusters')!;
  t.match(clusters.note, /2 clusters of \d+ points, the person framed/, 'the chair and the person');
  const window = named(drawings, 'window')!;
  t.match(window.title, /^lidar window \[1\d\.\d0, 1\d\.\d4\) s, shape \[19, 128, 5\]$/);
  t.match(window.note, /\nwindows refused, not drawn: calibrating \d+, nobody \d+$/);
  t.strictSame(plot.remarks, []);
  for (const drawing of [clusters, window]) {
    const { width, height } = await decodePng(await drawing.draw(text));
    t.ok(width > 1000 && height > 500, `${drawing.what}: ${width} × ${height}`);
  }
});
