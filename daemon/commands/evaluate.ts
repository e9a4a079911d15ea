/** `babel-gateway evaluate utd-mhad` */
import { loadUtdMhadInertial } from '../../learning/datasets/utd-mhad.js';
import { evaluateTower } from '../../learning/evaluate.js';
import type { Evaluation } from '../../learning/evaluate.js';
import { loadTower, shippedTowerDirectory } from '../../models/store.js';
import { trainWithProgress } from './training.js';
import type { TrainingOptions } from './training.js';

export interface EvaluateOptions extends TrainingOptions {
  modalities: string;
  tower?: string;
}

const round = (value: number) => Math.round(value * 1e4) / 1e4;

/** Prints the accuracy on the test subjects. @throws Error with one line */
export async function evaluate(options: EvaluateOptions): Promise<void> {
  const { evaluation, train, more } = options.tower
    ? await ofTower(options.tower, options)
    : await fromNothing(options);
  const result = {
    dataset: 'utd-mhad',
    modalities: [options.modalities],
    train,
    test: options.test,
    seed: options.seed,
    accuracy: round(evaluation.accuracy),
    windowAccuracy: round(evaluation.windowAccuracy),
    perClass: Object.fromEntries(Object.entries(evaluation.perClass).map(([label, value]) => [label, round(value)])),
    testRecordings: evaluation.recordings.length,
    ...more,
  };
  console.log(options.json ? JSON.stringify(result) : table(result));
}

async function fromNothing(options: EvaluateOptions) {
  const { evaluation, tower, trainRecordings, unlabelledRecordings, seconds } = await trainWithProgress(options);
  if (!evaluation)
    throw new Error(`${options.data}: no recording of the test subjects ${options.test.join(', ')} is there`);
  const { trainedOn } = tower.manifest;
  const more = { trainRecordings, unlabelledRecordings, trainedOn: trainedOn.text, seconds: Math.round(seconds) };
  return { evaluation, train: options.train, more };
}

async function ofTower(named: string, { data, test }: EvaluateOptions) {
  const tower = await loadTower(named === 'shipped' ? shippedTowerDirectory('imu') : named);
  const { datasets } = tower.manifest.trainedOn;
  const train = datasets
    .filter(({ dataset }) => dataset === 'utd-mhad')
    .flatMap(({ subjects }) => subjects.map(Number));
  const seen = test.filter((subject) => train.includes(subject));
  if (seen.length > 0)
    throw new Error(`this tower was trained on subject ${seen.join(', ')}: test it on others, with --test`);
  const { recordings } = await loadUtdMhadInertial(data, { subjects: test });
  return { evaluation: await evaluateTower(tower, recordings), train, more: { tower: tower.manifest.name } };
}

function table({ perClass, ...figures }: { perClass: Evaluation['perClass'] } & Record<string, unknown>): string {
  const width = Math.max(...Object.keys(perClass).map((label) => label.length));
  const rows = Object.entries(perClass).map(
    ([label, value]) =>
      `${label.padEnd(width)}  ${'█'.repeat(Math.round(20 * value)).padEnd(20, '░')} ${(100 * value).toFixed(0).padStart(3)} %`,
  );
  const lines = Object.entries(figures).map(
    ([name, value]) => `${name}: ${Array.isArray(value) ? value.join(', ') : String(value)}`,
  );
  return [...rows, '', ...lines].join('\n');
}
