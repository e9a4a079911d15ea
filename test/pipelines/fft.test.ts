import t from 'tap';
import { createRandom } from '../../learning/random.js';
import { createFft, fftSize } from '../../pipelines/fft.js';
import { createCube } from '../../pipelines/radar/cube.js';

const random = createRandom(5);
const noise = (length: number) => Float64Array.from({ length }, () => random.normal());

/** X[k] = Σ x[n] e^(−2πi kn/N) of [size, 2], term by term. */
function transformed(x: Float64Array): Float64Array {
  const size = x.length / 2;
  const out = new Float64Array(2 * size);
  for (let k = 0; k < size; k++) {
    for (let n = 0; n < size; n++) {
      const angle = (-2 * Math.PI * ((k * n) % size)) / size;
      const [c, s] = [Math.cos(angle), Math.sin(angle)];
      out[2 * k]! += x[2 * n]! * c - x[2 * n + 1]! * s;
      out[2 * k + 1]! += x[2 * n]! * s + x[2 * n + 1]! * c;
    }
  }
  return out;
}

const largestDifference = (a: Float64Array, b: Float64Array) =>
  a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0);

const sizes = [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

void t.test('one signal', (t) => {
  for (const size of sizes) {
    const x = noise(2 * size);
    const out = new Float64Array(2 * size);
    createFft(size).transform(out, x);
    t.ok(largestDifference(out, transformed(x)) < 1e-13 * size, `${size}`);
  }
  for (const size of [0, 1, 3, 48, -4, NaN, 2.5]) t.throws(() => createFft(size), RangeError, `${size}`);
  t.strictSame([1, 2, 3, 64, 65].map(fftSize), [2, 2, 4, 64, 128]);
  t.end();
});

void t.test('two antennas at once, windowed, in WebAssembly', (t) => {
  for (const size of sizes) {
    const samples = size - Math.floor(size / 5); // the rest are zeros
    const window = noise(samples);
    const shape = {
      chirps: 1,
      transmitters: 1,
      receivers: 2,
      samples,
      rangeBins: size,
      rangeSize: size,
      dopplerBins: 2,
    };
    const cube = createCube(shape, window, Float64Array.of(1));
    const [first, second] = [noise(2 * samples), noise(2 * samples)];
    for (let n = 0; n < samples; n++) {
      cube.kernels.samples.set([first[2 * n]!, second[2 * n]!, first[2 * n + 1]!, second[2 * n + 1]!], 4 * n);
    }
    cube.kernels.rangeTransform(0, 0);
    [first, second].forEach((signal, antenna) => {
      const padded = new Float64Array(2 * size);
      signal.forEach((value, i) => (padded[i] = value * window[Math.floor(i / 2)]!));
      const got = Float64Array.from({ length: 2 * size }, (_, i) => {
        return cube.spectrum[4 * Math.floor(i / 2) + 2 * (i % 2) + antenna]!;
      });
      t.ok(largestDifference(got, transformed(padded)) < 1e-13 * size, `${size}, antenna ${antenna}`);
    });
  }
  t.end();
});
