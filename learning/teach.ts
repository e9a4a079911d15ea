/**
 * Teaching classes by a few examples: of a space without a head, nearest class mean, or logistic regression where there are enough;
 * of a tower that has been trained on classes, one more column of its head, so that what it knew it goes on knowing.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { ModelError } from '../models/manifest.js';
import { calibrate } from './heads/calibration.js';
import { classScores, logisticRegression, nearestClassMean } from './few-shot.js';
import type { LinearClassifier } from './few-shot.js';
import type { Head } from './heads/head.js';

/** Examples of each class from which on logistic regression is better than the class's mean. */
export const enoughForRegression = 5;
/** Windows of each class that are kept beside what was trained, for new classes to be told from. */
export const examplesPerClass = 5;
/** The class of examples that are known to be none of those that were taught. */
export const somethingElse = 'something else';

export interface Example {
  /** `null`: something else, of whatever kind. */
  readonly label: string | null;
  readonly embedding: Float32Array;
}

/** A head and the names of its classes, in the order of its logits. */
export interface NamedHead {
  readonly classes: readonly string[];
  readonly head: Head;
}

const asHead = ({ width, classes, weights, bias }: LinearClassifier, temperature: number): Head => ({
  width,
  classes,
  hidden: 0,
  weights: new Map([
    ['out.weight', weights],
    ['out.bias', bias],
  ]),
  temperature,
});

function rows(examples: readonly Example[], width: number): Float32Array {
  const all = new Float32Array(examples.length * width);
  for (const [i, { embedding }] of examples.entries()) {
    if (embedding.length !== width)
      throw new Error(`teach: an embedding of ${embedding.length} values is not ${width} wide`);
    if (!embedding.every(Number.isFinite)) throw new Error('teach: an embedding has a value that is no finite number');
    all.set(embedding, i * width);
  }
  return all;
}

/** At length 1, as nearest class mean compares them. */
function unit(all: Float32Array, width: number): Float32Array {
  const out = all.slice();
  for (let i = 0; i < out.length; i += width) {
    const row = out.subarray(i, i + width);
    const length = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0)) || 1;
    for (let k = 0; k < width; k++) row[k]! /= length;
  }
  return out;
}

/** Temperature of cosines where there is only one example of a class. */
const usualTemperature = 0.1;

/** Each example's scores by the class means of all the others. */
function leaveOneOut(
  embeddings: Float32Array,
  labels: readonly number[],
  width: number,
  classes: number,
): Float32Array {
  const scores = new Float32Array(labels.length * classes);
  for (const i of labels.keys()) {
    const others = labels.filter((_, k) => k !== i);
    const rest = new Float32Array(others.length * width);
    rest.set(embeddings.subarray(0, i * width));
    rest.set(embeddings.subarray((i + 1) * width), i * width);
    const means = nearestClassMean({ width, embeddings: rest, labels: others }, classes);
    scores.set(classScores(means, embeddings.subarray(i * width, (i + 1) * width)), i * classes);
  }
  return scores;
}

/**
 * A head for nothing but what was taught; embeddings are of length 1. Where some examples are `null`, `something else` is a class.
 * @throws Error if there is no example, or only one class
 */
export function fewShotHead(examples: readonly Example[], width: number): NamedHead & { readonly method: string } {
  const nameOf = ({ label }: Example) => label ?? somethingElse;
  const classes = [...new Set(examples.map(nameOf))];
  if (classes.length < 2)
    throw new Error(
      `${classes[0] === undefined ? 'nothing' : `only '${classes[0]}'`} is known: a second class is needed to tell it from ` +
        '(teach one, or let the rest count as something else: --rest other)',
    );
  const labels = examples.map((example) => classes.indexOf(nameOf(example)));
  const embeddings = unit(rows(examples, width), width);
  const fewest = Math.min(...classes.map((_, k) => labels.filter((label) => label === k).length));
  const shots = { width, embeddings, labels };
  if (fewest >= enoughForRegression)
    return { classes, head: asHead(logisticRegression(shots, classes.length), 1), method: 'logistic regression' };
  const temperature =
    fewest > 1
      ? calibrate(leaveOneOut(embeddings, labels, width, classes.length), labels, classes.length)
      : usualTemperature;
  return { classes, head: asHead(nearestClassMean(shots, classes.length), temperature), method: 'nearest class mean' };
}

/** Strength of the penalty on a new column, as C of logistic regression; embeddings are at a mean square length of 1. */
const penalty = 10;
/**
 * Weight of the examples of the new class, all together; the others have the rest. Where both weigh the same, the new class takes what the tower
 * knew before (docs/suites.md, `teach`).
 */
const positiveShare = 0.2;
const iterations = 400;

/** ln Σ exp of each row of `scores` [n, classes]. */
function logSums(scores: Float32Array, classes: number): Float64Array {
  return Float64Array.from({ length: scores.length / classes }, (_, i) => {
    const row = scores.subarray(i * classes, (i + 1) * classes);
    const highest = row.reduce((a, b) => Math.max(a, b), -Infinity);
    return highest + Math.log(row.reduce((sum, value) => sum + Math.exp(value - highest), 0));
  });
}

