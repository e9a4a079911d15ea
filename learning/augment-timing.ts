/** Which stretch of a recording a random window shows, and how fast: the same for all that was recorded together. */
import type { Random } from './random.js';

export interface Timing {
  /** Seconds from the recording's first sample; below 0 where the recording is shorter than the window. */
  readonly begin: number;
  /** Recorded seconds in one of the window's. */
  readonly speed: number;
  /** How the speed changes within the window: ± this share, as one swing of a sine of this phase. */
  readonly sway: number;
  readonly phase: number;
}

/**
 * @param duration of the recording, seconds
 * @param length of a window, seconds
 * @param warp speed factor e^±warp, uniform in its logarithm
 * @param sway largest change of speed within a window
 */
export function drawTiming(duration: number, length: number, warp: number, sway: number, random: Random): Timing {
  const between = (low: number, high: number) => low + (high - low) * random.uniform();
  const speed = Math.exp(between(-warp, warp));
  const slack = duration - length * speed;
  const begin = slack > 0 ? between(0, slack) : between(slack / 2, 0);
  return { begin, speed, sway: between(0, sway), phase: between(0, 2 * Math.PI) };
}

/** When in the recording the window's second `time` lies. The mean speed over a window stays what it is. */
export function recordedTime({ begin, speed, sway, phase }: Timing, time: number, length: number): number {
  const turn = (2 * Math.PI * time) / length;
  const bent = ((Math.sin(turn + phase) - Math.sin(phase)) * sway * length) / (2 * Math.PI);
  return begin + speed * (time + bent);
}
