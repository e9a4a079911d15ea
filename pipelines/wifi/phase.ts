/** Phases that can be compared from packet to packet.
 *
 *  Measured phase of subcarrier k:  ∠h_k − 2π k δ/N + β + noise, where δ, the sampling time's offset, and β, the carrier's, are
 *  new in each packet. A straight line over k takes both out, and with them the path's mean delay.
 *  Sen, Radunovic, Choudhury, Minka, 'You are facing the Mona Lisa', MobiSys 2012; Kotaru, Joshi, Bharadia, Katti, 'SpotFi',
 *  SIGCOMM 2015, algorithm 1 (least squares). */

import type { Layout } from './layout.js';

const turn = 2 * Math.PI;

/**
 * Adds turns so that neighbouring subcarriers differ by no more than half a turn, in place.
 * @param phases [channels] radians
 */
export function unwrapPhase(phases: Float32Array | Float64Array, layout: Layout): void {
  const n = layout.kept.length;
  for (let row = 0; row < layout.channels; row += n) {
    let turns = 0;
    let before = phases[row]!;
    for (let i = row + 1; i < row + n; i++) {
      const now = phases[i]!;
      turns -= Math.round((now - before) / turn);
      before = now;
      phases[i] = now + turn * turns;
    }
  }
}

/**
 * Takes the straight line over the subcarriers' numbers that fits best out of each antenna pair's unwrapped phases, in
 * place: with k̄, φ̄ the means,  slope = Σ (k − k̄) φ / Σ (k − k̄)²,   φ ← φ − φ̄ − slope (k − k̄).
 * @param phases [channels] radians, unwrapped
 */
export function removeLinearPhase(phases: Float32Array | Float64Array, layout: Layout): void {
  const { numbers, channels } = layout;
  const n = numbers.length;
  let middle = 0;
  for (let i = 0; i < n; i++) middle += numbers[i]! / n;
  let spread = 0;
  for (let i = 0; i < n; i++) spread += (numbers[i]! - middle) ** 2;
  for (let row = 0; row < channels; row += n) {
    let mean = 0;
    let slope = 0;
    for (let i = 0; i < n; i++) {
      mean += phases[row + i]! / n;
      slope += ((numbers[i]! - middle) * phases[row + i]!) / spread;
    }
    for (let i = 0; i < n; i++) phases[row + i]! -= mean + slope * (numbers[i]! - middle);
  }
}
