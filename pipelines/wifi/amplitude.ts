/** Amplitude and phase of the kept subcarriers.
 *
 *  Arrays of one packet are [receivers, transmitters, kept subcarriers] throughout `pipelines/wifi`; `channels` is their length. */

import type { Layout } from './layout.js';

/**
 * |h| of each channel, in the units of the csi. Math.hypot guards against overflows that float32 csi cannot cause, at ten
 * times the cost.
 * @param csi [receivers, transmitters, subcarriers, 2] real and imaginary part
 * @param out [channels]
 */
export function amplitude(csi: Float32Array, layout: Layout, out: Float32Array): void {
  const { kept, subcarriers } = layout;
  const all = subcarriers.length;
  const n = kept.length;
  for (let row = 0, to = 0; to < layout.channels; row += all) {
    for (let i = 0; i < n; i++, to++) {
      const at = 2 * (row + kept[i]!);
      const re = csi[at]!;
      const im = csi[at + 1]!;
      out[to] = Math.sqrt(re * re + im * im);
    }
  }
}

/**
 * arg h of each channel, radians in [−π, π].
 * @param csi [receivers, transmitters, subcarriers, 2]
 * @param out [channels]
 */
export function phase(csi: Float32Array, layout: Layout, out: Float32Array | Float64Array): void {
  const { kept, subcarriers } = layout;
  const all = subcarriers.length;
  const n = kept.length;
  for (let row = 0, to = 0; to < layout.channels; row += all) {
    for (let i = 0; i < n; i++, to++) {
      const at = 2 * (row + kept[i]!);
      out[to] = Math.atan2(csi[at + 1]!, csi[at]!);
    }
  }
}
