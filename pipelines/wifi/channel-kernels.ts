/** The newest samples of many channels in the memory of WebAssembly SIMD kernels, two doubles at a time, and those kernels.
 *
 *  Four channels are a group. Of each group the memory holds 2 N samples, four doubles each, in the order of time; so are four
 *  real channels the input of two complex FFTs as they lie there: real parts of channels 0 and 1, imaginary parts 2 and 3. */

import { fftFunction, fftTables } from '../fft-kernel.js';
import * as wasm from '../wasm.js';
import type { Code, WasmFunction } from '../wasm.js';

const sampleBytes = 32;
const { get, set, add, subtract, multiply, load, loadSplat, store, repeatUntil, i32, i32Add } = wasm;
const advance = (local: number, bytes: number): Code => set(local, i32Add(get(local), i32(bytes)));

interface Sizes {
  /** N */
  samples: number;
  groups: number;
}
const groupBytes = ({ samples }: Sizes) => 2 * samples * sampleBytes;

/** (q, rows): between[n] += Σ over groups of x[n] · q, in two halves that belong together. */
function projectFunction(sizes: Sizes, between: number): WasmFunction {
  const [q, rows, end, p, sum, stop, first, second] = [0, 1, 2, 3, 4, 5, 6, 7];
  const sample = (n: number): Code =>
    store(
      get(sum),
      16 * n,
      add(
        load(get(sum), 16 * n),
        add(
          multiply(load(get(p), sampleBytes * n), get(first)),
          multiply(load(get(p), sampleBytes * n + 16), get(second)),
        ),
      ),
    );
  return {
    parameters: 2,
    locals: ['i32', 'i32', 'i32', 'i32', 'v128', 'v128'],
    body: [
      ...set(end, i32Add(get(q), i32(sizes.groups * sampleBytes))),
      ...repeatUntil(q, get(end), [
        ...set(first, load(get(q), 0)),
        ...set(second, load(get(q), 16)),
        ...set(p, get(rows)),
        ...set(stop, i32Add(get(rows), i32(sizes.samples * sampleBytes))),
        ...set(sum, i32(between)),
        ...repeatUntil(p, get(stop), [
          ...[0, 1, 2, 3].flatMap(sample),
          ...advance(sum, 64),
          ...advance(p, 4 * sampleBytes),
        ]),
        ...advance(rows, groupBytes(sizes)),
        ...advance(q, sampleBytes),
      ]),
    ],
  };
}

/** (t, rows, out): out = Σ_n x[n] · t[n] of each channel. */
function correlateFunction(sizes: Sizes, zeros: number): WasmFunction {
  const [t, rows, out, end, p, q, stop, sums, value] = [0, 1, 2, 3, 4, 5, 6, 7, 11];
  const term = (sum: number, offset: number): Code =>
    set(sum, add(get(sum), multiply(load(get(p), offset), get(value))));
  return {
    parameters: 3,
    locals: [...new Array<'i32'>(4).fill('i32'), ...new Array<'v128'>(5).fill('v128')],
    body: [
      ...set(end, i32Add(get(out), i32(sizes.groups * sampleBytes))),
      ...repeatUntil(out, get(end), [
        ...[0, 1, 2, 3].flatMap((k) => set(sums + k, load(i32(zeros), 0))),
        ...set(p, get(rows)),
        ...set(stop, i32Add(get(rows), i32(sizes.samples * sampleBytes))),
        ...set(q, get(t)),
        ...repeatUntil(p, get(stop), [
          ...[0, 1].flatMap((n) => [
            ...set(value, loadSplat(get(q), 8 * n)),
            ...term(sums + 2 * n, sampleBytes * n),
            ...term(sums + 2 * n + 1, sampleBytes * n + 16),
          ]),
          ...advance(q, 16),
          ...advance(p, 2 * sampleBytes),
        ]),
        ...store(get(out), 0, add(get(sums), get(sums + 2))),
        ...store(get(out), 16, add(get(sums + 1), get(sums + 3))),
        ...advance(rows, groupBytes(sizes)),
        ...advance(out, sampleBytes),
      ]),
    ],
  };
}