/**
 * A column (weights [width], then its bias) such that its logit beats all the others' on the examples of its class and on no other:
 * logistic regression of w · x + b − ln Σ exp(other logits), by accelerated gradient descent.
 */
function fitColumn(x: Float32Array, width: number, isPositive: readonly boolean[], others: Float64Array): Float64Array {
  const n = isPositive.length;
  let squares = 0;
  for (const value of x) squares += value * value;
  const scale = Math.sqrt(squares / n) || 1;
  const positives = isPositive.filter(Boolean).length;
  const weightOf = isPositive.map((positive) =>
    positive ? (n * positiveShare) / positives : (n * (1 - positiveShare)) / (n - positives),
  );
  let bound = 0;
  for (let i = 0; i < n; i++) {
    let length = 1;
    for (let k = 0; k < width; k++) length += (x[i * width + k]! / scale) ** 2;
    bound += 0.25 * weightOf[i]! * length;
  }
  const rate = 1 / (bound + 1 / penalty);
  let column = new Float64Array(width + 1);
  let ahead = column.slice();
  for (let iteration = 0; iteration < iterations; iteration++) {
    const slope = ahead.map((value, k) => (k < width ? value / penalty : 0));
    for (let i = 0; i < n; i++) {
      let logit = ahead[width]! - others[i]!;
      for (let k = 0; k < width; k++) logit += (ahead[k]! * x[i * width + k]!) / scale;
      const error = weightOf[i]! * (1 / (1 + Math.exp(-logit)) - (isPositive[i]! ? 1 : 0));
      for (let k = 0; k < width; k++) slope[k]! += (error * x[i * width + k]!) / scale;
      slope[width]! += error;
    }
    const next = ahead.map((value, k) => value - rate * slope[k]!);
    const carry = iteration / (iteration + 3);
    ahead = next.map((value, k) => value + carry * (value - column[k]!));
    column = next;
  }
  return column.map((value, k) => (k < width ? value / scale : value));
}

/**
 * A trained head with a column for each taught class; the columns that it has stay as they are.
 * @param examples of the taught classes, and of others (those of the head, or `null`), which the new columns must not win
 * @param temperature logits are divided by it before the softmax
 * @throws Error if a taught class has no example, or nothing is there that is not of it
 */
export function extendedHead(
  base: LinearClassifier,
  names: readonly string[],
  examples: readonly Example[],
  temperature: number,
): NamedHead & { readonly method: string } {
  const { width, classes } = base;
  const x = rows(examples, width);
  const scores = classScores(base, x).map((value) => value / temperature);
  const others = logSums(scores, classes);
  const taught = [...new Set(examples.map(({ label }) => label))].filter(
    (label): label is string => label !== null && !names.includes(label),
  );
  const columns = taught.map((label) => {
    const isPositive = examples.map((example) => example.label === label);
    if (isPositive.every(Boolean))
      throw new Error(
        `there is nothing that is not '${label}' to tell it from: let the rest count as something else (--rest other)`,
      );
    return fitColumn(x, width, isPositive, others);
  });
  const all = classes + taught.length;
  const weights = new Float32Array(width * all);
  const bias = new Float32Array(all);
  for (let j = 0; j < all; j++) {
    const column = columns[j - classes];
    for (let k = 0; k < width; k++)
      weights[k * all + j] = column ? column[k]! * temperature : base.weights[k * classes + j]!;
    bias[j] = column ? column[width]! * temperature : base.bias[j]!;
  }
  return {
    classes: [...names, ...taught],
    head: asHead({ width, classes: all, weights, bias }, temperature),
    method: 'a column beside those of the trained head',
  };
}

/** How far an affine head's answer to a random input may lie from what its columns say, in share of the logits' size. */
const tolerance = 1e-3;

/**
 * The weights of a head that came as ONNX, found by asking it: its answer to nothing is the bias, its answers to one at each place the rows.
 * @throws ModelError if it is not linear
 */
export async function linearHeadOf(file: Uint8Array, width: number, classes: number): Promise<LinearClassifier> {
  const session = await InferenceSession.create(file, { intraOpNumThreads: 1, logSeverityLevel: 4 });
  try {
    const [input, output] = [session.inputNames[0]!, session.outputNames[0]!];
    const ask = async (x: Float32Array) =>
      (await session.run({ [input]: new Tensor('float32', x, [1, width]) }))[output]!.data as Float32Array;
    const bias = Float32Array.from(await ask(new Float32Array(width)));
    const weights = new Float32Array(width * classes);
    const probe = Float32Array.from({ length: width }, (_, k) => Math.sin(12.9898 * (k + 1)));
    const expected = Float64Array.from(bias);
    for (let k = 0; k < width; k++) {
      const one = new Float32Array(width);
      one[k] = 1;
      const answer = await ask(one);
      for (let j = 0; j < classes; j++) {
        weights[k * classes + j] = answer[j]! - bias[j]!;
        expected[j]! += probe[k]! * weights[k * classes + j]!;
      }
    }
    const answer = await ask(probe);
    const size = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);
    if (answer.length !== classes || !expected.every((value, j) => Math.abs(value - answer[j]!) <= tolerance * size))
      throw new ModelError(
        'its head is not linear: a class can be taught only to towers whose head is one linear layer',
      );
    return { width, classes, weights, bias };
  } finally {
    await session.release();
  }
}
