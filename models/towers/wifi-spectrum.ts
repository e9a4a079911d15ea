/** How fast each link's amplitudes swing: the short-time spectrum of what moves, which hangs on the speed of the body and not on its place. */
import type { Value } from '../graph.js';
import type { Network } from '../layers.js';

/** Samples of one spectrum, about a second. */
const length = 32;
/** Samples from one spectrum to the next one. */
export const spectrumHop = 8;
/** Bins of `rate / length` Hz: the mean is left out, and so is what no body does. */
const [first, last] = [1, 12];
export const spectrumBins = last - first + 1;

/** Rows of cosines, then of sines, under a Hann window, in units of amplitude: [2 · bins, 1, length]. */
function kernels(): number[] {
  const bins = Array.from({ length: spectrumBins }, (_, i) => first + i);
  const row = (wave: (angle: number) => number, bin: number) =>
    Array.from({ length }, (_, i) => {
      const hann = 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / length);
      return (2 / length) * hann * wave((2 * Math.PI * bin * i) / length);
    });
  return [...bins.map((bin) => row(Math.cos, bin)), ...bins.map((bin) => row(Math.sin, bin))].flat();
}

/** Power under which a bin counts as silent. */
const floor = 1e-4;

/**
 * Logarithm of the power, mean over a link's subcarriers; its zero and unit are such that the numbers are of the order of 1.
 * @param moving [batch, samples, links, subcarriers], of deviation 1; `samples` a multiple of the hop
 * @returns [batch, links · bins, samples / hop]
 */
export function movementSpectrum({ g }: Network, moving: Value): Value {
  const [batch, samples, links, subcarriers] = moving.shape as [number, number, number, number];
  const channels = g.reshape(g.transpose(moving, [0, 2, 3, 1]), [batch * links * subcarriers, 1, samples]);
  const margin = (length - spectrumHop) / 2;
  const waves = g.constant([2 * spectrumBins, 1, length], kernels());
  const parts = g.conv(channels, waves, undefined, { strides: [spectrumHop], pads: [margin, margin] });
  const [cosines, sines] = g.split(g.mul(parts, parts), [spectrumBins, spectrumBins], 1) as [Value, Value];
  const steps = samples / spectrumHop;
  const power = g.reshape(g.add(cosines, sines), [batch, links, subcarriers, spectrumBins, steps]);
  const logarithm = g.log(g.add(g.reduceMean(power, [2]), floor));
  return g.reshape(g.mul(g.add(logarithm, 5), 0.5), [batch, links * spectrumBins, steps]);
}
