import t from 'tap';
import {
  accuracy,
  classScores,
  drawShots,
  fewShot,
  logisticRegression,
  nearestClassMean,
} from '../../learning/few-shot.js';
import type { Labelled } from '../../learning/few-shot.js';
import { probabilities } from '../../learning/heads/head.js';
import { createRandom } from '../../learning/random.js';

const [width, classes] = [16, 5];

/** Points about a centre of each class, brought to length 1. */
function points(perClass: number, spread: number, seed: number): Labelled {
  const centres = createRandom(1);
  const centre = Array.from({ length: classes * width }, () => centres.normal());
  const random = createRandom(seed);
  const labels = Array.from({ length: perClass * classes }, (_, i) => i % classes);
  const embeddings = Float32Array.from(
    labels.flatMap((label) => {
      const row = Array.from({ length: width }, (_, k) => centre[label * width + k]! + spread * random.normal());
      const length = Math.hypot(...row);
      return row.map((value) => value / length);
    }),
  );
  return { width, embeddings, labels };
}

void t.test('the nearest class mean, by hand', (t) => {
  const shots = { width: 2, embeddings: Float32Array.of(1, 0, 0, 1, 0.6, 0.8), labels: [0, 2, 2] };
  const classifier = nearestClassMean(shots, 3);
  const mean = Math.hypot(0.6, 1.8);
  const scores = classScores(classifier, Float32Array.of(0.8, 0.6));
  t.ok(Math.abs(scores[0]! - 0.8) < 1e-6);
  t.equal(scores[1], -Infinity, 'a class without an example is never chosen');
  t.ok(Math.abs(scores[2]! - (0.8 * 0.6 + 0.6 * 1.8) / mean) < 1e-6);
  t.end();
});

void t.test('logistic regression is at the minimum of its loss', (t) => {
  const shots = points(6, 0.6, 2);
  const c = 3;
  const { weights, bias } = logisticRegression(shots, classes, { c, iterations: 3000 });
  // There the gradient by every weight is 0: Σ x (p − y) + w / C.
  const p = probabilities(classScores({ width, classes, weights, bias }, shots.embeddings), classes, 1);
  let worst = 0;
  for (let j = 0; j < classes; j++)
    for (let k = 0; k <= width; k++) {
      let slope = (k < width ? weights[k * classes + j]! : bias[j]!) / c;
      for (let i = 0; i < shots.labels.length; i++)
        slope +=
          (k < width ? shots.embeddings[i * width + k]! : 1) * (p[i * classes + j]! - Number(shots.labels[i] === j));
      worst = Math.max(worst, Math.abs(slope));
    }
  t.ok(worst < 1e-3, `slope ${worst}`);
  t.end();
});

void t.test('more shots are worth more, and the draws are the seed’s', (t) => {
  const [support, test] = [points(20, 0.8, 3), points(40, 0.8, 4)];
  const options = { classes, draws: 5, seed: 7 };
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [one, ten] = [1, 10].map((shots) => fewShot(support, test, { ...options, shots }));
  t.equal(one!.nearestClassMean.length, 5);
  for (const kind of ['nearestClassMean', 'logisticRegression'] as const) {
    const [few, many] = [mean(one![kind]), mean(ten![kind])];
    t.ok(few > 0.4 && many > few, `${kind}: ${few} → ${many}`);
  }
  t.same(fewShot(support, test, { ...options, shots: 1 }), one);
  t.ok(new Set(one!.nearestClassMean).size > 1, 'draws differ');
  t.end();
});

void t.test('shots are drawn by class, and only there', (t) => {
  const support = points(4, 0.5, 5);
  const { labels, embeddings } = drawShots(support, classes, 3, 1);
  t.same(Array.from(labels).toSorted(), [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]);
  t.equal(embeddings.length, 15 * width);
  t.equal(accuracy(nearestClassMean(support, classes), support) > 0.8, true);
  t.end();
});

void t.test('labels that are no class, and rows that are none, are refused', (t) => {
  const shots = points(2, 0.5, 6);
  t.throws(() => nearestClassMean(shots, 3), /label 3 is none of 3 classes/);
  t.throws(() => logisticRegression({ ...shots, labels: [0, NaN] }, 3), /are not 2 rows/);
  t.throws(() => classScores(nearestClassMean(shots, classes), new Float32Array(3)), /not rows of 16/);
  t.end();
});
