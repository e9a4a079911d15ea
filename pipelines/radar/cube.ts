/** The inner loops of the cube's transforms, as WebAssembly SIMD on two doubles at once: an FFT of two antennas together, and
 *  products of antennas summed over the Doppler bins. The code is made for one cube, with its sizes as constants, when the
 *  pipeline is; `docs/fft.md` says what it brings. */

import * as wasm from '../wasm.js';
import type { Code } from '../wasm.js';
import { fftFunction, fftTables, pairBytes } from '../fft-kernel.js';

/**
 * lags(a0, a1, b0, b1, out): Σ over `bins` of b · conj(a), of each a with each b, real and imaginary part, the sums of the even
 * and the odd bins apart: out [a0b0, a0b1, a1b0, a1b1][re, im][2]. Imaginary parts lie `plane` bytes after the real ones.
 */
function lagsFunction(bins: number, plane: number): wasm.WasmFunction {
  const [a0, a1, b0, b1, out, end] = [0, 1, 2, 3, 4, 5];
  const [sums, values] = [6, 14];
  const pointers = [a0, a1, b0, b1];
  const pairs = [
    [0, 2],
    [0, 3],
    [1, 2],
    [1, 3],
  ] as const;
  const re = (k: number) => wasm.get(values + 2 * k);
  const im = (k: number) => wasm.get(values + 2 * k + 1);
  const accumulate = (local: number, value: Code) => wasm.set(local, wasm.add(wasm.get(local), value));
  return {
    parameters: 5,
    locals: ['i32', ...new Array<'v128'>(16).fill('v128')],
    body: [
      ...wasm.set(end, wasm.i32Add(wasm.get(a0), wasm.i32(bins * 8))),
      ...wasm.repeatUntil(a0, wasm.get(end), [
        ...pointers.flatMap((pointer, k) => [
          ...wasm.set(values + 2 * k, wasm.load(wasm.get(pointer), 0)),
          ...wasm.set(values + 2 * k + 1, wasm.load(wasm.get(pointer), plane)),
        ]),
        ...pairs.flatMap(([a, b], k) => [
          ...accumulate(sums + 2 * k, wasm.add(wasm.multiply(re(b), re(a)), wasm.multiply(im(b), im(a)))),
          ...accumulate(sums + 2 * k + 1, wasm.subtract(wasm.multiply(im(b), re(a)), wasm.multiply(re(b), im(a)))),
        ]),
        ...pointers.flatMap((pointer) => wasm.set(pointer, wasm.i32Add(wasm.get(pointer), wasm.i32(16)))),
      ]),
      ...Array.from({ length: 8 }, (_, k) => wasm.store(wasm.get(out), 16 * k, wasm.get(sums + k))).flat(),
    ],
  };
}

export interface CubeShape {
  readonly chirps: number;
  readonly transmitters: number;
  readonly receivers: number;
  readonly samples: number;
  /** Kept of the range FFT's bins. */
  readonly rangeBins: number;
  /** Size of the range FFT, a power of two, no less than the samples. */
  readonly rangeSize: number;
  /** Size of the Doppler FFT, a power of two, no less than the chirps. */
  readonly dopplerBins: number;
}

/** One radar's cube on its way through the transforms, all in the memory of its kernels. */
export interface Cube extends CubeShape {
  /** transmitters · receivers; antenna = transmitter · receivers + receiver. */
  readonly antennas: number;
  /** Half of them, rounded up: antennas 0 and 1, 2 and 3, … are transformed together; of an odd number the last is alone. */
  readonly pairs: number;
  /** [Doppler bins, pairs, range bins, re im, 2 antennas] range spectrum of each chirp; rows past the chirps stay 0. */
  readonly spectrum: Float64Array;
  /** [range bins, antennas, Doppler bins] after the Doppler FFT; bin dopplerBins / 2 stands, those above it move away. */
  readonly re: Float64Array;
  readonly im: Float64Array;
  readonly kernels: CubeKernels;
}

