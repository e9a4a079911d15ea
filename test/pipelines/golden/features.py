#!/usr/bin/python3
"""Vectors for test/pipelines/radar/features.test.ts and test/pipelines/wifi/features.test.ts: NumPy's answers in float64.

    /usr/bin/python3 test/pipelines/golden/features.py        writes features.json beside this file

An array is {"shape": [...], "type": "float32" | "float64", "data": base64, little-endian}. Reads the packets of wifi.json.
"""
import base64
import json
import pathlib

import numpy as np

here = pathlib.Path(__file__).parent
rng = np.random.default_rng(11)
out = {}


def put(name, array, kind="float64"):
    array = np.ascontiguousarray(array, dtype=np.dtype(kind).newbyteorder("<"))
    out[name] = {"shape": array.shape, "type": kind, "data": base64.b64encode(array.tobytes()).decode()}
    return array.astype(np.float64)


def stored(vectors, name):
    entry = vectors[name]
    return np.frombuffer(base64.b64decode(entry["data"]), entry["type"]).reshape(entry["shape"]).astype(float)


# Area mean: every cell repeated so often that the new cells' borders fall on borders.
grid = put("map", 10 ** rng.uniform(-2, 4, (23, 16)))


def area_mean(part, rows, columns):
    fine = np.repeat(np.repeat(part, rows, 0), columns, 1)
    return fine.reshape(rows, part.shape[0], columns, part.shape[1]).mean((1, 3))


put("areaMean", area_mean(grid[3:20, 2:15], 8, 32))

# Points of three frames, 0.1 s apart, taken together: the 12 strongest, highest first.
frames = []
for k, count in enumerate([9, 14, 11]):
    x = rng.uniform(-1, 1, count)
    y = rng.uniform(1, 3, count)
    z = rng.uniform(-1, 1, count)
    velocity = rng.uniform(-2, 2, count)
    snr = rng.uniform(5, 35, count)
    frames.append(put(f"points{k}", np.stack([x, y, z, velocity, snr], 1), "float32"))
rows = []
for frame, age in zip(frames, [0.25, 0.125, 0]):
    distance = np.linalg.norm(frame[:, :3], axis=1)
    ones = np.ones(len(frame))
    rows.append(np.column_stack([frame[:, :4], frame[:, 4] / 20, distance, age * ones, ones]))
rows = np.concatenate(rows)
strongest = rows[np.argsort(-rows[:, 4])[:12]]
put("pointSet", strongest[np.argsort(-strongest[:, 2])])

# The band in cells: the mean of the interpolated amplitudes over each, by the midpoint rule.
wifi = json.loads((here / "wifi.json").read_text())
numbers = stored(wifi, "numbers")


def cells(amplitudes, count):
    # Midpoints of pieces that are a whole number to a cell and to the distance of two subcarriers: exact on a straight line.
    pieces = count * int(numbers[-1] - numbers[0]) * 8
    at = numbers[0] + (np.arange(pieces) + 0.5) * (numbers[-1] - numbers[0]) / pieces
    flat = amplitudes.reshape(-1, len(numbers))
    return np.stack([np.interp(at, numbers, row).reshape(count, -1).mean(1) for row in flat])


# Packets through a Hampel filter of the seven newest, and 30 cells of both receivers; the third row is the first again.
packets = np.float32(stored(wifi, "normalised")).astype(float)  # [packets, receivers, subcarriers]
packets = packets.reshape(len(packets), -1, len(numbers))
filtered = packets.copy()
for n in range(len(packets)):
    window = packets[max(0, n - 6) : n + 1]
    median = np.median(window, axis=0)
    deviation = 1.4826 * np.median(np.abs(window - median), axis=0)
    filtered[n] = np.where(np.abs(packets[n] - median) > 3 * deviation, median, packets[n])
features = np.stack([cells(packet, 30) for packet in filtered])
put("amplitudeFeatures", np.concatenate([features, features[:, :1]], axis=1))
put("fiveCells", np.stack([cells(packet, 5) for packet in packets])[0])

# The same filter over the values of wifi.json's Hampel test.
x = stored(wifi, "hampelInput")
y = x.copy()
for n in range(len(x)):
    window = x[max(0, n - 6) : n + 1]
    median = np.median(window, axis=0)
    deviation = 1.4826 * np.median(np.abs(window - median), axis=0)
    y[n] = np.where(np.abs(x[n] - median) > 3 * deviation, median, x[n])
put("hampelAtOnce", y)

(here / "features.json").write_text(json.dumps(out) + "\n")
