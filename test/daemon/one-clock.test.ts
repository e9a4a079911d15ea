/** Wrist and camera of one performance, over their devices' real protocols: do their windows show the same moments? */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { feedSettings } from '../../daemon/config-schema.js';
import { startFeed, type Stages } from '../../daemon/feeds.js';
import { createSensorPipeline } from '../../daemon/sensor-pipeline.js';
import { findDriver } from '../../drivers/registry.js';
import { openTransport } from '../../drivers/transports/registry.js';
import { monotonicSeconds } from '../../drivers/transports/transport.js';
import { loadUtdMhadInertial } from '../../learning/datasets/utd-mhad.js';
import { loadUtdMhadSkeleton } from '../../learning/datasets/utd-mhad-kinect.js';
import { betweenSkeletons } from '../../pipelines/skeleton/between.js';
import { createSkeletonFeatures } from '../../pipelines/skeleton/features.js';
import { createPlaceWindows, type PlaceWindow } from '../../pipelines/place-windows.js';
import { createWindowGrid } from '../../pipelines/window-grid.js';
import type { Window } from '../../pipelines/window.js';
import { silentLog } from './helpers/log.js';
import { until } from './helpers/wait.js';

const data = join(process.env['SENSING_DATA'] ?? '', 'utd-mhad');
const skip = process.env['SENSING_DATA'] && existsSync(data) ? false : 'skipped: no recordings';

const towers = {
  'witmotion-wt901': { name: 'imu', window: { rate: 50, samples: 100, hop: 25, channels: Array<string>(6).fill('x') } },
  'skeleton-zmq': { name: 'skeleton', window: { rate: 25, samples: 50, hop: 12.5, channels: ['x'], shape: [20, 4] } },
} as const;

/**
 * Seconds of the recording at which a window begins: where it differs least from it.
 * @param valuesAt [width] of the recording at a time
 */
function beginning(window: Window, valuesAt: (time: number) => ArrayLike<number>, longest: number): number {
  const instants = window.shape[0]!;
  const width = window.data.length / instants;
  const rate = instants / (window.end - window.start);
  const step = 0.002;
  let [best, least] = [NaN, Infinity];
  for (let start = -0.1; start + 0.5 * (window.end - window.start) < longest; start += step) {
    let error = 0;
    for (let i = 0; i < instants - window.heldSamples; i++) {
      const values = valuesAt(start + i / rate);
      for (let c = 0; c < width; c++) error += (window.data[i * width + c]! - values[c]!) ** 2;
    }
    if (error < least) [best, least] = [start, error];
  }
  return best;
}

void t.test('windows of a wrist and of a skeleton begin at the same moment of the performance', { skip }, async (t) => {
  const selection = { subjects: [1], actions: [5, 21], trials: [1] };
  const settings = feedSettings.parse({ kind: 'utd-mhad', data, ...selection });
  const stages: Stages = new Map();
  const grid = createWindowGrid({ length: 2, hop: 0.5 });
  const whole: PlaceWindow[] = [];
  const modalities = new Map([
    ['witmotion-wt901', 'imu'],
    ['skeleton-zmq', 'skeleton'],
  ] as const);
  const windows = createPlaceWindows({ grid, modalities, onWindow: (window) => whole.push(window) });
  for (const [name, manifest] of Object.entries(towers)) {
    const driver = findDriver(name)!;
    const feed = await startFeed(settings, name, driver.settings.parse({}), stages, silentLog);
    const decoder = driver.decoder(driver.settings.parse({}), {});
    const pipeline = createSensorPipeline({
      sensor: name,
      modality: driver.modality,
      manifest: manifest as never,
      inputRate: driver.nominalRate(driver.settings.parse({})),
      grid,
      onPart: (part) => windows.add(part),
    });
    const onBytes = (bytes: Uint8Array, time: number) => decoder.push(bytes, time).forEach((one) => pipeline.push(one));
    const connection = await openTransport(feed.transport, { onBytes, onClose: () => undefined }, driver.transports);
    const ticking = setInterval(() => {
      pipeline.tick(monotonicSeconds());
      if (!grid.sensors.has(name)) windows.gone(name);
      windows.advance(monotonicSeconds());
    }, 100);
    t.teardown(async () => {
      clearInterval(ticking);
      await connection.close();
      await feed.close();
    });
  }

  const [imu, skeletons] = [await loadUtdMhadInertial(data, selection), await loadUtdMhadSkeleton(data, selection)];
  const both = () => whole.filter((window) => window.windows.length === 2);
  await until('windows of both performances', () => both().length >= 6, 60);

  const differences: number[] = [];
  for (const { windows: parts } of both()) {
    const begins = imu.recordings.map((recording, at) => {
      const skeleton = skeletons.recordings[at]!;
      const duration = recording.samples.length / 6 / recording.rate;
      const inertial = (time: number) => {
        const place = Math.min(Math.max(time * recording.rate, 0), recording.samples.length / 6 - 1);
        const [before, part] = [Math.floor(place), place % 1];
        return Float32Array.from({ length: 6 }, (_, c) => {
          const [a, b] = [recording.samples[6 * before + c]!, recording.samples[6 * before + 6 + c] ?? 0];
          return a + part * (part > 0 ? b - a : 0);
        });
      };
      const features = createSkeletonFeatures();
      const rows = Array.from({ length: skeleton.samples.length / 60 }, (_, frame) => {
        const row = new Float32Array(80);
        const joints = skeleton.samples.slice(frame * 60, frame * 60 + 60);
        features.take({ kind: 'skeleton', arrivalTime: frame, people: 1, layout: 'kinect-v1', joints }, row);
        return row;
      });
      const out = new Float32Array(80);
      const posed = (time: number) => {
        const place = Math.min(Math.max((time / duration) * rows.length, 0), rows.length - 1);
        const before = Math.floor(place);
        betweenSkeletons(rows[before]!, rows[Math.min(before + 1, rows.length - 1)]!, place % 1, out);
        return out;
      };
      const [wrist, camera] = ['imu', 'skeleton'].map((modality) => parts.find((one) => one.modality === modality)!);
      const [a, b] = [beginning(wrist!, inertial, duration), beginning(camera!, posed, duration)];
      return { a, b, fit: fitOf(wrist!, inertial, a) };
    });
    const { a, b } = begins.reduce((best, one) => (one.fit < best.fit ? one : best));
    differences.push(b - a);
  }
  const told = both().flatMap(({ windows: parts }) => parts.map(({ alignmentError }) => alignmentError));
  t.comment(
    `the camera's windows begin later than the wrist's by ${differences.map((one) => (1000 * one).toFixed(0)).join(', ')} ms`,
  );
  t.comment(`told: up to ${(1000 * Math.max(...told)).toFixed(1)} ms for each`);
  const median = differences.toSorted((x, y) => x - y)[Math.floor(differences.length / 2)]!;
  // A third of a picture, whatever the machine has to do besides.
  t.ok(Math.abs(median) < 0.025, `median ${median} s`);
  t.ok(differences.every((one) => Math.abs(one) < 0.1));
});

function fitOf(window: Window, valuesAt: (time: number) => ArrayLike<number>, start: number): number {
  let error = 0;
  for (let i = 0; i < 100; i++) {
    const values = valuesAt(start + i / 50);
    for (let c = 0; c < 6; c++) error += (window.data[i * 6 + c]! - values[c]!) ** 2;
  }
  return error;
}
