import t from 'tap';
import type { DepthFrame } from '../../drivers/frames.js';
import { createRandom } from '../../learning/random.js';
import type { Fault, FrameFeatures } from '../../pipelines/features.js';
import { createFrameWindows, linear, type FrameWindowOptions } from '../../pipelines/frame-windows.js';
import { createImuPipeline } from '../../pipelines/imu.js';
import { createWindowGrid } from '../../pipelines/window-grid.js';
import type { RefusedWindow, Window } from '../../pipelines/window.js';

/** A device whose picture holds the moment of its capture (host's clock, ms), or the reason why it gives nothing. */
function frame(captured: number, arrivalTime: number, deviceTime?: number): DepthFrame {
  const depth = Uint16Array.of(Math.round(captured * 1000));
  return {
    kind: 'depth',
    width: 1,
    height: 1,
    depth,
    metresPerStep: 0.001,
    arrivalTime,
    ...(deviceTime !== undefined && { deviceTime }),
  };
}
const moments = (wrong: (captured: number) => Fault | undefined = () => undefined): FrameFeatures<DepthFrame> => ({
  shape: [1],
  take({ depth }, out) {
    const fault = wrong(depth[0]! / 1000);
    if (fault === undefined) out[0] = depth[0]! / 1000;
    return fault;
  },
  reset: () => undefined,
});

function pipeline(more: Partial<FrameWindowOptions<DepthFrame>> = {}) {
  const windows: Window[] = [];
  const refused: RefusedWindow[] = [];
  const grid = more.grid ?? createWindowGrid({ length: 2, hop: 0.5 });
  const made = createFrameWindows<DepthFrame>({
    modality: 'depth',
    sensor: 'camera',
    features: moments(),
    rate: 10,
    inputRate: 30,
    sampling: 'nearest',
    onWindow: (window) => windows.push(window),
    onRefused: (window) => refused.push(window),
    grid,
    ...more,
  });
  return {
    push: (one: DepthFrame) => made.push(one),
    tick: (now: number) => made.tick(now),
    end: () => made.end(),
    statistics: () => made.statistics(),
    windows,
    refused,
    grid,
  };
}

void t.test('a camera with a clock of its own and delays: instants hold what was captured at their time', (t) => {
  const random = createRandom(1);
  const [offset, drift, leastDelay] = [-1234.5, 40e-6, 0.02];
  for (const [sampling, most] of [
    ['nearest', 0.017 + 0.003],
    [linear, 0.003],
    ['mean', 0.017 + 0.003],
  ] as const) {
    const { push, windows, statistics } = pipeline({ sampling });
    for (let i = 0; i < 600; i++) {
      const captured = 5 + i / 30;
      const delay = leastDelay + 0.03 * -Math.log(1 - random.uniform()) * (random.uniform() < 0.5 ? 1 : 0);
      push(frame(captured, captured + delay, (captured + offset) * (1 - drift)));
    }
    const late = windows.slice(4); // the clock has seen some seconds
    t.equal(windows.length, 37);
    for (const { start, end, data, heldSamples, marks, alignmentError } of late) {
      t.ok(Math.abs(end - start - 2) < 1e-9);
      t.equal(heldSamples, 0);
      t.strictSame(marks, {});
      // The smallest delay cannot be seen: times are later by it.
      const errors = [...data].map((value, i) => Math.abs(value + leastDelay - (start + i / 10)));
      t.ok(Math.max(...errors) < most, `${String(Math.max(...errors))} s`);
      t.ok(alignmentError < 0.01, `${alignmentError}`);
    }
    t.equal(statistics().windows, windows.length);
  }
  t.end();
});

void t.test('two sensors of a place cover the same times, whichever begins', (t) => {
  for (const [imuStart, cameraStart] of [
    [10, 10.04],
    [10.04, 10],
    [10, 10.9],
  ] as const) {
    const grid = createWindowGrid({ length: 2, hop: 0.5 });
    const camera = pipeline({ grid });
    const imu: Window[] = [];
    const wrist = createImuPipeline({
      rate: 50,
      samples: 100,
      hop: 25,
      sensor: 'wrist',
      inputRate: 100,
      grid,
      onWindow: (window) => imu.push(window),
    });
    for (let i = 0; i < 800; i++) {
      const time = 10 + i / 100;
      if (time >= imuStart)
        wrist.push({
          kind: 'imu',
          arrivalTime: time,
          deviceTime: time,
          acceleration: Float32Array.of(time, 0, 9.8),
          angularRate: new Float32Array(3),
        });
      if (i % 3 === 0 && time >= cameraStart) camera.push(frame(time, time));
    }
    wrist.end();
    camera.end();
    const shared = imu.filter(({ start }) => camera.windows.some((other) => other.start === start));
    t.ok(shared.length >= 9, `${shared.length} of ${imu.length} and ${camera.windows.length}`);
    for (const { start, end, data } of shared) {
      const other = camera.windows.find((one) => one.start === start)!;
      t.equal(other.end, end);
      for (let k = 0; k < 20; k++) {
        const difference = Math.abs(data[k * 5 * 6]! - other.data[k]!);
        t.ok(difference < 0.05 + (k < 3 ? 0.25 : 0), `instant ${k}: ${difference}`);
      }
    }
    t.equal(grid.sensors.size, 0, 'both have ended');
  }
  t.end();
});

