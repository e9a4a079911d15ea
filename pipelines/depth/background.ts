import { beyondScale, depthTolerance, noReturn } from './noise.js';

/** Background updates, each at least 0.1 s after the one before: how many make what. */
const ticks = { calibration: 20, farther: 10, nearer: 1800, moved: 30 };
/** Share of the cells from which on the camera must have been moved. */
const movedShare = 0.6;

export type BackgroundState = 'calibrating' | 'known';

/**
 * Distance of the empty room, cell by cell.
 *
 *      calibrating   2 s: the distance that most of a cell's returns agree upon (Boyer and Moore's majority vote; cells
 *                    without three votes have no return), so people may walk through
 *      same          within the tolerance: the background moves by one step towards what is seen, hence to its median
 *      farther       the background is taken at its word after 1 s: what can be looked through was no background
 *      nearer        is foreground, and background only after 3 minutes at one distance; not in cells that are held
 *                    (where somebody is who moves now and then), nor ever where the camera removes the background itself
 *      all nearer    in 60 % of the cells for 3 s: the camera was moved, and calibrates again
 *
 *  A cell without a background return is foreground whenever it returns something.
 */
export interface Background {
  readonly state: BackgroundState;
  /** [cells] steps; 0: no return. */
  readonly distance: Uint16Array;
  /** [cells] a return of less is foreground, steps. */
  readonly nearerThan: Uint16Array;
  /**
   * Learns from a picture, a tenth of a second or more after the one before.
   * @param cells [cells] steps
   * @param held [cells] not 0 where nearer distances must not become background
   */
  learn(cells: Uint16Array, held: Uint16Array): void;
  /** The camera removes the background: none is learned. */
  remove(): void;
  /** From the start. */
  reset(): void;
}

export function createBackground(count: number, metresPerStep: number): Background {
  const distance = new Uint16Array(count);
  const nearerThan = new Uint16Array(count);
  // What may become the background, and for how many ticks it has been seen, less those when it was not.
  const candidate = new Uint16Array(count);
  const votes = new Uint16Array(count);
  let state: BackgroundState = 'calibrating';
  let removed = false;
  let tick = 0;
  let movedTicks = 0;

  function settle(cell: number, value: number): void {
    distance[cell] = value;
    const near = value - depthTolerance(value, metresPerStep);
    nearerThan[cell] = value === noReturn ? beyondScale : near > 0 ? near : 0;
    votes[cell] = 0;
  }

  function vote(cell: number, value: number): number {
    const wanted = candidate[cell]!;
    const age = votes[cell]!;
    if (age === 0) {
      candidate[cell] = value;
      return (votes[cell] = 1);
    }
    const apart = value > wanted ? value - wanted : wanted - value;
    if (apart > depthTolerance(wanted, metresPerStep)) return (votes[cell] = age - 1);
    if (value !== wanted) candidate[cell] = value > wanted ? wanted + 1 : wanted - 1;
    return (votes[cell] = age + 1);
  }

  function calibrate(cells: Uint16Array): void {
    for (let i = 0; i < count; i++) {
      const value = cells[i]!;
      if (value !== noReturn && value !== beyondScale) vote(i, value);
    }
    if (++tick < ticks.calibration) return;
    for (let i = 0; i < count; i++) settle(i, votes[i]! >= 3 ? candidate[i]! : noReturn);
    state = 'known';
  }

  function reset(): void {
    state = 'calibrating';
    removed = false;
    tick = 0;
    movedTicks = 0;
    distance.fill(noReturn);
    nearerThan.fill(0);
    votes.fill(0);
  }

  return {
    get state() {
      return state;
    },
    distance,
    nearerThan,
    reset,
    remove() {
      removed = true;
      state = 'known';
      distance.fill(noReturn);
      nearerThan.fill(beyondScale);
    },
    learn(cells, held) {
      if (removed) return;
      if (state === 'calibrating') {
        calibrate(cells);
        return;
      }
      let nearer = 0;
      for (let i = 0; i < count; i++) {
        const value = cells[i]!;
        if (value === noReturn || value === beyondScale) continue;
        const known = distance[i]!;
        if (value < nearerThan[i]!) {
          nearer++;
          if (held[i] === 0 && vote(i, value) >= ticks.nearer) settle(i, candidate[i]!);
        } else if (value > known + depthTolerance(known, metresPerStep)) {
          if (vote(i, value) >= ticks.farther) settle(i, candidate[i]!);
        } else {
          if (votes[i]! > 0) votes[i]!--;
          if (value === known) continue;
          const waiting = votes[i]!;
          settle(i, value > known ? known + 1 : known - 1);
          votes[i] = waiting;
        }
      }
      movedTicks = nearer > movedShare * count ? movedTicks + 1 : 0;
      if (movedTicks >= ticks.moved) reset();
    },
  };
}
