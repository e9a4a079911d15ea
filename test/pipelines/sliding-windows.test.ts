import t from 'tap';
import fc from 'fast-check';
import { createSlidingWindows, windowsOfRecording } from '../../pipelines/sliding-windows.js';

const numbered = (n: number, channels: number) => Float32Array.from({ length: n * channels }, (_, i) => i);

void t.test('windows are the slices of the recording, whatever the shape', (t) => {
  const shape = fc.record({
    samples: fc.integer({ min: 1, max: 20 }),
    hop: fc.integer({ min: 1, max: 30 }),
    channels: fc.integer({ min: 1, max: 6 }),
    length: fc.nat(120),
  });
  fc.assert(
    fc.property(shape, ({ samples, hop, channels, length }) => {
      fc.pre(length >= samples);
      const data = numbered(length, channels);
      const windows = windowsOfRecording(data, channels, { samples, hop });
      if (windows.length !== Math.floor((length - samples) / hop) + 1) return false;
      return windows.every(
        (window, i) =>
          window.first === i * hop &&
          window.heldSamples === 0 &&
          Buffer.from(window.data.buffer).equals(
            Buffer.from(data.slice(i * hop * channels, (i * hop + samples) * channels).buffer),
          ),
      );
    }),
    { numRuns: 300, seed: 1 },
  );
  t.end();
});

void t.test('a sample costs the same whatever the overlap', (t) => {
  for (const hop of [1, 10, 100]) {
    const windows = createSlidingWindows({ channels: 6, samples: 100, hop }, () => undefined);
    for (let i = 0; i < 1000; i++) windows.push([1, 2, 3, 4, 5, 6]);
    t.equal(windows.writes, 1000 * 2 * 6);
  }
  t.end();
});

void t.test('a window lies in one piece of the ring: nothing is copied', (t) => {
  const buffers = new Set<ArrayBufferLike>();
  const windows = createSlidingWindows({ channels: 2, samples: 5, hop: 1 }, (data) => buffers.add(data.buffer));
  for (let i = 0; i < 50; i++) windows.push([i, i]);
  t.equal(buffers.size, 1);
  t.end();
});

void t.test('a segment shorter than a window gives one with the last sample held, if long enough', (t) => {
  const shape = { samples: 6, hop: 2 };
  t.strictSame(windowsOfRecording(numbered(2, 2), 2, shape), []);
  t.strictSame(windowsOfRecording(numbered(3, 2), 2, shape), [
    { data: Float32Array.of(0, 1, 2, 3, 4, 5, 4, 5, 4, 5, 4, 5), first: 0, heldSamples: 3 },
  ]);
  t.equal(windowsOfRecording(numbered(7, 2), 2, shape).length, 1, 'the remainder of a longer one is dropped');
  t.equal(windowsOfRecording(numbered(1, 2), 2, { ...shape, minimumSamples: 1 })[0]!.heldSamples, 5);
  t.strictSame(windowsOfRecording(new Float32Array(0), 2, { ...shape, minimumSamples: 0 }), []);
  t.end();
});

void t.test('segments know nothing of each other', (t) => {
  const seen: number[][] = [];
  const windows = createSlidingWindows({ channels: 1, samples: 4, hop: 2 }, (data) => seen.push([...data]));
  for (const length of [5, 3, 1, 0, 4]) {
    for (let i = 0; i < length; i++) windows.push([10 * length + i]);
    windows.end();
  }
  t.strictSame(seen, [
    [50, 51, 52, 53],
    [30, 31, 32, 32],
    [40, 41, 42, 43],
  ]);
  t.end();
});
