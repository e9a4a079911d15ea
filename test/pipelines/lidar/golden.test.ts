/** The steps beside NumPy and SciPy in float64, whose answers test/pipelines/golden/lidar.py stored. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { packageRoot } from '../../../daemon/package-root.js';
import { createClusters, findClusters } from '../../../pipelines/lidar/clusters.js';
import { farthestPoints } from '../../../pipelines/lidar/farthest-points.js';
import { addPoint, planeOf } from '../../../pipelines/lidar/plane.js';

const stored = JSON.parse(readFileSync(`${packageRoot}/test/pipelines/golden/lidar.json`, 'utf8')) as Record<
  string,
  { type: 'int32' | 'float32' | 'float64'; data: string }
>;

function vector(name: string): Int32Array | Float32Array | Float64Array {
  const { type, data } = stored[name]!;
  const { buffer } = Uint8Array.from(Buffer.from(data, 'base64'));
  return new { int32: Int32Array, float32: Float32Array, float64: Float64Array }[type](buffer);
}
const floats = (name: string) => vector(name) as Float32Array;

void t.test('plane of least squares', (t) => {
  const points = floats('planePoints');
  const sums = new Float64Array(10);
  for (let i = 0; i < points.length; i += 3) addPoint(sums, points[i]!, points[i + 1]!, points[i + 2]!);
  const plane = new Float64Array(4);
  const spread = new Float64Array(3);
  t.ok(planeOf(sums, plane, spread));
  vector('plane').forEach((value, i) => t.ok(Math.abs(plane[i]! - value) < 1e-9, `${plane[i]} is ${value}`));
  vector('planeSpread').forEach((value, i) => t.ok(Math.abs(spread[i]! - value) < 1e-9, `${spread[i]} is ${value}`));
  t.notOk(planeOf(new Float64Array(10), plane, spread), 'none through nothing');
  t.end();
});

void t.test('connected voxels', (t) => {
  const clusters = createClusters();
  const edge = [...vector('edge')] as [number, number, number];
  for (const [cloud, labels, edges] of [
    ['cloud', 'voxelLabels', edge],
    ['apart', 'apartLabels', [0.25, 0.25, 0.25]],
    ['cloud', 'voxelLabels', edge], // again, with what the others left behind
  ] as const) {
    const points = floats(cloud);
    const count = points.length / 3;
    findClusters(points, count, edges, clusters);
    const expected = vector(labels);
    t.strictSame([...clusters.label.subarray(0, count)], [...expected], cloud);
    t.equal(clusters.count, Math.max(...expected) + 1);
    const members = new Int32Array(clusters.count);
    for (const label of expected) members[label]!++;
    t.strictSame([...clusters.points.subarray(0, clusters.count)], [...members]);
  }
  findClusters(new Float32Array(0), 0, edge, clusters);
  t.equal(clusters.count, 0);
  t.end();
});

void t.test('farthest points', (t) => {
  const points = floats('sampled');
  const out = new Int32Array(128);
  t.equal(farthestPoints(points, 300, 128, new Float64Array(300), out), 128);
  t.strictSame([...out], [...vector('farthest')]);
  t.equal(farthestPoints(points, 5, 128, new Float64Array(5), out), 5, 'no more than there are');
  t.strictSame([...out.subarray(0, 5)].sort(), [0, 1, 2, 3, 4], 'each once');
  t.equal(farthestPoints(points, 0, 128, new Float64Array(0), out), 0);
  t.end();
});
