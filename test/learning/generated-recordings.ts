/**
 * Vectors drawn from a seed that serve tests of the alignment algorithm; they stand for no sensor. A recording is a latent vector; each
 * "modality" sees it through a random layer of its own, with noise.
 */
import { createRandom } from '../../learning/random.js';

const latent = 12;

export interface Generated {
  readonly labels: Int32Array;
  readonly outputs: Readonly<Record<string, Float32Array>>;
}

/** @param widths width of each modality's outputs; the same name gives the same random layer */
export function generated(
  count: number,
  widths: Readonly<Record<string, number>>,
  { seed = 1, classes = 8, noise = 0.1 } = {},
): Generated {
  const random = createRandom(seed);
  const centres = createRandom(99);
  const means = Array.from({ length: classes * latent }, () => 1.5 * centres.normal());
  const labels = Int32Array.from({ length: count }, (_, i) => i % classes);
  const z = Float32Array.from(
    { length: count * latent },
    (_, i) => means[labels[Math.floor(i / latent)]! * latent + (i % latent)]! + random.normal(),
  );
  const outputs = Object.fromEntries(
    Object.entries(widths).map(([name, width]) => {
      const layer = createRandom(Buffer.from(name).reduce((sum, letter) => 31 * sum + letter, 7));
      const w = Float32Array.from({ length: latent * width }, () => layer.normal() / Math.sqrt(latent));
      const data = new Float32Array(count * width);
      for (let i = 0; i < count; i++)
        for (let j = 0; j < width; j++) {
          let sum = 0;
          for (let k = 0; k < latent; k++) sum += z[i * latent + k]! * w[k * width + j]!;
          data[i * width + j] = 3 + 5 * Math.tanh(sum) + noise * random.normal();
        }
      return [name, data];
    }),
  );
  return { labels, outputs };
}
