/** The encoders of radar and Wi-Fi as a whole: gradients against differences, and what they must not depend on. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import t from 'tap';
import { gradient } from '../../learning/gradient.js';
import { initialWeights } from '../../learning/initial.js';
import { createRandom } from '../../learning/random.js';
import { statisticsOutputs } from '../../learning/train.js';
import { graph } from '../../models/graph.js';
import type { BatchStatistics } from '../../models/layers.js';
import { sizeOf } from '../../models/operators.js';
import { gatedRecurrent } from '../../models/recurrent.js';
import { windowShape } from '../../models/towers/encoder.js';
import type { Encoder } from '../../models/towers/encoder.js';
import { mmwaveHeatmapsEncoder } from '../../models/towers/mmwave-heatmaps.js';
import { mmwavePointsEncoder } from '../../models/towers/mmwave-points.js';
import { wifiGruEncoder } from '../../models/towers/wifi-gru.js';
import { wifiVitEncoder } from '../../models/towers/wifi-vit.js';

const options = { intraOpNumThreads: 1, logSeverityLevel: 3 } as const;
const points = mmwavePointsEncoder.window.instant[0]!;
const pointChannels = mmwavePointsEncoder.window.instant[1]!;

/** Like what pipelines give; of points, two in three are there. */
function windows(encoder: Encoder, batch: number, seed: number): Float32Array {
  const random = createRandom(seed);
  const data = Float32Array.from({ length: batch * sizeOf(windowShape(encoder)) }, () => 0.5 * random.normal());
  if (encoder !== mmwavePointsEncoder) return data;
  for (let at = 0, i = 0; at < data.length; at += pointChannels, i++) {
    if (i % 3 === 2) data.fill(0, at, at + pointChannels);
    else data.set([2 + data[at + 1]!, 0.05, 1], at + 1 + 4);
    if (i % 3 !== 2) data[at + 1]! += 2;
  }
  return data;
}

/** Relative errors of weights' slopes along their own gradients, by central differences; and the number of weights. */
async function slopes(encoder: Encoder, batch: number) {
  const g = graph();
  const random = createRandom(5);
  const statistics: BatchStatistics[] = [];
  const input = g.input('window', [batch, ...windowShape(encoder)]);
  const embedding = encoder.embed({ g, weights: initialWeights(random) }, input, statistics);
  const directions = Array.from({ length: sizeOf(embedding.shape) }, () => random.normal());
  const loss = g.reduceSum(g.mul(embedding, g.constant(embedding.shape, directions)));
  g.output('loss', loss);
  gradient(g, loss).forEach((value, i) => g.output(`slope:${i}`, value));
  for (const [name, value] of Object.entries(statisticsOutputs(statistics))) g.output(name, value);
  const session = await InferenceSession.create(g.toOnnx({ parametersAs: 'inputs' }), options);
  const trainable = g.parameters.filter((parameter) => parameter.trainable);
  // What begins at nothing hides what lies behind it.
  const values = trainable.map(({ data }) => Float32Array.from(data, (value) => value + 0.05 * random.normal()));
  const data = new Tensor('float32', windows(encoder, batch, 1), [batch, ...windowShape(encoder)]);
  const run = (outputs: string[]) => {
    const feeds = trainable.map(({ value }, i) => [value.name, new Tensor('float32', values[i]!, value.shape)]);
    return session.run({ ...(Object.fromEntries(feeds) as Record<string, Tensor>), window: data }, outputs);
  };
  const lossNow = async () => Number((await run(['loss']))['loss']!.data[0]);

  const every = Math.ceil(trainable.length / 16);
  const chosen = [...trainable.keys()].filter((i) => i % every === 0);
  const found = await run(chosen.map((i) => `slope:${i}`));
  const errors: { name: string; error: number }[] = [];
  for (const i of chosen) {
    const slope = found[`slope:${i}`]!.data as Float32Array;
    const length = Math.sqrt(slope.reduce((sum, value) => sum + value * value, 0));
    // A bias before a normalisation has no slope but rounding.
    if (length < 1e-2) continue;
    const centre = values[i]!;
    const step = 2e-3 / Math.max(1, length / 50);
    const at = (steps: number) => {
      values[i] = centre.map((weight, j) => weight + (steps * step * slope[j]!) / length);
      return lossNow();
    };
    const difference = ((await at(1)) - (await at(-1))) / (2 * step);
    values[i] = centre;
    errors.push({ name: trainable[i]!.value.name, error: Math.abs(difference - length) / length });
  }
  await session.release();
  const parameters = trainable.reduce((sum, { data: weights }) => sum + weights.length, 0);
  return { errors, parameters };
}