/** (rows, out): Σ of all squares, in two halves that belong together. */
function squaresFunction(sizes: Sizes, zeros: number): WasmFunction {
  const [rows, out, p, end, stop, sums, value] = [0, 1, 2, 3, 4, 5, 7];
  const term = (sum: number, offset: number): Code => [
    ...set(value, load(get(p), offset)),
    ...set(sum, add(get(sum), multiply(get(value), get(value)))),
  ];
  return {
    parameters: 2,
    locals: ['i32', 'i32', 'i32', 'v128', 'v128', 'v128'],
    body: [
      ...set(sums, load(i32(zeros), 0)),
      ...set(sums + 1, load(i32(zeros), 0)),
      ...set(end, i32Add(get(rows), i32(sizes.groups * groupBytes(sizes)))),
      ...repeatUntil(rows, get(end), [
        ...set(p, get(rows)),
        ...set(stop, i32Add(get(rows), i32(sizes.samples * sampleBytes))),
        ...repeatUntil(p, get(stop), [...term(sums, 0), ...term(sums + 1, 16), ...advance(p, sampleBytes)]),
        ...advance(rows, groupBytes(sizes)),
      ]),
      ...store(get(out), 0, add(get(sums), get(sums + 1))),
    ],
  };
}

/** (z, out): power of the four channels of a transform, scaled, [bins, 4]. X_k = (Z_k + Z*_(N−k)) / 2, Y_k = (Z_k − Z*_(N−k)) / 2i. */
function powerFunction({ samples }: Sizes, scale: number): WasmFunction {
  const [z, out, p, mirror, weight, a] = [0, 1, 2, 3, 4, 5];
  const part = (of: number, offset: number) => load(get(of), offset);
  const square = (local: number) => multiply(get(local), get(local));
  const bin: Code = [
    ...set(a, add(part(p, 0), part(mirror, 0))),
    ...set(a + 1, subtract(part(p, 16), part(mirror, 16))),
    ...set(a + 2, add(part(p, 16), part(mirror, 16))),
    ...set(a + 3, subtract(part(p, 0), part(mirror, 0))),
    ...set(a + 4, loadSplat(get(weight), 0)),
    ...store(get(out), 0, multiply(add(square(a), square(a + 1)), get(a + 4))),
    ...store(get(out), 16, multiply(add(square(a + 2), square(a + 3)), get(a + 4))),
    ...advance(out, sampleBytes),
    ...advance(weight, 8),
    ...advance(p, sampleBytes),
  ];
  return {
    parameters: 2,
    locals: ['i32', 'i32', 'i32', ...new Array<'v128'>(5).fill('v128')],
    body: [
      ...set(p, get(z)),
      ...set(mirror, get(z)), // k = 0 is its own
      ...set(weight, i32(scale)),
      ...bin,
      ...set(mirror, i32Add(get(z), i32((samples - 1) * sampleBytes))),
      ...repeatUntil(p, i32Add(get(z), i32((samples / 2 + 1) * sampleBytes)), [
        ...bin,
        ...advance(mirror, -sampleBytes),
      ]),
    ],
  };
}

export interface ChannelKernels {
  readonly samples: number;
  readonly channels: number;
  readonly groups: number;
  /** N/2 + 1 */
  readonly bins: number;
  /** Puts a sample, [channels], behind the newest. */
  push(values: Float32Array): void;
  /** Forgets all samples. */
  clear(): void;
  /** Means over the segment, [4 groups], into `means`. */
  updateMeans(): void;
  readonly means: Float64Array;
  /** Sum of the squares of the segment, of all channels. Its two halves: `sums`. */
  updateSquares(): void;
  readonly sums: Float64Array;
  /** FFT of a group's segment times the window, means and all → `spectrum`. */
  transform(group: number): void;
  /** The same of `single`. */
  transformSingle(): void;
  /** [N, 4]: one series in the first column, zeros in the others. */
  readonly single: Float64Array;
  /** [N, re re im im] */
  readonly spectrum: Float64Array;
  /** Power of `spectrum` → `powers`. */
  power(): void;
  /** [bins, 4 channels] */
  readonly powers: Float64Array;
  /** [vectors, 4 groups] */
  readonly vectors: Float64Array;
  /** t = Xᵀ v, the vector from `from` on in `vectors` → `series`; X with its means. */
  project(from: number): void;
  /** X t → the vector from `to` on. */
  correlate(to: number): void;
  /** [N] t */
  readonly series: Float64Array;
}

