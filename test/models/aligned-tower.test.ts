import { InferenceSession, Tensor } from 'onnxruntime-node';
import t from 'tap';
import { align } from '../../learning/align.js';
import { embed } from '../../learning/embed.js';
import { alignedEncoder, alignedTower } from '../../models/aligned-tower.js';
import { graph } from '../../models/graph.js';
import { ModelError } from '../../models/manifest.js';
import { encodeOnnx } from '../../models/onnx.js';
import { sha256 } from '../../models/store.js';
import { openTower } from '../../models/tower-session.js';
import { generated } from '../learning/generated-recordings.js';
import { model, tower } from './towers.js';

const window = { rate: 50, samples: 2, hop: 1, channels: ['x', 'y', 'z'] };
const width = 4;
/** Its names are those that the tail's graph has too. */
const encoder = model([2, 3], (g, x) => {
  const w = g.parameter(
    'concept.imu.0.weight',
    [6, width],
    Array.from({ length: 24 }, (_, i) => Math.sin(i)),
  );
  return g.relu(g.gemm(g.reshape(x, [1, 6]), w));
});
const ownHead = model([width], (g, x) => g.slice(x, 1, 0, 2));
const given = tower({ window, embedding: { width, space: 'test' } }, { encoder, head: ownHead });

const { outputs } = generated(40, { imu: width, other: 3 });
const { trunk } = await align([{ count: 40, outputs }], { seed: 1, epochs: 2, batch: 8, width: 6, hidden: 5 });
const head = {
  file: model([6], (g, x) => g.slice(x, 1, 0, 2)),
  classes: ['left', 'right'],
  temperatures: new Map([['imu', 2]]),
};
const options = { name: 'imu', head, trainedOn: given.manifest.trainedOn, figures: {}, seed: 1, gatewayVersion: '0' };

void t.test('encoder and tail in one file give what the encoder and then the trunk give', async (t) => {
  const tower = alignedTower(given, trunk, options);
  t.equal(tower.manifest.embedding.width, 6);
  t.match(tower.manifest.embedding.space, /^babel-[0-9a-f]{12}$/);
  const [plain, aligned] = [await openTower(given, 'cpu', 1), await openTower(tower, 'cpu', 1)];
  t.teardown(() => Promise.all([plain.release(), aligned.release()]));
  const windows = Float32Array.from({ length: 18 }, (_, i) => Math.cos(3 * i));
  const expected = await embed(trunk, 'imu', (await plain.run(windows, 3)).embedding);
  const { embedding } = await aligned.run(windows, 3);
  for (const [i, value] of expected.entries()) t.ok(Math.abs(value - embedding[i]!) < 1e-5, `${i}`);
});

void t.test('an aligned tower can be aligned once more: its names are not in the way', async (t) => {
  const once = alignedTower(given, trunk, options);
  const outputs = generated(20, { imu: 6, other: 3 }).outputs;
  const again = await align([{ count: 20, outputs }], { seed: 1, epochs: 1, batch: 8, width: 6, hidden: 5 });
  const twice = await openTower(alignedTower(once, again.trunk, options), 'cpu', 1);
  t.teardown(() => twice.release());
  t.equal((await twice.run(new Float32Array(6).fill(1), 1)).embedding.length, 6);
});

void t.test('an encoder of any number of windows stays one', async (t) => {
  const open = encodeOnnx({
    name: 'open',
    inputs: [{ name: 'x', type: 'float32', shape: ['N', width] }],
    outputs: [{ name: 'y', type: 'float32', shape: ['N', width] }],
    initializers: [],
    nodes: [{ op: 'Relu', inputs: ['x'], outputs: ['y'], attributes: {} }],
  });
  const flat = tower({
    window: { ...window, samples: 1, channels: ['a', 'b', 'c', 'd'] },
    embedding: { width, space: 's' },
  });
  const session = await InferenceSession.create(alignedEncoder({ ...flat, encoder: open }, trunk, 'imu'));
  t.teardown(() => session.release());
  const x = new Tensor('float32', new Float32Array(3 * width).fill(0.5), [3, width]);
  const result = await session.run({ x });
  t.strictSame(result[session.outputNames[0]!]!.dims, [3, 6]);
});

void t.test('what no tail can be put behind is refused, and told', (t) => {
  const joined = (bytes: Uint8Array) => () => alignedEncoder({ ...given, encoder: bytes }, trunk, 'imu');
  const refused = (bytes: Uint8Array, message: RegExp) => t.throws(joined(bytes), { name: ModelError.name, message });
  refused(new Uint8Array(), /no whole ONNX/);
  refused(
    Uint8Array.from({ length: 300 }, (_, i) => (i * 7919) % 256),
    /no whole ONNX/,
  );
  refused(encoder.subarray(0, encoder.length >> 1), /no whole ONNX/);
  const g = graph();
  const x = g.input('x', [1, 6]);
  g.output('y', x);
  g.output('z', g.relu(x));
  refused(g.toOnnx({ parametersAs: 'initializers' }), /one tensor in and one out/);
  // OperatorSet { version: 20 } as `encodeOnnx` writes it.
  const old = Buffer.from(encoder);
  old[old.lastIndexOf(Buffer.from([0x10, 20])) + 1] = 12;
  refused(old, /operator set 13 or later/);
  const narrow = tower({ window, embedding: { width: 3, space: 'test' } }, { encoder });
  t.throws(() => alignedEncoder(narrow, trunk, 'imu'), /aligned with another encoder of imu: it gives 4 numbers/);
  t.throws(() => alignedEncoder(given, trunk, 'lidar'), /not in the trunk/);
  t.equal(sha256(encoder), given.manifest.files.encoder.sha256, 'what was given is as it was');
  t.end();
});