for (const [encoder, batch] of [
  [mmwavePointsEncoder, 2],
  [mmwaveHeatmapsEncoder, 1],
  [wifiGruEncoder, 2],
  [wifiVitEncoder, 2],
] as const)
  void t.test(`${encoder.name}: the gradient of weights in every part agrees with differences`, async (t) => {
    const { errors, parameters } = await slopes(encoder, batch);
    t.ok(errors.length >= 8, `${errors.length} weights checked`);
    // Steps across the corners of ReLU and maximum leave some error.
    t.same(
      errors.filter(({ error }) => !(error < 0.1)),
      [],
      'none differs',
    );
    const typical = errors.map(({ error }) => error).sort((a, b) => a - b)[errors.length >> 1]!;
    t.ok(typical < 0.01, `typical error ${typical}`);
    t.ok(parameters < 0.7e6, `${parameters} parameters`);
  });

/** Embeddings of single windows by a network with random weights, as it runs after training. */
async function embedder(encoder: Encoder) {
  const g = graph();
  const random = createRandom(9);
  const first = initialWeights(random);
  // Branches that begin at nothing would be left out.
  const weights: typeof first = (name, shape, initial) =>
    first(name, shape, 'fill' in initial && initial.fill === 0 ? { deviation: 0.1 } : initial);
  const input = g.input('window', [1, ...windowShape(encoder)]);
  g.output('embedding', encoder.embed({ g, weights }, input));
  const session = await InferenceSession.create(g.toOnnx({ parametersAs: 'initializers' }), options);
  return async (data: Float32Array) => {
    const results = await session.run({ window: new Tensor('float32', data, [1, ...windowShape(encoder)]) });
    return results['embedding']!.data as Float32Array;
  };
}

function distance(a: Float32Array, b: Float32Array): number {
  let difference = 0;
  let length = 0;
  for (const [i, value] of a.entries()) {
    difference += (value - b[i]!) ** 2;
    length += value ** 2;
  }
  return Math.sqrt(difference / length);
}

void t.test('points are a set: neither their order nor rows without a point matter; their places do', async (t) => {
  const embed = await embedder(mmwavePointsEncoder);
  const data = windows(mmwavePointsEncoder, 1, 3);
  const whole = await embed(data);
  const random = createRandom(4);
  const exchanged = new Float32Array(data.length);
  for (let from = 0; from < data.length; from += points * pointChannels)
    for (const [to, row] of random.permutation(points).entries())
      exchanged.set(
        data.subarray(from + row * pointChannels, from + (row + 1) * pointChannels),
        from + to * pointChannels,
      );
  t.ok(distance(whole, await embed(exchanged)) < 1e-4, 'order');
  const higher = data.map((value, i) => (i % pointChannels === 2 ? value + 0.3 : value));
  for (let at = 0; at < data.length; at += pointChannels)
    if (data[at + 7] === 0) higher.fill(0, at, at + pointChannels);
  t.ok(distance(whole, await embed(higher)) > 1e-3, 'height');
  const none = await embed(new Float32Array(data.length));
  t.ok(none.every(Number.isFinite), 'a window without a point gives numbers');
});

