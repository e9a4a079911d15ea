#!/usr/bin/python3
"""Vectors for test/pipelines/lidar/golden.test.ts: NumPy's and SciPy's answers in float64.

    /usr/bin/python3 test/pipelines/golden/lidar.py        writes lidar.json beside this file

An array is {"shape": [...], "type": "int32" | "float32" | "float64", "data": base64, little-endian}. Points are float32, so that both sides
read the same numbers.
"""
import base64
import pathlib

import numpy as np
import scipy.ndimage
import scipy.sparse
import scipy.sparse.csgraph
import scipy.spatial

rng = np.random.default_rng(5)
out = {}


def put(name, array, kind):
    array = np.ascontiguousarray(array, dtype=np.dtype(kind).newbyteorder("<"))
    out[name] = {"shape": array.shape, "type": kind, "data": base64.b64encode(array.tobytes()).decode()}
    return array.astype(np.float64)


# A plane tilted by some 6°, 1.3 m below the origin, 1 cm of noise; and its least-squares fit, by the singular values.
xy = rng.uniform(-6, 6, (200, 2))
points = np.column_stack([xy, 0.08 * xy[:, 0] - 0.06 * xy[:, 1] - 1.3 + 0.01 * rng.standard_normal(200)])
points = put("planePoints", points, "float32")
mean = points.mean(axis=0)
_, singular, axes = np.linalg.svd(points - mean, full_matrices=False)
normal = axes[2] * np.sign(axes[2, 2])
put("plane", [*normal, -normal @ mean], "float64")
put("planeSpread", singular[::-1] / np.sqrt(len(points)), "float64")


def by_first_point(labels):
    """Labels numbered in the order in which they first occur."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse]


# Clouds that partly touch. Clusters of voxels (faces, edges and corners connect), some points exactly on borders of voxels.
edge = np.array([0.25, 0.25, 0.5])
clouds = [c + s * rng.standard_normal((n, 3)) for c, s, n in zip(rng.uniform(-3, 3, (14, 3)), rng.uniform(0.05, 0.5, 14), [25] * 14)]
points = np.concatenate([*clouds, edge * rng.integers(-8, 8, (30, 3))])
points = put("cloud", points[rng.permutation(len(points))], "float32")
put("edge", edge, "float64")
voxel = np.floor(points / edge).astype(int)
voxel -= voxel.min(axis=0)
grid = np.zeros(voxel.max(axis=0) + 1, dtype=bool)
grid[tuple(voxel.T)] = True
labelled, _ = scipy.ndimage.label(grid, structure=np.ones((3, 3, 3)))
put("voxelLabels", by_first_point(labelled[tuple(voxel.T)]), "int32")

# Clouds with gaps of more than two edges, dense enough for a step of one edge: the same as the components of the graph of all
# pairs of points nearer than an edge.
centres = np.array([[0, 0, 0], [2.5, 0, 0], [0, 2.5, 0.5], [-2.5, -1, 0]])
points = np.concatenate([c + rng.uniform(-0.35, 0.35, (150, 3)) for c in centres])
points = put("apart", points[rng.permutation(len(points))], "float32")
pairs = scipy.spatial.cKDTree(points).query_pairs(0.25, output_type="ndarray")
graph = scipy.sparse.coo_matrix((np.ones(len(pairs)), pairs.T), shape=(len(points),) * 2)
count, components = scipy.sparse.csgraph.connected_components(graph, directed=False)
assert count == len(centres)
put("apartLabels", by_first_point(components), "int32")

# Farthest points, the first the one farthest from the mean.
points = put("sampled", rng.standard_normal((300, 3)) * [0.3, 0.3, 0.8], "float32")
order = [int(np.argmax(((points - points.mean(axis=0)) ** 2).sum(axis=1)))]
distance = np.full(len(points), np.inf)
while len(order) < 128:
    distance = np.minimum(distance, ((points - points[order[-1]]) ** 2).sum(axis=1))
    order.append(int(np.argmax(distance)))
put("farthest", order, "int32")

entries = [
    f'  "{name}": {{\n    "shape": {list(of["shape"])},\n    "type": "{of["type"]}",\n    "data": "{of["data"]}"\n  }}'
    for name, of in out.items()
]
pathlib.Path(__file__).with_name("lidar.json").write_text("{\n" + ",\n".join(entries) + "\n}\n")
