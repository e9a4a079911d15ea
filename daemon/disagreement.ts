/** Sensors that say another activity than all the others of their place, for long. Pure logic.
 *
 *      three and more sensors   one is alone where all the others say the same and it says something else
 *      two sensors              nobody can tell which one is wrong: both are reported, as mutual
 *
 *  `still`, of the motion gate, is no word of the towers, so a window in which a sensor rests says nothing of its agreement; nor does
 *  one of which it is not sure at all. */
import type { Modality } from '../drivers/frames.js';
import { unknown } from './activity-policy.js';
import type { ActivityMessage } from './topics.js';

/** Seconds over which is counted. */
const span = 30;
/** Share of these windows above which a sensor is reported, and below which it is no longer. */
const [reported, cleared] = [0.5, 0.3];
/** Fewer windows say nothing. */
const fewest = 8;

const notCompared: readonly string[] = ['still', unknown];

export type Contribution = Pick<
  ActivityMessage['contributions'][number],
  'sensor' | 'modality' | 'activity' | 'confidence'
>;

export interface Disagreeing {
  readonly sensor: string;
  readonly modality: Modality;
  /** End of the window with which it was found, seconds on the host's monotonic clock. */
  readonly since: number;
  /** Of the windows of 30 s, those in which it stood alone, 0 to 1, as it was when it was found. */
  readonly share: number;
  /** There was one other sensor only: either may be wrong. */
  readonly mutual: boolean;
}

export interface Disagreement {
  /**
   * What each sensor alone says of one window, which ends at `end`, seconds. Windows come in the order of time.
   * @returns whether `now` changed
   */
  window(end: number, contributions: readonly Contribution[]): boolean;
  /** Those that disagree, in the order in which they were found. */
  readonly now: readonly Disagreeing[];
}

interface Verdict {
  readonly end: number;
  readonly differs: boolean;
  readonly mutual: boolean;
}

export function createDisagreement(): Disagreement {
  const verdicts = new Map<string, Verdict[]>();
  let now: readonly Disagreeing[] = [];

  function judge(end: number, spoken: readonly Contribution[]): void {
    for (const one of spoken) {
      const others = spoken.filter((other) => other !== one);
      const agreed = others.every(({ activity }) => activity === others[0]!.activity);
      const differs = agreed && others[0]!.activity !== one.activity;
      const all = verdicts.get(one.sensor) ?? [];
      all.push({ end, differs, mutual: others.length === 1 });
      verdicts.set(one.sensor, all);
    }
  }

  function forget(end: number): void {
    for (const [sensor, all] of verdicts) {
      while (all.length > 0 && all[0]!.end <= end - span) all.shift();
      if (all.length === 0) verdicts.delete(sensor);
    }
  }

  /** @returns what is to be reported of a sensor after this window */
  function found(end: number, sensor: string, modality: Modality): Disagreeing | undefined {
    const before = now.find((one) => one.sensor === sensor);
    const all = verdicts.get(sensor) ?? [];
    const alone = all.filter(({ differs }) => differs);
    const share = alone.length / all.length;
    const mutual = alone.filter((one) => one.mutual).length > alone.length / 2;
    if (before) {
      if (all.length === 0 || share < cleared) return undefined;
      // A third sensor has come and tells which one is wrong.
      return before.mutual === mutual ? before : { ...before, mutual };
    }
    const long = all.length >= fewest && end - all[0]!.end > 0.8 * span;
    return long && share > reported
      ? { sensor, modality, since: end, share: Math.round(share * 100) / 100, mutual }
      : undefined;
  }

  return {
    get now() {
      return now;
    },
    window(end, contributions) {
      const spoken = contributions.filter(
        ({ activity, confidence }) => confidence > 0 && !notCompared.includes(activity),
      );
      forget(end);
      if (spoken.length > 1) judge(end, spoken);
      const known = new Map([...now, ...spoken].map(({ sensor, modality }) => [sensor, modality]));
      const next = [...known].flatMap(([sensor, modality]) => found(end, sensor, modality) ?? []);
      const changed = next.length !== now.length || next.some((one, i) => one !== now[i]);
      now = next;
      return changed;
    },
  };
}

/** One line for the log. */
export function remedy(place: string, { sensor, modality, share, mutual }: Disagreeing): string {
  const often = `in ${Math.round(100 * share)} % of the windows of ${span} s`;
  return mutual
    ? `${place}: ${sensor} (${modality}) and the other sensor say different activities ${often}, and two cannot tell which is right: see that both observe the same person, and whether one is worn or mounted otherwise than its tower expects`
    : `${place}: ${sensor} (${modality}) alone says another activity than all the others ${often}: see that it observes the same person, and how it is worn or mounted; until then, 'babel-gateway modalities ${place}' can leave ${modality} out`;
}
