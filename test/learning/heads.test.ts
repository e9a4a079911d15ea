import t from 'tap';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { applyAnySubsetHead, subsets, trainAnySubsetHead } from '../../learning/heads/any-subset.js';
import { calibrate, heldOutSplit, negativeLogLikelihood } from '../../learning/heads/calibration.js';
import { applyConcatHead, trainConcatHead } from '../../learning/heads/concat.js';
import { applyHead, decisions, exportHead, probabilities, trainHead } from '../../learning/heads/head.js';
import { createRandom } from '../../learning/random.js';

const [width, classes] = [24, 5];
const names = ['imu', 'skeleton', 'depth'];

/** Embeddings about the same centre of each class in every modality; the modalities' noise is their own. */
function labelled(count: number, seed: number, spread = 1.2) {
  const centres = createRandom(1);
  const centre = Array.from({ length: classes * width }, () => centres.normal());
  const random = createRandom(seed);
  const labels = Array.from({ length: count }, (_, i) => i % classes);
  const of = () =>
    Float32Array.from(
      labels.flatMap((label) => {
        const row = Array.from({ length: width }, (_, k) => centre[label * width + k]! + spread * random.normal());
        const length = Math.hypot(...row);
        return row.map((value) => value / length);
      }),
    );
  return { width, classes, labels, embeddings: Object.fromEntries(names.map((name) => [name, of()])) };
}

const [learned, unseen] = [labelled(250, 2), labelled(250, 3)];
const quick = { seed: 1, threads: 1, steps: 150 };
const right = (scores: Float32Array) =>
  decisions(scores, classes).filter((value, i) => value === unseen.labels[i]).length / unseen.labels.length;

void t.test('any subset without retraining; more modalities are better', async (t) => {
  const head = await trainAnySubsetHead(learned, quick);
  const found = new Map(
    subsets(names).map((chosen) => {
      const at = Object.fromEntries(chosen.map((name) => [name, unseen.embeddings[name]!]));
      const p = applyAnySubsetHead(head, at);
      t.ok(p.every((value) => value >= 0 && value <= 1));
      return [chosen.join('+'), right(p)];
    }),
  );
  t.equal(found.size, 7);
  const single = Math.max(...names.map((name) => found.get(name)!));
  t.ok(Math.min(...names.map((name) => found.get(name)!)) > 0.6, [...found].join(' '));
  t.ok(found.get('imu+skeleton+depth')! > single, `${found.get('imu+skeleton+depth')} over ${single}`);
  t.same(await trainAnySubsetHead(learned, quick), head, 'the seed decides');
});

void t.test(
  'adding logits is reading one average of the embeddings, each weighted by its calibrated confidence',
  async (t) => {
    const head = await trainAnySubsetHead(learned, quick);
    const { shared, temperatures } = head;
    const trust = names.map((name) => 1 / temperatures.get(name)!);
    const total = trust.reduce((sum, value) => sum + value, 0);
    const average = Float32Array.from(unseen.embeddings['imu']!, (_, i) =>
      names.reduce((sum, name, k) => sum + (trust[k]! / total) * unseen.embeddings[name]![i]!, 0),
    );
    const expected = probabilities(applyHead(shared, average), classes, 1 / total);
    const found = applyAnySubsetHead(head, unseen.embeddings);
    t.ok(found.every((value, i) => Math.abs(value - expected[i]!) < 1e-4));
    t.end();
  },
);

void t.test('a modality that says less is trusted less', async (t) => {
  const vague = createRandom(9);
  const embeddings = {
    ...learned.embeddings,
    depth: learned.embeddings['depth']!.map((value) => value + 0.6 * vague.normal()),
  };
  const { temperatures } = await trainAnySubsetHead({ ...learned, embeddings }, quick);
  t.ok(temperatures.get('depth')! > 1.2 * temperatures.get('imu')!, [...temperatures].join(' '));
});

void t.test('the concatenated head reads all, and needs all', async (t) => {
  const head = await trainConcatHead(learned, quick);
  const together = right(applyConcatHead(head, unseen.embeddings));
  const alone = await trainConcatHead({ ...learned, embeddings: { imu: learned.embeddings['imu']! } }, quick);
  const single = right(applyConcatHead(alone, unseen.embeddings));
  t.ok(together > single, `${together} over ${single}`);
  t.throws(() => applyConcatHead(head, { imu: unseen.embeddings['imu']! }), /no embeddings of skeleton/);
});

