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
  const hole = new Int32Array(side * side);
  const values = new Float32Array(side * side);
  const neighbours = new Float64Array(8);

  /** Collects the stretch of a pixel, marked as visited. @returns its size, negative if it is open */
  function collect(start: number, kind: Uint8Array): number {
    let size = 1;
    let isOpen = false;
    hole[0] = start;
    kind[start] = visited;
    for (let next = 0; next < size; next++) {
      const at = hole[next]!;
      const x = at % side;
      if (x === 0 || x === side - 1 || at < side || at >= side * (side - 1)) isOpen = true;
      for (let n = 0; n < 4; n++) {
        if (n === 0 ? x === 0 : n === 1 && x === side - 1) continue;
        const other = at + (n === 0 ? -1 : n === 1 ? 1 : n === 2 ? -side : side);
        if (other < 0 || other >= kind.length) continue;
        if (kind[other] === pixel.other) isOpen = true;
        else if (kind[other] === pixel.unknown) {
          kind[other] = visited;
          hole[size++] = other;
        }
      }
    }
    return isOpen ? -size : size;
  }

  /** Median of the neighbours that are body; NaN without any. Holes lie inside, so all neighbours exist. */
  function median(depth: Float32Array, kind: Uint8Array, at: number): number {
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
    return count === 0 ? NaN : (neighbours[(count - 1) >> 1]! + neighbours[count >> 1]!) / 2;
  }

  /** Fills the hole collected last. */
  function close(depth: Float32Array, kind: Uint8Array, size: number): void {
    for (let left = size; left > 0;) {
      for (let i = 0; i < left; i++) values[i] = median(depth, kind, hole[i]!);
      let kept = 0;
      for (let i = 0; i < left; i++) {
        const at = hole[i]!;
        const value = values[i]!;
        if (Number.isNaN(value)) {
          hole[kept] = at;
          kept++;
        } else {
          depth[at] = value;
          kind[at] = pixel.body;
        }
      }
      if (kept === left) return; // a hole without a rim, in a picture without a body
      left = kept;
    }
  }

  return {
    fill(depth, kind, largest) {
      let filled = 0;
      for (let i = 0; i < kind.length; i++) {
        if (kind[i] !== pixel.unknown) continue;
        const size = collect(i, kind);
        if (size < 0 || size > largest) continue;
        close(depth, kind, size);
        filled += size;
      }
      return filled;
    },
  };
}
