import t from 'tap';
import fc from 'fast-check';
import { createResampler, resampleRecording } from '../../pipelines/resample.js';
import { createRandom } from '../../learning/random.js';

const rows = (n: number, from: number, rate: number) => Array.from({ length: n }, (_, i) => from + i / rate);

void t.test('samples on the grid come out as they went in, each at once', (t) => {
  const random = createRandom(1);
  const values = Float32Array.from({ length: 3 * 200 }, () => random.uniform() - 0.5);
  for (const from of [0, 17.3, 1e6 + 0.1]) {
    const got: number[] = [];
    const resampler = createResampler(
      { channels: 3, inputRate: 50, outputRate: 50 },
      {
        segmentStart: (time) => (t.equal(time, from), undefined),
        sample: (sample) => got.push(...sample),
        segmentEnd: () => undefined,
      },
    );
    rows(200, from, 50).forEach((time, i) => {
      resampler.push(time, values.subarray(3 * i, 3 * i + 3));
      if (got.length !== 3 * i + 3) t.fail('a sample was held back');
    });
    t.strictSame(Float32Array.from(got), values);
  }
  t.end();
});

void t.test('a slower or equal input is linearly interpolated, whatever its times', (t) => {
  const times = fc.array(fc.integer({ min: 1, max: 240 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(times, fc.constantFrom(10, 50), fc.nat(), (steps, inputRate, seed) => {
      const random = createRandom(seed);
      let now = 3;
      const time = [now, ...steps.map((ms) => (now += ms / 1000))];
      const values = Float64Array.from(time, () => 10 * random.uniform());
      const segments = resampleRecording(time, values, 1, inputRate, 50);
      if (segments.length !== 1) return false;
      const { start, data } = segments[0]!;
      if (start !== 3 || data.length !== Math.floor((now - 3) * 50 + 0.12) + 1) return false;
      return data.every((value, k) => {
        const at = 3 + k / 50;
        let i = 0;
        while (i < time.length - 2 && time[i + 1]! < at) i++;
        const part = Math.min(1, (at - time[i]!) / (time[i + 1]! - time[i]!));
        const expected = values[i]! + part * (values[i + 1]! - values[i]!);
        return Math.abs(value - expected) < 1e-2 + 1e-5; // a sample 0.1 ms from the grid may stand for it
      });
    }),
    { numRuns: 200, seed: 1 },
  );
  t.end();
});

/** Amplitude, at the output, of a sine of amplitude 1 at `frequency`. */
function gain(frequency: number, inputRate: number, outputRate: number): number {
  const seconds = 20;
  const time = rows(seconds * inputRate + 1, 0, inputRate);
  const values = Float64Array.from(time, (at) => Math.sin(2 * Math.PI * frequency * at + 0.7));
  const { data } = resampleRecording(time, values, 1, inputRate, outputRate)[0]!;
  let re = 0;
  let im = 0;
  for (let k = outputRate; k < (seconds - 1) * outputRate; k++) {
    re += data[k]! * Math.cos((2 * Math.PI * frequency * k) / outputRate);
    im += data[k]! * Math.sin((2 * Math.PI * frequency * k) / outputRate);
  }
  return (2 * Math.hypot(re, im)) / ((seconds - 2) * outputRate);
}

void t.test('a faster input is low-passed as the head of the file says', (t) => {
  const decibel = (frequency: number, inputRate: number) => 20 * Math.log10(gain(frequency, inputRate, 50));
  const table = [
    [5, -0.2, -0.3],
    [10, -0.9, -1.1],
    [40, -20.4, -24.1],
  ] as const;
  for (const [frequency, twice, fourTimes] of table) {
    t.ok(Math.abs(decibel(frequency, 100) - twice) < 0.06, `${frequency} Hz of 100`);
    t.ok(Math.abs(decibel(frequency, 200) - fourTimes) < 0.06, `${frequency} Hz of 200`);
    t.ok(Math.abs(gain(frequency, 100, 50) - Math.cos((Math.PI * frequency) / 100) ** 2) < 1e-3);
    const sinc = Math.sin((Math.PI * frequency) / 50) / ((Math.PI * frequency) / 50);
    t.ok(Math.abs(gain(frequency, 3000, 50) - sinc ** 2) < 1e-3);
  }
  t.end();
});

void t.test('a faster input with jitter and short gaps keeps constants, ramps and bounds, and its grid', (t) => {
  const steps = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 30, maxLength: 300 });
  fc.assert(
    fc.property(steps, fc.array(fc.nat(200), { maxLength: 5 }), fc.nat(), (spacings, gaps, seed) => {
      const random = createRandom(seed);
      let now = 0;
      const time = [now, ...spacings.map((ms, i) => (now += gaps.includes(i) ? 0.2 : ms / 1000))];
      const values = new Float64Array(3 * time.length);
      time.forEach((at, i) => values.set([4, at, random.uniform()], 3 * i));
      const segments = resampleRecording(time, values, 3, 200, 50);
      const { data } = segments[0]!;
      if (segments.length !== 1 || data.length !== 3 * (Math.floor(now * 50 + 0.12) + 1)) return false;
      for (let k = 0; 3 * k < data.length; k++) {
        const [constant, ramp, noise] = data.subarray(3 * k, 3 * k + 3);
        if (Math.abs(constant! - 4) > 1e-5) return false;
        if (Math.abs(ramp! - k / 50) > 0.011) return false; // one-sided at a segment's ends: a third of 20 ms, and jitter
        if (!(noise! >= 0 && noise! <= 1)) return false;
      }
      return true;
    }),
    { numRuns: 200, seed: 1 },
  );
  t.end();
});

