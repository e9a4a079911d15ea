/** Depth pictures to numbers of one instant.
 *
 *    picture ─┬▶ grid of 160 × 120 cells ─▶ nearer than the background ─▶ the person's region ─▶ box
 *             └▶ the box's pixels ─▶ holes filled ─▶ area average ─▶ [48, 48] 1 + metres nearer than the person's median; 0: not the person
 */

import type { DepthFrame } from '../../drivers/frames.js';
import type { Fault, FrameFeatures } from '../features.js';
import { createBackground } from './background.js';
import { followBox } from './crop.js';
import { createHoleFiller } from './holes.js';
import { createLiveness } from './liveness.js';
import { beyondScale, noReturn } from './noise.js';
import { createPersonFinder } from './person.js';
import { createCropSampler, gridOf, sampleGrid } from './sample.js';
import { scaleCrop } from './scale.js';

export interface DepthFeatureOptions {
  /** Rows and columns of the features. Default: 48. */
  size?: number;
  /**
   * `learned`: the camera sends the room, and the background is learned; `removed`: it sends people only; `auto`, the
   * default: removed if the first picture has no return in 70 % of its cells, until half of them return for 10 s.
   */
  background?: 'auto' | 'learned' | 'removed';
  /** The same picture so often again is a fault. Default: 30. */
  mostRepeats?: number;
}

export interface DepthFeatures extends FrameFeatures<DepthFrame> {
  /** `calibrating` while the background is not known yet. */
  readonly state: 'calibrating' | 'known';
  /** Box of the last taken picture, pixels. */
  readonly box: { readonly left: number; readonly top: number; readonly side: number };
  /** Median distance of the person in the last taken picture, metres. */
  readonly distance: number;
}

/** Samples of the crop along a cell of the features. */
const factor = 3;
/** Seconds from one background update to the next, and after which a lost person is forgotten. */
const [updating, forgetting] = [0.1, 1];
/** Of a frame whose time is no later than that of the one before, seconds. */
const usualStep = 1 / 30;
/** Farther from the median a pixel is not the person's, metres. */
const bodyReach = 1.2;
/** Holes may be so large, shares of the body: in a removed background they may as well be what is seen through an arm akimbo. */
const largestHole = { learned: 0.25, removed: 0.02 };
const [removedShare, returnedShare, returnedSeconds] = [0.7, 0.5, 10];
const [clippedShare, darkShare, litShare] = [0.5, 0.95, 0.5];

/**
 *      absent            size, step or data do not fit together
 *      settingsChanged   width, height or step are not those of before; the background is learned anew from the next on
 *      clipped           half of the cells beyond the scale; or no return in 95 %, where the room gives some
 *      constant          the same picture for the 30th time
 *      calibrating       the background is not known yet
 *      nobody            nothing nearer than the background that is large enough
 */
export function createDepthFeatures(options: DepthFeatureOptions = {}): DepthFeatures {
  const { size = 48, background = 'auto', mostRepeats = 30 } = options;
  let room: ReturnType<typeof createRoom> | undefined;
  return {
    shape: [size, size],
    get state() {
      return room?.state() ?? 'calibrating';
    },
    get box() {
      return room?.box() ?? { left: 0, top: 0, side: 0 };
    },
    get distance() {
      return room?.distance() ?? NaN;
    },
    reset: () => room?.reset(),
    take(frame, out) {
      const { width, height, metresPerStep, depth } = frame;
      if (!isPicture(frame)) return 'absent';
      const isFirst = room === undefined;
      if (room?.width !== width || room.height !== height || room.metresPerStep !== metresPerStep) {
        room = createRoom(width, height, metresPerStep, size, background, mostRepeats);
        if (!isFirst) return 'settingsChanged';
      }
      return room.take(depth, frame.arrivalTime, out);
    },
  };
}

const [smallest, largest] = [16, 8192];

function isPicture({ width, height, metresPerStep, depth }: DepthFrame): boolean {
  if (!Number.isInteger(width) || !Number.isInteger(height)) return false;
  if (width < smallest || height < smallest || width > largest || height > largest) return false;
  return depth.length === width * height && metresPerStep >= 1e-5 && metresPerStep <= 0.1;
}

