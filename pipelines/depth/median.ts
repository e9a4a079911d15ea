/**
 * Median of values at the given places, by counting the high bytes and then the low bytes of the one that holds it.
 * @param values steps
 * @param at [count] places in `values`, `count` at least 1
 * @param counts [256] scratch
 * @returns the lower one of the two in the middle of an even number
 */
export function medianOf(values: Uint16Array, at: Int32Array, count: number, counts: Uint32Array): number {
  let rank = (count - 1) >> 1;
  counts.fill(0);
  for (let i = 0; i < count; i++) counts[values[at[i]!]! >> 8]!++;
  let high = 0;
  while (rank >= counts[high]!) rank -= counts[high++]!;
  counts.fill(0);
  for (let i = 0; i < count; i++) {
    const value = values[at[i]!]!;
    if (value >> 8 === high) counts[value & 255]!++;
  }
  let low = 0;
  while (rank >= counts[low]!) rank -= counts[low++]!;
  return (high << 8) | low;
}
