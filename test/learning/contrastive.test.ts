import t from 'tap';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { alignmentStep } from '../../learning/align-step.js';
import type { AlignmentStepOptions, StepSet } from '../../learning/align-step.js';
import { adaptiveWeights, contrastiveLosses, countedPairs, lowestTemperature } from '../../learning/contrastive.js';
import { initialWeights } from '../../learning/imu-tower.js';
import { createRandom } from '../../learning/random.js';
import { createTrainer } from '../../learning/trainer.js';
import { graph } from '../../models/graph.js';

const session = { executionProviders: ['cpu'], intraOpNumThreads: 1, logSeverityLevel: 3 } as const;

/** Rows of length 1. */
function unitRows(rows: number, width: number, seed: number): Float64Array {
  const random = createRandom(seed);
  const data = Float64Array.from({ length: rows * width }, () => random.normal());
  for (let i = 0; i < rows; i++) {
    const row = data.subarray(i * width, (i + 1) * width);
    const length = Math.hypot(...row);
    for (let k = 0; k < width; k++) row[k]! /= length;
  }
  return data;
}

/** The formula written out: −mean ln(e^(s_ii/τ) / Σ_j e^(s_ij/τ)) over the pairs that count. */
function reference(
  a: Float64Array,
  b: Float64Array,
  m: number,
  tau: number,
  counts: (i: number, j: number) => boolean,
) {
  const width = a.length / m;
  const s = (i: number, j: number) => {
    let sum = 0;
    for (let k = 0; k < width; k++) sum += a[i * width + k]! * b[j * width + k]!;
    return sum / tau;
  };
  let [ab, ba] = [0, 0];
  for (let i = 0; i < m; i++) {
    let [rows, columns] = [0, 0];
    for (let j = 0; j < m; j++) {
      if (counts(i, j)) rows += Math.exp(s(i, j));
      if (counts(j, i)) columns += Math.exp(s(j, i));
    }
    ab -= Math.log(Math.exp(s(i, i)) / rows) / m;
    ba -= Math.log(Math.exp(s(i, i)) / columns) / m;
  }
  return { ab, ba };
}

async function losses(a: Float64Array, b: Float64Array, m: number, temperature: number, counted?: Float64Array) {
  const g = graph({ type: 'float64' });
  const shape = [m, a.length / m];
  const mask = counted && g.input('counted', [m, m]);
  const found = contrastiveLosses(g, g.input('a', shape), g.input('b', shape), { temperature, counted: mask });
  g.output('ab', found.ab);
  g.output('ba', found.ba);
  const run = await InferenceSession.create(g.toOnnx({ parametersAs: 'initializers' }), session);
  const feeds: Record<string, Tensor> = { a: new Tensor('float64', a, shape), b: new Tensor('float64', b, shape) };
  if (counted) feeds['counted'] = new Tensor('float64', counted, [m, m]);
  const results = await run.run(feeds);
  await run.release();
  return { ab: Number(results['ab']!.data[0]), ba: Number(results['ba']!.data[0]) };
}

void t.test('the loss of both directions is the formula', async (t) => {
  const [m, width] = [7, 5];
  const [a, b] = [unitRows(m, width, 1), unitRows(m, width, 2)];
  for (const tau of [0.07, 0.5]) {
    const [got, wanted] = [await losses(a, b, m, tau), reference(a, b, m, tau, () => true)];
    t.ok(Math.abs(got.ab - wanted.ab) < 1e-10, `${got.ab} is ${wanted.ab}`);
    t.ok(Math.abs(got.ba - wanted.ba) < 1e-10, `${got.ba} is ${wanted.ba}`);
  }
  const same = await losses(a, a, m, 0.07);
  const apart = await losses(a, b, m, 0.07);
  t.ok(same.ab < apart.ab && same.ba < apart.ba, 'pairs that agree cost less');
});

