import assert from 'node:assert/strict';
import t from 'tap';
import fc from 'fast-check';
import { createDeviceClock, createSampleCounter } from '../../pipelines/clock.js';
import { createRandom } from '../../learning/random.js';

interface Line {
  seed: number;
  rate: number;
  ppm: number;
  jitter: number;
  /** Arrivals come in chunks of so many seconds, as of a serial driver's latency timer; 0 = as they are. */
  chunk: number;
  seconds: number;
}

const smallestDelay = 0.004;
const deviceOrigin = 81234.5;
const hostOrigin = 1000;

/** Samples of a device with exponentially distributed delays, a chunking driver and no reordering. */
function samplesOf({ seed, rate, ppm, jitter, chunk, seconds }: Line) {
  const random = createRandom(seed);
  const samples: { device: number; captured: number; arrival: number }[] = [];
  let before = 0;
  for (let i = 0; i < rate * seconds; i++) {
    const captured = hostOrigin + (i / rate) * (1 + ppm * 1e-6);
    let arrival = captured + smallestDelay - jitter * Math.log(1 - random.uniform());
    if (chunk > 0) arrival = Math.ceil(arrival / chunk) * chunk;
    before = arrival = Math.max(arrival, before);
    samples.push({ device: deviceOrigin + i / rate, captured, arrival });
  }
  return samples;
}

const lines: fc.Arbitrary<Line> = fc.record({
  seed: fc.nat(),
  rate: fc.constantFrom(20, 50, 100, 200),
  ppm: fc.integer({ min: -200, max: 200 }),
  jitter: fc.constantFrom(0, 0.001, 0.005, 0.02),
  chunk: fc.constantFrom(0, 0.016),
  seconds: fc.constant(120),
});

void t.test('the first sample has a time', (t) => {
  const clock = createDeviceClock();
  t.equal(clock.observe(5, 100), 'used');
  t.equal(clock.hostTime(5), 100);
  t.equal(clock.statistics().offset, 95);
  t.end();
});

/** Host times of all samples, the clock having heard half a second of arrivals before the first, as the pipelines do it. */
function hostTimes(line: Line) {
  const samples = samplesOf(line);
  const clock = createDeviceClock();
  let heard = 0;
  const times = samples.map(({ device, captured }, i) => {
    while (heard < samples.length && (heard <= i || samples[heard]!.arrival - samples[0]!.arrival < 0.5)) {
      if (clock.observe(samples[heard]!.device, samples[heard]!.arrival) !== 'used') throw new Error('not used');
      heard++;
    }
    const time = clock.hostTime(device);
    return { time, error: time - captured - smallestDelay };
  });
  return { times, statistics: clock.statistics() };
}

/** Largest relative difference of the spacing from `spacing`, between two times, seconds from the first sample. */
function wobble(times: { time: number }[], rate: number, spacing: number, from: number, to: number): number {
  let worst = 0;
  for (let i = Math.max(1, from * rate); i < to * rate; i++) {
    worst = Math.max(worst, Math.abs((times[i]!.time - times[i - 1]!.time) / spacing - 1));
  }
  return worst;
}

void t.test('offset and drift are found through jitter and chunks; times are even and never go back', (t) => {
  fc.assert(
    fc.property(lines, (line) => {
      const { rate, ppm, chunk, jitter } = line;
      const { times, statistics } = hostTimes(line);
      const spacing = (1 + ppm * 1e-6) / rate;
      // A chunk that keeps in step with the samples cannot be told from a delay.
      const unseen = chunk + jitter / 4;
      const error = times.at(-1)!.error;
      assert.ok(times.every(({ time }, i) => i === 0 || time > times[i - 1]!.time));
      const start = wobble(times, rate, spacing, 0, 60);
      const settled = wobble(times, rate, spacing, 60, 120);
      assert.ok(start < 0.003, `spacing off by ${start} at first`);
      assert.ok(settled < (chunk > 0 ? 5e-4 : 5e-5) + jitter / 50, `spacing off by ${settled} after settling`);
      assert.ok(Math.abs(error) < 0.001 + unseen, `${error} s off`);
      assert.ok(Math.abs(statistics.driftPpm - ppm) < 1 + (unseen / 60) * 1e6, `${statistics.driftPpm} ppm`);
      assert.equal(statistics.jumps, 0);
    }),
    { numRuns: 40, seed: 3 },
  );
  t.end();
});

void t.test('a perfect clock and jittered arrivals give the device period', (t) => {
  for (const chunk of [0, 0.016, 0.2]) {
    const { times, statistics } = hostTimes({ seed: 1, rate: 50, ppm: 0, jitter: 0.01, chunk, seconds: 60 });
    const start = wobble(times, 50, 0.02, 0, 1);
    const settled = wobble(times, 50, 0.02, 20, 60);
    t.ok(start < 0.002, `chunks of ${chunk} s: spacing is off by ${start} at first`);
    t.ok(settled < 1e-4, `chunks of ${chunk} s: spacing is off by ${settled} after settling`);
    t.ok(statistics.jitter > 0.008 && statistics.jitter < 0.08, `jitter is measured: ${statistics.jitter}`);
  }
  t.end();
});

void t.test('a batch of ten samples at one arrival is spread over its two hundred milliseconds', (t) => {
  const clock = createDeviceClock();
  for (let i = 0; i < 10; i++) clock.observe(i / 50, 100.2);
  for (let i = 0; i < 1000; i++) {
    if (i >= 10) clock.observe(i / 50, 100 + (Math.floor(i / 10) + 1) / 5);
    const expected = 100.02 + i / 50; // the last of a batch came at once
    if (Math.abs(clock.hostTime(i / 50) - expected) > 1e-9) t.fail(`sample ${i}`);
  }
  t.ok(Math.abs(clock.statistics().offset - 100.02) < 1e-9);
  t.end();
});

