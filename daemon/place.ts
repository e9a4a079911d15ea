/** What happens in a place, from the results of its sensors' windows. Pure logic: no input, no output, no timer. */
import type { Modality } from '../drivers/frames.js';
import { fused } from '../models/fusion.js';
import type { AbsentSensor } from '../pipelines/place-windows.js';
import { activityPolicy, createActivityState, unknown } from './activity-policy.js';
import type { ActivityPolicy } from './activity-policy.js';
import { isoTime } from './time.js';
import type { ActivityMessage } from './topics.js';

/** What the models found in one window of one sensor. */
export type WindowResult = {
  modality: Modality;
  sensor: string;
  virtual: boolean;
  recorded: boolean;
  /** Seconds: how far its samples are thought to lie from the window's clock. */
  alignmentError: number;
} & (
  | {
      /** The motion gate found the sensor at rest: no model was asked. */
      still: true;
    }
  | {
      still: false;
      labels: readonly string[];
      /** Of the tower, where it is known. */
      loss?: number | undefined;
      /** Of each label, in their order; kept until the next window of the place. */
      probabilities: Float32Array;
    }
);

export interface PlaceUpdate {
  /** The activity is another than before, or the first. */
  change: boolean;
  /** The message, but for what the publisher adds. */
  activity: Omit<ActivityMessage, 'sequence' | 'change'>;
}

/** What the models found in all sensors' windows over the same `[start, end)`, seconds on the host's monotonic clock. */
export interface PlaceResult {
  start: number;
  end: number;
  /** At least one. */
  results: readonly WindowResult[];
  /** Sensors of the place that gave nothing for this window, and why. */
  absent: readonly AbsentSensor[];
}

export interface Place {
  update(result: PlaceResult): PlaceUpdate;
  /** No sensor of the place gives windows any more, since `at` (seconds, monotonic): nobody knows what happens there. */
  absent(at: number): PlaceUpdate;
}

/**
 * @param policy when the activity changes
 * @param sensors whether any sensor that the configuration gives to the place is virtual, or a recording: said of the place
 *   where no sensor contributes
 */
export function createPlace(
  sensors: { readonly virtual: boolean; readonly recorded: boolean },
  policy: ActivityPolicy = activityPolicy.parse({}),
): Place {
  const state = createActivityState(policy);

  function told(
    { activity, since, change }: ReturnType<typeof state.absent>,
    rest: Omit<PlaceUpdate['activity'], 'activity' | 'since'>,
  ): PlaceUpdate {
    return { change, activity: { activity, since: isoTime(since), ...rest } };
  }

  return {
    update({ start, end, results, absent }) {
      const probabilities = opinionOf(results);
      const best = highest(probabilities);
      const now = state.window(best, probabilities[best] ?? 0, start);
      return told(now, {
        confidence: now.activity === unknown ? 0 : (probabilities[now.activity] ?? 0),
        modalities: [...new Set(results.map(({ modality }) => modality))],
        sensors: results.map(({ sensor }) => sensor),
        contributions: results.map((result) => {
          const own = opinionOf([result]);
          const { sensor, modality, alignmentError } = result;
          const activity = highest(own);
          const confidence = own[activity] ?? 0;
          return { sensor, modality, activity, confidence, alignmentError: round(alignmentError) };
        }),
        absent: absent.map(({ sensor, modality, reason }) => ({ sensor, modality, reason })),
        probabilities,
        window: { start: isoTime(start), end: isoTime(end) },
        virtual: results.some(({ virtual }) => virtual),
        recorded: results.some(({ recorded }) => recorded),
      });
    },

    absent(at) {
      return told(state.absent(at), {
        confidence: 0,
        modalities: [],
        sensors: [],
        contributions: [],
        absent: [],
        probabilities: {},
        window: { start: isoTime(at), end: isoTime(at) },
        virtual: sensors.virtual,
        recorded: sensors.recorded,
      });
    },
  };
}

const round = (value: number) => Math.round(value * 1e4) / 1e4;

/** The most probable label; `unknown` where none has a probability. */
function highest(probabilities: Readonly<Record<string, number>>): string {
  let best: string = unknown;
  for (const [label, value] of Object.entries(probabilities)) if (value > (probabilities[best] ?? 0)) best = label;
  return best;
}

/**
 * Probabilities of each label, to four decimals. Towers' opinions are multiplied (`models/fusion.ts`); a sensor at rest has none about
 * activities, and its share of the sensors says `still`.
 */
function opinionOf(results: readonly WindowResult[]): Record<string, number> {
  const moving = results.filter((result) => !result.still);
  const share = moving.length / results.length;
  const found = [...fused(moving)].map(([label, p]) => [label, round(p * share)] as const);
  return Object.fromEntries(share < 1 ? [...found, ['still', round(1 - share)]] : found);
}
