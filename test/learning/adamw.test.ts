import t from 'tap';
import { trainingStep } from '../../learning/adamw.js';
import { createTrainer } from '../../learning/trainer.js';
import type { TrainingState } from '../../learning/trainer.js';
import { graph } from '../../models/graph.js';

/** Loss Σ w · x + Σ b · z: the gradients are what is fed. */
function linear(options: Parameters<typeof trainingStep>[3]) {
  const g = graph({ type: 'float64' });
  const w = g.parameter('w', [1, 2], [1, -2]);
  const b = g.parameter('b', [2], [0.5, 4]);
  const product = g.add(g.mul(w, g.input('x', [1, 2])), g.mul(b, g.input('z', [1, 2])));
  return trainingStep(g, g.reduceSum(product), { product }, options);
}

void t.test('two steps by hand', async (t) => {
  const trainer = await createTrainer(linear({ weightDecay: 0.1 }), { threads: 1 });
  t.teardown(() => trainer.release());
  const feeds = [
    { x: Float64Array.of(0.5, -1), z: Float64Array.of(2, 0.25) },
    { x: Float64Array.of(-1, -1), z: Float64Array.of(0, 1) },
  ];
  const rates = [0.01, 0.02];

  const theta = [1, -2, 0.5, 4];
  const [m, v] = [
    [0, 0, 0, 0],
    [0, 0, 0, 0],
  ];
  for (const [done, { x, z }] of feeds.entries()) {
    const { loss, gradientNorm, outputs } = await trainer.step({ x, z }, rates[done]!);
    const slope = [...x, ...z];
    const expected = slope.reduce((sum, value, i) => sum + value * theta[i]!, 0);
    t.ok(Math.abs(loss - expected) < 1e-12, 'the loss is that of before the update');
    t.ok(Math.abs(gradientNorm - Math.hypot(...slope)) < 1e-12);
    t.equal(outputs['product']!.length, 2);
    for (const [i, value] of slope.entries()) {
      m[i] = 0.9 * m[i]! + 0.1 * value;
      v[i] = 0.999 * v[i]! + 0.001 * value ** 2;
      const [first, second] = [m[i] / (1 - 0.9 ** (done + 1)), v[i] / (1 - 0.999 ** (done + 1))];
      const decay = i < 2 ? 0.1 : 0;
      theta[i] = theta[i]! - rates[done]! * (first / (Math.sqrt(second) + 1e-8) + decay * theta[i]!);
    }
    const now = trainer.state();
    t.equal(now.step, done + 1);
    for (const [got, wanted] of [
      [now.parameters, theta],
      [now.firstMoment, m],
      [now.secondMoment, v],
    ] as const)
      t.ok(
        wanted.every((value, i) => Math.abs(value - got[i]!) < 1e-14),
        `${[...got].join()} is ${wanted.join()}`,
      );
  }
  t.same([...trainer.parameters().keys()], ['w', 'b']);
  t.ok(Math.abs(trainer.parameters().get('b')![1]! - theta[3]!) < 1e-14);
});

void t.test('a first step is the learning rate long, whatever the gradient', async (t) => {
  const trainer = await createTrainer(linear({ weightDecay: 0 }), { threads: 1 });
  t.teardown(() => trainer.release());
  await trainer.step({ x: Float64Array.of(100, -1), z: Float64Array.of(0.01, -3) }, 0.1);
  const wanted = [0.9, -1.9, 0.4, 4.1];
  t.ok(trainer.state().parameters.every((value, i) => Math.abs(value - wanted[i]!) < 1e-6));
});

void t.test('a long gradient is clipped, a short one is left', async (t) => {
  const trainer = await createTrainer(linear({ clipNorm: 1 }), { threads: 1 });
  t.teardown(() => trainer.release());
  const { gradientNorm } = await trainer.step({ x: Float64Array.of(3, 0), z: Float64Array.of(0, 4) }, 0);
  t.equal(gradientNorm, 5);
  const near = (got: ArrayLike<number>, wanted: number[]) =>
    t.ok(
      wanted.every((value, i) => Math.abs(value - got[i]!) < 1e-12),
      `${Array.from(got).join()} is ${wanted.join()}`,
    );
  near(trainer.state().firstMoment, [0.06, 0, 0, 0.08]);
  await trainer.step({ x: Float64Array.of(0.3, 0), z: Float64Array.of(0, 0.4) }, 0);
  near(trainer.state().firstMoment, [0.9 * 0.06 + 0.03, 0, 0, 0.9 * 0.08 + 0.04]);
});

