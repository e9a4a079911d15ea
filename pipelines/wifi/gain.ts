/** The receiver's automatic gain taken out of the amplitudes.
 *
 *  Each receive antenna has an amplifier of its own, which scales all of its subcarriers alike from packet to packet. */

import type { Layout } from './layout.js';

/**
 * Amplitudes of each receiver to a root mean square of 1, in place: what is left is the channel's shape over transmitters
 * and subcarriers. Needs no word from the device about its gain; the received power is lost with it.
 * @param amplitudes [channels]
 * @returns false where a receiver has no amplitude at all; its part is left as it is
 */
export function normaliseGain(amplitudes: Float32Array, layout: Layout): boolean {
  const n = layout.channels / layout.receivers;
  let whole = true;
  for (let from = 0; from < layout.channels; from += n) {
    let power = 0;
    for (let i = from; i < from + n; i++) power += amplitudes[i]! * amplitudes[i]!;
    if (power > 0) {
      const scale = Math.sqrt(n / power);
      for (let i = from; i < from + n; i++) amplitudes[i]! *= scale;
    } else whole = false;
  }
  return whole;
}
