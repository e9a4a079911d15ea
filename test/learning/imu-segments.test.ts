import t from 'tap';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { rotationMatrix } from '../../learning/augment.js';
import { initialWeights } from '../../learning/initial.js';
import { createRandom } from '../../learning/random.js';
import { graph } from '../../models/graph.js';
import { imuSegments, segmentsHead } from '../../models/towers/imu-segments.js';

void t.test('probabilities add up to 1, and do not depend on how the sensor lies', async (t) => {
  const g = graph();
  const network = { g, weights: initialWeights(createRandom(5)) };
  const window = g.input('window', [2, 128, 6]);
  g.output('logits', segmentsHead(network, 'head', imuSegments(network, window, { asWorn: false }), 2, 5));
  const session = await InferenceSession.create(g.toOnnx({ parametersAs: 'initializers' }), { logSeverityLevel: 3 });
  const random = createRandom(1);
  const turn = rotationMatrix([1, -2, 0.5]);
  const data = new Float32Array(2 * 128 * 6);
  for (let i = 0; i < 128; i++)
    for (const first of [0, 3]) {
      const v = Array.from({ length: 3 }, (_, c) => 3 * random.normal() + (first === 0 && c === 2 ? 9.8 : 0));
      for (let c = 0; c < 3; c++) {
        data[i * 6 + first + c] = v[c]!;
        data[(128 + i) * 6 + first + c] = turn[3 * c]! * v[0]! + turn[3 * c + 1]! * v[1]! + turn[3 * c + 2]! * v[2]!;
      }
    }
  const { logits } = await session.run({ window: new Tensor('float32', data, [2, 128, 6]) });
  const values = [...(logits!.data as Float32Array)];
  const sum = values.slice(0, 5).reduce((all, each) => all + Math.exp(each), 0);
  t.ok(Math.abs(sum - 1) < 1e-3);
  for (let k = 0; k < 5; k++) t.ok(Math.abs(values[k]! - values[5 + k]!) < 1e-4, `class ${k}`);
  t.ok(Math.abs(values[0]! - values[1]!) > 1e-4, 'the classes differ');
  await session.release();
});