void t.test('pairs of one group are no negatives', async (t) => {
  const [m, width] = [6, 4];
  const [a, b] = [unitRows(m, width, 3), unitRows(m, width, 4)];
  const groups = [0, 1, 0, 2, 1, 3];
  const counted = Float64Array.from(countedPairs(groups, new Float32Array(m * m)));
  const got = await losses(a, b, m, 0.07, counted);
  const wanted = reference(a, b, m, 0.07, (i, j) => i === j || groups[i] !== groups[j]);
  t.ok(Math.abs(got.ab - wanted.ab) < 1e-10 && Math.abs(got.ba - wanted.ba) < 1e-10);
  t.not(got.ab, (await losses(a, b, m, 0.07)).ab);
  const alone = await losses(a, b, m, 0.07, Float64Array.from(countedPairs([5, 5, 5, 5, 5, 5], new Float32Array(36))));
  t.ok(Math.abs(alone.ab) < 1e-12 && Math.abs(alone.ba) < 1e-12, 'without a negative there is nothing to tell apart');
});

void t.test('weights are 1 / norm, normalised to add up to 1', async (t) => {
  const weightsOf = async (ab: number, ba: number) => {
    const g = graph({ type: 'float64' });
    const found = adaptiveWeights(g, g.input('ab', []), g.input('ba', []));
    g.output('wAb', found.ab);
    g.output('wBa', found.ba);
    const run = await InferenceSession.create(g.toOnnx({ parametersAs: 'initializers' }), session);
    const scalar = (value: number) => new Tensor('float64', Float64Array.of(value), []);
    const results = await run.run({ ab: scalar(ab), ba: scalar(ba) });
    await run.release();
    return [Number(results['wAb']!.data[0]), Number(results['wBa']!.data[0])];
  };
  const [ab, ba] = (await weightsOf(0.2, 0.7)) as [number, number];
  const sum = 1 / 0.2 + 1 / 0.7;
  t.ok(Math.abs(ab - 1 / 0.2 / sum) < 1e-9 && Math.abs(ba - 1 / 0.7 / sum) < 1e-9, `${ab}, ${ba}`);
  t.same(await weightsOf(0, 0), [0.5, 0.5]);
});

void t.test('a temperature at which float32 underflows is refused', (t) => {
  const g = graph();
  const [a, b] = [g.input('a', [2, 2]), g.input('b', [2, 2])];
  for (const temperature of [0, -1, NaN, lowestTemperature / 2])
    t.throws(() => contrastiveLosses(g, a, b, { temperature }), /temperature .* is below/);
  t.end();
});

const base: AlignmentStepOptions = {
  width: 5,
  hidden: 6,
  temperature: 0.2,
  adaptive: true,
  prototype: true,
  weightDecay: 0,
  prototypeShare: 1,
  type: 'float64',
};
const imuSkeleton = [
  { modality: 'imu', width: 4 },
  { modality: 'skeleton', width: 3 },
];
const pairOf = (more: Partial<StepSet> = {}): StepSet => ({
  batch: 6,
  modalities: imuSkeleton,
  grouped: false,
  ...more,
});

/** A step that can be asked for its losses, weights and gradient at any parameters. */
async function probe(sets: readonly StepSet[], options: AlignmentStepOptions) {
  const { training, pairs } = alignmentStep(initialWeights(createRandom(3)), sets, options);
  const trainer = await createTrainer(training, { threads: 1 });
  const random = createRandom(8);
  const feeds = Object.fromEntries(
    training.inputs.map(({ name, shape }) => {
      const [rows, width] = shape as [number, number];
      if (name.endsWith('counted'))
        return [name, Float64Array.from(countedPairs([0, 1, 0, 2, 2, 3], new Float32Array(36)))];
      if (name.endsWith('teacher')) return [name, unitRows(rows, width, 5)];
      return [name, Float64Array.from({ length: rows * width }, () => random.normal())];
    }),
  );
  const start = trainer.state();
  const at = async (parameters: Float64Array) => {
    trainer.restore({ ...start, parameters });
    const result = await trainer.step(feeds, 0);
    const gradient = (trainer.state().firstMoment as Float64Array).map((value) => value / (1 - training.beta1));
    const numbers = (name: string) => Array.from(result.outputs[name] as Float64Array);
    const [lossAb, lossBa] = [numbers('lossAb'), numbers('lossBa')];
    return {
      lossAb,
      lossBa,
      weightAb: numbers('weightAb'),
      weightBa: numbers('weightBa'),
      gradient,
      loss: result.loss,
    };
  };
  return {
    training,
    pairs,
    at,
    start: Float64Array.from(start.parameters, (value) => value + 0.1 * random.normal()),
    release: () => trainer.release(),
  };
}

