import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import type { Window } from '../../pipelines/window.js';
import { createImuPipeline } from '../../pipelines/imu.js';
import { createMotionGate } from '../../pipelines/motion-gate.js';
import { resampleRecording } from '../../pipelines/resample.js';
import { windowsOfRecording } from '../../pipelines/sliding-windows.js';
import { createRandom } from '../../learning/random.js';

// A watch on the wrist, about 104 samples a second at uneven times: see SOURCE.md of phone-watch.
const folder = path.join(process.env['SENSING_DATA'] ?? '', 'phone-watch');
const skip = process.env['SENSING_DATA'] && existsSync(folder) ? false : 'skipped: no recordings';

function readWatch(file: string) {
  const rows = gunzipSync(readFileSync(file))
    .toString()
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','))
    .sort((a, b) => Number(a[6]) - Number(b[6]));
  return {
    times: rows.map((row) => Number(row[6]) / 1000),
    values: Float64Array.from(rows.flatMap((row) => row.slice(0, 6).map(Number))),
    labels: rows.map((row) => row[7]!),
  };
}

const watchFiles = (subject: string) =>
  readdirSync(path.join(folder, subject))
    .filter((name) => name.endsWith('_sw.csv.gz'))
    .sort()
    .map((name) => path.join(folder, subject, name));

void t.test('live windows of a real watch are those of its recording', { skip }, (t) => {
  const random = createRandom(1);
  let compared = 0;
  for (const file of watchFiles('s01').slice(0, 4)) {
    const { times, values } = readWatch(file);
    const windows: Window[] = [];
    const shape = { rate: 50, samples: 100, hop: 25 };
    const pipeline = createImuPipeline({ ...shape, sensor: 'watch', inputRate: 104, onWindow: (w) => windows.push(w) });
    let before = 0;
    times.forEach((time, i) => {
      const arrivalTime = Math.max(before, time - times[0]! + 30 - 0.003 * Math.log(1 - random.uniform()));
      before = arrivalTime;
      const acceleration = Float32Array.from(values.subarray(6 * i, 6 * i + 3));
      const angularRate = Float32Array.from(values.subarray(6 * i + 3, 6 * i + 6));
      pipeline.push({ kind: 'imu', arrivalTime, deviceTime: time, acceleration, angularRate });
    });
    pipeline.end();
    const segments = resampleRecording(times, values, 6, 104, 50);
    const expected = segments.flatMap(({ start, data }) =>
      windowsOfRecording(data, 6, shape).map((window) => ({ ...window, start: start - times[0]! + window.first / 50 })),
    );
    t.equal(windows.length, expected.length);
    windows.forEach((window, i) => {
      const { data, start } = expected[i]!;
      const worst = data.reduce((most, value, k) => Math.max(most, Math.abs(value - window.data[k]!)), 0);
      if (worst > 0.3) t.fail(`window ${i} of ${path.basename(file)} differs by ${worst}`);
      if (Math.abs(window.start - 30 - start) > 0.005) t.fail(`window ${i} starts at ${window.start}`);
      compared++;
    });
  }
  t.ok(compared > 50, `${compared} windows`);
  t.end();
});

void t.test('nobody who walks is still; some who sit are', { skip }, (t) => {
  const counts: Record<string, { still: number; all: number }> = {};
  const samples = 40; // 0.4 s
  for (const file of ['s01', 's02', 's03'].flatMap(watchFiles)) {
    const { values, labels } = readWatch(file);
    const gate = createMotionGate(samples);
    for (let i = 0; i < labels.length; i++) {
      gate.push(values.subarray(6 * i, 6 * i + 6));
      if (i < samples - 1 || labels[i] !== labels[i - samples + 1]) continue;
      const count = (counts[labels[i]!] ??= { still: 0, all: 0 });
      count.all++;
      if (gate.still()) count.still++;
    }
  }
  const fraction = (label: string) => counts[label]!.still / counts[label]!.all;
  t.equal(fraction('WALKING'), 0);
  t.equal(fraction('TURNING'), 0);
  t.ok(fraction('SEATED') > 0.15, `${fraction('SEATED')} of the seated`);
  t.end();
});
