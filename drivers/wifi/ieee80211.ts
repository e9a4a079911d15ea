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

/**
 * Makes one running count of a 32-bit counter that wraps. A step back by less than half its range is taken as one: packets that
 * overtook each other, or a device that started anew.
 */
export function unwrapper(): (count: number) => number {
  let last: number | undefined;
  let total = 0;
  return (count) => {
    total = last === undefined ? count : total + ((count - last) | 0);
    last = count;
    return total;
  };
}
