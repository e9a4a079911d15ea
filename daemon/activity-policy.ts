/** When a place's activity changes: one window that says otherwise flips nothing. Pure logic. */
import { z } from 'zod';
import { usualUnknownBelow } from '../models/unknown.js';

export const activityPolicy = z
  .strictObject({
    windows: z
      .int()
      .min(1)
      .max(100)
      .default(2)
      .describe('So many windows in a row must say the same before the activity changes; 1: each window by itself.'),
    minimumDuration: z
      .number()
      .min(0)
      .max(3600)
      .default(0)
      .describe('An activity lasts at least so long, seconds: what comes earlier waits.'),
    unknownBelow: z
      .number()
      .min(0)
      .max(1)
      .default(usualUnknownBelow)
      .describe(
        'A window whose most probable activity has less says `unknown`; 0: never. The default was measured on activities that were left out of training, and is for calibrated towers (docs/suites.md).',
      ),
  })
  .describe('When the activity of the place changes.');
export type ActivityPolicy = z.output<typeof activityPolicy>;

export const unknown = 'unknown';

export interface ActivityState {
  /**
   * @param found the most probable activity of the window @param confidence its probability
   * @param start of the window, seconds
   */
  window(found: string, confidence: number, start: number): { activity: string; since: number; change: boolean };
  /** Nothing is known since `at`. */
  absent(at: number): { activity: string; since: number; change: boolean };
}

/** After so long without a window, seconds, the next one counts at once: what was before is over. */
const over = 2;

export function createActivityState({ windows, minimumDuration, unknownBelow }: ActivityPolicy): ActivityState {
  let current: string | undefined;
  let since = 0;
  /** Nobody gives windows: the first one counts at once. */
  let lost = true;
  let lastStart = 0;
  let candidate: string | undefined;
  let candidateSince = 0;
  let seen = 0;

  function become(activity: string, start: number) {
    const change = activity !== current;
    if (change) since = start;
    current = activity;
    candidate = undefined;
    seen = 0;
    return { activity, since, change };
  }

  return {
    window(found, confidence, start) {
      const says = confidence < unknownBelow ? unknown : found;
      if (start - lastStart > over) lost = true;
      lastStart = start;
      if (lost) {
        lost = false;
        return become(says, start);
      }
      if (says === current) return become(says, start);
      if (says !== candidate) {
        candidate = says;
        candidateSince = start;
        seen = 0;
      }
      seen++;
      if (seen >= windows && start - since >= minimumDuration) return become(says, candidateSince);
      return { activity: current!, since, change: false };
    },
    absent(at) {
      lost = true;
      return become(unknown, at);
    },
  };
}