/**
 * @param window [N] @param scale [bins], a quarter of it is taken
 * @param vectorCount room for so many vectors of a number for each channel
 */
export function createChannelKernels(
  channels: number,
  window: Float64Array,
  scale: Float64Array,
  vectorCount: number,
): ChannelKernels {
  const samples = window.length;
  const bins = samples / 2 + 1;
  const groups = Math.ceil(channels / 4);
  const width = 4 * groups;
  const sizes = { samples, groups };
  const tables = fftTables(samples);

  let bytes = 0;
  /** Address of so many doubles, on a cache line. */
  function reserve(length: number): number {
    const at = bytes;
    bytes += Math.ceil(length / 8) * 64;
    return at;
  }
  const at = {
    ring: reserve(groups * 2 * samples * 4),
    single: reserve(4 * samples),
    spectrum: reserve(4 * samples),
    powers: reserve(4 * bins),
    scale: reserve(bins),
    window: reserve(samples),
    reversed: reserve(tables.reversed.length),
    twiddles: reserve(tables.twiddles.length),
    between: reserve(2 * samples),
    series: reserve(samples),
    each: reserve(samples),
    vectors: reserve(vectorCount * width),
    means: reserve(width),
    sums: reserve(2),
    zeros: reserve(2),
  };
  const { window: windowAt, reversed, twiddles } = at;
  const { memory, functions } = wasm.assemble(
    {
      fft: fftFunction({ size: samples, step: sampleBytes, window: windowAt, reversed, twiddles }),
      power: powerFunction(sizes, at.scale),
      project: projectFunction(sizes, at.between),
      correlate: correlateFunction(sizes, at.zeros),
      squares: squaresFunction(sizes, at.zeros),
    },
    bytes,
  );
  const doubles = (address: number, length: number) => new Float64Array(memory, address, length);
  doubles(windowAt, samples).set(window);
  doubles(twiddles, tables.twiddles.length).set(tables.twiddles);
  new Int32Array(memory, reversed, tables.reversed.length).set(tables.reversed);
  doubles(at.scale, bins).set(scale.map((value) => value / 4));
  doubles(at.each, samples).fill(1 / samples);

  const ring = doubles(at.ring, groups * 2 * samples * 4);
  const between = doubles(at.between, 2 * samples);
  const series = doubles(at.series, samples);
  const rowLength = 8 * samples; // doubles of a group
  let end = 0;
  const rows = () => at.ring + (end - samples) * sampleBytes;

  return {
    samples,
    channels,
    groups,
    bins,
    single: doubles(at.single, 4 * samples),
    spectrum: doubles(at.spectrum, 4 * samples),
    powers: doubles(at.powers, 4 * bins),
    vectors: doubles(at.vectors, vectorCount * width),
    means: doubles(at.means, width),
    sums: doubles(at.sums, 2),
    series,
    push(values) {
      if (end === 2 * samples) {
        for (let row = 0; row < ring.length; row += rowLength)
          ring.copyWithin(row, row + rowLength / 2, row + rowLength);
        end = samples;
      }
      for (let c = 0, to = 4 * end; c < channels; c++) {
        ring[to] = values[c]!;
        to += c % 4 === 3 ? rowLength - 3 : 1;
      }
      end++;
    },
    clear() {
      end = 0;
    },
    updateMeans: () => functions.correlate(at.each, rows(), at.means),
    updateSquares: () => functions.squares(rows(), at.sums),
    transform: (group) => functions.fft(rows() + group * rowLength * 8, at.spectrum),
    transformSingle: () => functions.fft(at.single, at.spectrum),
    power: () => functions.power(at.spectrum, at.powers),
    project(from) {
      between.fill(0);
      functions.project(at.vectors + 8 * from, rows());
      for (let n = 0; n < samples; n++) series[n] = between[2 * n]! + between[2 * n + 1]!;
    },
    correlate: (to) => functions.correlate(at.series, rows(), at.vectors + 8 * to),
  };
}
