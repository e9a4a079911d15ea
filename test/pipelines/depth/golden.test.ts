import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../../daemon/package-root.js';
import { createHoleFiller, pixel } from '../../../pipelines/depth/holes.js';
import { medianOf } from '../../../pipelines/depth/median.js';
import { scaleCrop } from '../../../pipelines/depth/scale.js';

// Written by golden/depth.py with NumPy and SciPy.
interface Packed {
  shape: number[];
  base64: string;
}
interface Golden {
  size: number;
  factor: number;
  crops: {
    depth: Packed;
    kind: Packed;
    largest: number;
    filled: number;
    values: Packed;
    reference: number;
    metresPerStep: number;
    scaled: Packed;
  }[];
  medians: { values: Packed; median: number }[];
}

const folder = join(packageRoot, 'test', 'pipelines', 'golden');
const { size, factor, crops, medians } = JSON.parse(readFileSync(join(folder, 'depth.json'), 'utf8')) as Golden;
const bytes = ({ base64 }: Packed) => Uint8Array.from(Buffer.from(base64, 'base64')).buffer;

void t.test('holes are filled as by labels and repeated medians of SciPy, crops scaled as by means of NumPy', (t) => {
  const filler = createHoleFiller(size * factor);
  for (const [i, golden] of crops.entries()) {
    const depth = new Float32Array(bytes(golden.depth));
    const kind = new Uint8Array(bytes(golden.kind));
    t.equal(filler.fill(depth, kind, golden.largest), golden.filled, `crop ${i}: pixels filled`);
    const expected = new Float32Array(bytes(golden.values));
    const wrong = expected.findIndex((value, at) =>
      Number.isNaN(value) ? kind[at] === pixel.body : kind[at] !== pixel.body || depth[at] !== value,
    );
    t.equal(wrong, -1, `crop ${i}: medians and what is body, exactly`);

    const out = new Float32Array(size * size);
    scaleCrop(depth, kind, size, factor, golden.reference, golden.metresPerStep, out);
    const scaled = new Float64Array(bytes(golden.scaled));
    t.ok(scaled.some((value) => value === 0) && scaled.some((value) => value > 0));
    const worst = out.reduce((most, value, at) => Math.max(most, Math.abs(value - scaled[at]!)), 0);
    t.ok(worst < 1e-6, `crop ${i}: ${worst}`);
  }
  t.end();
});

void t.test('medians are those of NumPy', (t) => {
  const counts = new Uint32Array(256);
  for (const { values, median } of medians) {
    const steps = new Uint16Array(bytes(values));
    t.equal(medianOf(steps, Int32Array.from(steps.keys()), steps.length, counts), median, `of ${steps.length}`);
  }
  t.end();
});
