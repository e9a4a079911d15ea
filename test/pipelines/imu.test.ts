import t from 'tap';
import fc from 'fast-check';
import type { ImuFrame } from '../../drivers/frames.js';
import { createImuPipeline, imuWindowsOfRecording, type ImuPipeline } from '../../pipelines/imu.js';
import type { RefusedWindow, Window } from '../../pipelines/window.js';
import { createRandom } from '../../learning/random.js';

const shape = { rate: 50, samples: 100, hop: 25 };

/** [samples, 6] of a wrist that swings: some m/s² and rad/s, up to 5 Hz. */
function swing(samples: number, rate: number, seed: number): Float32Array {
  const random = createRandom(seed);
  const data = new Float32Array(samples * 6);
  for (let c = 0; c < 6; c++) {
    for (let wave = 0; wave < 4; wave++) {
      const [amplitude, frequency, phase] = [3 * random.uniform(), 0.3 + 4.7 * random.uniform(), 7 * random.uniform()];
      for (let i = 0; i < samples; i++) {
        data[i * 6 + c]! += amplitude * Math.sin((2 * Math.PI * frequency * i) / rate + phase);
      }
    }
  }
  return data;
}

interface Delivery {
  seed: number;
  inputRate: number;
  jitter: number;
  /** Bytes come in chunks of so many seconds. */
  chunk: number;
  /** Samples come by so many together, default 1. */
  batch?: number;
  /** Resolution of the device time, seconds; 0: the device sends none. */
  resolution: number;
}

/** Frames of recordings with pauses between them, in the order of arrival, as a stream delivers them. */
function deliver(
  recordings: Float32Array[],
  pause: number,
  { seed, inputRate, jitter, chunk, batch = 1, resolution }: Delivery,
) {
  const random = createRandom(seed);
  const frames: ImuFrame[] = [];
  let captured = 700;
  let before = 0;
  for (const recording of recordings) {
    for (let i = 0; i < recording.length / 6; i++) {
      const time = captured + i / inputRate;
      const complete = Math.min(i - (i % batch) + batch, recording.length / 6) - 1;
      let arrivalTime = captured + complete / inputRate + 0.003 - jitter * Math.log(1 - random.uniform());
      if (chunk > 0) arrivalTime = Math.ceil(arrivalTime / chunk) * chunk;
      before = arrivalTime = Math.max(before, arrivalTime);
      const deviceTime = resolution > 0 ? Math.floor((time + 40_000) / resolution + 1e-6) * resolution : undefined;
      frames.push({
        kind: 'imu',
        arrivalTime,
        ...(deviceTime === undefined ? {} : { deviceTime }),
        acceleration: recording.slice(6 * i, 6 * i + 3),
        angularRate: recording.slice(6 * i + 3, 6 * i + 6),
      });
    }
    captured += recording.length / 6 / inputRate + pause;
  }
  return frames;
}

/** Pushes the frames with four ticks a second between them and for two seconds after. */
function play(pipeline: ImuPipeline, frames: ImuFrame[]): void {
  let tick = frames[0]!.arrivalTime;
  for (const frame of frames) {
    for (; tick < frame.arrivalTime; tick += 0.25) pipeline.tick(tick);
    pipeline.push(frame);
  }
  for (const end = tick + 2; tick < end; tick += 0.25) pipeline.tick(tick);
}

function pipelineOf(inputRate: number, wanted = shape) {
  const windows: Window[] = [];
  const refused: RefusedWindow[] = [];
  const pipeline = createImuPipeline({
    ...wanted,
    sensor: 'wrist',
    inputRate,
    onWindow: (window) => windows.push(window),
    onRefused: (window) => refused.push(window),
  });
  return { pipeline, windows, refused };
}

const difference = (a: Float32Array, b: Float32Array) =>
  a.reduce((worst, v, i) => Math.max(worst, Math.abs(v - b[i]!)), 0);