void t.test('a short gap is bridged by a straight line, a long one ends the segment', (t) => {
  for (const inputRate of [50, 200]) {
    const time = [...rows(inputRate, 0, inputRate), ...rows(inputRate, 1.2, inputRate), ...rows(10, 3.005, inputRate)];
    const values = Float64Array.from(time);
    const segments = resampleRecording(time, values, 1, inputRate, 50);
    t.equal(segments.length, 2);
    t.equal(segments[1]!.start, 3.005);
    const first = segments[0]!.data;
    t.equal(first.length, Math.floor(50 * (2.2 - 1 / inputRate) + 1e-3) + 1);
    for (let k = 51; k < 60; k++) if (Math.abs(first[k]! - k / 50) > 1e-5) t.fail(`bridge at ${k}: ${first[k]}`);
  }
  t.end();
});

void t.test('the longest gap is bridged, to rounding; one sample more is not', (t) => {
  const at = 1e5 + 0.1;
  t.equal(resampleRecording([at, at + 0.25], new Float32Array(2), 1, 50, 50).length, 1);
  t.equal(resampleRecording([at, at + 0.27], new Float32Array(2), 1, 50, 50).length, 2);
  t.end();
});

void t.test('times that do not advance and values that are no numbers are dropped and counted', (t) => {
  const got: number[] = [];
  const resampler = createResampler(
    { channels: 2, inputRate: 50, outputRate: 50 },
    { segmentStart: () => undefined, sample: (sample) => got.push(...sample), segmentEnd: () => got.push(NaN) },
  );
  resampler.push(0, [0, 0]);
  resampler.push(0.02, [NaN, 1]);
  resampler.push(0.02, [1, Infinity]);
  resampler.push(NaN, [1, 1]);
  resampler.push(Infinity, [1, 1]);
  resampler.push(0, [9, 9]);
  resampler.push(-5, [9, 9]);
  resampler.push(0.04, [2, 4]);
  resampler.end();
  resampler.end();
  t.strictSame(got, [0, 0, 1, 2, 2, 4, NaN]);
  t.strictSame(resampler.statistics(), { segments: 1, backwards: 2, invalid: 4 });
  t.end();
});

void t.test('after the end all is new', (t) => {
  for (const inputRate of [50, 100]) {
    const starts: number[] = [];
    const got: number[] = [];
    const resampler = createResampler(
      { channels: 1, inputRate, outputRate: 50 },
      { segmentStart: (s) => (starts.push(s), undefined), sample: (s) => got.push(s[0]!), segmentEnd: () => undefined },
    );
    for (const time of [5, 5.02, 5.033]) resampler.push(time, [7]);
    resampler.end();
    got.length = 0;
    for (const time of [2.5, 2.52, 2.54]) resampler.push(time, [1]);
    resampler.end();
    t.strictSame(starts, [5, 2.5], 'an earlier time may follow, too');
    t.strictSame(got, [1, 1, 1]);
  }
  t.end();
});
