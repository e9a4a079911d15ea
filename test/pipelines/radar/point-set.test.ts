import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import type { RadarFrame } from '../../../drivers/frames.js';
import { createRadarPointFeatures, pointSetChannels } from '../../../pipelines/radar/point-set.js';
import { goldenVectors, near } from '../golden/vectors.js';

const golden = goldenVectors('features.json');

/** Rows of x y z velocity snr. */
function radarFrame(arrivalTime: number, points: readonly (readonly number[])[], parts: Partial<RadarFrame> = {}): RadarFrame {
  return {
    kind: 'mmwave',
    arrivalTime,
    position: Float32Array.from(points.flatMap(([x, y, z]) => [x!, y!, z!])),
    velocity: Float32Array.from(points, (point) => point[3] ?? 0),
    snr: Float32Array.from(points, (point) => point[4] ?? 0),
    ...parts,
  };
} // prettier-ignore

const rowsOf = (values: ArrayLike<number>, channels: number) =>
  Array.from({ length: values.length / channels }, (_, i) =>
    Array.from({ length: channels }, (_, c) => values[i * channels + c]!),
  );
const points = 4;
const make = (options = {}) => createRadarPointFeatures({ points, ...options });
const set = () => new Float32Array(points * pointSetChannels);
const heights = (out: Float32Array) =>
  rowsOf(out, pointSetChannels)
    .filter((row) => row[7] === 1)
    .map(([, , z]) => z);

void t.test('the strongest of three frames, beside NumPy', (t) => {
  const features = createRadarPointFeatures({ points: 12, span: 0.3 });
  t.strictSame(features.shape, [12, 8]);
  const out = new Float32Array(96);
  // A frame that is too old by now.
  t.equal(features.take(radarFrame(9.5, [[0, 0, 9, 0, 99]]), out), undefined);
  for (const [k, time] of [9.75, 9.875, 10].entries()) {
    t.equal(features.take(radarFrame(time, rowsOf(golden(`points${k}`), 5)), out), undefined);
  }
  near(t, out, golden('pointSet'), 'rows');
  t.end();
});

void t.test('fewer points than rows, none at all, and points outside of the region', (t) => {
  const features = make({ region: { x: [-1, 1], y: [0.5, 4], z: [-2, 2] } });
  const out = set().fill(7);
  const frame = radarFrame(1, [
    [0, 3, 0, -1, 10],
    [0, 0.1, 0, 0, 90], // the antennas' own
    [1, 2, 2, 0.5, 20],
    [-2, 2, 0, 0, 30],
  ]);
  t.equal(features.take(frame, out), undefined);
  const expected = [
    [1, 2, 2, 0.5, 1, 3, 0, 1],
    [0, 3, 0, -1, 0.5, 3, 0, 1],
    [0, 0, 0, 0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 0, 0, 0],
  ];
  t.strictSame(rowsOf(out, pointSetChannels), expected, 'highest first');
  for (let i = 0; i < 30; i++) {
    t.equal(features.take(radarFrame(2 + i, []), out.fill(7)), undefined, 'nothing seen is an observation');
    t.ok(out.every((value) => value === 0));
  }
  t.end();
});

void t.test('without SNR evenly spaced points are taken', (t) => {
  const frame = radarFrame(
    0,
    Array.from({ length: 8 }, (_, i) => [0, 1, i]),
  );
  const { snr: _, ...bare } = frame;
  const out = set();
  t.equal(make().take(bare, out), undefined);
  t.strictSame(heights(out), [6, 4, 2, 0]);
  t.end();
});

void t.test('faults', (t) => {
  const good = [[0, 1, 0, 0, 10], [1, 1, 1, 0, 10]]; // prettier-ignore
  const spoilt: [string, RadarFrame][] = [
    ['absent', { kind: 'mmwave', arrivalTime: 0 }],
    ['absent', radarFrame(NaN, good)],
    ['absent', radarFrame(0, good, { position: new Float32Array(5) })],
    ['absent', radarFrame(0, good, { velocity: new Float32Array(3) })],
    ['absent', radarFrame(0, good, { snr: new Float32Array(0) })],
    ['notANumber', radarFrame(0, [[0, NaN, 0, 0, 0]])],
    ['notANumber', radarFrame(0, [[0, 1, 0, Infinity, 0]])],
  ];
  for (const [fault, frame] of spoilt) {
    const features = make({ span: 10 });
    const out = set().fill(7);
    t.equal(features.take(frame, out), fault);
    t.ok(
      out.every((value) => value === 7),
      'nothing is written',
    );
    t.equal(features.take(radarFrame(1, good), out), undefined, 'and afterwards all is well');
    t.strictSame(heights(out), [1, 0]);
  }
  const out = set();
  t.equal(make().take(radarFrame(0, [[0, 1, 0, 0, -Infinity], good[1]!]), out), undefined);
  t.strictSame(heights(out), [1], 'a point without SNR is left out');
  t.throws(() => createRadarPointFeatures({ points: 0 }), RangeError);
  t.end();
});