void t.test('a head, linear or hidden, is the same as the ONNX file of it', async (t) => {
  const x = learned.embeddings['imu']!;
  const examples = {
    ...{ width, classes, labels: learned.labels },
    write: (i: number, out: Float32Array) => out.set(x.subarray(i * width, (i + 1) * width)),
  };
  for (const hidden of [0, 12]) {
    const head = await trainHead(examples, { ...quick, hidden });
    const wanted = applyHead(head, unseen.embeddings['imu']!.subarray(0, 3 * width));
    const session = await InferenceSession.create(exportHead(head, 3), { logSeverityLevel: 3 });
    const rows = new Tensor('float32', unseen.embeddings['imu']!.slice(0, 3 * width), [3, width]);
    const { logits } = await session.run({ embedding: rows });
    await session.release();
    t.ok(wanted.every((value, i) => Math.abs(value - (logits!.data as Float32Array)[i]!) < 1e-4));
    t.ok(right(applyHead(head, unseen.embeddings['imu']!)) > 0.6);
  }
});

void t.test('the temperature is the one of the least likelihood', (t) => {
  const random = createRandom(5);
  const labels: number[] = [];
  const logits = new Float32Array(400 * classes);
  for (let i = 0; i < 400; i++) {
    // Labels are drawn from the softmax of the logits; the head then boasts threefold.
    const row = Float32Array.from({ length: classes }, () => 2 * random.normal());
    const p = probabilities(row, classes, 1);
    let left = random.uniform();
    labels.push(
      Math.max(
        0,
        p.findIndex((value) => (left -= value) < 0),
      ),
    );
    logits.set(
      row.map((value) => 3 * value),
      i * classes,
    );
  }
  const found = calibrate(logits, labels, classes);
  t.ok(found > 2.4 && found < 3.7, `temperature ${found}`);
  const at = (temperature: number) => negativeLogLikelihood(logits, labels, classes, temperature);
  t.ok(at(found) <= at(found * 1.1) && at(found) <= at(found / 1.1));
  t.equal(calibrate(new Float32Array(), [], classes), 1);
  t.end();
});

void t.test('what is held out is whole groups, and no class only there', (t) => {
  const labels = Array.from({ length: 100 }, (_, i) => (i < 5 ? 4 : i % 4));
  const groups = labels.map((_, i) => Math.floor(i / 5));
  const { learned: inside, heldOut } = heldOutSplit(labels, groups, 0.25, 3);
  t.equal(inside.length + heldOut.length, 100);
  t.ok(heldOut.length > 10);
  const known = new Set(inside.map((i) => labels[i]));
  t.ok(heldOut.every((i) => known.has(labels[i])));
  const names = new Set(heldOut.map((i) => groups[i]));
  t.notOk(inside.some((i) => labels[i] !== 4 && names.has(groups[i])));
  const plain = heldOutSplit(labels, undefined, 0.2, 3);
  t.equal(plain.heldOut.filter((i) => labels[i] === 4).length, 1);
  t.end();
});

void t.test('what cannot be trained on or read is refused', async (t) => {
  const bad = { ...learned, labels: learned.labels.with(7, 99) };
  await t.rejects(trainConcatHead(bad, quick), /example 7 has label 99/);
  await t.rejects(trainAnySubsetHead({ ...learned, embeddings: {} }, quick), /no modality/);
  await t.rejects(trainAnySubsetHead({ ...learned, labels: [0, 1] }, quick), /imu has not 2 rows/);
  const head = await trainAnySubsetHead(learned, { ...quick, steps: 2 });
  t.throws(() => applyAnySubsetHead(head, {}), /no modality is there/);
  t.throws(
    () => applyAnySubsetHead(head, { wifi: new Float32Array(width) }),
    /wifi is not one of imu, skeleton, depth/,
  );
  const rows = { imu: new Float32Array(width), depth: new Float32Array(2 * width) };
  t.throws(() => applyAnySubsetHead(head, rows), /different numbers of rows/);
});
