/** What happens in a place, from the results of its sensors' windows. Pure logic: no input, no output, no timer. */
import type { Modality } from '../drivers/frames.js';
import { isoTime } from './time.js';
import type { ActivityMessage } from './topics.js';

/** What the models found in one window of one sensor. */
export type WindowResult = {
  modality: Modality;
  sensor: string;
  virtual: boolean;
  recorded: boolean;
  /** `[start, end)`, seconds on the host's monotonic clock. */
  window: { start: number; end: number };
} & (
  | {
      /** The motion gate found the sensor at rest: no model was asked. */
      still: true;
    }
  | {
      still: false;
      labels: readonly string[];
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

export interface Place {
  /** A sensor's window has its result. Windows over the same `[start, end)` are averaged, sensor by sensor. */
  update(result: WindowResult): PlaceUpdate;
  /** No sensor of the place gives windows any more, since `at` (seconds, monotonic): nobody knows what happens there. */
  absent(at: number): PlaceUpdate;
}

/**
 * @param sensors whether any sensor that the configuration gives to the place is virtual, or a recording: said of the place
 *   where no sensor contributes
 */
export function createPlace(sensors: { virtual: boolean; recorded: boolean }): Place {
  let current: string | undefined;
  let since = 0;
  /** The newest window's results, by sensor. */
  const results = new Map<string, WindowResult>();

  /** `since` is the start of the first window of an unbroken run of one activity. */
  function told(
    activity: string,
    start: number,
    rest: Omit<PlaceUpdate['activity'], 'activity' | 'since'>,
  ): PlaceUpdate {
    const change = activity !== current;
    if (change) since = start;
    current = activity;
    return { change, activity: { activity, since: isoTime(since), ...rest } };
  }

  return {
    update(result) {
      const { start, end } = result.window;
      const [other] = results.values();
      if (other && (other.window.start !== start || other.window.end !== end)) results.clear();
      results.set(result.sensor, result);
      const contributing = [...results.values()];
      const probabilities = average(contributing);
      let best = 'unknown';
      for (const label of Object.keys(probabilities)) {
        if (probabilities[label]! > (probabilities[best] ?? 0)) best = label;
      }
      return told(best, start, {
        confidence: probabilities[best] ?? 0,
        modalities: [...new Set(contributing.map((one) => one.modality))],
        sensors: contributing.map((one) => one.sensor),
        probabilities,
        window: { start: isoTime(start), end: isoTime(end) },
        virtual: contributing.some((one) => one.virtual),
        recorded: contributing.some((one) => one.recorded),
      });
    },

    absent(at) {
      results.clear();
      return told('unknown', at, {
        confidence: 0,
        modalities: [],
        sensors: [],
        probabilities: {},
        window: { start: isoTime(at), end: isoTime(at) },
        virtual: sensors.virtual,
        recorded: sensors.recorded,
      });
    },
  };
}

/** Mean probability of each label, to four decimals. What is not a number counts as 0: it must win nothing. */
function average(results: readonly WindowResult[]): Record<string, number> {
  const sums = new Map<string, number>();
  for (const result of results) {
    const labels = result.still ? ['still'] : result.labels;
    labels.forEach((label, index) => {
      const p = result.still ? 1 : result.probabilities[index]!;
      sums.set(label, (sums.get(label) ?? 0) + (Number.isFinite(p) ? p : 0));
    });
  }
  return Object.fromEntries([...sums].map(([label, sum]) => [label, Math.round((sum / results.length) * 1e4) / 1e4]));
}