/** All that is known of what one camera sees with one setting. */
function createRoom(
  width: number,
  height: number,
  metresPerStep: number,
  size: number,
  mode: 'auto' | 'learned' | 'removed',
  mostRepeats: number,
) {
  const grid = gridOf(width, height);
  const count = grid.columns * grid.rows;
  const side = factor * size;
  const cells = new Uint16Array(count);
  const background = createBackground(count, metresPerStep);
  const liveness = createLiveness(grid.columns, grid.rows, metresPerStep);
  const finder = createPersonFinder(grid, metresPerStep);
  const sampler = createCropSampler(width, grid, side);
  const holes = createHoleFiller(side);
  const crop = new Float32Array(side * side);
  const kind = new Uint8Array(side * side);
  const box = { left: 0, top: 0, side: 0 };
  let isRemoved = mode === 'removed';
  let isDecided = mode !== 'auto';
  let repeats = 0;
  let lastTime = NaN;
  let sinceUpdate = Infinity;
  let sinceFound = Infinity;
  let returnedFor = 0;
  if (isRemoved) background.remove();

  function secondsSince(time: number): number {
    const seconds = time - lastTime;
    lastTime = time;
    return seconds >= 0 && seconds < Infinity ? seconds : usualStep;
  }

  /** Whether the camera removes the background, as far as it is to be found out. */
  function decide(dark: number, seconds: number): void {
    if (mode !== 'auto') return;
    if (!isDecided) {
      if (dark === count) return;
      isDecided = true;
      isRemoved = dark > removedShare * count;
      if (isRemoved) background.remove();
    } else if (isRemoved) {
      returnedFor = dark < (1 - returnedShare) * count ? returnedFor + seconds : 0;
      if (returnedFor < returnedSeconds) return;
      isRemoved = false;
      background.reset();
    }
  }

  function isLit(): boolean {
    let lit = 0;
    for (let i = 0; i < count; i++) if (background.distance[i] !== noReturn) lit++;
    return background.state === 'calibrating' || lit > litShare * count;
  }

  function faultOf(changed: number, seconds: number): Fault | undefined {
    let dark = 0;
    let beyond = 0;
    for (let i = 0; i < count; i++) {
      if (cells[i] === noReturn) dark++;
      else if (cells[i] === beyondScale) beyond++;
    }
    repeats = changed === 0 && dark < count ? repeats + 1 : 0;
    if (beyond > clippedShare * count) return 'clipped';
    decide(dark, seconds);
    if (dark > darkShare * count && isDecided && !isRemoved && isLit()) return 'clipped';
    return repeats >= mostRepeats ? 'constant' : undefined;
  }

  return {
    width,
    height,
    metresPerStep,
    state: () => background.state,
    box: () => ({ left: box.left * grid.stride, top: box.top * grid.stride, side: box.side * grid.stride }),
    distance: () => finder.distance * metresPerStep,
    reset() {
      sinceFound = Infinity;
      repeats = 0;
      lastTime = NaN;
      liveness.reset();
    },
    take(depth: Uint16Array, time: number, out: Float32Array): Fault | undefined {
      const seconds = secondsSince(time);
      const fault = faultOf(sampleGrid(depth, width, grid, cells), seconds);
      sinceFound += seconds;
      if (fault) return fault;
      if (!isDecided) return 'nobody'; // no return at all so far

      const updates = sinceUpdate + seconds >= updating;
      sinceUpdate = updates ? Math.min(sinceUpdate + seconds - updating, updating) : sinceUpdate + seconds;
      const isKnown = background.state === 'known';
      const isFollowed = sinceFound < forgetting;
      const isFound =
        isKnown &&
        finder.find(cells, background.nearerThan, isFollowed ? box : undefined, updates ? liveness.see : undefined);
      if (updates) {
        background.learn(cells, liveness.held);
        liveness.end(cells);
      }
      if (!isKnown) return 'calibrating';
      if (!isFound) return 'nobody';

      followBox(finder.region, isFollowed && finder.followed ? sinceFound : Infinity, box);
      sinceFound = 0;
      const reach = bodyReach / metresPerStep;
      const body = sampler.sample(depth, box, finder.mask, background.nearerThan, finder.distance, reach, crop, kind);
      holes.fill(crop, kind, body * (isRemoved ? largestHole.removed : largestHole.learned));
      scaleCrop(crop, kind, size, factor, finder.distance, metresPerStep, out);
      return undefined;
    },
  };
}
