/** CSI ratio between two receive antennas of one board.
 *
 *  Offsets of sampling time and carrier, and the transmitter's power, are the same for both and fall out of the quotient:
 *  ratio = h_r / h_reference, complex. Zeng, Wu, Xiong, Yi, Gao, Zhang, 'FarSense', IMWUT 3 (2019). The two amplifiers' gains
 *  do not fall out. */

import type { Layout } from './layout.js';

/**
 * Of each receiver but the reference, to the reference.
 * @param csi [receivers, transmitters, subcarriers, 2]
 * @param reference receiver to divide by
 * @param out [receivers − 1, transmitters, kept subcarriers, 2]; NaN where nothing was heard at the reference
 * @returns how many of the reference's channels were silent: those are not numbers in `out`
 */
export function csiRatio(csi: Float32Array, layout: Layout, reference: number, out: Float32Array): number {
  const { kept, transmitters, receivers } = layout;
  const all = layout.subcarriers.length;
  let silent = 0;
  for (let t = 0; t < transmitters; t++) {
    for (let i = 0; i < kept.length; i++) {
      const below = 2 * ((reference * transmitters + t) * all + kept[i]!);
      const re = csi[below]!;
      const im = csi[below + 1]!;
      const power = re * re + im * im;
      if (!(power > 0)) silent++;
      const scale = power > 0 ? 1 / power : NaN;
      for (let r = 0, to = 0; r < receivers; r++) {
        if (r === reference) continue;
        const above = 2 * ((r * transmitters + t) * all + kept[i]!);
        const at = 2 * ((to * transmitters + t) * kept.length + i);
        out[at] = (csi[above]! * re + csi[above + 1]! * im) * scale;
        out[at + 1] = (csi[above + 1]! * re - csi[above]! * im) * scale;
        to++;
      }
    }
  }
  return silent;
}
