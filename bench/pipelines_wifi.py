"""The Wi-Fi spectrogram in NumPy and SciPy, of a whole recording at once: what bench/pipelines-wifi.ts does packet by packet.

    argv: receivers transmitters subcarriers packets rate samples hop half_width sigmas
    stdin: packets * channels * 2 float32, little-endian; then a line for each run
    stdout: one JSON line when ready; one for each run, with the milliseconds of each step and what came out
"""
import json, os, sys, time
import numpy as np
import scipy, scipy.signal
from numpy.lib.stride_tricks import sliding_window_view

receivers, transmitters, subcarriers, packets, rate, samples, hop, half = map(int, sys.argv[1:9])
sigmas = float(sys.argv[9])
channels = receivers * transmitters * subcarriers
raw = sys.stdin.buffer.read(packets * channels * 8)
csi = np.frombuffer(raw, "<c8").reshape(packets, receivers, -1)


def amplitudes():
    a = np.abs(csi)
    return (a / np.sqrt((a * a).mean(-1, keepdims=True))).reshape(packets, channels)


def hampel(x):
    """As the stream does at its start: the packets before that there are."""
    y = x[: packets - half].copy()
    w = sliding_window_view(x, 2 * half + 1, axis=0)
    m = np.median(w, axis=-1)
    s = 1.4826 * np.median(np.abs(w - m[..., None]), axis=-1)
    inner = y[half:]
    far = np.abs(inner - m) > sigmas * s
    inner[far] = m[far]
    for n in range(half):
        w = x[: n + half + 1]
        m = np.median(w, axis=0)
        s = 1.4826 * np.median(np.abs(w - m), axis=0)
        y[n] = np.where(np.abs(x[n] - m) > sigmas * s, m, x[n])
    return y


def spectrogram(x):
    return scipy.signal.spectrogram(x.T, rate, "hann", samples, samples - hop)[2]


def principal(x):
    segments = sliding_window_view(x, samples, axis=0)[::hop]  # [columns, channels, samples]
    segments = segments - segments.mean(-1, keepdims=True)
    _, vectors = np.linalg.eigh(segments @ segments.transpose(0, 2, 1))
    p = np.einsum("ci,cin->cn", vectors[..., -1], segments)
    return scipy.signal.spectrogram(p, rate, "hann", samples, 0)[2][..., 0]


print(json.dumps({"numpy": np.__version__, "scipy": scipy.__version__}), flush=True)
for _ in sys.stdin.buffer:
    times = [time.perf_counter()]
    a = amplitudes()
    times.append(time.perf_counter())
    f = hampel(a)
    times.append(time.perf_counter())
    power = spectrogram(f)
    times.append(time.perf_counter())
    p = principal(f)
    times.append(time.perf_counter())
    steps = dict(zip(["amplitude", "hampel", "spectrogram", "principal"], np.diff(times) * 1e3))
    print(json.dumps({"milliseconds": steps, "power": float(power.sum()), "principal": float(p.sum())}), flush=True)