void t.test(
  'a frame that gives no numbers is none: marked, and refused with the reason when most of a window is so',
  (t) => {
    const { push, end, windows, refused, statistics } = pipeline({
      features: moments((captured) =>
        captured >= 12 && captured < 14 ? 'nobody' : captured >= 16.1 && captured < 16.3 ? 'notANumber' : undefined,
      ),
    });
    for (let i = 0; i < 300; i++) push(frame(10 + i / 30, 10 + i / 30));
    end();
    const reasonAt = (start: number) => refused.find((one) => Math.abs(one.start - start) < 1e-6)?.reason;
    t.equal(reasonAt(12), 'nobody');
    t.equal(reasonAt(11.5), 'nobody');
    t.equal(reasonAt(10), undefined);
    t.match(
      windows.find(({ start }) => Math.abs(start - 10.5) < 1e-6),
      { marks: { nobody: 5 } },
    );
    const partly = windows.find(({ start }) => Math.abs(start - 15) < 1e-6)!;
    t.strictSame(partly.marks, { notANumber: 2 });
    t.equal(partly.data[11], 0, 'an instant without numbers is 0, not an old value');
    t.equal(statistics().faults.nobody, 60);
    t.equal(statistics().refusedWindows, refused.length);
    t.end();
  },
);

void t.test('no window holds two settings of a device', (t) => {
  const { push, windows, refused } = pipeline({
    features: moments((captured) => (Math.abs(captured - 14) < 0.01 ? 'settingsChanged' : undefined)),
  });
  for (let i = 0; i < 300; i++) push(frame(10 + i / 30, 10 + i / 30));
  t.ok(windows.length > 0 && refused.length >= 4);
  for (const { start, end } of windows) t.ok(end <= 14.05 || start >= 13.99, `${start}`);
  for (const { start, end, reason } of refused) t.ok(start <= 14 && end > 14 - 0.15 && reason === 'settingsChanged');
  t.end();
});

void t.test('a pause of the device: instants without a frame are absent, a long one ends the windows', (t) => {
  const { push, tick, windows, refused, grid } = pipeline();
  for (let i = 0; i < 90; i++) push(frame(10 + i / 30, 10 + i / 30));
  for (let i = 108; i < 200; i++) push(frame(10 + i / 30, 10 + i / 30)); // 0.6 s are missing
  t.ok(windows.some(({ marks }) => (marks.absent ?? 0) >= 3));
  t.equal(refused.length, 0);
  t.equal(grid.sensors.size, 1);
  tick(10 + 200 / 30 + 0.5);
  t.equal(grid.sensors.size, 1);
  tick(10 + 200 / 30 + 1.1);
  t.equal(grid.sensors.size, 0);
  const before = windows.length;
  for (let i = 0; i < 60; i++) push(frame(30 + i / 30, 30 + i / 30));
  t.equal(windows.length, before + 1);
  t.equal(windows.at(-1)!.start, 30, 'windows begin anew');
  t.end();
});

void t.test(
  'a performance shorter than a window gives one, its last picture held; of less than half of one, none',
  (t) => {
    for (const [seconds, count] of [
      [1.5, 1],
      [0.8, 0],
    ] as const) {
      const { push, end, windows } = pipeline();
      for (let i = 0; i < seconds * 30; i++) push(frame(10 + i / 30, 10 + i / 30));
      end();
      t.equal(windows.length, count);
      for (const { data, heldSamples } of windows) {
        t.equal(data[19], data[17]);
        t.ok(heldSamples >= 3 && heldSamples <= 5, `${heldSamples}`);
      }
    }
    t.end();
  },
);

void t.test('a short performance gives its window soon after the window ends, not a whole silence later', (t) => {
  const { push, tick, windows } = pipeline();
  for (let i = 0; i < 54; i++) push(frame(10 + i / 30, 10 + i / 30)); // until 11.77
  tick(12.09);
  t.equal(windows.length, 0);
  tick(12.11);
  t.equal(windows.length, 1);
  t.end();
});

void t.test(
  'a device that sends its last picture again and again, its time included, is told to repeat itself',
  (t) => {
    const { push, tick, windows, refused, grid } = pipeline();
    for (let i = 0; i < 90; i++) push(frame(10 + i / 30, 10 + i / 30, i / 30));
    let told = 0;
    for (let i = 90; i < 150; i++) {
      push(frame(10 + 89 / 30, 10 + i / 30, 89 / 30));
      tick(10 + i / 30);
      if (refused.length > 0) told ||= 10 + i / 30;
    }
    t.match(refused, [{ reason: 'constant' }]);
    t.ok(
      told < 14.1 && refused[0]!.end > told && refused[0]!.start > windows.at(-1)!.start,
      'of a window that still lasts',
    );
    t.equal(grid.sensors.size, 0, 'nobody waits for it');
    for (let i = 150; i < 240; i++) push(frame(10 + i / 30, 10 + i / 30, i / 30));
    t.ok(windows.at(-1)!.start > 14.9, 'and it comes back');
    t.end();
  },
);

void t.test('times that are none, or not after the one before, are left out; a clock that is set begins anew', (t) => {
  const { push, windows, refused, statistics } = pipeline();
  for (let i = 0; i < 90; i++) {
    push(frame(10 + i / 30, 10 + i / 30, i / 30));
    if (i === 40) for (const time of [NaN, Infinity, -Infinity, i / 30]) push(frame(0, 10 + i / 30, time));
  }
  t.equal(statistics().badTimes, 4);
  const before = windows.length;
  t.strictSame(refused, []);
  for (let i = 0; i < 90; i++) push(frame(13 + i / 30, 13 + i / 30, 5000 + i / 30));
  t.match(refused, [{ reason: 'clockSet', start: windows[before - 1]!.start + 0.5 }]);
  t.equal(statistics().badTimes, 4);
  t.ok(windows.length > before);
  for (const { data, marks } of windows) t.ok(Math.min(...data) >= 10 || marks.absent! > 0);
  t.end();
});