void t.test('a clock that is set is told, and starts anew without going back', (t) => {
  const jumps: [string, number][] = [
    ['an hour on', 3600],
    ['an hour back', -3600],
    ['to zero', -500],
    ['half a second back', -0.5],
    ['a third of a second on', 0.33],
  ];
  for (const [name, jump] of jumps) {
    const clock = createDeviceClock();
    let found = 0;
    let last = -Infinity;
    let error = 0;
    for (let i = 0; i < 50 * 60; i++) {
      const captured = i / 50;
      const device = 500 + captured + (captured >= 30 ? jump : 0);
      const arrival = captured + 0.001 + 0.003 * ((i * 7) % 5);
      if (clock.observe(device, arrival) === 'jumped') {
        found++;
        clock.reset();
        clock.observe(device, arrival);
      }
      const time = clock.hostTime(device);
      if (time < last) t.fail(`${name}: time went back`);
      last = time;
      error = time - captured;
    }
    t.equal(found, 1, name);
    t.equal(clock.statistics().jumps, 1);
    t.ok(error > 0 && error < 0.015, `${name}: ${error} s off afterwards`);
  }
  t.end();
});

void t.test('a clock that stands still, goes back a little, or is no number is not used', (t) => {
  const clock = createDeviceClock();
  clock.observe(10, 100);
  t.equal(clock.observe(10, 100.02), 'late');
  t.equal(clock.observe(9.98, 100.02), 'late');
  t.equal(clock.observe(NaN, 100), 'invalid');
  t.equal(clock.observe(Infinity, 100), 'invalid');
  t.equal(clock.observe(1e300, 100), 'invalid');
  t.equal(clock.observe(10.02, 100.02), 'used');
  t.end();
});

void t.test('any times at all give finite, ascending host times', (t) => {
  const any = fc.array(fc.tuple(fc.double(), fc.double({ min: 0, max: 10, noNaN: true })), { maxLength: 300 });
  fc.assert(
    fc.property(any, (steps) => {
      const clock = createDeviceClock();
      let arrival = 0;
      let last = -Infinity;
      for (const [device, wait] of steps) {
        arrival += wait;
        const observed = clock.observe(device, arrival);
        if (observed === 'jumped') {
          clock.reset();
          clock.observe(device, arrival);
        } else if (observed !== 'used') continue;
        const time = clock.hostTime(device);
        if (!(time >= last) || !Number.isFinite(time)) return false;
        last = time;
      }
      return true;
    }),
    { numRuns: 300, seed: 3 },
  );
  t.end();
});

void t.test('a counter makes device times, and a rate that is off is drift', (t) => {
  const counter = createSampleCounter(50);
  const clock = createDeviceClock();
  let worst = 0;
  for (const { captured, arrival } of samplesOf({ seed: 3, rate: 49, ppm: 0, jitter: 0.003, chunk: 0, seconds: 90 })) {
    const device = counter.next(arrival);
    if (clock.observe(device, arrival) !== 'used') t.fail('not used');
    const error = clock.hostTime(device) - captured - smallestDelay;
    if (captured > hostOrigin + 60) worst = Math.max(worst, Math.abs(error));
  }
  t.equal(counter.lost, 0);
  const { driftPpm } = clock.statistics();
  t.ok(Math.abs(driftPpm - 1e6 / 49) < 400, `${driftPpm} ppm`);
  t.ok(worst < 0.01, `${worst} s off`);
  t.end();
});

void t.test('lost samples are noticed when arrivals run away, and after a silence', (t) => {
  const counter = createSampleCounter(100);
  let device = 0;
  const random = createRandom(9);
  for (let i = 0; i < 100 * 60; i++) {
    if (i >= 2000 && i < 2030) continue; // 0.3 s
    if (i >= 4000 && i < 4500) continue; // 5 s
    device = counter.next(50 + i / 100 + 0.02 * random.uniform());
  }
  t.ok(Math.abs(counter.lost - 530) <= 4, `${counter.lost} lost`);
  t.ok(Math.abs(device - 59.99) < 0.04);
  t.end();
});

void t.test('a stall after which everything comes is not a loss', (t) => {
  const counter = createSampleCounter(100);
  for (let i = 0; i < 3000; i++) {
    const time = i / 100;
    counter.next(time > 10 && time < 10.9 ? 10.9 : time);
  }
  t.equal(counter.lost, 0);
  t.end();
});

void t.test('an hour of stalls, pauses and a wandering oscillator: no jump, and never far off', (t) => {
  const random = createRandom(5);
  const clock = createDeviceClock();
  let [device, captured, before, stalledUntil, worst] = [5e4, 1000, 0, 0, 0];
  for (let i = 0; i < 50 * 3600; i++) {
    const pause = random.uniform() < 0.0002 ? 600 * random.uniform() : 0;
    const ppm = 30 + 20 * Math.sin(captured / 1500);
    device += 0.02 + pause;
    captured += (0.02 + pause) * (1 + ppm * 1e-6);
    if (random.uniform() < 0.001) stalledUntil = captured + 1.5 * random.uniform();
    const arrival = Math.max(before, stalledUntil, captured + smallestDelay - 0.004 * Math.log(1 - random.uniform()));
    before = arrival;
    if (clock.observe(device, arrival) !== 'used') t.fail('not used');
    const error = clock.hostTime(device) - captured - smallestDelay;
    if (i > 50 * 60) worst = Math.max(worst, Math.abs(error));
  }
  t.ok(worst < 0.03, `${worst} s off at worst`);
  t.ok(Math.abs(clock.statistics().driftPpm - 30) < 25);
  t.end();
});
