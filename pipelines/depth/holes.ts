/** What a pixel of the crop is. */
export const pixel = { body: 0, unknown: 1, other: 2 } as const;

export interface HoleFiller {
  /**
   * Fills the body's holes: stretches of pixels without a return (4-connected) that touch neither the picture's edge nor a
   * pixel whose return is somebody or something else's, and are not too large. From their rim inwards, one ring after the
   * other, each pixel becomes the median of its 3 × 3 neighbours that are body by then (of an even number: the mean of the
   * two in the middle).
   * @param depth [side, side] steps, where `kind` is body; holes are written
   * @param kind [side, side] `pixel`; filled holes become body
   * @param largest a hole of more pixels stays
   * @returns pixels filled
   */
  fill(depth: Float32Array, kind: Uint8Array, largest: number): number;
}

const visited = 3;

export function createHoleFiller(side: number): HoleFiller {
  // Pixels to be filled, then those of the stretch that is being collected.
  const places = new Int32Array(side * side);
  const values = new Float32Array(side * side);
  const counts = new Uint8Array(side * side);
  const neighbours = new Float64Array(9);

  /** What is open in a straight line to the left or right edge, most of it, is so without being collected. */
  function openSides(kind: Uint8Array): void {
    for (let first = 0; first < kind.length; first += side) {
      const last = first + side - 1;
      for (let at = first; at <= last && kind[at] === pixel.unknown; at++) kind[at] = pixel.other;
      for (let at = last; at >= first && kind[at] === pixel.unknown; at--) kind[at] = pixel.other;
    }
  }

  /** Appends the stretch of a pixel to the places, marked as visited. @returns its size, negative if it is open */
  function collect(start: number, from: number, kind: Uint8Array): number {
    let end = from;
    let isOpen = false;
    places[end++] = start;
    kind[start] = visited;
    for (let next = from; next < end; next++) {
      const at = places[next]!;
      const x = at % side;
      if (x === 0 || x === side - 1 || at < side || at >= side * (side - 1)) isOpen = true;
      for (let n = 0; n < 4; n++) {
        if (n === 0 ? x === 0 : n === 1 && x === side - 1) continue;
        const other = at + (n === 0 ? -1 : n === 1 ? 1 : n === 2 ? -side : side);
        if (other < 0 || other >= kind.length) continue;
        if (kind[other] === pixel.other) isOpen = true;
        else if (kind[other] === pixel.unknown) {
          kind[other] = visited;
          places[end++] = other;
        }
      }
    }
    return isOpen ? from - end : end - from;
  }

  /** Writes the median of the neighbours that are body. Holes lie inside, so all neighbours exist. @returns how many are body */
  function median(depth: Float32Array, kind: Uint8Array, at: number, place: number): number {
    let count = 0;
    for (let dy = -side; dy <= side; dy += side) {
      for (let dx = -1; dx <= 1; dx++) {
        const other = at + dy + dx;
        if (kind[other] !== pixel.body) continue;
        const value = depth[other]!;
        let i = count++;
        for (; i > 0 && neighbours[i - 1]! > value; i--) neighbours[i] = neighbours[i - 1]!;
        neighbours[i] = value;
      }
    }
    values[place] = (neighbours[(count - 1) >> 1]! + neighbours[count >> 1]!) / 2;
    return count;
  }

  return {
    fill(depth, kind, largest) {
      let found = 0;
      openSides(kind);
      for (let i = 0; i < kind.length; i++) {
        if (kind[i] !== pixel.unknown) continue;
        const size = collect(i, found, kind);
        if (size > 0 && size <= largest) found += size;
      }
      for (let left = found; left > 0;) {
        for (let i = 0; i < left; i++) counts[i] = median(depth, kind, places[i]!, i);
        let kept = 0;
        for (let i = 0; i < left; i++) {
          const at = places[i]!;
          if (counts[i] === 0) places[kept++] = at;
          else {
            depth[at] = values[i]!;
            kind[at] = pixel.body;
          }
        }
        if (kept === left) return found - left; // without a rim: no body at all
        left = kept;
      }
      return found;
    },
  };
}
