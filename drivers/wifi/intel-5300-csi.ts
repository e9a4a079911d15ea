/** The csi of an Intel 5300, as csitool and PicoScenes give it.
 *
 * Bits, lowest first: for each of 30 subcarriers 3 bits to skip, then for each receive chain and in it each stream int8 real,
 * int8 imaginary part.
 *
 * Subcarriers (IEEE 802.11n-2009, 7.3.1.27, groups of 2 and 4): 20 MHz −28, −26, …, −2, −1, 1, 3, …, 27, 28; 40 MHz −58, −54,
 * …, −2, 2, …, 58.
 *
 * Source: dhalperi/linux-80211n-csitool-supplementary 08ea7cc, matlab/read_bfee.c and read_bf_file.m, and its FAQ.
 */

export const subcarrierCount = 30;
const every = (first: number, step: number, last: number) =>
  Array.from({ length: (last - first) / step + 1 }, (_, i) => first + i * step);
export const narrowSubcarriers = Int16Array.from([...every(-28, 2, -2), -1, ...every(1, 2, 27), 28]);
export const wideSubcarriers = Int16Array.from([...every(-58, 4, -2), ...every(2, 4, 58)]);

/** Bytes of a record's csi. */
export function csiLength(receivers: number, streams: number): number {
  return (subcarrierCount * (receivers * streams * 16 + 3) + 7) >> 3;
}

/** Socket that a chain was switched to. */
const socket = (chain: number, selection: number) => (selection >> (2 * chain)) & 3;

/** Whether three chains were switched to three sockets. */
export function isPermutation(selection: number): boolean {
  return ((1 << socket(0, selection)) | (1 << socket(1, selection)) | (1 << socket(2, selection))) === 7;
}

/**
 * Unpacks csi into [receivers, streams, 30, 2], three chains in the order of their sockets.
 * @returns the sum of its squares
 */
export function unpackCsi(
  bytes: Uint8Array,
  at: number,
  receivers: number,
  streams: number,
  selection: number,
  csi: Float32Array,
): number {
  const ordered = receivers === 3 && isPermutation(selection);
  let power = 0;
  let bit = 0;
  for (let k = 0; k < subcarrierCount; k++) {
    bit += 3;
    const shift = bit & 7;
    for (let chain = 0; chain < receivers; chain++) {
      const row = ordered ? socket(chain, selection) : chain;
      for (let stream = 0; stream < streams; stream++) {
        const byte = at + (bit >> 3);
        const bits = bytes[byte]! | (bytes[byte + 1]! << 8) | (bytes[byte + 2]! << 16);
        const real = (bits << (24 - shift)) >> 24;
        const imaginary = (bits << (16 - shift)) >> 24;
        const place = 2 * ((row * streams + stream) * subcarrierCount + k);
        csi[place] = real;
        csi[place + 1] = imaginary;
        power += real * real + imaginary * imaginary;
        bit += 16;
      }
    }
  }
  return power;
}
