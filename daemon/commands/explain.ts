/** `babel-gateway explain`: an aligned trunk as pictures, as Babel's figures 5 and 6 show it. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { align } from '../../learning/align.js';
import type { AlignmentCurve } from '../../learning/align.js';
import { createRandom, mixSeeds } from '../../learning/random.js';
import { tsne } from '../../learning/tsne.js';
import type { Trunk } from '../../models/trunk.js';
import { embeddingsOf } from '../learning/figures.js';
import { gather, seenPeople } from '../learning/gather.js';
import { protocolOf } from '../learning/sources/find.js';
import type { LabelledRows } from '../learning/gather.js';
import type { PairNames } from '../learning/encoders.js';
import { withSession } from '../learning/session.js';
import type { LearningSession } from '../learning/session.js';
import { loadTrunkFolder } from '../learning/trunk-folder.js';
import type { TrunkFolder } from '../learning/trunk-folder.js';
import { lines } from '../pictures/lines.js';
import type { LinesPanel } from '../pictures/lines.js';
import { draw } from '../pictures/figure.js';
import { scatterPanel } from '../pictures/scatter.js';
import type { Panel } from '../pictures/panel.js';
import type { Scatter } from '../pictures/scatter.js';

export interface ExplainOptions {
  trunk: string;
  data?: string;
  subjects?: number[];
  output: string;
  activities?: string[];
  points: number;
  perplexity: number;
  seed: number;
  threads: number;
  cache: string;
  json: boolean;
}

/** Colours that can be told apart. */
const mostActivities = 10;

/** @throws Error with one line */
export async function explain(options: ExplainOptions): Promise<void> {
  const { trunk: directory, output, data, json } = options;
  const folder = await loadTrunkFolder(directory);
  await mkdir(output, { recursive: true });
  const files: string[] = [];
  const save = async (name: string, picture: Uint8Array) => {
    const file = join(output, name);
    await writeFile(file, picture);
    files.push(file);
  };
  const divergences = await withSession(async (session) => {
    if (folder.curves.some(({ steps }) => steps.length > 1)) await save('weights.png', await weights(folder));
    else session.onWarning(`${directory} holds no course of its alignment: weights.png is not drawn`);
    if (data === undefined) {
      session.onWarning('without --data there are no windows to embed: only the weights are drawn');
      return {};
    }
    return space(folder, { ...options, data }, session, save);
  });
  if (json) console.log(JSON.stringify({ files, ...divergences }));
  else for (const file of files) console.log(file);
}

/** Means of so many steps are drawn: single batches scatter. */
const drawn = 200;

function smoothed({ steps }: AlignmentCurve, values: readonly number[]): { x: number[]; y: number[] } {
  const span = Math.max(1, Math.floor(steps.length / drawn));
  const count = Math.floor(steps.length / span);
  const mean = (list: readonly number[], k: number) =>
    list.slice(k * span, (k + 1) * span).reduce((sum, value) => sum + value / span, 0);
  return {
    x: Array.from({ length: count }, (_, k) => mean(steps, k)),
    y: Array.from({ length: count }, (_, k) => mean(values, k)),
  };
}

function weights({ curves, about }: TrunkFolder): Promise<Uint8Array> {
  const panels = curves.flatMap((curve): LinesPanel[] => {
    const [a, b] = curve.modalities;
    const x = { label: 'step', range: [curve.steps[0]!, curve.steps.at(-1)! + 1] as const };
    const of = (values: readonly number[], name: string) => ({ name, ...smoothed(curve, values) });
    return [
      {
        panelTitle: `${a} and ${b}: weights of the two directions`,
        x,
        y: { label: 'weight', range: [0, 1] },
        series: [of(curve.weightAb, `${a} ← ${b}`), of(curve.weightBa, `${b} ← ${a}`)],
        layers: [{ kind: 'rule', y: 0.5 }],
      },
      {
        panelTitle: `${a} and ${b}: losses`,
        x,
        y: { label: 'cross-entropy (nats)' },
        series: [of(curve.lossAb, `${a} ← ${b}`), of(curve.lossBa, `${b} ← ${a}`)],
      },
    ];
  });
  const last = about.pairs.filter(({ modalities }) =>
    curves.some((curve) => [...curve.modalities].sort().join() === [...modalities].sort().join()),
  );
  const how = last.map(({ modalities, pairing, windows }) => `${modalities.join('–')}: ${windows} ${pairing} pairs`);
  return lines({
    title: 'Adaptive weights over the steps of the alignment',
    subtitle: `w = 1 / ‖gradient of the direction's loss‖, normalised to sum to 1 · ${how.join(' · ')}`,
    panels,
  });
}

/** Same modules, never trained. */
async function untrained(
  folder: TrunkFolder,
  pairs: readonly PairNames[],
  rows: LabelledRows,
  seed: number,
): Promise<Trunk> {
  const { width, hidden, prototype } = folder.trunk;
  const sets = pairs.map((pair) => ({
    count: rows.labels.length,
    outputs: Object.fromEntries(pair.map((name) => [name, rows.outputs[name]!])),
  }));
  const options = {
    seed,
    width,
    hidden,
    prototype: prototype !== undefined,
    epochs: 1,
    learningRate: 0,
    weightDecay: 0,
  };
  return (await align(sets, { ...options, batch: Math.min(8, rows.labels.length) })).trunk;
}

