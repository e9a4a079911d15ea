/** Window functions, periodic (n / N, not n / (N − 1)), as an FFT wants them.
 *
 *                  sidelobe   −6 dB width   formula over x = 2π n / N
 *    rectangular    −13 dB     1.21 bins    1
 *    hamming        −43 dB     1.81 bins    0.54 − 0.46 cos x
 *    hann           −32 dB     2.00 bins    0.5 − 0.5 cos x
 *    blackman       −58 dB     2.35 bins    0.42 − 0.5 cos x + 0.08 cos 2x
 *
 *  Two equal targets nearer to each other than the −6 dB width are one peak.
 *  F. J. Harris, On the use of windows for harmonic analysis with the discrete Fourier transform, Proc. IEEE 66 (1978),
 *  table I. */

export const windowNames = ['rectangular', 'hann', 'hamming', 'blackman'] as const;
export type WindowName = (typeof windowNames)[number];

const coefficients: Record<WindowName, readonly [number, number, number]> = {
  rectangular: [1, 0, 0],
  hann: [0.5, 0.5, 0],
  hamming: [0.54, 0.46, 0],
  blackman: [0.42, 0.5, 0.08],
};

/** [length] */
export function windowFunction(name: WindowName, length: number): Float64Array {
  const [a0, a1, a2] = coefficients[name];
  return Float64Array.from({ length }, (_, n) => {
    const x = (2 * Math.PI * n) / length;
    return a0 - a1 * Math.cos(x) + a2 * Math.cos(2 * x);
  });
}
