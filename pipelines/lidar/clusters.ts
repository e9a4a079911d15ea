/** Clusters of points: voxels that touch by a face, an edge or a corner belong together.
 *
 *  Points nearer to each other than a voxel's edge are always of one cluster, points with a gap of two edges on an axis between them
 *  never by themselves: DBSCAN of one point a neighbourhood (Ester et al., KDD 1996), with a neighbourhood that is the grid's and
 *  not a ball, in linear time. The same as SciPy's `ndimage.label` with a structure of 3 × 3 × 3 ones.
 *  Voxels lie in a hash table with open addresses; union–find with path halving (Tarjan and van Leeuwen, JACM 31, 1984). */

/** Scratch and result; grows with the largest frame. */
export interface Clusters {
  count: number;
  /** [points] */
  label: Int32Array;
  /** [clusters] */
  points: Int32Array;
  /** [clusters, 3] sums, for the mean */
  sum: Float64Array;
  /** [clusters, 6] least x, y, z, greatest x, y, z */
  bounds: Float32Array;
  /** [table] packed voxel, −1: empty */
  key: Int32Array;
  /** [table] number of the voxel */
  slot: Int32Array;
  /** [points] voxel of the point */
  voxel: Int32Array;
  /** [voxels] packed voxel; parent; cluster */
  packed: Int32Array;
  parent: Int32Array;
  cluster: Int32Array;
}

export function createClusters(): Clusters {
  const clusters = {} as Clusters;
  clusters.count = 0;
  grow(clusters, 256);
  return clusters;
}

function grow(clusters: Clusters, points: number): void {
  let table = 512;
  while (table < 2 * points) table *= 2;
  const room = table / 2;
  for (const name of ['label', 'points', 'voxel', 'packed', 'parent', 'cluster'] as const)
    clusters[name] = new Int32Array(room);
  clusters.key = new Int32Array(table);
  clusters.slot = new Int32Array(table);
  clusters.sum = new Float64Array(3 * room);
  clusters.bounds = new Float32Array(6 * room);
}

const half = 512; // voxels on each side of the origin along an axis
const axisStep = [1 << 20, 1 << 10, 1] as const;
// Of the 26 neighbours those whose packed number is less: each pair is met once.
const neighbours = Int32Array.from(
  [-1, 0, 1].flatMap((x) =>
    [-1, 0, 1].flatMap((y) => [-1, 0, 1].map((z) => x * axisStep[0] + y * axisStep[1] + z * axisStep[2])),
  ),
).filter((step) => step < 0);
const earlier = neighbours.length;

/**
 * @param position [points, 3] finite, metres; what lies more than 511 voxels off counts as there
 * @param edge [x, y, z] of a voxel, metres
 * @param out written anew: clusters in the order of their first points
 */
export function findClusters(
  position: Float32Array,
  points: number,
  edge: readonly [number, number, number],
  out: Clusters,
): void {
  if (out.label.length < points) grow(out, points);
  const { key, slot, voxel, packed, parent } = out;
  // Only as much of the table as the points need, so that few points cost little.
  let table = 512;
  while (table < 2 * points) table *= 2;
  key.fill(-1, 0, table);
  const mask = table - 1;
  const ex = 1 / edge[0];
  const ey = 1 / edge[1];
  const ez = 1 / edge[2];
  let voxels = 0;
  for (let i = 0, at = 0; i < points; i++, at += 3) {
    // 1 to 1022, so that a neighbour never wraps into another row.
    const x = Math.min(2 * half - 2, Math.max(1, Math.floor(position[at]! * ex) + half));
    const y = Math.min(2 * half - 2, Math.max(1, Math.floor(position[at + 1]! * ey) + half));
    const z = Math.min(2 * half - 2, Math.max(1, Math.floor(position[at + 2]! * ez) + half));
    const one = (x << 20) | (y << 10) | z;
    let h = (Math.imul(one, 0x9e3779b1) >>> 7) & mask;
    while (key[h] !== -1 && key[h] !== one) h = (h + 1) & mask;
    if (key[h] === -1) {
      key[h] = one;
      slot[h] = voxels;
      packed[voxels] = one;
      parent[voxels] = voxels;
      voxels++;
    }
    voxel[i] = slot[h]!;
  }

  for (let v = 0; v < voxels; v++) {
    const one = packed[v]!;
    for (let k = 0; k < earlier; k++) {
      const other = one + neighbours[k]!;
      let h = (Math.imul(other, 0x9e3779b1) >>> 7) & mask;
      while (key[h] !== -1 && key[h] !== other) h = (h + 1) & mask;
      if (key[h] === -1) continue;
      const a = rootOf(parent, v);
      const b = rootOf(parent, slot[h]!);
      if (a < b) parent[b] = a;
      else parent[a] = b;
    }
  }
  gather(position, points, voxels, out);
}

function rootOf(parent: Int32Array, v: number): number {
  while (parent[v] !== v) {
    parent[v] = parent[parent[v]!]!;
    v = parent[v]!;
  }
  return v;
}

function gather(position: Float32Array, points: number, voxels: number, out: Clusters): void {
  const { label, voxel, parent, cluster, sum, bounds } = out;
  let count = 0;
  // A root is the least of its voxels, and voxels are numbered by their first points.
  for (let v = 0; v < voxels; v++) {
    const root = rootOf(parent, v);
    if (root !== v) {
      cluster[v] = cluster[root]!;
      continue;
    }
    cluster[v] = count;
    out.points[count] = 0;
    for (let k = 0; k < 3; k++) {
      sum[3 * count + k] = 0;
      bounds[6 * count + k] = Infinity;
      bounds[6 * count + 3 + k] = -Infinity;
    }
    count++;
  }
  for (let i = 0; i < points; i++) {
    const c = cluster[voxel[i]!]!;
    label[i] = c;
    out.points[c]!++;
    for (let k = 0; k < 3; k++) {
      const value = position[3 * i + k]!;
      sum[3 * c + k]! += value;
      if (value < bounds[6 * c + k]!) bounds[6 * c + k] = value;
      if (value > bounds[6 * c + 3 + k]!) bounds[6 * c + 3 + k] = value;
    }
  }
  out.count = count;
}
