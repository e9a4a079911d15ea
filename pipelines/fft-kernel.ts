/** The FFT of two antennas at once, in WebAssembly SIMD: a pair of complex numbers is `re re im im`, two doubles each. The code is
 *  made for one size and one distance of the inputs, with both as constants. */

import * as wasm from './wasm.js';
import type { Code } from './wasm.js';

/** Bytes of a pair. */
export const pairBytes = 32;

export interface FftCode {
  size: number;
  /** Bytes from one input to the next. */
  step: number;
  /** Address of [size] doubles that the inputs are multiplied with, and of what `fftTables` gives. */
  window: number;
  reversed: number;
  twiddles: number;
}

/** The sizes of the small transforms that the FFT ends in: 4, or 2 where the size is no power of 4. */
const leafSize = (size: number): 2 | 4 => (Math.log2(size) % 2 === 0 ? 4 : 2);

/** Where the inputs of each leaf start, and e^(−2πi jq / 4m) for each stage's m, j = 1 to m − 1, q = 1 to 3. */
export function fftTables(size: number): { reversed: Int32Array; twiddles: Float64Array } {
  const leaf = leafSize(size);
  const reversed = new Int32Array(size / leaf);
  const place = (first: number, step: number, length: number, at: number): void => {
    if (length === leaf) {
      reversed[at / leaf] = first;
      return;
    }
    for (let q = 0; q < 4; q++) place(first + q * step, 4 * step, length / 4, at + (q * length) / 4);
  };
  place(0, 1, size, 0);
  const twiddles: number[] = [];
  for (let m: number = leaf; m < size; m *= 4) {
    for (let j = 1; j < m; j++) {
      for (let q = 1; q <= 3; q++) {
        const angle = (-2 * Math.PI * j * q) / (4 * m);
        twiddles.push(Math.cos(angle), Math.sin(angle));
      }
    }
  }
  return { reversed, twiddles: Float64Array.from(twiddles) };
}

/**
 * fft(input, output): [size] pairs of complex numbers, `step` bytes apart, times the window → their spectra, one after the
 * other. Decimation in time, radix 4, with a first stage of radix 2 where the size is no power of 4. Van Loan, Computational
 * Frameworks for the Fast Fourier Transform, 2.4.
 */
