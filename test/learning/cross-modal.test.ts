import { InferenceSession, Tensor } from 'onnxruntime-node';
import t from 'tap';
import { crossModalRecipe, trainCrossModal } from '../../learning/cross-modal.js';
import type { Branch } from '../../learning/cross-modal.js';
import { exportProjected } from '../../learning/pretrain-paired.js';
import { createRandom } from '../../learning/random.js';
import { linear } from '../../models/layers.js';
import type { Encoder } from '../../models/towers/encoder.js';

/** What two sensors saw of one moment: the same five numbers, each through a mixing of its own, and the sensor's own noise. */
interface Moment {
  readonly hidden: Float32Array;
  readonly person: number;
}

const size = 12;
const encoder: Encoder = {
  name: 'test',
  title: 'test',
  modality: 'imu',
  window: { rate: 1, samples: 3, hop: 1, instant: [4], channels: ['a', 'b', 'c', 'd'] },
  width: 16,
  embed(network, window) {
    const x = network.g.reshape(window, [window.shape[0]!, size]);
    return network.g.relu(linear(network, 'layer', x, 16));
  },
};

function sensor(name: string, views: number): Branch<Moment> {
  const random = createRandom(name.length);
  const mixing = Array.from({ length: size * 5 }, () => random.normal());
  return {
    name,
    encoder,
    views,
    augment: ({ hidden }, _, noise, out) => {
      for (let i = 0; i < size; i++)
        out[i] = hidden.reduce((sum, value, k) => sum + value * mixing[i * 5 + k]!, 0) + 0.3 * noise.normal();
    },
  };
}

function moments(count: number, seed: number): Moment[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, k) => ({
    hidden: Float32Array.from({ length: 5 }, () => random.normal()),
    person: k % 2,
  }));
}

const recipe = { ...crossModalRecipe, batch: 32, hidden: 32, projected: 16, softness: 0.1 };
const options = {
  seed: 1,
  threads: 1,
  epochs: 60,
  dataset: 'moments',
  recipe,
  groupOf: ({ person }: Moment) => person,
  drawTiming: () => ({ begin: 0, speed: 1, sway: 0, phase: 0 }),
};

void t.test('what two sensors saw of one moment finds each other among moments that were not trained on', async (t) => {
  const branches = [sensor('first', 1), sensor('second', 2)];
  const weights = await trainCrossModal(branches, moments(256, 2), options);
  const fresh = moments(40, 3);
  const embedded = await Promise.all(
    branches.map(async ({ name, augment }) => {
      const session = await InferenceSession.create(exportProjected(encoder, weights.get(name)!, recipe));
      const random = createRandom(9);
      const all: Float32Array[] = [];
      for (const moment of fresh) {
        const window = new Float32Array(size);
        augment(moment, options.drawTiming(), random, window);
        const { embedding } = await session.run({ window: new Tensor('float32', window, [1, 3, 4]) });
        all.push(embedding!.data as Float32Array);
      }
      return all;
    }),
  );
  const [first, second] = embedded as [Float32Array[], Float32Array[]];
  t.ok(
    first.every((z) => Math.abs(Math.hypot(...z) - 1) < 1e-3),
    'each is of length 1',
  );
  const found = first.filter((z, i) => {
    const similar = second.map((other) => other.reduce((sum, value, k) => sum + value * z[k]!, 0));
    return similar.indexOf(Math.max(...similar)) === i;
  });
  t.ok(found.length >= 30, `${found.length} of ${fresh.length}; chance is 1`);
});

void t.test('one sensor alone needs two views', async (t) => {
  await t.rejects(trainCrossModal([sensor('first', 1)], moments(64, 2), options), /one branch alone needs two views/);
  const losses: number[] = [];
  const progress = { ...options, epochs: 20, onProgress: ({ loss }: { loss: number }) => losses.push(loss) };
  const weights = await trainCrossModal([sensor('first', 2)], moments(64, 2), progress);
  t.ok(losses.at(-1)! < 0.7 * losses[0]!, `${losses[0]} → ${losses.at(-1)}`);
  t.same([...weights.keys()], ['first']);
  t.ok(weights.get('first')!.has('layer.weight'));
});
