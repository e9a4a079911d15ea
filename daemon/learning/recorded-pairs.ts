/** Pairs of encoder outputs out of recordings of one's own sensors. */
import { createPairCollector, groupsOf, movingPairs } from '../../learning/recording-pairs.js';
import type { CandidatePair } from '../../learning/recording-pairs.js';
import type { Progress } from '../../learning/train.js';
import type { Lag } from '../../pipelines/lag.js';
import type { TowerSession } from '../../models/tower-session.js';
import { openEncoder } from './encode.js';
import type { Encoders, PairNames } from './encoders.js';
import { readWindows } from './recorded-windows.js';

export interface RecordedPairs {
  readonly names: PairNames;
  readonly count: number;
  /** [count, width] by name. */
  readonly outputs: Readonly<Record<string, Float32Array>>;
  /** [count] */
  readonly groups: readonly number[];
  /** Windows that are no pair, by the reason. */
  readonly leftOut: Readonly<Record<string, number>>;
  /** How far the two's clocks are apart, by file. */
  readonly lags: Readonly<Record<string, Lag | undefined>>;
}

export interface RecordedPairOptions {
  readonly threads: number;
  readonly onProgress?: ((stage: string, progress: Progress) => void) | undefined;
  readonly onProblem: (problem: string) => void;
  readonly signal?: AbortSignal | undefined;
}

type Kept = Pick<CandidatePair, 'start' | 'end' | 'motion'> & {
  readonly outputs: readonly [Float32Array, Float32Array];
};

const joined = (rows: readonly Float32Array[]): Float32Array => {
  const all = new Float32Array(rows.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const row of rows) {
    all.set(row, at);
    at += row.length;
  }
  return all;
};

/** Below this the two cannot be told to see the same motion. */
const leastCorrelation = 0.2;

/**
 * @param files recordings (MCAP); each is filtered by itself, since a room's noise is its own
 * @throws Error with one line if a file cannot be read, or lacks one of the two
 */
export async function recordedPairs(
  files: readonly string[],
  names: PairNames,
  encoders: Encoders,
  { threads, onProgress, onProblem, signal }: RecordedPairOptions,
): Promise<RecordedPairs> {
  const manifests = new Map(names.map((name) => [name, encoders.get(name)!.manifest]));
  const sessions: TowerSession[] = [];
  const leftOut: Record<string, number> = {};
  const lags: Record<string, Lag | undefined> = {};
  const rows: [Float32Array[], Float32Array[]] = [[], []];
  const groups: number[] = [];
  const add = (reasons: Readonly<Record<string, number>>) => {
    for (const [reason, times] of Object.entries(reasons)) leftOut[reason] = (leftOut[reason] ?? 0) + times;
  };
  try {
    for (const name of names) sessions.push(await openEncoder(encoders.get(name)!, threads));
    for (const file of files) {
      let namesOf: ReadonlyMap<string, string> = new Map();
      const places = new Map<string, { collector: ReturnType<typeof createPairCollector>; kept: Kept[] }>();
      const options = {
        ...{ manifests, onProblem, signal },
        onProgress: (step: number, steps: number) =>
          onProgress?.(`windows of ${file} through the encoders`, { step, steps, loss: NaN }),
        onNames: (found: ReadonlyMap<string, string>) => (namesOf = found),
      };
      await readWindows(file, options, async (window) => {
        const place = places.get(window.place) ?? {
          collector: createPairCollector(names, ({ sensor }) => namesOf.get(sensor)),
          kept: [],
        };
        places.set(window.place, place);
        const pair = place.collector.add(window);
        if (!pair) return;
        const outputs: Float32Array[] = [];
        for (const [side, session] of sessions.entries())
          outputs.push((await session.run(pair.windows[side]!.data, 1)).embedding);
        const { start, end, motion } = pair;
        place.kept.push({ start, end, motion, outputs: outputs as [Float32Array, Float32Array] });
      });
      for (const [place, { collector, kept }] of places) {
        const moving = movingPairs(kept);
        add(collector.leftOut);
        if (kept.length > moving.length) add({ 'little motion': kept.length - moving.length });
        const pairs = moving.map((i) => kept[i]!);
        groups.push(...groupsOf(pairs, (groups.at(-1) ?? -1) + 1));
        for (const { outputs } of pairs) for (const side of [0, 1] as const) rows[side].push(outputs[side]);
        const lag = collector.lag();
        lags[places.size > 1 ? `${file}, ${place}` : file] = lag;
        if (lag && pairs.length > 0 && lag.correlation < leastCorrelation)
          onProblem(
            `${file}: ${names.join(' and ')} hardly see the same motion (correlation ${lag.correlation.toFixed(2)}): do they see the same person?`,
          );
      }
    }
  } finally {
    for (const session of sessions) await session.release();
  }
  return {
    ...{ names, groups, leftOut, lags },
    count: groups.length,
    outputs: { [names[0]]: joined(rows[0]), [names[1]]: joined(rows[1]) },
  };
}
