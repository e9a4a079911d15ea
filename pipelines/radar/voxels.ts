import { gatheredChannels } from './point-frames.js';

/** A box of cells in the radar's axes; what lies outside is left out. */
export interface VoxelGrid {
  /** [x, y, z] of the box's lowest corner, metres. */
  readonly origin: readonly [number, number, number];
  /** [x, y, z] of a cell, metres. */
  readonly cell: readonly [number, number, number];
  /** Cells along x, y, z. */
  readonly shape: readonly [number, number, number];
}

/**
 * Points to voxels: [x cells, y cells, z cells, 3] number of points, their mean velocity in m/s, their highest SNR in dB (0
 * where there is none). A. D. Singh et al., RadHAR, mmNets 2019, section 4, counts the points alone.
 * @param points [count, 9] as `gatherPoints` writes them
 * @param out written anew
 * @returns number of points inside
 */
export function voxels(points: Float32Array, count: number, grid: VoxelGrid, out: Float32Array): number {
  const { origin, cell, shape } = grid;
  out.fill(0);
  let inside = 0;
  for (let i = 0, at = 0; i < count; i++, at += gatheredChannels) {
    const x = Math.floor((points[at]! - origin[0]) / cell[0]);
    const y = Math.floor((points[at + 1]! - origin[1]) / cell[1]);
    const z = Math.floor((points[at + 2]! - origin[2]) / cell[2]);
    if (!(x >= 0 && x < shape[0] && y >= 0 && y < shape[1] && z >= 0 && z < shape[2])) continue;
    const to = 3 * ((x * shape[1] + y) * shape[2] + z);
    const before = out[to]!;
    const snr = points[at + 4]!;
    out[to] = before + 1;
    out[to + 1]! += (points[at + 3]! - out[to + 1]!) / (before + 1);
    out[to + 2] = before === 0 ? snr : Math.max(out[to + 2]!, snr);
    inside++;
  }
  return inside;
}
