import t from 'tap';
import fc from 'fast-check';
import { createMotionGate, stillness } from '../../pipelines/motion-gate.js';
import { createRandom } from '../../learning/random.js';

/** The definition, in two passes over the newest `samples` rows. */
function isStill(rows: number[][], samples: number): boolean {
  const window = rows.slice(-samples);
  const deviation = (from: number) => {
    let variance = 0;
    for (let c = from; c < from + 3; c++) {
      const mean = window.reduce((sum, row) => sum + row[c]!, 0) / window.length;
      variance += window.reduce((sum, row) => sum + (row[c]! - mean) ** 2, 0) / window.length;
    }
    return Math.sqrt(variance);
  };
  return deviation(0) < stillness.acceleration && deviation(3) < stillness.angularRate;
}

void t.test('the running gate says what the definition says', (t) => {
  const runs = fc.array(
    fc.record({
      length: fc.nat(60),
      acceleration: fc.constantFrom(0.05, 0.28, 0.32, 30),
      rate: fc.constantFrom(0.02, 0.18, 0.22, 9),
    }),
    { maxLength: 12 },
  );
  let still = 0;
  let moving = 0;
  fc.assert(
    fc.property(runs, fc.integer({ min: 2, max: 40 }), fc.nat(), (stretches, samples, seed) => {
      const random = createRandom(seed);
      const gate = createMotionGate(samples);
      const rows: number[][] = [];
      // Of a uniform distribution of width w the deviation is w / √12, of three together w / 2.
      const noise = (deviation: number) => 2 * deviation * (random.uniform() - 0.5);
      for (const { length, acceleration, rate } of stretches) {
        for (let i = 0; i < length; i++) {
          const a = acceleration;
          rows.push([9.81 + noise(a), noise(a), 100 + noise(a), 0.3 + noise(rate), noise(rate), noise(rate)]);
          gate.push(rows.at(-1)!);
          const expected = isStill(rows, samples);
          if (gate.still() !== expected) return false;
          if (expected) still++;
          else moving++;
        }
      }
      return true;
    }),
    { numRuns: 100, seed: 1 },
  );
  t.ok(still > 1000 && moving > 1000, 'both were seen');
  t.end();
});

void t.test('rounding does not pile up: rest is rest after many blows', (t) => {
  const gate = createMotionGate(100);
  const row = new Float32Array(6);
  for (let i = 0; i < 200_000; i++) {
    for (let c = 0; c < 6; c++) row[c] = 160 * Math.sin(i * (c + 1) * 1.7);
    gate.push(row);
  }
  t.notOk(gate.still());
  const random = createRandom(1);
  for (let i = 0; i < 100; i++) gate.push([150.1 + 0.1 * random.uniform(), 0, 9.8, 2, 0, 0.01]);
  t.ok(gate.still());
  t.end();
});

void t.test('a gyroscope’s bias is no motion, a slow turn in gravity is', (t) => {
  const biased = createMotionGate(100);
  const turning = createMotionGate(100);
  for (let i = 0; i < 100; i++) {
    biased.push([0, 0, 9.81, 0.3, -0.3, 0.2]);
    const angle = (0.2 * i) / 50; // rad/s, at 50 Hz
    turning.push([9.81 * Math.sin(angle), 0, 9.81 * Math.cos(angle), 0, 0.2, 0]);
  }
  t.ok(biased.still());
  t.notOk(turning.still());
  t.end();
});

void t.test('fewer samples than a window are judged as they are; a reset forgets', (t) => {
  const gate = createMotionGate(50);
  t.ok(gate.still());
  for (let i = 0; i < 20; i++) gate.push([i % 2 ? 5 : -5, 0, 9.81, 0, 0, 0]);
  t.notOk(gate.still());
  gate.reset();
  for (let i = 0; i < 20; i++) gate.push([7, 0, 9.81, 0, 0, 0]);
  t.ok(gate.still());
  t.end();
});