export interface CubeKernels {
  /** [range FFT's size, re im, 2 antennas]; what lies past the samples stays 0. */
  readonly samples: Float64Array;
  /** [4, re im, 2]: see `lags`. */
  readonly lagSums: Float64Array;
  /** [the larger FFT's size, re im, 2 antennas]: a Doppler spectrum. */
  readonly transformed: Float64Array;
  /** `samples` times the window → spectrum[chirp, pair] */
  rangeTransform(chirp: number, pair: number): void;
  /** spectrum[.., pair, rangeBin] times the window → `transformed` */
  dopplerTransform(pair: number, rangeBin: number): void;
  /** Σ over the Doppler bins of b · conj(a) → `lagSums`: a0b0, a0b1, a1b0, a1b1, of even and odd bins apart. Each is a row of
   * the cube, `rangeBin · antennas + antenna`; `zeroRow` is one of zeros. */
  lags(a0: number, a1: number, b0: number, b1: number): void;
  readonly zeroRow: number;
}

/**
 * @param rangeWindow [samples]
 * @param dopplerWindow [chirps]
 */
export function createCube(shape: CubeShape, rangeWindow: Float64Array, dopplerWindow: Float64Array): Cube {
  const { rangeBins, rangeSize, dopplerBins } = shape;
  const antennas = shape.transmitters * shape.receivers;
  const pairs = Math.ceil(antennas / 2);
  const rows = rangeBins * antennas;
  const tables = { range: fftTables(rangeSize), doppler: fftTables(dopplerBins) };

  let bytes = 0;
  /** Address of so many doubles, on a cache line. */
  function reserve(length: number): number {
    const at = bytes;
    bytes += Math.ceil(length / 8) * 64;
    return at;
  }
  const places = (size: number, { reversed, twiddles }: typeof tables.range) => ({
    window: reserve(size),
    reversed: reserve(reversed.length),
    twiddles: reserve(twiddles.length),
  });
  const range = places(rangeSize, tables.range);
  const doppler = places(dopplerBins, tables.doppler);
  const samples = reserve(4 * rangeSize);
  const transformed = reserve(4 * Math.max(rangeSize, dopplerBins));
  const lagSums = reserve(16);
  const spectrum = reserve(dopplerBins * pairs * rangeBins * 4);
  const re = reserve((rows + 1) * dopplerBins);
  const im = reserve((rows + 1) * dopplerBins);

  const { memory, functions } = wasm.assemble(
    {
      rangeTransform: fftFunction({ size: rangeSize, step: pairBytes, ...range }),
      dopplerTransform: fftFunction({ size: dopplerBins, step: pairs * rangeBins * pairBytes, ...doppler }),
      lags: lagsFunction(dopplerBins, im - re),
    },
    bytes,
  );
  const doubles = (at: number, length: number) => new Float64Array(memory, at, length);
  const fill = (at: typeof range, window: Float64Array, { reversed, twiddles }: typeof tables.range) => {
    doubles(at.window, window.length).set(window);
    doubles(at.twiddles, twiddles.length).set(twiddles);
    new Int32Array(memory, at.reversed, reversed.length).set(reversed);
  };
  fill(range, rangeWindow, tables.range);
  fill(doppler, dopplerWindow, tables.doppler);

  const all = doubles(0, bytes / 8);
  const transformedAt = transformed / 8;
  const row = (number: number) => re + number * dopplerBins * 8;
  return {
    ...shape,
    antennas,
    pairs,
    spectrum: doubles(spectrum, dopplerBins * pairs * rangeBins * 4),
    re: doubles(re, rows * dopplerBins),
    im: doubles(im, rows * dopplerBins),
    kernels: {
      samples: doubles(samples, 4 * rangeSize),
      transformed: doubles(transformed, 4 * Math.max(rangeSize, dopplerBins)),
      lagSums: doubles(lagSums, 16),
      rangeTransform(chirp, pair) {
        functions.rangeTransform(samples, transformed);
        all.copyWithin(
          spectrum / 8 + (chirp * pairs + pair) * rangeBins * 4,
          transformedAt,
          transformedAt + rangeBins * 4,
        );
      },
      dopplerTransform(pair, rangeBin) {
        functions.dopplerTransform(spectrum + (pair * rangeBins + rangeBin) * pairBytes, transformed);
      },
      lags(a0, a1, b0, b1) {
        functions.lags(row(a0), row(a1), row(b0), row(b1), lagSums);
      },
      zeroRow: rows,
    },
  };
}
