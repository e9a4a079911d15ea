/** The steps beside NumPy and SciPy in float64, whose answers test/pipelines/golden/wifi.py stored. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { packageRoot } from '../../../daemon/package-root.js';
import { amplitude, phase } from '../../../pipelines/wifi/amplitude.js';
import { createCsiSpectrogram } from '../../../pipelines/wifi/csi-spectrogram.js';
import { normaliseGain } from '../../../pipelines/wifi/gain.js';
import { createHampel } from '../../../pipelines/wifi/hampel.js';
import { layoutOf } from '../../../pipelines/wifi/layout.js';
import { removeLinearPhase, unwrapPhase } from '../../../pipelines/wifi/phase.js';
import { csiRatio } from '../../../pipelines/wifi/ratio.js';
import { wifiFrame } from './frames.js';

const stored = JSON.parse(readFileSync(`${packageRoot}/test/pipelines/golden/wifi.json`, 'utf8')) as Record<
  string,
  { shape: number[]; type: 'int8' | 'float32' | 'float64'; data: string }
>;

function vector(name: string): { shape: number[]; values: Float64Array } {
  const { shape, type, data } = stored[name]!;
  const { buffer } = Uint8Array.from(Buffer.from(data, 'base64'));
  const typed = { int8: Int8Array, float32: Float32Array, float64: Float64Array }[type];
  return { shape, values: Float64Array.from(new typed(buffer)) };
}

const tolerance = 1e-5;

/** Every value within 1e-5 of the reference's, or of a millionth of its largest: no digits are left of what cancels to less. */
function near(t: Pick<typeof import('tap').default, 'ok' | 'equal'>, got: ArrayLike<number>, name: string): void {
  const { values } = vector(name);
  t.equal(got.length, values.length, `${name}: as many values`);
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const errors = values.map((value, i) => Math.abs(got[i]! - value) / Math.max(Math.abs(value), 1e-6 * largest));
  const worst = errors.reduce((most, error) => Math.max(most, error), 0);
  t.ok(worst <= tolerance, `${name}: at most ${worst.toExponential(1)} off`);
}

const { values: csi, shape } = vector('csi');
const [packets, receivers, count] = shape as [number, number, number, number];
const frames = Array.from({ length: packets }, (_, p) =>
  wifiFrame({
    receivers,
    subcarriers: Int16Array.from(vector('numbers').values),
    csi: Float32Array.from(csi.subarray(p * receivers * count * 2, (p + 1) * receivers * count * 2)),
  }),
);
const layout = layoutOf(frames[0]!)!;

void t.test('amplitude, gain, phase and ratio of packets', (t) => {
  t.equal(layout.channels, receivers * count, 'nothing is left out');
  const found = { amplitude: [], normalised: [], phase: [], unwrapped: [], sanitised: [], ratio: [] } as Record<
    string,
    number[]
  >;
  for (const frame of frames) {
    const amplitudes = new Float32Array(layout.channels);
    amplitude(frame.csi, layout, amplitudes);
    found['amplitude']!.push(...amplitudes);
    t.ok(normaliseGain(amplitudes, layout));
    found['normalised']!.push(...amplitudes);
    const phases = new Float64Array(layout.channels);
    phase(frame.csi, layout, phases);
    found['phase']!.push(...phases);
    unwrapPhase(phases, layout);
    found['unwrapped']!.push(...phases);
    removeLinearPhase(phases, layout);
    found['sanitised']!.push(...phases);
    const ratio = new Float32Array((receivers - 1) * count * 2);
    t.equal(csiRatio(frame.csi, layout, 0, ratio), 0, 'no subcarrier is silent');
    found['ratio']!.push(...ratio);
  }
  for (const [name, values] of Object.entries(found)) near(t, values, name);
  t.end();
});

void t.test('Hampel filter', (t) => {
  const { values, shape } = vector('hampelInput');
  const [samples, channels] = shape as [number, number];
  for (const halfWidth of [3, 1]) {
    const hampel = createHampel(channels, halfWidth, 3);
    const run = () => {
      const got: number[] = [];
      const out = new Float32Array(channels);
      for (let n = 0; n < samples; n++) {
        const packet = Float32Array.from(values.subarray(n * channels, (n + 1) * channels));
        if (hampel.push(packet, out)) got.push(...out);
      }
      return got;
    };
    near(t, run(), `hampel${halfWidth}`);
    t.ok(hampel.replaced > 20, 'it had something to do');
    hampel.reset();
    near(t, run(), `hampel${halfWidth}`);
  }
  t.end();
});

void t.test('spectrograms and the principal component', (t) => {
  const { values, shape } = vector('spectrogramInput');
  const [samples, channels] = shape as [number, number];
  const spectrogram = createCsiSpectrogram({ channels, samples: 64, hop: 16, rate: 100 });
  const run = () => {
    const power: number[] = [];
    const principal: number[] = [];
    const share: number[] = [];
    for (let n = 0; n < samples; n++) {
      if (!spectrogram.push(Float32Array.from(values.subarray(n * channels, (n + 1) * channels)))) continue;
      power.push(...spectrogram.power);
      principal.push(...spectrogram.principal);
      share.push(spectrogram.share);
    }
    near(t, power, 'power');
    near(t, principal, 'principal');
    near(t, share, 'share');
  };
  run();
  spectrogram.reset();
  run();
  t.end();
});
