/** Every encoder of pictures, skeletons and points, as a whole: shapes, and gradients against differences. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import t from 'tap';
import type { Test } from 'tap';
import { gradient } from '../../learning/gradient.js';
import { initialWeights } from '../../learning/initial.js';
import { createRandom } from '../../learning/random.js';
import { statisticsOutputs } from '../../learning/train.js';
import { graph } from '../../models/graph.js';
import type { BatchStatistics } from '../../models/layers.js';
import { sizeOf } from '../../models/operators.js';
import { depthEncoder } from '../../models/towers/depth.js';
import { depthPoseEncoder } from '../../models/towers/depth-pose.js';
import { windowShape } from '../../models/towers/encoder.js';
import type { Encoder } from '../../models/towers/encoder.js';
import { lidarEncoder } from '../../models/towers/lidar.js';
import { skeletonEncoder } from '../../models/towers/skeleton.js';
import { bodyParts, boneMatrix, joints, partitions, partMatrix } from '../../models/towers/skeleton-graph.js';
import { videoEncoder } from '../../models/towers/video.js';

const options = { intraOpNumThreads: 1, logSeverityLevel: 3 } as const;
const batch = 2;

/** Like what pipelines give: of the order of 1; a skeleton's last channel says that all joints are seen. */
function window(encoder: Encoder, seed: number): Float32Array {
  const random = createRandom(seed);
  const isSeen = (i: number) => encoder.modality === 'skeleton' && i % 4 === 3;
  return Float32Array.from({ length: batch * sizeOf(windowShape(encoder)) }, (_, i) =>
    isSeen(i) ? 1 : 0.5 * random.normal(),
  );
}

/** Relative error of some weights' slopes along their own gradients, by central differences; and the number of weights. */
async function check(t: Test, encoder: Encoder) {
  const g = graph();
  const random = createRandom(5);
  const network = { g, weights: initialWeights(random) };
  const statistics: BatchStatistics[] = [];
  const input = g.input('window', [batch, ...windowShape(encoder)]);
  const embedding = encoder.embed(network, input, statistics);
  t.same(embedding.shape, [batch, encoder.width], `${encoder.name}: one embedding a window`);
  const directions = Array.from({ length: sizeOf(embedding.shape) }, () => random.normal());
  const loss = g.reduceSum(g.mul(embedding, g.constant(embedding.shape, directions)));
  const slopes = gradient(g, loss);
  g.output('loss', loss);
  slopes.forEach((value, i) => g.output(`slope:${i}`, value));
  for (const [name, value] of Object.entries(statisticsOutputs(statistics))) g.output(name, value);
  const session = await InferenceSession.create(g.toOnnx({ parametersAs: 'inputs' }), options);

  const trainable = g.parameters.filter((parameter) => parameter.trainable);
  // What begins at nothing hides what lies behind it.
  const values = trainable.map(({ data }) => Float32Array.from(data, (value) => value + 0.05 * random.normal()));
  const data = window(encoder, 1);
  const run = async (outputs: string[]) => {
    const feeds = trainable.map(
      ({ value }, i) => [value.name, new Tensor('float32', values[i]!, value.shape)] as const,
    );
    const all = { ...Object.fromEntries(feeds), window: new Tensor('float32', data, [batch, ...windowShape(encoder)]) };
    return session.run(all, outputs);
  };
  const lossNow = async () => Number((await run(['loss']))['loss']!.data[0]);
  const found = await run(slopes.map((_, i) => `slope:${i}`));

  const errors: { name: string; error: number }[] = [];
  const every = Math.ceil(trainable.length / 25);
  for (const [i, { value }] of trainable.entries()) {
    if (i % every !== 0) continue;
    const slope = found[`slope:${i}`]!.data as Float32Array;
    const length = Math.sqrt(slope.reduce((sum, value) => sum + value * value, 0));
    // A weight before a normalisation that undoes it has no slope but rounding.
    if (length < 1e-2) continue;
    const centre = values[i]!;
    const step = 2e-3 / Math.max(1, length / 50);
    const at = async (steps: number) => {
      values[i] = centre.map((weight, j) => weight + (steps * step * slope[j]!) / length);
      return lossNow();
    };
    const difference = ((await at(1)) - (await at(-1))) / (2 * step);
    values[i] = centre;
    errors.push({ name: value.name, error: Math.abs(difference - length) / length });
  }
  await session.release();
  const parameters = trainable.reduce((sum, { data: weights }) => sum + weights.length, 0);
  return { errors, parameters };
}

for (const encoder of [skeletonEncoder, depthEncoder, depthPoseEncoder, videoEncoder, lidarEncoder])
  void t.test(`${encoder.name}: the gradient of weights in every part agrees with differences`, async (t) => {
    const { errors, parameters } = await check(t, encoder);
    t.ok(errors.length > 8, `${errors.length} weights checked`);
    // Steps across the corners of ReLU and maximum leave some error.
    const wrong = errors.filter(({ error }) => !(error < 0.1));
    t.same(wrong, [], 'none differs');
    const typical = errors.map(({ error }) => error).sort((a, b) => a - b)[errors.length >> 1]!;
    t.ok(typical < 0.01, `typical error ${typical}`);
    t.ok(parameters < 1e6, `${parameters} parameters`);
  });

void t.test('the graph of the body', (t) => {
  const at = (matrix: Float32Array, from: number, to: number) => matrix[from * joints + to];
  const [itself, nearer, further] = partitions() as [Float32Array, Float32Array, Float32Array];
  for (let joint = 0; joint < joints; joint++) {
    let sum = 0;
    for (let from = 0; from < joints; from++)
      sum += at(itself, from, joint)! + at(nearer, from, joint)! + at(further, from, joint)!;
    t.ok(Math.abs(sum - 1) < 1e-6, `what joint ${joint} gathers adds up to 1`);
  }
  t.same(
    [...bodyParts.flat()].sort((a, b) => a - b),
    [...Array(joints).keys()],
    'every joint is in one part',
  );
  t.equal(at(boneMatrix(), 7, 7), 1);
  t.equal(at(boneMatrix(), 6, 7), -1, 'the left hand hangs on the left wrist');
  t.equal(at(boneMatrix(), 2, 2), 0, 'the spine on nothing');
  t.equal(partMatrix()[4 * bodyParts.length], 0.25);
  t.end();
});
