import t from 'tap';
import fc from 'fast-check';
import { faults } from '../../../pipelines/features.js';
import { createDepthFeatures } from '../../../pipelines/depth/features.js';

const block = fc.record({
  x: fc.nat(40),
  y: fc.nat(30),
  side: fc.integer({ min: 1, max: 40 }),
  value: fc.oneof(fc.constantFrom(0, 1, 0xffff, 0xfffe), fc.integer({ min: 500, max: 5000 })),
});
const frame = fc.record({
  wait: fc.oneof({ weight: 20, arbitrary: fc.constantFrom(0.033, 0.1, 0) }, { weight: 1, arbitrary: fc.double() }),
  fill: fc.oneof(
    { weight: 5, arbitrary: fc.constant(0) },
    { weight: 5, arbitrary: fc.constant(3000) },
    { weight: 1, arbitrary: fc.nat(0xffff) },
  ),
  blocks: fc.array(block, { maxLength: 5 }),
  width: fc.oneof(
    { weight: 60, arbitrary: fc.constant(40) },
    { weight: 1, arbitrary: fc.constantFrom(41, 0, -1, NaN, 1e9) },
  ),
  metresPerStep: fc.oneof(
    { weight: 60, arbitrary: fc.constant(0.001) },
    { weight: 1, arbitrary: fc.constantFrom(0, NaN, 1e-4, Infinity) },
  ),
});

void t.test('any pictures at all: a fault of the list, or numbers within their range', (t) => {
  let taken = 0;
  const background = fc.constantFrom('auto' as const, 'learned' as const, 'removed' as const);
  fc.assert(
    fc.property(background, fc.array(frame, { maxLength: 60 }), (background, frames) => {
      const features = createDepthFeatures({ background, size: 12 });
      const out = new Float32Array(144).fill(99);
      let arrivalTime = 3;
      for (const { wait, fill, blocks, width, metresPerStep } of frames) {
        arrivalTime += wait;
        const depth = new Uint16Array(40 * 30).fill(fill);
        for (const { x, y, side, value } of blocks) {
          for (let row = y; row < Math.min(30, y + side); row++)
            depth.fill(value, row * 40 + x, row * 40 + Math.min(40, x + side));
        }
        const before = out.slice();
        const fault = features.take({ kind: 'depth', arrivalTime, width, height: 30, metresPerStep, depth }, out);
        if (fault === undefined) {
          taken++;
          if (!out.every((value) => value === 0 || (value >= 0.25 && value <= 1.75))) return false;
          if (!(features.distance > 0 && features.box.side > 0)) return false;
        } else if (!faults.includes(fault) || !before.every((value, i) => value === out[i])) return false;
      }
      return true;
    }),
    { numRuns: 200, seed: 1 },
  );
  t.ok(taken > 200, `${taken} pictures taken`);
  t.end();
});
