import t from 'tap';
import fc from 'fast-check';
import { faults } from '../../../pipelines/features.js';
import { createSkeletonFeatures } from '../../../pipelines/skeleton/features.js';
import { skeletonLayouts } from '../../../pipelines/skeleton/layouts.js';

const coordinate = fc.oneof(
  { weight: 40, arbitrary: fc.float({ min: Math.fround(0.1), max: Math.fround(0.9), noNaN: true }) },
  { weight: 1, arbitrary: fc.float() },
);
const layout = fc.constantFrom(...skeletonLayouts.keys(), 'unknown', '');
const frame = fc.record({
  layout,
  people: fc.oneof({ weight: 20, arbitrary: fc.nat(3) }, { weight: 1, arbitrary: fc.double() }),
  coordinates: fc.array(coordinate, { minLength: 20, maxLength: 60 }),
  fits: fc.integer({ min: 0, max: 9 }),
  confidence: fc.constantFrom(undefined, undefined, 1, 0.5, 0.1, NaN, -Infinity),
  id: fc.constantFrom(undefined, 0, 1, 2),
});

void t.test('any frames at all: a fault of the list, or finite numbers of a person', (t) => {
  let taken = 0;
  fc.assert(
    fc.property(layout, fc.array(frame, { maxLength: 40 }), fc.boolean(), (usual, frames, stays) => {
      const features = createSkeletonFeatures();
      const out = new Float32Array(80).fill(99);
      for (const { layout, people, coordinates, fits, confidence, id } of frames) {
        const name = stays ? usual : layout;
        const joints = skeletonLayouts.get(name)?.joints ?? 11;
        const length =
          fits === 0 ? coordinates.length : Number.isInteger(people) && people >= 0 && people < 9 ? people : 1;
        const before = out.slice();
        const fault = features.take(
          {
            kind: 'skeleton',
            arrivalTime: 0,
            people,
            layout: name,
            joints: Float32Array.from(
              { length: fits === 0 ? length : 3 * joints * length },
              (_, i) => coordinates[i % coordinates.length]!,
            ),
            ...(confidence === undefined ? {} : { confidence: new Float32Array(joints * length).fill(confidence) }),
            ...(id === undefined ? {} : { id: new Uint32Array(fits === 1 ? 1 : length).fill(id) }),
          },
          out,
        );
        if (fault === undefined) {
          taken++;
          if (!out.every((value) => Math.abs(value) <= 4.5)) return false;
          for (let j = 0; j < 20; j++) if (out[4 * j + 3] !== 0 && out[4 * j + 3] !== 1) return false;
        } else if (!faults.includes(fault) || !before.every((value, i) => value === out[i])) return false;
      }
      return true;
    }),
    { numRuns: 400, seed: 1 },
  );
  t.ok(taken > 50, `${taken} frames taken`);
  t.end();
});
