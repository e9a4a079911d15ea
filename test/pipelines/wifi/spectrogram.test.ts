import t from 'tap';
import { createRandom } from '../../../learning/random.js';
import { createCsiSpectrogram } from '../../../pipelines/wifi/csi-spectrogram.js';
import { layoutOf } from '../../../pipelines/wifi/layout.js';
import { csiRatio } from '../../../pipelines/wifi/ratio.js';
import { wifiFrame } from './frames.js';

void t.test('a tone of amplitude 1 lies in its bin with the power ½, in each number of channels', (t) => {
  const [samples, rate, bin] = [128, 100, 20];
  for (const channels of [1, 2, 3, 4, 5, 52, 234]) {
    const spectrogram = createCsiSpectrogram({ channels, samples, hop: 16, rate });
    let columns = 0;
    const random = createRandom(channels);
    const phases = Array.from({ length: channels }, () => 2 * Math.PI * random.uniform());
    const values = new Float32Array(channels);
    for (let n = 0; n < 400; n++) {
      for (let c = 0; c < channels; c++) values[c] = 30 + Math.cos((2 * Math.PI * bin * n) / samples + phases[c]!);
      if (!spectrogram.push(values)) continue;
      columns++;
      for (let c = 0; c < channels; c++) {
        const row = spectrogram.power.subarray(c * spectrogram.bins, (c + 1) * spectrogram.bins);
        const total = row.reduce((sum, power) => sum + (power * rate) / samples, 0);
        if (Math.abs(total - 0.5) > 1e-4) t.fail(`channel ${c}: power ${total}`);
        if (row.indexOf(Math.max(...row)) !== bin) t.fail(`channel ${c}: another bin`);
        if (row[0]! > 1e-9) t.fail('the mean is in it');
      }
      // All of the channels' tones are one or two directions, so the first holds at least half.
      t.ok(spectrogram.share >= 0.5 - 1e-6 && spectrogram.share <= 1);
    }
    t.equal(columns, 1 + Math.floor((400 - samples) / 16));
  }
  t.end();
});

void t.test('channels that do not change are said to be constant, and have no component', (t) => {
  const spectrogram = createCsiSpectrogram({ channels: 6, samples: 16, hop: 16, rate: 100 });
  const values = Float32Array.of(0, 1, 0.3, 1e-3, 17.7, 40.1);
  for (let n = 0; n < 15; n++) t.notOk(spectrogram.push(values));
  t.ok(spectrogram.push(values));
  t.ok(spectrogram.constant);
  t.ok(spectrogram.principal.every(Number.isNaN) && Number.isNaN(spectrogram.share));
  for (let n = 0; n < 16; n++) {
    values[2] = 0.3 + 1e-3 * Math.sin(n);
    spectrogram.push(values);
  }
  t.notOk(spectrogram.constant, 'and no longer, once one of them does');
  t.ok(spectrogram.principal.every(Number.isFinite) && spectrogram.share > 0.999);
  t.end();
});

void t.test('one direction among noise is found, and its share of the variance', (t) => {
  const channels = 90;
  const random = createRandom(1);
  const weights = Array.from({ length: channels }, () => random.normal());
  const spectrogram = createCsiSpectrogram({ channels, samples: 256, hop: 256, rate: 100 });
  const values = new Float32Array(channels);
  for (let n = 0; n < 256; n++) {
    for (let c = 0; c < channels; c++) {
      values[c] = 1 + weights[c]! * Math.cos((2 * Math.PI * 10 * n) / 256) + 0.5 * random.normal();
    }
    spectrogram.push(values);
  }
  const signal = weights.reduce((sum, w) => sum + w * w, 0) / 2;
  const expected = signal / (signal + channels * 0.25);
  t.ok(Math.abs(spectrogram.share - expected) < 0.03, `${spectrogram.share} of ${expected}`);
  const { principal } = spectrogram;
  t.equal(principal.indexOf(Math.max(...principal)), 10);
  t.ok(principal[10]! > 1000 * principal[60]!);
  t.end();
});

void t.test('lengths that are no powers of two are refused', (t) => {
  for (const samples of [0, 2, 3, 100, NaN]) {
    t.throws(() => createCsiSpectrogram({ channels: 1, samples, hop: 1, rate: 100 }), RangeError, `${samples}`);
  }
  t.end();
});

void t.test('a ratio to an antenna that heard nothing is no number', (t) => {
  const subcarriers = Int16Array.of(1, 2, 3);
  const csi = Float32Array.of(1, 1, 0, 0, 2, 0, 3, 0, 4, 4, 0, 4);
  const layout = layoutOf(wifiFrame({ receivers: 2, subcarriers, csi }))!;
  const out = new Float32Array(6);
  t.equal(csiRatio(csi, layout, 0, out), 1);
  t.strictSame(out, Float32Array.of(1.5, -1.5, NaN, NaN, 0, 2));
  t.end();
});
