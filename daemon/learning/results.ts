/** `docs/results.md`: the suites' figures beside their targets, as tables and pictures. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { suites } from '../../learning/suites/registry.js';
import type { SuiteLine } from '../../learning/suites/suite.js';
import { targetOf } from '../../learning/suites/targets.js';
import { draw } from '../pictures/figure.js';
import type { Layer } from '../pictures/panel.js';

export interface SuiteOutcome {
  readonly suite: string;
  readonly lines: readonly SuiteLine[];
  /** Why there are none. */
  readonly skipped?: string;
  readonly seconds?: number;
}

/** Shares are given in %, all else as it is. */
const isShare = (metric: string) => /accuracy|@|known/.test(metric);
const number = (metric: string, value: number) =>
  isShare(metric) ? (100 * value).toFixed(1) : String(Number(value.toPrecision(4)));

/** In a table's cell. */
const cell = (text: string) => text.replace(/[\r\n]+/g, ' ').replaceAll('|', '\\|');

function row(line: SuiteLine): string {
  const { suite, metric, value, spread, seeds } = line;
  const found = targetOf(suite, line.case, metric);
  const plain = found?.plain && [...new Set(found.plain)].map((one) => number(metric, one)).join(' to ');
  const cells = [
    cell(line.case),
    cell(metric) + (isShare(metric) ? ', %' : ''),
    number(metric, value) + (seeds > 1 ? ` ± ${number(metric, spread)}` : ''),
    String(seeds),
    found ? `${found.atMost ? '≤' : '>'} ${number(metric, found.target)}` : '',
    found ? (reached(line) ? 'yes' : '**no**') : '',
    plain === undefined ? '' : `${plain} (${cell(found!.by ?? '')})`,
  ];
  return `| ${cells.join(' | ')} |`;
}

/** Undefined where there is no target. */
export function reached({ suite, case: name, metric, value }: SuiteLine): boolean | undefined {
  const found = targetOf(suite, name, metric);
  if (!found) return undefined;
  return found.atMost ? value <= found.target : value > found.target;
}

const rowHeight = 24;
const colours = { value: '#4e79a7', target: '#e15759', plain: '#8c8c8c' } as const;

/** Every figure of a suite that is a share: value and spread, target and plain network. */
async function picture(suite: string, lines: readonly SuiteLine[]): Promise<Uint8Array> {
  const layers: Layer[] = [];
  const at = (i: number) => lines.length - i - 0.5;
  const points = (x: number[], y: number[], colour: string, shape: 'circle' | 'ring' | 'cross'): Layer => ({
    ...{ kind: 'points', x, y, colour, size: 9, shape },
  });
  for (const [i, { spread, value, seeds }] of lines.entries())
    if (seeds > 1)
      layers.push({
        kind: 'segments',
        ends: [value - spread, at(i), value + spread, at(i)],
        colour: colours.value,
        width: 2,
      });
  const found = lines.map((line) => targetOf(line.suite, line.case, line.metric));
  const withTarget = [...lines.keys()].filter((i) => found[i]);
  const withPlain = [...lines.keys()].filter((i) => found[i]?.plain);
  const plainOf = (i: number) => (found[i]!.plain![0] + found[i]!.plain![1]) / 2;
  layers.push(
    points(withPlain.map(plainOf), withPlain.map(at), colours.plain, 'ring'),
    points(
      withTarget.map((i) => found[i]!.target),
      withTarget.map(at),
      colours.target,
      'cross',
    ),
    points(
      lines.map(({ value }) => value),
      [...lines.keys()].map(at),
      colours.value,
      'circle',
    ),
  );
  const shown = [...lines.flatMap(({ value, spread }) => [value - spread, value + spread]), ...withPlain.map(plainOf)];
  const low = Math.min(...shown, ...withTarget.map((i) => found[i]!.target), 0.9);
  const range = [Math.max(-1, Math.floor(10 * low) / 10), 1] as const;
  const names = lines.map(({ case: name, metric }) => `${name} ${metric}`);
  for (const [i, name] of names.entries())
    layers.push({ kind: 'text', x: range[0] + 0.005, y: at(i) + 0.3, text: name });
  return draw({
    title: `${suite}: ${suites[suite]?.title ?? ''}`,
    subtitle: 'mean and standard deviation over the seeds',
    panels: [
      {
        width: 620,
        height: Math.max(80, 1.6 * rowHeight * lines.length),
        x: { label: 'share', range },
        y: { label: '', range: [0, lines.length + 0.2], ticks: [] },
        grid: true,
        layers,
        key: {
          entries: [
            { name: 'here', colour: colours.value },
            { name: 'target', colour: colours.target },
            { name: 'plain network', colour: colours.plain },
          ],
          symbol: 'circle',
        },
      },
    ],
  });
}

function duration(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  return minutes > 1 ? `${minutes} minutes` : 'a minute or less';
}

/** @param about how the figures were made: seeds, version, date */
export async function writeResults(file: string, outcomes: readonly SuiteOutcome[], about: string): Promise<string[]> {
  const folder = join(dirname(file), 'results');
  await mkdir(folder, { recursive: true });
  const written = [file];
  const parts = ['# Results', about];
  for (const { suite, lines, skipped, seconds } of outcomes) {
    parts.push(`## ${suite}`, `${suites[suite]?.title ?? ''}.`);
    if (skipped !== undefined) {
      parts.push(`Not measured: ${skipped}`);
      continue;
    }
    parts.push(
      [
        '| case | metric | value | seeds | target | reached | plain network |',
        '| --- | --- | ---: | ---: | ---: | --- | --- |',
        ...lines.map(row),
      ].join('\n'),
    );
    const shares = lines.filter(({ metric, value }) => isShare(metric) && Number.isFinite(value));
    if (shares.length > 0) {
      const name = `${suite}.png`;
      await writeFile(join(folder, name), await picture(suite, shares));
      written.push(join(folder, name));
      parts.push(`![${suite}: values, targets and plain networks](results/${name})`);
    }
    if (seconds !== undefined) parts.push(`It took ${duration(seconds)}.`);
  }
  await writeFile(file, `${parts.join('\n\n')}\n`);
  return written;
}
