/** `babel-gateway evaluate SUITE` and `babel-gateway evaluate --all` */
import { suites } from '../../learning/suites/registry.js';
import type { SuiteLine } from '../../learning/suites/suite.js';
import { targetOf } from '../../learning/suites/targets.js';
import { rounded, withSession } from '../learning/session.js';
import type { LearningSession } from '../learning/session.js';
import { reached, writeResults } from '../learning/results.js';
import type { SuiteOutcome } from '../learning/results.js';
import { packageVersion } from '../package-root.js';

export interface SuiteOptions {
  data: string;
  train?: number[];
  test?: number[];
  seed?: number;
  seeds?: number[];
  epochs?: number;
  threads: number;
  cache: string;
  json: boolean;
}

export interface AllOptions extends SuiteOptions {
  report: string;
}

/** The seeds of figures that are to be told. */
const allSeeds = [0, 1, 2];

function seedsOf({ seed, seeds }: SuiteOptions, usual: number[]): number[] {
  if (seed !== undefined && seeds !== undefined) throw new Error('--seed is one of --seeds: give one of the two');
  const chosen = seeds ?? (seed === undefined ? usual : [seed]);
  if (new Set(chosen).size < chosen.length) throw new Error(`--seeds ${chosen.join(',')}: each seed once`);
  return chosen;
}

async function runSuite(
  name: string,
  options: SuiteOptions,
  seeds: number[],
  session: LearningSession,
): Promise<SuiteLine[]> {
  const { data, train, test, epochs, threads, cache } = options;
  const both = train?.filter((subject) => test?.includes(subject)) ?? [];
  if (both.length > 0)
    throw new Error(`subject ${both.join(', ')} is on both sides: test on subjects that nothing was trained on`);
  const suite = await suites[name]!.load();
  return suite.run({
    ...{ data, seeds, train, test, threads, epochs, cache, signal: session.signal },
    onProgress: (stage, progress) => session.onProgress(`${name}, ${stage}`, progress),
    onWarning: session.onWarning,
  });
}

/** One JSON line a figure. */
const jsonLine = ({ value, spread, ...line }: SuiteLine): string =>
  JSON.stringify({
    ...{ suite: line.suite, case: line.case, metric: line.metric },
    ...{ value: rounded(value), spread: rounded(spread), seeds: line.seeds },
  });

function table(lines: readonly SuiteLine[]): string {
  const name = (line: SuiteLine) => `${line.case} ${line.metric}`;
  const width = Math.max(0, ...lines.map((line) => name(line).length));
  return lines
    .map((line) => {
      const target = targetOf(line.suite, line.case, line.metric);
      const spread = line.seeds > 1 ? ` ± ${line.spread.toFixed(3)}` : '';
      const beside = target ? `   target ${target.target}${reached(line) ? ', reached' : ', missed'}` : '';
      const plain = target?.plain ? `; ${target.by ?? 'plain network'} ${[...new Set(target.plain)].join(' to ')}` : '';
      return `${name(line).padEnd(width)}  ${line.value.toFixed(3)}${spread}${beside}${plain}`;
    })
    .join('\n');
}

/** @throws Error with one line, also if the recordings are not there */
export async function evaluateSuite(name: string, options: SuiteOptions): Promise<void> {
  const seeds = seedsOf(options, [0]);
  const lines = await withSession((session) => runSuite(name, options, seeds, session));
  if (lines.length === 0) throw new Error(`${options.data}: there is nothing in it that ${name} measures`);
  console.log(options.json ? lines.map(jsonLine).join('\n') : table(lines));
}

/** Suites whose recordings are absent are told and left out. @throws Error with one line if none could run */
export async function evaluateAll(options: AllOptions): Promise<void> {
  if (options.train || options.test)
    throw new Error('--train and --test are of one data set: name a suite, for instance evaluate utd-mhad --train 1,3');
  const seeds = seedsOf(options, allSeeds);
  const outcomes: SuiteOutcome[] = [];
  for (const name of Object.keys(suites)) {
    const started = Date.now();
    try {
      const lines = await withSession((session) => runSuite(name, options, seeds, session));
      outcomes.push({ suite: name, lines, seconds: (Date.now() - started) / 1000 });
      console.log(options.json ? lines.map(jsonLine).join('\n') : `${name}\n${table(lines)}\n`);
    } catch (error) {
      if ((error as Error).name !== 'DatasetError') throw error;
      outcomes.push({ suite: name, lines: [], skipped: (error as Error).message });
      console.error(`${name} is left out: ${(error as Error).message}`);
    }
  }
  if (outcomes.every(({ lines }) => lines.length === 0))
    throw new Error(
      `${options.data}: no suite has its recordings here; the folder is to hold ${[...new Set(Object.values(suites).flatMap(({ datasets }) => datasets))].join(', ')} (docs/datasets.md)`,
    );
  const about =
    `Written by \`babel-gateway evaluate --all\` (version ${packageVersion()}) with seed${seeds.length > 1 ? 's' : ''} ${seeds.join(', ')}: ` +
    `mean ± standard deviation over them. Accuracies and shares are in %. ` +
    (options.epochs === undefined ? '' : `**Epochs were cut to ${options.epochs}: these figures are a trial.** `) +
    `Beside each value stand its target and what a plain network reached on the same protocol.`;
  for (const file of await writeResults(options.report, outcomes, about)) console.error(`written: ${file}`);
}
