import { readdirSync } from 'node:fs';
import t from 'tap';
import { digestOfDesign, digestOfExamples, keptClassifier } from '../../learning/kept-classifier.js';
import { trainClassifier } from '../../learning/window-classifier.js';
import type { ClassifierDesign, ClassifierRecipe, ClassifierSource } from '../../learning/window-classifier.js';
import { linear } from '../../models/layers.js';

const design = (hidden: number): ClassifierDesign => ({
  name: 'small',
  inputs: { window: [4] },
  classes: 2,
  build: (network, { window }, drop) => [
    linear(network, 'out', drop(network.g.relu(linear(network, 'in', window!, hidden))), 2),
  ],
});
const recipe: ClassifierRecipe = {
  ...{ batch: 8, learningRate: 1e-2, weightDecay: 0, clipNorm: 1, averaging: 0.9 },
  ...{ dropout: 0, labelSmoothing: 0, mixing: 0 },
};
let written = 0;
const source: ClassifierSource = {
  count: 16,
  write(index, random, { window }, target) {
    written++;
    for (let i = 0; i < 4; i++) window![i] = random.normal() + (index % 2);
    target[index % 2] = 1;
  },
};
const plain = { seed: 1, threads: 1, epochs: 3, dataset: 'made here' };

void t.test('what was trained once is read, and only for the very same training', async (t) => {
  const cache = t.testdir();
  const trained = await trainClassifier(design(5), recipe, source, undefined, plain);
  const first = await keptClassifier(design(5), recipe, source, undefined, { ...plain, cache });
  t.same([...first], [...trained], 'keeping changes nothing');
  written = 0;
  const second = await keptClassifier(design(5), recipe, source, undefined, { ...plain, cache });
  t.equal(written, 0);
  t.same([...second], [...trained]);
  t.equal(readdirSync(cache).length, 1, 'no checkpoint is left');

  const others: [ClassifierDesign, ClassifierRecipe, typeof first | undefined, typeof plain][] = [
    [design(6), recipe, undefined, plain],
    [design(5), { ...recipe, dropout: 0.1 }, undefined, plain],
    [design(5), recipe, first, plain],
    [design(5), recipe, undefined, { ...plain, seed: 2 }],
    [design(5), recipe, undefined, { ...plain, epochs: 2 }],
    [design(5), recipe, undefined, { ...plain, dataset: 'other' }],
  ];
  for (const [i, [network, how, known, options]] of others.entries()) {
    written = 0;
    await keptClassifier(network, how, source, known, { ...options, cache });
    t.ok(written > 0, `${i}: trained`);
    t.equal(readdirSync(cache).length, i + 2);
  }
});

void t.test('an interrupted training goes on where it was', async (t) => {
  const cache = t.testdir();
  const whole = await trainClassifier(design(5), recipe, source, undefined, plain);
  const stop = new AbortController();
  const onProgress = ({ step }: { step: number }) => step === 4 && stop.abort();
  await t.rejects(
    keptClassifier(design(5), recipe, source, undefined, { ...plain, cache, signal: stop.signal, onProgress }),
    /interrupted/,
  );
  written = 0;
  const finished = await keptClassifier(design(5), recipe, source, undefined, { ...plain, cache });
  t.equal(written, 2 * 8, 'two steps of six were left');
  t.same([...finished], [...whole]);
});

void t.test('digests tell labels, values and networks apart', (t) => {
  const one = { classIndex: 0, instants: Float32Array.of(1, 2) };
  t.equal(digestOfExamples([one]), digestOfExamples([{ ...one, instants: one.instants.slice() }]));
  t.not(digestOfExamples([one]), digestOfExamples([{ ...one, classIndex: 1 }]));
  t.not(digestOfExamples([one]), digestOfExamples([{ ...one, instants: Float32Array.of(1, 3) }]));
  t.equal(digestOfDesign(design(5)), digestOfDesign(design(5)));
  t.not(digestOfDesign(design(5)), digestOfDesign(design(6)));
  t.end();
});