void t.test('live windows are those of the recording, through jitter, chunks and milliseconds', (t) => {
  const delivery = fc.record({
    seed: fc.nat(),
    inputRate: fc.constantFrom(50, 100, 200),
    jitter: fc.constantFrom(0, 0.002, 0.01),
    resolution: fc.constant(0.001),
  });
  const parcels = fc.constantFrom({ chunk: 0 }, { chunk: 0.016 }, { chunk: 0, batch: 10 });
  const lengths = fc.array(fc.integer({ min: 30, max: 400 }), { minLength: 1, maxLength: 5 });
  let worst = 0;
  let sum = 0;
  let count = 0;
  fc.assert(
    fc.property(fc.tuple(delivery, parcels), lengths, ([how, parcel], counts) => {
      const { inputRate, seed } = how;
      const recordings = counts.map((n, i) => swing(Math.round((n * inputRate) / 50), inputRate, seed + i));
      const { pipeline, windows } = pipelineOf(inputRate);
      play(pipeline, deliver(recordings, 1.3, { ...how, ...parcel }));
      const expected = recordings.flatMap((recording) => imuWindowsOfRecording(recording, inputRate, shape));
      if (windows.length !== expected.length) throw new Error(`${windows.length} windows for ${expected.length}`);
      windows.forEach((window, i) => {
        const { data, still, heldSamples } = expected[i]!;
        const apart = difference(window.data, data);
        worst = Math.max(worst, apart);
        sum += apart;
        count++;
        if (window.still !== still || window.heldSamples !== heldSamples) throw new Error(`window ${i} differs`);
      });
      return true;
    }),
    { numRuns: 60, seed: 1 },
  );
  t.comment(`largest difference ${worst}, of a window ${sum / count} on average; values up to some 10 m/s²`);
  t.ok(worst < 0.25);
  t.ok(sum / count < 0.02);
  t.end();
});

void t.test('a device without a clock gives the same windows by its counter', (t) => {
  const recording = swing(50 * 30, 50, 5);
  const { pipeline, windows } = pipelineOf(50);
  play(pipeline, deliver([recording], 0, { seed: 1, inputRate: 50, jitter: 0.004, chunk: 0.016, resolution: 0 }));
  const expected = imuWindowsOfRecording(recording, 50, shape);
  t.equal(windows.length, expected.length);
  windows.forEach((window, i) => {
    if (difference(window.data, expected[i]!.data) > 0.1) t.fail(`window ${i} differs`);
  });
  t.equal(pipeline.statistics().lost, 0);
  t.end();
});

void t.test('a period that milliseconds do not divide costs half a millisecond of interpolation at most', (t) => {
  const inputRate = 49.3;
  const recording = swing(Math.round(inputRate * 20), inputRate, 8);
  const { pipeline, windows } = pipelineOf(inputRate);
  play(pipeline, deliver([recording], 0, { seed: 1, inputRate, jitter: 0.002, chunk: 0, resolution: 0.001 }));
  const expected = imuWindowsOfRecording(recording, inputRate, shape);
  t.equal(windows.length, expected.length);
  let slope = 0;
  for (let i = 6; i < recording.length; i++) slope = Math.max(slope, Math.abs(recording[i]! - recording[i - 6]!));
  slope *= inputRate;
  windows.forEach((window, i) => {
    const worst = difference(window.data, expected[i]!.data);
    if (worst > 0.0015 * slope) t.fail(`window ${i}: ${worst}, of a slope of ${slope} a second`);
  });
  t.end();
});

void t.test('a window says when it was, what it was, and which byte completed it', (t) => {
  const { pipeline, windows } = pipelineOf(50);
  const frames = deliver([swing(150, 50, 1)], 0, {
    seed: 1,
    inputRate: 50,
    jitter: 0,
    chunk: 0,
    resolution: 0.001,
  });
  frames.forEach((frame, i) => {
    pipeline.push(frame);
    t.equal(windows.length, i < 99 ? 0 : 1 + Math.floor((i - 99) / 25), 'a window comes with its last sample');
  });
  const [first, second] = windows;
  t.match(first, { modality: 'imu', sensor: 'wrist', shape: [100, 6], still: false, heldSamples: 0 });
  t.equal(first!.data.length, 600);
  t.ok(Math.abs(first!.start - 700.003) < 1e-6);
  t.ok(Math.abs(first!.end - first!.start - 2) < 1e-9);
  t.ok(Math.abs(second!.start - first!.start - 0.5) < 1e-9);
  t.equal(first!.completedAt, frames[99]!.arrivalTime);
  t.equal(second!.completedAt, frames[124]!.arrivalTime);
  t.not(first!.data.buffer, second!.data.buffer);
  pipeline.end();
  t.equal(windows.length, 3, 'the remainder of a segment that had windows is none');
  t.end();
});

