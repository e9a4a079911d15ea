/** Packets that must not pass as numbers, and why.
 *
 *      absent       no csi, arrays whose lengths do not fit together, no time, or a receiver of which nothing was heard
 *      notANumber   a part that is not finite
 *      clipped      at least two parts, of a device's own integers, at the largest that its converter can give
 *      constant     the same csi again, eight times and more: the device repeats itself
 *      otherLayout  antennas, subcarriers or bandwidth differ from those before, in fewer than eight packets on end:
 *                   another transmitter's packet. The eighth starts the layout, and all that follows from it, anew. */

import type { WifiFrame } from '../../drivers/frames.js';
import { hasLayout, layoutOf, type Layout } from './layout.js';

export const refusals = ['absent', 'notANumber', 'clipped', 'constant', 'otherLayout'] as const;
export type Refusal = (typeof refusals)[number];

/** So many packets on end make a change of layout, or a constant. */
export const inARow = 8;

/** Largest and smallest values of converters with 8, 10, 12 and 16 bits: ESP32, Intel 5300 and QCA 9300; QCA; ESP32 C5; Nexmon, FeitCSI. */
const fullScales: readonly number[] = [127, 128, 511, 512, 2047, 2048, 32767, 32768];

/**
 * The first thing that is wrong with one packet's csi by itself. Clipping shows only in the integers of `raw` csi; a scaled
 * one (Intel 5300) has lost where the converter's end was.
 * @param csi [receivers, transmitters, subcarriers, 2]
 */
export function problemOf(csi: Float32Array, layout: Layout, scale: WifiFrame['scale']): Refusal | undefined {
  const { kept, subcarriers, receivers, transmitters } = layout;
  const all = subcarriers.length;
  let largest = 0;
  let atLargest = 0;
  for (let r = 0; r < receivers; r++) {
    let heard = 0;
    for (let t = 0; t < transmitters; t++) {
      const row = (r * transmitters + t) * all;
      for (let i = 0; i < kept.length;) {
        const at = 2 * (row + kept[i++]!); // an iterator may be allocated
        for (let part = at; part < at + 2; part++) {
          const size = Math.abs(csi[part]!);
          heard += size;
          if (size > largest) {
            largest = size;
            atLargest = 1;
          } else if (size === largest) atLargest++;
        }
      }
    }
    if (!Number.isFinite(heard)) return 'notANumber';
    if (heard === 0) return 'absent';
  }
  return scale === 'raw' && atLargest > 1 && fullScales.includes(largest) ? 'clipped' : undefined;
}

export interface Inspector {
  /** Why the frame must not be used; undefined: it may. */
  inspect(frame: WifiFrame): Refusal | undefined;
  /** Of the accepted frames. */
  readonly layout: Layout | undefined;
  /** How many layouts there have been. A step that sees another number than before starts anew. */
  readonly layouts: number;
  /** Frames refused so far. */
  readonly refused: Readonly<Record<Refusal, number>>;
}

export function createInspector(): Inspector {
  let layout: Layout | undefined;
  let next: Layout | undefined; // differs from `layout`; not yet certain
  let nextSeen = 0;
  let layouts = 0;
  let last = new Float32Array(0);
  let repeats = 0;
  const refused = { absent: 0, notANumber: 0, clipped: 0, constant: 0, otherLayout: 0 };

  function isRepeated(csi: Float32Array): boolean {
    let same = csi.length === last.length;
    for (let i = 0; same && i < csi.length; i++) same = csi[i] === last[i];
    repeats = same ? repeats + 1 : 0;
    if (csi.length !== last.length) last = new Float32Array(csi.length);
    if (!same) last.set(csi);
    return repeats >= inARow;
  }

  /** What is wrong with the frame's layout. A frame that comes eight times on end with another makes it the one in use. */
  function layoutProblem(frame: WifiFrame): Refusal | undefined {
    if (layout !== undefined && hasLayout(frame, layout)) {
      next = undefined;
      return undefined;
    }
    if (next === undefined || !hasLayout(frame, next)) {
      if (!frame.csi.every(Number.isFinite)) return 'notANumber';
      next = layoutOf(frame);
      nextSeen = 0;
      if (next === undefined) return 'absent';
    }
    if (layout !== undefined && ++nextSeen < inARow) return 'otherLayout';
    layout = next;
    next = undefined;
    layouts++;
    return undefined;
  }

  function problem(frame: WifiFrame): Refusal | undefined {
    const { csi, scale } = frame;
    if (!Number.isFinite(frame.deviceTime ?? frame.arrivalTime)) return 'absent';
    return layoutProblem(frame) ?? problemOf(csi, layout!, scale) ?? (isRepeated(csi) ? 'constant' : undefined);
  }

  return {
    inspect(frame) {
      const found = problem(frame);
      if (found !== undefined) refused[found]++;
      return found;
    },
    get layout() {
      return layout;
    },
    get layouts() {
      return layouts;
    },
    refused,
  };
}
