"""Reference values of the depth pipeline, by NumPy and SciPy in double precision.

    /usr/bin/python3 test/pipelines/golden/depth.py
    npx prettier --write test/pipelines/golden

writes depth.json beside itself: crops with holes, the holes filled, and the area average; medians of 16-bit values.
"""
import base64
import json
import warnings
from pathlib import Path

import numpy as np
from scipy import ndimage

body, unknown, other = 0, 1, 2
size, factor = 12, 3
side = size * factor


def packed(array, dtype):
    array = np.ascontiguousarray(array, dtype)
    return {"shape": array.shape, "base64": base64.b64encode(array.tobytes()).decode()}


def made_crop(seed):
    """A blob of slanted depth with noise, holes within and at its rim, some of them where something else is seen."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    kind = np.where(ndimage.gaussian_filter(rng.normal(size=(side, side)), 4) + 0.12 - np.hypot(x - 18, y - 18) / 120 > 0, body, unknown)
    kind[(kind == unknown) & (rng.random((side, side)) < 0.03 * (seed % 3))] = other
    holes = ndimage.gaussian_filter(rng.normal(size=(side, side)), 1.2)
    kind[(kind == body) & (holes > 0.25)] = unknown
    kind[(kind == body) & (rng.random((side, side)) < 0.03)] = unknown
    kind[(kind == body) & (rng.random((side, side)) < 0.004)] = other
    depth = np.round(2500 + 6 * x - 4 * y + rng.normal(0, 12, (side, side)))
    return np.where(kind == body, depth, 0), kind


def fill(depth, kind, largest):
    labels, count = ndimage.label(kind == unknown)
    beside = ndimage.binary_dilation(kind == other)
    rim = np.ones((side, side), bool)
    rim[1:-1, 1:-1] = False
    holes = np.zeros((side, side), bool)
    for label in range(1, count + 1):
        hole = labels == label
        if not (hole & (beside | rim)).any() and hole.sum() <= largest:
            holes |= hole
    values = np.where(kind == body, depth, np.nan)
    while (missing := holes & np.isnan(values)).any():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            medians = ndimage.generic_filter(values, np.nanmedian, size=3, mode="constant", cval=np.nan)
        values[missing] = medians[missing]
    return values, int(holes.sum())


def scale(values, reference, metres_per_step):
    blocks = values.reshape(size, factor, size, factor).swapaxes(1, 2).reshape(size, size, -1)
    present = np.isfinite(blocks)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mean = np.nanmean(blocks, axis=2)
    out = np.clip(1 + (reference - mean) * metres_per_step, 0.25, 1.75)
    return np.where(present.sum(axis=2) * 2 >= factor * factor, out, 0)


crops = []
for seed in range(4):
    depth, kind = made_crop(seed)
    largest = [2000, 6][seed % 2]
    values, filled = fill(depth, kind, largest)
    assert filled > 4, (seed, filled)
    reference, metres_per_step = 2560, [0.001, 0.004][seed % 2]
    crops.append(
        {
            "depth": packed(depth, "<f4"),
            "kind": packed(kind, "u1"),
            "largest": largest,
            "filled": filled,
            "values": packed(values, "<f4"),
            "reference": reference,
            "metresPerStep": metres_per_step,
            "scaled": packed(scale(values, reference, metres_per_step), "<f8"),
        }
    )

medians = []
rng = np.random.default_rng(9)
for count in [1, 2, 3, 50, 255, 1000]:
    values = rng.integers(0, [65536, 300][count % 2], count)
    medians.append({"values": packed(values, "<u2"), "median": int(np.percentile(values, 50, method="lower"))})

out = {"size": size, "factor": factor, "crops": crops, "medians": medians}
(Path(__file__).parent / "depth.json").write_text(json.dumps(out))