/** Two layers that learn exclusive or. */
function exclusiveOr() {
  const g = graph();
  const start = (length: number, phase: number) => Array.from({ length }, (_, i) => Math.sin(phase + 3 * i));
  const x = g.input('x', [4, 2]);
  const hidden = g.tanh(
    g.add(g.matMul(x, g.parameter('w1', [2, 8], start(16, 1))), g.parameter('b1', [8], start(8, 2))),
  );
  const y = g.add(g.matMul(hidden, g.parameter('w2', [8, 1], start(8, 3))), g.parameter('b2', [1], [0]));
  return trainingStep(g, g.reduceMean(g.pow(g.sub(y, g.input('wanted', [4, 1])), 2)), {}, { weightDecay: 0 });
}
const truth = { x: Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1), wanted: Float32Array.of(0, 1, 1, 0) };

void t.test('it learns, always the same, and goes on from a checkpoint as if never interrupted', async (t) => {
  const train = async (steps: number, from?: TrainingState) => {
    const trainer = await createTrainer(exclusiveOr(), { threads: 1 });
    if (from) trainer.restore(from);
    let loss = NaN;
    for (let i = 0; i < steps; i++) ({ loss } = await trainer.step(truth, 0.05));
    const state = trainer.state();
    await trainer.release();
    return { loss, state };
  };
  const whole = await train(200);
  t.ok(whole.loss < 1e-3, `loss ${whole.loss}`);
  const half = await train(120);
  const resumed = await train(80, half.state);
  t.same(resumed.state, whole.state, 'bit by bit');
});

void t.test('what is wrong is said', async (t) => {
  const trainer = await createTrainer(exclusiveOr(), { threads: 1 });
  t.teardown(() => trainer.release());
  await t.rejects(trainer.step({ x: truth.x }, 0.1), /input 'wanted' needs 4 elements, not none/);
  await t.rejects(trainer.step({ ...truth, x: new Float32Array(3) }, 0.1), /input 'x' needs 8 elements, not 3/);
  const before = trainer.state();
  await t.rejects(
    trainer.step({ ...truth, x: truth.x.map(() => NaN) }, 0.1),
    /step 1 gives loss NaN.*lower learning rate/,
  );
  t.same(trainer.state(), before, 'the state stays as it was');
  t.throws(
    () => trainer.restore({ ...before, parameters: new Float32Array(2) }),
    /2 parameters is not of this network/,
  );
  const g = graph();
  t.throws(() => trainingStep(g, g.reduceSum(g.input('x', [2]))), /no trainable parameter/);
});

void t.test('gradients of the caller, and a share of the update as a moving average', async (t) => {
  const build = (share?: (name: string) => number) => {
    const g = graph({ type: 'float64' });
    const w = g.parameter('w', [1, 2], [1, -2]);
    const b = g.parameter('b', [2], [0.5, 4]);
    const loss = g.reduceSum(g.add(g.mul(w, g.input('x', [1, 2])), b));
    return trainingStep(g, loss, {}, { weightDecay: 0.1, gradient: g.concat([g.constant([2], [3, -4]), b], 0), share });
  };
  const moved = async (share?: (name: string) => number) => {
    const trainer = await createTrainer(build(share), { threads: 1 });
    await trainer.step({ x: Float64Array.of(1, 1) }, 0.1);
    const { parameters, firstMoment } = trainer.state();
    await trainer.release();
    return { parameters: [...parameters], firstMoment: [...firstMoment] };
  };
  const [whole, part] = [await moved(), await moved((name) => (name === 'w' ? 0.25 : 1))];
  const near = (got: number[], wanted: number[]) => wanted.every((value, i) => Math.abs(value - got[i]!) < 1e-12);
  t.ok(near(whole.firstMoment, [0.3, -0.4, 0.05, 0.4]), whole.firstMoment.join());
  const start = [1, -2];
  t.ok(
    near(
      part.parameters.slice(0, 2),
      start.map((value, i) => 0.75 * value + 0.25 * whole.parameters[i]!),
    ),
    part.parameters.join(),
  );
  t.ok(near(part.parameters.slice(2), whole.parameters.slice(2)));
});