void t.test('Wi-Fi: the room and the strength do not matter, and to the ViT the order of the antennas', async (t) => {
  const [samples, links, subcarriers] = windowShape(wifiGruEncoder) as [number, number, number];
  const width = links * subcarriers;
  const data = windows(wifiGruEncoder, 1, 6);
  const room = Float32Array.from({ length: width }, (_, i) => 1 + 0.5 * Math.sin(i));
  const elsewhere = data.map((value, i) => 3 * value + room[i % width]!);
  const turned = data.map((_, i) => {
    const [sample, place] = [Math.floor(i / width), i % width];
    return data[sample * width + ((place + subcarriers) % width)]!;
  });
  t.equal(data.length, samples * width);
  for (const encoder of [wifiGruEncoder, wifiVitEncoder]) {
    const embed = await embedder(encoder);
    const whole = await embed(data);
    t.ok(distance(whole, await embed(elsewhere)) < 1e-3, `${encoder.name}: another room, three times as strong`);
    const change = distance(whole, await embed(turned));
    if (encoder === wifiVitEncoder) t.ok(change < 1e-3, `${encoder.name}: other sockets change ${change}`);
    else t.ok(change > 1e-3, `${encoder.name}: it knows its antennas (${change})`);
    t.ok((await embed(data.map(() => 1))).every(Number.isFinite), 'a constant window gives numbers');
  }
});

void t.test('the recurrent layer is what its formula says', async (t) => {
  const [steps, inputs, width] = [3, 2, 2];
  const random = createRandom(2);
  const kept = new Map<string, number[]>();
  const g = graph({ type: 'float32' });
  const x = g.input('x', [1, steps, inputs]);
  const weights = (name: string, shape: readonly number[]) => {
    const values = Array.from({ length: sizeOf(shape) }, () => random.normal());
    kept.set(name, values);
    return values;
  };
  g.output('forward', gatedRecurrent({ g, weights }, 'a', x, width));
  g.output('backward', gatedRecurrent({ g, weights }, 'b', x, width, true));
  const data = Float32Array.from({ length: steps * inputs }, () => random.normal());
  const session = await InferenceSession.create(g.toOnnx({ parametersAs: 'initializers' }), options);
  const results = await session.run({ x: new Tensor('float32', data, [1, steps, inputs]) });
  await session.release();

  const sigmoid = (value: number) => 1 / (1 + Math.exp(-value));
  for (const [name, output, backward] of [
    ['a', 'forward', false],
    ['b', 'backward', true],
  ] as const) {
    const [w, wb, u, ub] = ['in.weight', 'in.bias', 'state.weight', 'state.bias'].map((part) => kept.get(`${name}.${part}`)!); // prettier-ignore
    let h = [0, 0];
    for (let i = 0; i < steps; i++) {
      const step = backward ? steps - 1 - i : i;
      const given = [...data.subarray(step * inputs, (step + 1) * inputs)];
      const product = (from: number[], matrix: number[], column: number) =>
        from.reduce((sum, value, row) => sum + value * matrix[row * 3 * width + column]!, 0);
      const [before] = [h];
      h = before.map((_, k) => {
        const part = (gate: number) => {
          const column = gate * width + k;
          return [product(given, w!, column) + wb![column]!, product(before, u!, column) + ub![column]!] as const;
        };
        const [[xr, hr], [xu, hu], [xn, hn]] = [part(0), part(1), part(2)];
        const update = sigmoid(xu + hu);
        return (1 - update) * Math.tanh(xn + sigmoid(xr + hr) * hn) + update * before[k]!;
      });
      const found = (results[output]!.data as Float32Array).subarray(step * width, (step + 1) * width);
      for (const [k, value] of h.entries()) t.ok(Math.abs(value - found[k]!) < 1e-5, `${output}, step ${step}`);
    }
  }
});
