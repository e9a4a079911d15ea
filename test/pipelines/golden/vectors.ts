/** Arrays that a script of this folder stored. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { packageRoot } from '../../../daemon/package-root.js';

type Stored = Record<string, { shape: number[]; type: 'int8' | 'float32' | 'float64'; data: string }>;

export function goldenVectors(file: string): (name: string) => Float64Array {
  const stored = JSON.parse(readFileSync(join(packageRoot, 'test', 'pipelines', 'golden', file), 'utf8')) as Stored;
  return (name) => {
    const { type, data } = stored[name]!;
    const { buffer } = Uint8Array.from(Buffer.from(data, 'base64'));
    const typed = { int8: Int8Array, float32: Float32Array, float64: Float64Array }[type];
    return Float64Array.from(new typed(buffer));
  };
}

/** Every value within 1e-5 of the reference's. */
export function near(t: Test, got: ArrayLike<number>, expected: Float64Array, name: string): void {
  t.equal(got.length, expected.length, `${name}: as many values`);
  let worst = 0;
  expected.forEach((value, i) => {
    const error = got[i] === value ? 0 : Math.abs(got[i]! - value) / Math.abs(value);
    if (!(error <= worst)) worst = error;
  });
  t.ok(worst <= 1e-5, `${name}: at most ${worst.toExponential(1)} off`);
}