export function fftFunction({ size, step, window, reversed, twiddles }: FftCode): wasm.WasmFunction {
  const [input, output, i, p, from, weight, end, t] = [0, 1, 2, 3, 4, 5, 6, 7];
  const [x, w, s] = [8, 16, 22]; // x: four complex numbers; w: three twiddles; s: four complex sums
  const re = (k: number) => wasm.get(x + 2 * k);
  const im = (k: number) => wasm.get(x + 2 * k + 1);
  const sumRe = (k: number) => wasm.get(s + 2 * k);
  const sumIm = (k: number) => wasm.get(s + 2 * k + 1);
  const leaf = leafSize(size);
  const storePair = (at: number, a: Code, b: Code): Code => [
    ...wasm.store(wasm.get(p), at, a),
    ...wasm.store(wasm.get(p), at + 16, b),
  ];
  const advance = (local: number, bytes: number) => wasm.set(local, wasm.i32Add(wasm.get(local), wasm.i32(bytes)));

  /** y0 = x0 + x1 + x2 + x3, y1 = x0 − i x1 − x2 + i x3, y2 = x0 − x1 + x2 − x3, y3 = x0 + i x1 − x2 − i x3, `m` pairs apart. */
  const butterfly = (m: number): Code => [
    ...wasm.set(s, wasm.add(re(0), re(2))),
    ...wasm.set(s + 1, wasm.add(im(0), im(2))),
    ...wasm.set(s + 2, wasm.subtract(re(0), re(2))),
    ...wasm.set(s + 3, wasm.subtract(im(0), im(2))),
    ...wasm.set(s + 4, wasm.add(re(1), re(3))),
    ...wasm.set(s + 5, wasm.add(im(1), im(3))),
    ...wasm.set(s + 6, wasm.subtract(re(1), re(3))),
    ...wasm.set(s + 7, wasm.subtract(im(1), im(3))),
    ...storePair(0, wasm.add(sumRe(0), sumRe(2)), wasm.add(sumIm(0), sumIm(2))),
    ...storePair(m * pairBytes, wasm.add(sumRe(1), sumIm(3)), wasm.subtract(sumIm(1), sumRe(3))),
    ...storePair(2 * m * pairBytes, wasm.subtract(sumRe(0), sumRe(2)), wasm.subtract(sumIm(0), sumIm(2))),
    ...storePair(3 * m * pairBytes, wasm.subtract(sumRe(1), sumIm(3)), wasm.add(sumIm(1), sumRe(3))),
  ];

  const loadWindowed = (k: number): Code => {
    const at = (k * size) / leaf;
    const value = (part: number) =>
      wasm.multiply(wasm.load(wasm.get(from), at * step + part), wasm.loadSplat(wasm.get(weight), window + at * 8));
    return [...wasm.set(x + 2 * k, value(0)), ...wasm.set(x + 2 * k + 1, value(16))];
  };
  const leaves: Code = [
    ...wasm.set(i, wasm.i32(0)),
    ...wasm.set(p, wasm.get(output)),
    ...wasm.repeatUntil(i, wasm.i32((size / leaf) * 4), [
      ...wasm.set(weight, wasm.i32Load(wasm.get(i), reversed)),
      ...wasm.set(from, wasm.i32Add(wasm.get(input), wasm.i32Multiply(wasm.get(weight), wasm.i32(step)))),
      ...wasm.set(weight, wasm.i32Multiply(wasm.get(weight), wasm.i32(8))),
      ...Array.from({ length: leaf }, (_, k) => loadWindowed(k)).flat(),
      ...(leaf === 4
        ? butterfly(1)
        : [
            ...storePair(0, wasm.add(re(0), re(1)), wasm.add(im(0), im(1))),
            ...storePair(pairBytes, wasm.subtract(re(0), re(1)), wasm.subtract(im(0), im(1))),
          ]),
      ...advance(p, leaf * pairBytes),
      ...advance(i, 4),
    ]),
  ];

  /** x[k] ← value · w[k], or the value itself for k = 0 and where there is no twiddle. */
  const loadTurned = (k: number, m: number, turned: boolean): Code => {
    const a = wasm.load(wasm.get(p), k * m * pairBytes);
    const b = wasm.load(wasm.get(p), k * m * pairBytes + 16);
    if (k === 0 || !turned) return [...wasm.set(x + 2 * k, a), ...wasm.set(x + 2 * k + 1, b)];
    const [c, d] = [wasm.get(w + 2 * k - 2), wasm.get(w + 2 * k - 1)];
    const [u, v] = [wasm.get(s), wasm.get(s + 1)];
    return [
      ...wasm.set(s, a),
      ...wasm.set(s + 1, b),
      ...wasm.set(x + 2 * k, wasm.subtract(wasm.multiply(u, c), wasm.multiply(v, d))),
      ...wasm.set(x + 2 * k + 1, wasm.add(wasm.multiply(u, d), wasm.multiply(v, c))),
    ];
  };
  /** The butterflies from the pair at `i` on, one of each block of 4 m pairs. */
  const blocks = (m: number, turned: boolean): Code => [
    ...wasm.set(p, wasm.get(i)),
    ...wasm.set(end, wasm.i32Add(wasm.get(i), wasm.i32(size * pairBytes))),
    ...wasm.repeatUntil(p, wasm.get(end), [
      ...[0, 1, 2, 3].flatMap((k) => loadTurned(k, m, turned)),
      ...butterfly(m),
      ...advance(p, 4 * m * pairBytes),
    ]),
  ];
  const stages: number[] = [...wasm.set(t, wasm.i32(twiddles))];
  for (let m: number = leaf; m < size; m *= 4) {
    stages.push(
      ...wasm.set(i, wasm.get(output)),
      ...blocks(m, false),
      ...advance(i, pairBytes),
      ...wasm.repeatUntil(i, wasm.i32Add(wasm.get(output), wasm.i32(m * pairBytes)), [
        ...[0, 1, 2, 3, 4, 5].flatMap((k) => wasm.set(w + k, wasm.loadSplat(wasm.get(t), 8 * k))),
        ...blocks(m, true),
        ...advance(t, 48),
        ...advance(i, pairBytes),
      ]),
    );
  }
  return {
    parameters: 2,
    locals: [...new Array<'i32'>(6).fill('i32'), ...new Array<'v128'>(22).fill('v128')],
    body: [...leaves, ...stages],
  };
}
