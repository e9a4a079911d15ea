/** A 32-bit counter of processor cycles, as seconds that run on when it wraps (every 21.5 s at 200 MHz). */
export interface CycleClock {
  /** @returns seconds; undefined where the count does not follow on the one before, until a second one confirms it */
  seconds(cycles: number, frequency: number): number | undefined;
}

/** Longer pauses are taken for a restart of the device: a third of the counter's turn, so that a damaged count shows. */
const longestPause = 8; // seconds

export function cycleClock(): CycleClock {
  let latest: { cycles: number; turns: number } | undefined;
  let followed = false; // `latest` followed on the count before it
  let doubtful: number | undefined; // a count that did not follow

  return {
    seconds(cycles, frequency) {
      const follows = (from: number) => ((cycles - from) >>> 0) / frequency < longestPause;
      let turns = 0;
      if (latest && follows(latest.cycles)) {
        followed = true;
        turns = latest.turns + (cycles < latest.cycles ? 1 : 0);
      } else if (latest && (doubtful === undefined || !follows(doubtful))) {
        doubtful = cycles;
        return undefined;
      } else if (latest && followed) {
        turns = latest.turns + Math.round((latest.cycles - cycles) / 2 ** 32);
      }
      doubtful = undefined;
      latest = { cycles, turns };
      return (turns * 2 ** 32 + cycles) / frequency;
    },
  };
}
