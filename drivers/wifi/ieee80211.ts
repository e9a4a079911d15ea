/** What IEEE 802.11 fixes and several devices' decoders need. */

/** Centre of a 20 MHz channel, Hz, by its number in the 2.4 or 5 GHz band; undefined for no such channel. */
export function channelFrequency(channel: number): number | undefined {
  if (channel >= 1 && channel <= 13) return (2407 + 5 * channel) * 1e6;
  if (channel === 14) return 2484e6;
  if (channel >= 32 && channel <= 177) return (5000 + 5 * channel) * 1e6;
  return undefined;
}

const hexadecimal = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** `aa:bb:cc:dd:ee:ff` of the six bytes at `at`. */
export function macAddress(bytes: Uint8Array, at: number): string {
  let text = hexadecimal[bytes[at]!]!;
  for (let i = 1; i < 6; i++) text += `:${hexadecimal[bytes[at + i]!]!}`;
  return text;
}

/** All subcarriers from `first` to `last`, both included. */
export function subcarrierRange(first: number, last: number): Int16Array {
  return Int16Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

const longStep = 2 ** 28;

/**
 * Makes one running count of a 32-bit counter that wraps. A step of more than a sixteenth of its range (4 ½ minutes, if it
 * counts microseconds) is believed when the next count confirms it: one damaged number must not shift all that follow.
 */
export function unwrapper(): (count: number) => number {
  let last: { count: number; total: number } | undefined;
  let stray: { count: number; total: number } | undefined;
  let confirmed = false; // two counts have agreed
  const after = (one: { count: number; total: number }, count: number) => ({
    count,
    total: one.total + ((count - one.count) | 0),
  });
  const isNear = (one: { count: number }, count: number) => Math.abs((count - one.count) | 0) < longStep;
  return (count) => {
    if (last !== undefined && isNear(last, count)) {
      confirmed = true;
      last = after(last, count);
    } else if (last === undefined || !confirmed) {
      last = { count, total: count };
    } else if (stray !== undefined && isNear(stray, count)) {
      last = after(stray, count);
    } else {
      stray = after(last, count);
      return stray.total;
    }
    stray = undefined;
    return last.total;
  };
}

/** Subcarriers in blocks [first, last] on both sides of the centre; given for the upper side. */
function around(...upper: readonly (readonly [number, number])[]): Int16Array {
  const lower = upper.map(([first, last]) => [-last, -first] as const).reverse();
  return Int16Array.from([...lower, ...upper].flatMap(([first, last]) => [...subcarrierRange(first, last)]));
}

export type PacketFormat = 'legacy' | 'ht' | 'vht' | 'he';

/** By format and width in MHz. */
const used: Readonly<Record<PacketFormat, Readonly<Record<number, Int16Array>>>> = {
  legacy: { 20: around([1, 26]) },
  ht: { 20: around([1, 28]), 40: around([2, 58]) },
  vht: { 20: around([1, 28]), 40: around([2, 58]), 80: around([2, 122]), 160: around([6, 126], [130, 250]) },
  he: { 20: around([2, 122]), 40: around([3, 244]), 80: around([3, 500]), 160: around([12, 509], [515, 1012]) },
};

/**
 * Subcarriers that carry data or pilots, ascending; undefined for no such packets. IEEE 802.11-2020, 17.3.5.10, 19.3.11.11,
 * 21.3.10.10; 802.11ax-2021, 27.3.12 (HE: the whole width one resource unit).
 */
export function usedSubcarriers(format: PacketFormat, megahertz: number): Int16Array | undefined {
  return used[format][megahertz];
}
