/** Augmentation of Wi-Fi amplitudes: the same movement at another pace, nearer or farther, with other antennas, on a band moved aside. */
import type { Random } from './random.js';

export interface CsiAugmentation {
  /** Speed factor e^±warp, uniform in its logarithm. */
  readonly warp: number;
  /** Standard deviation of white noise, of relative amplitude. */
  readonly noise: number;
  /** Standard deviation of the logarithm of each link's own factor on what moves. */
  readonly gain: number;
  /** Share of windows of which a link is silent. */
  readonly linkLoss: number;
  /** Share of windows of which the links are exchanged at random. */
  readonly exchange: number;
  /** Most places by which the band is moved, either way. */
  readonly shift: number;
}

/**
 * Writes one augmented window. A recording shorter than the window is held at its ends.
 * @param recording [count, links, subcarriers]
 * @param out [samples, links, subcarriers]
 */
export function augmentedCsi(
  recording: Float32Array,
  links: number,
  subcarriers: number,
  { warp, noise, gain, linkLoss, exchange, shift }: CsiAugmentation,
  random: Random,
  out: Float32Array,
): void {
  const width = links * subcarriers;
  const count = recording.length / width;
  const samples = out.length / width;
  const between = (low: number, high: number) => low + (high - low) * random.uniform();
  const speed = Math.exp(between(-warp, warp));
  const slack = count - 1 - (samples - 1) * speed;
  const begin = slack > 0 ? between(0, slack) : between(slack, 0);
  const order =
    random.uniform() < exchange ? random.permutation(links) : Uint32Array.from({ length: links }, (_, i) => i);
  const silent = random.uniform() < linkLoss ? random.integer(links) : -1;
  const factors = Array.from({ length: links }, () => Math.exp(gain * random.normal()));
  const moved = random.integer(2 * shift + 1) - shift;

  for (let i = 0; i < samples; i++) {
    const at = Math.min(Math.max(begin + i * speed, 0), count - 1);
    const left = Math.min(Math.floor(at), Math.max(count - 2, 0));
    const part = Math.min(at - left, 1);
    const right = Math.min(left + 1, count - 1);
    for (let link = 0; link < links; link++) {
      const from = order[link]! * subcarriers;
      const to = i * width + link * subcarriers;
      if (link === silent) {
        out.fill(0, to, to + subcarriers);
        continue;
      }
      for (let s = 0; s < subcarriers; s++) {
        const place = from + Math.min(Math.max(s + moved, 0), subcarriers - 1);
        const value = (1 - part) * recording[left * width + place]! + part * recording[right * width + place]!;
        out[to + s] = factors[link]! * value + noise * random.normal();
      }
    }
  }
}