const step = 1e-5;
type Probe = Awaited<ReturnType<typeof probe>>;

/** Central differences of several numbers at once by each parameter: a list a parameter. */
async function differences({ at, start }: Probe, of: (found: Awaited<ReturnType<Probe['at']>>) => number[]) {
  const slopes: number[][] = [];
  for (let i = 0; i < start.length; i++) {
    const moved = async (by: number) => {
      const parameters = start.slice();
      parameters[i]! += by;
      return of(await at(parameters));
    };
    const [up, down] = [await moved(step), await moved(-step)];
    slopes.push(up.map((value, k) => (value - down[k]!) / (2 * step)));
  }
  return slopes;
}

const aloneOf = (modality: string, width: number, batch: number): StepSet => ({
  ...{ batch, grouped: false, modalities: [{ modality, width }], taught: { modality, weight: 2 } },
});

const cases: Record<string, { sets: StepSet[]; options: Partial<AlignmentStepOptions> }> = {
  'one pair': { sets: [pairOf()], options: {} },
  'even weights': { sets: [pairOf()], options: { adaptive: false } },
  'without prototype network, some pairs no negatives': {
    sets: [pairOf({ grouped: true })],
    options: { prototype: false },
  },
  'growth with distillation': { sets: [pairOf({ taught: { modality: 'skeleton', weight: 1.5 } })], options: {} },
  'growth with memory of both sides and of a third modality': {
    sets: [
      pairOf({ taught: { modality: 'skeleton', weight: 0.7 } }),
      aloneOf('skeleton', 3, 4),
      aloneOf('depth', 2, 3),
      aloneOf('imu', 4, 2),
    ],
    options: {},
  },
  'growth with memory, even weights': { sets: [pairOf(), aloneOf('depth', 2, 3)], options: { adaptive: false } },
  'two pairs through one modality': {
    sets: [pairOf(), { batch: 5, modalities: [imuSkeleton[1]!, { modality: 'depth', width: 2 }], grouped: false }],
    options: {},
  },
  'complete triples': {
    sets: [pairOf({ batch: 5, modalities: [...imuSkeleton, { modality: 'depth', width: 2 }] })],
    options: {},
  },
};

for (const [name, { sets, options }] of Object.entries(cases))
  void t.test(`the step's gradient agrees with central differences: ${name}`, async (t) => {
    const tried = await probe(sets, { ...base, ...options });
    t.teardown(tried.release);
    const found = await tried.at(tried.start);
    const pairs = tried.pairs.length;
    const contrast = ({ lossAb, lossBa }: typeof found, { weightAb, weightBa }: typeof found) =>
      lossAb.reduce((sum, ab, k) => sum + 0.5 * (weightAb[k]! * ab + weightBa[k]! * lossBa[k]!), 0);
    // Of the losses of each direction, and of the step's loss with the weights held fixed, as the step does.
    const all = await differences(tried, (now) => [
      ...now.lossAb,
      ...now.lossBa,
      contrast(now, found) + (now.loss - contrast(now, now)),
    ]);
    const worst = all.reduce((most, slopes, i) => Math.max(most, Math.abs(slopes.at(-1)! - found.gradient[i]!)), 0);
    t.ok(worst < 1e-7, `off by ${worst.toExponential(1)} over ${all.length} parameters`);

    for (const [k, modalities] of tried.pairs.entries()) {
      const ofModules = tried.training.packing.filter((parameter) =>
        modalities.some((modality) => parameter.name.startsWith(`concept.${modality}.`)),
      );
      const norm = (output: number) =>
        Math.hypot(
          ...ofModules.flatMap(({ offset, length }) =>
            all.slice(offset, offset + length).map((slopes) => slopes[output]!),
          ),
        );
      const even = options.adaptive === false;
      const [ab, ba] = even ? [1, 1] : [1 / norm(k), 1 / norm(pairs + k)];
      const [gotAb, gotBa] = [found.weightAb[k]!, found.weightBa[k]!];
      t.ok(Math.abs(gotAb - ab / (ab + ba)) < 1e-6, `${modalities.join('←')}: weight ${gotAb}`);
      t.ok(Math.abs(gotBa - ba / (ab + ba)) < 1e-6, `${modalities.toReversed().join('←')}: weight ${gotBa}`);
    }
  });
