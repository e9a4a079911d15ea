#!/usr/bin/python3
"""Vectors for test/pipelines/wifi/golden.test.ts: NumPy's and SciPy's answers in float64.

    /usr/bin/python3 test/pipelines/golden/wifi.py        writes wifi.json beside this file

An array is {"shape": [...], "type": "int8" | "float32" | "float64", "data": base64, little-endian}. Inputs are integers or float32, so that
both sides read the same numbers.
"""
import base64
import pathlib

import numpy as np
import scipy.signal

rng = np.random.default_rng(5)
out = {}


def put(name, array, kind):
    array = np.ascontiguousarray(array, dtype=np.dtype(kind).newbyteorder("<"))
    out[name] = {"shape": array.shape, "type": kind, "data": base64.b64encode(array.tobytes()).decode()}
    return array.astype(np.float64)


# Two receivers, one transmitter, twelve subcarriers of HT 20 MHz that are neither null nor pilot; a linear phase as large as
# several turns, a gain of its own for each packet and receiver.
numbers = np.array([-28, -25, -20, -15, -10, -3, 2, 6, 11, 17, 22, 27])
packets, receivers = 6, 2
shape = 1 + 0.4 * np.exp(2j * np.pi * (numbers / 40 + rng.random((receivers, 1))))
line = np.exp(1j * (rng.uniform(-0.25, 0.25, (packets, 1, 1)) * numbers + rng.uniform(-3, 3, (packets, receivers, 1))))
gain = rng.uniform(25, 80, (packets, receivers, 1))
csi = np.rint(gain * shape * line).astype(complex)
put("numbers", numbers, "int8")
parts = put("csi", np.stack([csi.real, csi.imag], axis=-1), "int8")
h = parts[..., 0] + 1j * parts[..., 1]
put("amplitude", np.abs(h), "float64")
put("phase", np.angle(h), "float64")
put("normalised", np.abs(h) / np.sqrt((np.abs(h) ** 2).mean(-1, keepdims=True)), "float64")
unwrapped = np.unwrap(np.angle(h), axis=-1)
put("unwrapped", unwrapped, "float64")
flat = unwrapped.reshape(-1, len(numbers))
fit = np.polynomial.polynomial.polyfit(numbers, flat.T, 1)
put("sanitised", (flat - np.polynomial.polynomial.polyval(numbers, fit)).reshape(unwrapped.shape), "float64")
ratio = h[:, 1:] / h[:, :1]
put("ratio", np.stack([ratio.real, ratio.imag], axis=-1), "float64")

# Hampel: noise around a slow wave, one value in twelve far off, and a stretch of equal values (median deviation 0).
samples, channels, half = 150, 3, 3
t = np.arange(samples)
x = 1 + 0.3 * np.sin(2 * np.pi * t[:, None] * np.array([0.01, 0.02, 0.005])) + 0.02 * rng.standard_normal((samples, channels))
x[rng.random(x.shape) < 1 / 12] += 2
x[40:52] = 0.75
x = put("hampelInput", x, "float32")
for width in (half, 1):
    y = x.copy()
    for n in range(samples):
        w = x[max(0, n - width) : n + width + 1]
        m = np.median(w, axis=0)
        s = 1.4826 * np.median(np.abs(w - m), axis=0)
        y[n] = np.where(np.abs(x[n] - m) > 3 * s, m, x[n])
    put(f"hampel{width}", y[: samples - width], "float64")

# Spectrograms of five channels that share a chirp and a drift, at 100 samples a second, and of their first principal component.
rate, n, hop = 100.0, 64, 16
samples, channels = 200, 5
t = np.arange(samples) / rate
wave = np.sin(2 * np.pi * (8 * t + 6 * t**2))
x = 3 + t[:, None] * rng.uniform(-0.2, 0.2, channels) + wave[:, None] * rng.uniform(0.2, 1, channels)
x = put("spectrogramInput", x + 0.05 * rng.standard_normal((samples, channels)), "float32")
_, _, power = scipy.signal.spectrogram(x.T, rate, "hann", n, n - hop)
put("power", power.transpose(2, 0, 1), "float64")  # [columns, channels, bins]
principal, share = [], []
for start in range(0, samples - n + 1, hop):
    segment = x[start : start + n] - x[start : start + n].mean(0)
    values, vectors = np.linalg.eigh(segment.T @ segment)
    share.append(values[-1] / values.sum())
    _, _, p = scipy.signal.spectrogram(segment @ vectors[:, -1], rate, "hann", n, 0)
    principal.append(p[:, 0])
put("principal", principal, "float64")
put("share", share, "float64")

entries = [
    f'  "{name}": {{\n    "shape": {list(of["shape"])},\n    "type": "{of["type"]}",\n    "data": "{of["data"]}"\n  }}'
    for name, of in out.items()
]
pathlib.Path(__file__).with_name("wifi.json").write_text("{\n" + ",\n".join(entries) + "\n}\n")
