"""The radar cube of bench/pipelines-radar.ts in NumPy: from the same samples to the same heatmaps.

A line on standard input → one frame → a line of JSON on standard output. On the first line the path of the cube, int16
[chirps, transmitters, receivers, samples, 2]; the first answer holds the maps, to be compared.
"""
import json
import sys
import time

import numpy as np

chirps, transmitters, receivers, samples, azimuth_bins = 64, 3, 4, 256, 64
antennas = transmitters * receivers
range_window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(samples) / samples)
doppler_window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(chirps) / chirps))[:, None, None]
d = np.arange(chirps) - chirps // 2
t = np.repeat(np.arange(transmitters), receivers)
phases = np.exp(-2j * np.pi * d[:, None] * t / (chirps * transmitters))[:, :, None]


def frame(cube):
    spectrum = np.fft.fft(cube.reshape(chirps, antennas, samples) * range_window, axis=2)
    spectrum -= spectrum.mean(axis=0)
    doppler = np.fft.fftshift(np.fft.fft(spectrum * doppler_window, axis=0), axes=0)
    doppler *= phases
    range_doppler = (doppler.real**2 + doppler.imag**2).sum(axis=1)
    # A bin to the right is a falling phase: the FFT's bins from the last to the first.
    angles = np.fft.fft(doppler, azimuth_bins, axis=1)
    range_azimuth = (angles.real**2 + angles.imag**2).sum(axis=0)
    range_azimuth = np.fft.fftshift(np.roll(range_azimuth[::-1], 1, axis=0), axes=0)
    return 10 * np.log10(range_doppler).T, 10 * np.log10(range_azimuth).T


raw = np.fromfile(sys.stdin.readline().strip(), "<i2").reshape(chirps, transmitters, receivers, samples, 2)
maps = frame(raw[..., 0] + 1j * raw[..., 1])
print(json.dumps({"version": np.__version__, "maps": [m.ravel().tolist() for m in maps]}), flush=True)
for _ in sys.stdin:
    begin = time.perf_counter()
    frame(raw[..., 0] + 1j * raw[..., 1])
    print(json.dumps({"milliseconds": (time.perf_counter() - begin) * 1e3}), flush=True)
