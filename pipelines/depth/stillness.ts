/** A body at rest before a depth camera is `still`, not an action: what the motion gate is to a wrist, for the pictures of a window.
 *
 *  still = of the cells that show the body in any instant of the window, fewer than 0.1 move: their standard deviation over
 *      the instants is above 0.2 (metres; a cell that leaves the body changes by about 1). A body's edge flickers, an arm sweeps.
 *
 *  Chosen on UTD-MHAD (subjects 1, 3, 5, 7: 431 actions), whose pictures have no background. Called still:
 *      windows of 3.04 s, and any 2 s of an action           0 % (of a window at least 0.18 of the cells move)
 *      any 1.5 s, any second                                 0.03 %, 0.5 % (an action's start and end are rests)
 *      the first and last 0.4 s                              77 %
 */

/** Share of the cells. */
export const depthStillness = 0.1;

/** A cell that differs more moves: standard deviation over the instants, in the features' unit. */
const moving = 0.2;

/** @param window [instants, cells…] 1 plus how many metres nearer than the person's median, 0 where there is no body */
export function depthIsStill(window: Float32Array, cells: number): boolean {
  const instants = window.length / cells;
  let body = 0;
  let moved = 0;
  for (let cell = 0; cell < cells; cell++) {
    let sum = 0;
    let squares = 0;
    for (let at = cell; at < window.length; at += cells) {
      const value = window[at]!;
      sum += value;
      squares += value * value;
    }
    if (sum === 0) continue;
    body++;
    if (squares / instants - (sum / instants) ** 2 > moving ** 2) moved++;
  }
  return moved < depthStillness * body;
}
