/** Which subcarriers of a packet say something about the room.
 *
 *  Left out: null and guard subcarriers, pilots, and those that the device gave as 0 on all antennas (the ESP32's invalid
 *  first word, what Nexmon overwrites, the outer four of a legacy field among HT's numbers).
 *
 *      width          spacing        used           pilots
 *      20 MHz         312.5 kHz      ±1 … ±28       ±7, ±21
 *      40 MHz                        ±2 … ±58       ±11, ±25, ±53
 *      80 MHz                        ±2 … ±122      ±11, ±39, ±75, ±103
 *      160 MHz                       80 MHz twice, centres at ±128
 *      20 MHz, HE     78.125 kHz     ±2 … ±122      ±22, ±48, ±90, ±116
 *      40 MHz, HE                    ±3 … ±244      ±10, ±36, ±78, ±104, ±144, ±170, ±212, ±238
 *      80 MHz, HE                    ±3 … ±500      ±24, ±92, ±158, ±226, ±266, ±334, ±400, ±468
 *      160 MHz, HE                   80 MHz twice, centres at ±512, used ±12 … ±1012
 *
 *  IEEE 802.11-2020, 17.3.5.9 and 17.3.5.10, 19.3.11.10 and 11, 21.3.10.10 and 11; 802.11ax-2021, 27.3.12 and 27.3.2.4 (one
 *  resource unit over the whole width). Legacy packets use ±1 … ±26 with the pilots of HT. */

import type { WifiFrame } from '../../drivers/frames.js';

export interface Layout {
  readonly receivers: number;
  readonly transmitters: number;
  /** The frame's, all of them. */
  readonly subcarriers: Int16Array;
  readonly bandwidth: number | undefined;
  /** Places in `subcarriers` of those that are kept, ascending. */
  readonly kept: Uint16Array;
  /** Their numbers from the channel's centre. */
  readonly numbers: Int16Array;
  /** The first and the last of the kept places. */
  readonly keptEdge: Uint16Array;
  /** Places outside of the kept ones that could carry data and were 0: of a legacy packet ±27 and ±28. */
  readonly silentEdge: Uint16Array;
  /** receivers · transmitters · kept subcarriers: the length of the arrays that the next steps fill. */
  readonly channels: number;
}

/** Fewer kept subcarriers are no layout: the steps look at neighbours. */
const leastSubcarriers = 3;

interface Band {
  readonly first: number;
  readonly last: number;
  readonly pilots: readonly number[];
  /** Of two equal halves, the distance from the channel's centre to each one's. */
  readonly halves?: number;
}

const bands: Readonly<Record<number, Band>> = {
  20: { first: 1, last: 28, pilots: [7, 21] },
  40: { first: 2, last: 58, pilots: [11, 25, 53] },
  80: { first: 2, last: 122, pilots: [11, 39, 75, 103] },
  160: { first: 2, last: 122, pilots: [11, 39, 75, 103], halves: 128 },
};
const bandsHighEfficiency: Readonly<Record<number, Band>> = {
  20: { first: 2, last: 122, pilots: [22, 48, 90, 116] },
  40: { first: 3, last: 244, pilots: [10, 36, 78, 104, 144, 170, 212, 238] },
  80: { first: 3, last: 500, pilots: [24, 92, 158, 226, 266, 334, 400, 468] },
  160: { first: 3, last: 500, pilots: [24, 92, 158, 226, 266, 334, 400, 468], halves: 512 },
};

/** Of a width that the table lacks or the device does not say: the narrowest that holds the numbers. */
function bandOf(subcarriers: Int16Array, bandwidth: number | undefined): Band {
  let outermost = 0;
  for (const k of subcarriers) outermost = Math.max(outermost, Math.abs(k));
  const megahertz = Math.round((bandwidth ?? 0) / 1e6);
  // 32 subcarriers of 312.5 kHz on each side of a 20 MHz channel; more are those of HE.
  const fits = (width: number, spacing: number) => outermost <= width / 2 / spacing;
  if (megahertz in bands) {
    return (fits(megahertz, 0.3125) ? bands : bandsHighEfficiency)[megahertz]!;
  }
  return bands[[20, 40, 80].find((width) => fits(width, 0.3125)) ?? 160]!;
}

/** Whether a subcarrier of this number carries data. */
function carriesData(k: number, { first, last, pilots, halves }: Band): boolean {
  const distance = halves === undefined ? Math.abs(k) : Math.abs(Math.abs(k) - halves);
  return distance >= first && distance <= last && !pilots.includes(distance);
}

/** @returns undefined if the arrays' lengths do not fit together or nothing is left */
export function layoutOf(frame: WifiFrame): Layout | undefined {
  const { receivers, transmitters, subcarriers, csi, bandwidth } = frame;
  const pairs = receivers * transmitters;
  if (pairs === 0 || csi.length !== pairs * subcarriers.length * 2) return undefined;
  const band = bandOf(subcarriers, bandwidth);
  const silent = (at: number) => {
    for (let p = 0; p < pairs; p++) {
      const i = 2 * (p * subcarriers.length + at);
      if (csi[i] !== 0 || csi[i + 1] !== 0) return false;
    }
    return true;
  };
  const data = Array.from(subcarriers.keys()).filter((at) => carriesData(subcarriers[at]!, band));
  const kept = data.filter((at) => !silent(at));
  if (kept.length < leastSubcarriers) return undefined;
  return {
    receivers,
    transmitters,
    subcarriers: subcarriers.slice(),
    bandwidth,
    kept: Uint16Array.from(kept),
    numbers: Int16Array.from(kept, (at) => subcarriers[at]!),
    keptEdge: Uint16Array.of(kept[0]!, kept[kept.length - 1]!),
    silentEdge: Uint16Array.from(data.filter((at) => at < kept[0]! || at > kept[kept.length - 1]!)),
    channels: pairs * kept.length,
  };
}

function anyHeard(csi: Float32Array, layout: Layout, places: Uint16Array): boolean {
  const all = layout.subcarriers.length;
  for (let row = 0; row < layout.receivers * layout.transmitters * all; row += all) {
    for (let i = 0; i < places.length;) {
      const at = 2 * (row + places[i++]!); // an iterator may be allocated
      if (csi[at] !== 0 || csi[at + 1] !== 0) return true;
    }
  }
  return false;
}

/**
 * Whether a frame has this layout. Its outermost kept subcarriers must not have fallen silent, nor what was silent outside of
 * them be heard: legacy and HT packets of an ESP32 have the same subcarriers otherwise.
 */
export function hasLayout(frame: WifiFrame, layout: Layout): boolean {
  const { subcarriers, csi } = frame;
  if (
    frame.receivers !== layout.receivers ||
    frame.transmitters !== layout.transmitters ||
    frame.bandwidth !== layout.bandwidth ||
    subcarriers.length !== layout.subcarriers.length ||
    csi.length !== 2 * layout.receivers * layout.transmitters * subcarriers.length
  )
    return false;
  for (let i = 0; i < subcarriers.length; i++) if (subcarriers[i] !== layout.subcarriers[i]) return false;
  return anyHeard(csi, layout, layout.keptEdge) && !anyHeard(csi, layout, layout.silentEdge);
}