async function space(
  folder: TrunkFolder,
  options: ExplainOptions & { data: string },
  session: LearningSession,
  save: (name: string, picture: Uint8Array) => Promise<void>,
) {
  const { threads, seed, cache, data } = options;
  const timed = folder.about.pairs.filter(({ pairing, datasets }) => pairing === 'time' && datasets !== undefined);
  const pairs = timed.map(({ modalities }): PairNames => modalities);
  if (pairs.length === 0)
    throw new Error(
      'none of the trunk’s pairs are time pairs of a data set: leave --data out, only the weights can be drawn',
    );
  const encoders = new Map([...folder.encoders].filter(([name]) => pairs.flat().includes(name)));
  // Those who were never trained on, where there are any.
  const seen = seenPeople(folder.encoders, folder.about.pairs, timed[0]!.datasets![0]!.dataset);
  const usual = protocolOf([...encoders.keys()]);
  const others = [...(usual?.test ?? []), ...(usual?.train ?? [])].filter((subject) => !seen.has(subject));
  const wanted = options.subjects ?? (others.length > 0 ? others : [...seen]);
  const unseen = wanted.length > 0 && !wanted.some((subject) => seen.has(subject));
  const gathered = await gather(
    pairs,
    encoders,
    { ...{ data, byLabel: false, versions: 1, seed, threads, cache }, train: wanted, test: [] },
    session,
  );
  const rows = chosenRows(gathered.labelled[0]!, options);
  const activities = [...new Set(rows.labels)];
  const own = pairs.filter((pair) => pair.every((name) => rows.names.includes(name)));
  const before = await embeddingsOf(await untrained(folder, own, rows, seed), rows, threads);
  const after = await embeddingsOf(folder.trunk, rows, threads);

  const count = rows.labels.length;
  const flat = (embeddings: Readonly<Record<string, Float32Array>>) => {
    const all = new Float32Array(rows.names.length * count * folder.trunk.width);
    rows.names.forEach((name, k) => all.set(embeddings[name]!, k * count * folder.trunk.width));
    return all;
  };
  const sensor = rows.names.flatMap((_, k) => Array<number>(count).fill(k));
  const activity = rows.names.flatMap(() => rows.labels.map((label) => activities.indexOf(label)));
  const divergences: Record<string, number> = {};
  const panels: Scatter[] = [];
  for (const [when, embeddings] of [
    ['before', before],
    ['after', after],
  ] as const) {
    const { points, divergence } = tsne(flat(embeddings), folder.trunk.width, {
      ...{ seed, perplexity: options.perplexity },
      onProgress: (step, steps, loss) => session.onProgress(`t-SNE ${when} the alignment`, { step, steps, loss }),
    });
    divergences[when] = divergence;
    const side = (axis: number) => Float64Array.from({ length: points.length / 2 }, (_, i) => points[2 * i + axis]!);
    const shared = {
      x: { label: '' },
      y: { label: '' },
      points: { x: side(0), y: side(1) },
      width: 420,
      height: 380,
      size: 5,
    };
    panels.push(
      { ...shared, panelTitle: `${when} alignment, by sensor`, colour: { classes: sensor, names: rows.names } },
      { ...shared, panelTitle: `${when} alignment, by activity`, colour: { classes: activity, names: activities } },
    );
  }
  const people = [...new Set(rows.subjects)].sort((a, b) => a - b);
  await save(
    'space.png',
    await draw({
      title: 'The embedding space before and after alignment (t-SNE)',
      subtitle: `${count} windows of ${rows.names.join(', ')}, subjects ${people.join(', ')}${unseen ? ', never trained on' : ''}; before: the same modules with their first random weights`,
      panels: panels.map(withoutNumbers),
      columns: 2,
    }),
  );
  return { divergences, windows: count, activities };
}

/** Only how far points lie apart means anything. */
function withoutNumbers(options: Scatter): Panel {
  const panel = scatterPanel(options);
  return { ...panel, grid: false, x: { ...panel.x!, ticks: [] }, y: { ...panel.y!, ticks: [] } };
}

/** Windows of some activities, no more than are asked for; whole classes, so that groups can be seen. */
function chosenRows(rows: LabelledRows, { activities, points, seed }: ExplainOptions): LabelledRows {
  const known = [...new Set(rows.labels)];
  const unknown = activities?.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`--activities: there is no '${unknown}', but ${known.join(', ')}`);
  const spread = known.filter(
    (_, i) => known.length <= mostActivities || i % Math.floor(known.length / mostActivities) === 0,
  );
  const wanted = new Set((activities ?? spread).slice(0, mostActivities));
  const all = [...rows.labels.keys()].filter((i) => wanted.has(rows.labels[i]!));
  const order = createRandom(mixSeeds(seed, 33)).permutation(all.length);
  const most = Math.max(4, Math.floor(points / rows.names.length));
  const chosen = [...order.subarray(0, most)].map((k) => all[k]!).sort((a, b) => a - b);
  const pick = (data: Float32Array) => {
    const width = data.length / rows.labels.length;
    const out = new Float32Array(chosen.length * width);
    chosen.forEach((row, i) => out.set(data.subarray(row * width, (row + 1) * width), i * width));
    return out;
  };
  return {
    names: rows.names,
    outputs: Object.fromEntries(rows.names.map((name) => [name, pick(rows.outputs[name]!)])),
    labels: chosen.map((i) => rows.labels[i]!),
    groups: chosen.map((i) => rows.groups[i]!),
    subjects: chosen.map((i) => rows.subjects[i]!),
  };
}