void t.test('a short recording comes out, padded, soon after it stopped', (t) => {
  const { pipeline, windows } = pipelineOf(50);
  const how = { seed: 1, inputRate: 50, jitter: 0.001, chunk: 0.016, resolution: 0.001 };
  const frames = deliver([swing(70, 50, 1)], 0, how);
  for (const frame of frames) pipeline.push(frame);
  const last = frames.at(-1)!.arrivalTime;
  pipeline.tick(last + 0.3);
  t.equal(windows.length, 0);
  pipeline.tick(last + 0.8);
  t.equal(windows.length, 1);
  t.equal(windows[0]!.heldSamples, 30);
  t.equal(windows[0]!.completedAt, last);
  pipeline.tick(last + 5);
  pipeline.end();
  t.equal(windows.length, 1);
  t.end();
});

void t.test('a padded window that the next sample brings out was complete before it', (t) => {
  const { pipeline, windows } = pipelineOf(100);
  const how = { seed: 1, inputRate: 100, jitter: 0, chunk: 0, resolution: 0.001 };
  const frames = deliver([swing(140, 100, 1), swing(10, 100, 2)], 0.5, how);
  for (const frame of frames) pipeline.push(frame);
  t.equal(windows.length, 1);
  t.equal(windows[0]!.completedAt, frames[139]!.arrivalTime);
  t.end();
});

void t.test('rest is still, and rest with noise and bias too', (t) => {
  const random = createRandom(4);
  const rest = Float32Array.from({ length: 6 * 300 }, (_, i) => (i % 6 === 2 ? 9.81 : 0.1) + 0.05 * random.uniform());
  const { pipeline, windows } = pipelineOf(50);
  const how = { seed: 1, inputRate: 50, jitter: 0.002, chunk: 0, resolution: 0.001 };
  play(pipeline, deliver([rest, swing(300, 50, 1)], 2, how));
  t.strictSame(
    windows.map(({ still }) => still),
    [...Array<boolean>(9).fill(true), ...Array<boolean>(9).fill(false)],
  );
  t.equal(pipeline.statistics().stillWindows, 9);
  t.end();
});

void t.test('a clock that jumps by an hour costs a window’s length, and is counted', (t) => {
  for (const jump of [3600, -3600]) {
    const { pipeline, windows, refused } = pipelineOf(50);
    const how = { seed: 1, inputRate: 50, jitter: 0.002, chunk: 0.016, resolution: 0.001 };
    const recording = swing(50 * 20, 50, 2);
    const frames = deliver([recording], 0, how).map((frame, i) =>
      i < 500 ? frame : { ...frame, deviceTime: frame.deviceTime! + jump },
    );
    play(pipeline, frames);
    const { clock, segments } = pipeline.statistics();
    t.equal(clock.jumps, 1);
    t.equal(segments, 2);
    t.equal(windows.length, 2 * 17);
    t.strictSame(
      refused.map(({ reason, start }) => [reason, start]),
      [['clockSet', windows[16]!.start + 0.5]],
    );
    const again = windows[17]!;
    t.ok(Math.abs(again.start - 710) < 0.02, 'times go on on the host’s clock');
    t.ok(difference(again.data, recording.slice(500 * 6, 600 * 6)) < 0.1);
    t.ok(windows.every(({ start }, i) => i === 0 || start > windows[i - 1]!.start));
  }
  t.end();
});

