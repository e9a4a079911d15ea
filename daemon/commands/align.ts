/** `babel-gateway align` */
import { createHash } from 'node:crypto';
import { align as alignSets } from '../../learning/align.js';
import { removeCheckpoint } from '../../learning/train.js';
import { findEncoders, parseFolders, parsePairs } from '../learning/encoders.js';
import type { Encoders } from '../learning/encoders.js';
import { finish } from '../learning/finish.js';
import type { Finished } from '../learning/finish.js';
import { gather } from '../learning/gather.js';
import { labelledAlignment, withLabels } from '../learning/with-labels.js';
import { checkpointIn, rounded, withSession } from '../learning/session.js';
import type { PairsAbout } from '../learning/trunk-folder.js';

/** What `align` and `grow` share. */
export interface LearningOptions {
  data?: string;
  recordings?: string[];
  byLabel: boolean;
  encoder: string[];
  output: string;
  train?: number[];
  test?: number[];
  versions: number;
  epochs?: number;
  batch?: number;
  learningRate?: number;
  labels: boolean;
  remember: number;
  seed: number;
  threads: number;
  cache: string;
  checkpoints: string;
  json: boolean;
}

export interface AlignOptions extends LearningOptions {
  pairs: string;
  temperature: string[];
}

/** A checkpoint of another task lies under another name. */
export function checkpointOf(kind: string, { checkpoints, output, seed }: LearningOptions): string {
  const task = createHash('sha256').update(output).digest('hex').slice(0, 8);
  return checkpointIn(checkpoints, `${kind}-${task}-seed-${seed}`);
}

/** @throws Error with one line */
function parseTemperatures(given: readonly string[], encoders: Encoders): Map<string, number> {
  return new Map(
    given.map((text) => {
      const [name = '', value] = text.split('=');
      const temperature = Number(value);
      if (!encoders.has(name) || !(temperature > 0 && Number.isFinite(temperature)))
        throw new Error(
          `--temperature ${text}: write NAME=NUMBER above 0, NAME one of ${[...encoders.keys()].join(', ')}`,
        );
      return [name, temperature];
    }),
  );
}

/** @throws Error with one line */
export async function align(options: AlignOptions): Promise<void> {
  const pairs = parsePairs(options.pairs);
  const encoders = await findEncoders([...new Set(pairs.flat())], parseFolders('--encoder', options.encoder));
  const temperatures = parseTemperatures(options.temperature, encoders);
  const started = Date.now();
  const result = await withSession(async (session) => {
    const { seed, threads, epochs, batch, learningRate } = options;
    const found = await gather(pairs, encoders, options, session);
    const gathered = options.labels ? withLabels(found, seed) : found;
    const { temperature, weightDecay, averaging } = labelledAlignment;
    const checkpoint = checkpointOf('align', options);
    const aligned = await alignSets(gathered.sets, {
      ...{ seed, threads, epochs, batch, learningRate, checkpoint, signal: session.signal },
      ...(options.labels && found.labelled.length > 0 && { temperature, weightDecay, averaging }),
      onProgress: (progress) => session.onProgress('alignment', progress),
    });
    const about = gathered.about.map((one): PairsAbout => ({ kind: 'align', ...one }));
    const finished = await finish(aligned, { ...options, encoders, pairs: about, gathered, temperatures }, session);
    removeCheckpoint(checkpoint);
    return { about, finished };
  });
  console.log(answer(options, result.about, result.finished, (Date.now() - started) / 1000));
}

/** What both commands print. */
export function answer(
  { json, output, seed }: LearningOptions,
  pairs: readonly PairsAbout[],
  { figures, classes }: Finished,
  seconds: number,
): string {
  if (json) {
    const values = figures.map((figure) => ({ ...figure, value: rounded(figure.value) }));
    return JSON.stringify({
      output,
      seed,
      pairs,
      classes: classes.length,
      figures: values,
      seconds: Math.round(seconds),
    });
  }
  const lines = pairs.map(
    ({ modalities, pairing, source, windows, leftOut }) =>
      `${modalities.join(' and ')}: ${windows} ${pairing} pairs of ${source}${leftOut ? leftOutLine(leftOut) : ''}`,
  );
  const width = Math.max(0, ...figures.map((one) => one.case.length + one.metric.length));
  const table = figures.map((one) => {
    const value =
      one.metric === 'temperature' ? one.value.toFixed(2).padStart(5) : `${(100 * one.value).toFixed(1).padStart(5)} %`;
    return `${`${one.case} ${one.metric}`.padEnd(width + 3)}${value}`;
  });
  const tested = figures.length > 0 ? ['', 'On the test subjects, window by window:', ...table] : [];
  const towers =
    classes.length > 0
      ? [
          '',
          `Towers with ${classes.length} classes are in ${output}/towers; name them in the configuration (models.towers).`,
        ]
      : ['', `No class is known yet: teach some (babel-gateway teach … --tower ${output}).`];
  return [...lines, ...tested, ...towers].join('\n');
}

function leftOutLine(leftOut: Readonly<Record<string, number>>): string {
  const reasons = Object.entries(leftOut).map(([reason, times]) => `${times} × ${reason}`);
  return reasons.length > 0 ? ` (left out: ${reasons.join(', ')})` : '';
}