void t.test('the same points again and again', (t) => {
  const features = make();
  const frame = (i: number, snr = 10) => radarFrame(i / 10, [[0, 1, 0, 0, snr]]);
  const found = Array.from({ length: 12 }, (_, i) => features.take(frame(i), set()));
  t.strictSame(found, [...new Array<undefined>(8).fill(undefined), ...new Array<string>(4).fill('constant')]);
  t.equal(features.take(frame(12, 10.5), set()), undefined, 'one digit of the SNR is enough');
  for (let i = 0; i < 8; i++) features.take(frame(13 + i), set());
  features.reset();
  t.equal(features.take(frame(30), set()), undefined, 'forgotten');
  t.end();
});

void t.test('a radar that was configured otherwise tells once, and its old points are forgotten', (t) => {
  const features = make({ span: 10 });
  const steps = (rangeStep: number, velocityStep: number) => ({ rangeStep, velocityStep });
  const out = set();
  t.equal(features.take(radarFrame(0, [[0, 1, 1, 0, 9]], steps(0.04, 0.1)), out), undefined);
  t.equal(features.take(radarFrame(1, [[0, 1, 2, 0, 9]]), out), undefined, 'a frame that does not say');
  t.equal(features.take(radarFrame(2, [[0, 1, 3, 0, 9]], steps(0.04, 0.1)), out), undefined);
  t.strictSame(heights(out), [3, 2, 1]);
  t.equal(features.take(radarFrame(3, [[0, 1, 4, 0, 9]], steps(0.08, 0.1)), out), 'settingsChanged');
  t.equal(features.take(radarFrame(4, [[0, 1, 5, 0, 9]], steps(0.08, 0.1)), out), undefined);
  t.strictSame(heights(out), [5]);
  t.equal(features.take(radarFrame(5, [[0, 1, 4, 0, 9]], steps(0.08, 0.2)), out), 'settingsChanged');
  t.end();
});

const data = process.env['SENSING_DATA'];
const skip = data !== undefined && existsSync(join(data, 'mars')) && existsSync(join(data, 'radhar')) ? false : 'skipped: no recordings'; // prettier-ignore

/** Frames of a recording of the data sets, whose columns 2 to 6 are a point. */
function recorded(path: string, starts: (row: string[], before: string[] | undefined) => boolean, pointOf: (row: number[]) => number[]) {
  const lines = gunzipSync(readFileSync(path)).toString().trim().split('\n').slice(1).map((line) => line.split(','));
  const frames: { time: number; points: number[][] }[] = [];
  lines.forEach((row, i) => {
    if (starts(row, lines[i - 1])) frames.push({ time: Number(row[0]), points: [] });
    frames.at(-1)!.points.push(pointOf(row.slice(2).map(Number)));
  });
  const from = frames[0]!.time;
  return frames.map(({ time, points }) => radarFrame(time - from, points));
} // prettier-ignore

void t.test('real recordings: MARS and RadHAR', { skip }, (t) => {
  const mars = readdirSync(join(data!, 'mars', 'subject3'))
    .filter((name) => name.endsWith('_radar.csv.gz'))
    .slice(0, 2)
    .map((name) =>
      recorded(
        join(data!, 'mars', 'subject3', name),
        (row, before) => row[1] !== before?.[1],
        // The intensity is a power.
        ([x, y, z, velocity, power]) => [x!, y!, z!, velocity!, 10 * Math.log10(power!)],
      ),
    );
  const radhar = ['boxing', 'walk'].map((label) => {
    const folder = join(data!, 'radhar', 'Train', label);
    return recorded(
      join(folder, readdirSync(folder)[0]!),
      (row) => row[1] === '0',
      ([forward, right, z, velocity, db]) => [right!, forward!, z!, velocity!, db!],
    );
  });
  for (const frames of [...mars, ...radhar]) {
    const features = createRadarPointFeatures({ points: 32, span: 0.1 });
    const out = new Float32Array(256);
    let rows = 0;
    for (const frame of frames) {
      const fault = features.take(frame, out);
      if (fault !== undefined) t.fail(`${fault} at ${frame.arrivalTime} s`);
      const sent = frame.position!.length / 3;
      const present = rowsOf(out, 8).filter((row) => row[7] === 1).length;
      if (present < Math.min(32, sent)) t.fail(`${present} rows of ${sent} points`);
      if (!out.every((value) => Math.abs(value) < 10)) t.fail(`not of the order of 1 at ${frame.arrivalTime} s`);
      rows += present;
    }
    t.ok(rows / frames.length > 16, `${frames.length} frames, ${(rows / frames.length).toFixed(1)} rows each`);
  }
  t.end();
});