void t.test('a device that sends its last sample again and again, its time included, is told to repeat itself', (t) => {
  const { pipeline, windows, refused } = pipelineOf(50);
  const how = { seed: 1, inputRate: 50, jitter: 0.002, chunk: 0, resolution: 0.001 };
  const frames = deliver([swing(50 * 20, 50, 2)], 0, how);
  const [first, rest] = [frames.slice(0, 400), frames.slice(500)];
  for (const frame of first) pipeline.push(frame);
  const before = windows.length;
  let told = 0;
  for (const { arrivalTime } of frames.slice(400, 500)) {
    pipeline.push({ ...first.at(-1)!, arrivalTime });
    pipeline.tick(arrivalTime);
    if (refused.length > 0) told ||= arrivalTime;
  }
  t.match(refused, [{ reason: 'constant' }]);
  t.ok(refused[0]!.end > told && refused[0]!.start > windows.at(-1)!.start, 'of a window that still lasts');
  t.equal(windows.length, before);
  for (const frame of rest) pipeline.push(frame);
  t.ok(windows.length > before, 'and it comes back');
  t.end();
});

void t.test('frames that are late, no number, or without the usual time do no harm', (t) => {
  const { pipeline, windows } = pipelineOf(50);
  const how = { seed: 1, inputRate: 50, jitter: 0, chunk: 0, resolution: 0.001 };
  const frames = deliver([swing(200, 50, 3)], 0, how);
  frames.forEach((frame, i) => {
    pipeline.push(frame);
    if (i === 50) pipeline.push({ ...frame, deviceTime: NaN });
    if (i === 60)
      pipeline.push({
        ...frame,
        acceleration: Float32Array.of(NaN, 0, 0),
        deviceTime: frame.deviceTime! + 0.005,
        arrivalTime: frame.arrivalTime + 0.005,
      });
    if (i === 70) pipeline.push(frames[68]!);
  });
  t.match(pipeline.statistics(), { frames: 203, invalid: 2, backwards: 1, segments: 1 });
  t.equal(windows.length, 5);
  t.ok(windows.every(({ data }) => data.every(Number.isFinite)));
  const { kind, arrivalTime, acceleration, angularRate } = frames[199]!;
  pipeline.push({ kind, arrivalTime, acceleration, angularRate });
  t.equal(pipeline.statistics().frames, 204);
  t.end();
});

void t.test('any frames at all: no throw, finite windows of the right shape, in order', (t) => {
  const frame = fc.record({
    wait: fc.double({ min: 0, max: 0.4, noNaN: true }),
    step: fc.oneof(
      { weight: 30, arbitrary: fc.constant(0.02) },
      { weight: 2, arbitrary: fc.double() },
      { weight: 1, arbitrary: fc.constant(undefined) },
    ),
    value: fc.oneof(
      { weight: 20, arbitrary: fc.float({ min: -100, max: 100, noNaN: true }) },
      { weight: 1, arbitrary: fc.float() },
    ),
  });
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 300 }), (steps) => {
      const { pipeline, windows } = pipelineOf(50, { rate: 50, samples: 10, hop: 3 });
      let arrivalTime = 5;
      let deviceTime = 0;
      for (const { wait, step, value } of steps) {
        arrivalTime += wait * 0.1;
        if (step !== undefined) deviceTime += step;
        pipeline.push({
          kind: 'imu',
          arrivalTime,
          ...(step === undefined ? {} : { deviceTime }),
          acceleration: Float32Array.of(value, 1, 2),
          angularRate: Float32Array.of(1, 2, value),
        });
        pipeline.tick(arrivalTime + wait);
      }
      pipeline.end();
      return windows.every((w) => w.data.length === 60 && w.data.every(Number.isFinite) && Number.isFinite(w.start));
    }),
    { numRuns: 200, seed: 1 },
  );
  t.end();
});

void t.test('a device that comes back is a new one', (t) => {
  const { pipeline, windows } = pipelineOf(50);
  const how = { seed: 1, inputRate: 50, jitter: 0.001, chunk: 0, resolution: 0.001 };
  const frames = deliver([swing(120, 50, 3)], 0, how);
  for (const frame of frames) pipeline.push(frame);
  pipeline.end();
  for (const frame of frames) {
    pipeline.push({ ...frame, deviceTime: frame.deviceTime! - 40_000, arrivalTime: frame.arrivalTime + 60 });
  }
  t.equal(windows.length, 2);
  t.ok(Math.abs(windows[1]!.start - windows[0]!.start - 60) < 0.005);
  t.equal(pipeline.statistics().clock.jumps, 0);
  t.end();
});
