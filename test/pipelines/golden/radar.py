"""Reference values of the radar pipeline, by NumPy and SciPy in double precision.

    /usr/bin/python3 test/pipelines/golden/radar.py [CAPTURES/openradar]
    npx prettier --write test/pipelines/golden

writes radar.json beside itself, and with the folder of OpenRadar's captures also radar-captures.json: some cells of the maps
of each (every 61st, and the sum of all). Written from the formulas, with full FFTs where the pipeline takes shorter ways.
"""
import base64
import json
import sys
from pathlib import Path

import numpy as np
from scipy import integrate, signal, special, stats

here = Path(__file__).parent


def packed(array, dtype="<f8"):
    array = np.ascontiguousarray(array, dtype)
    return {"shape": array.shape, "base64": base64.b64encode(array.tobytes()).decode()}


def maps(cube, positions, range_window, doppler_window, background=None, sizes=None, azimuth_bins=64):
    """cube [chirps, transmitters, receivers, samples], background 'mean', an array, or None → powers.
    sizes: of the zero-padded range and Doppler FFT."""
    chirps, transmitters, receivers, samples = cube.shape
    range_size, bins = sizes or (samples, chirps)
    spectrum = np.fft.fft(cube * signal.get_window(range_window, samples), range_size, axis=3)
    if not np.iscomplexobj(cube):
        spectrum = spectrum[..., : range_size // 2]
    if isinstance(background, str):
        spectrum = spectrum - spectrum.mean(axis=0)
    elif background is not None:
        spectrum = spectrum - background
    window = signal.get_window(doppler_window, chirps)
    doppler = np.fft.fftshift(np.fft.fft(spectrum * window[:, None, None, None], bins, axis=0), axes=0)
    d = np.arange(bins) - bins // 2
    t = np.arange(transmitters)
    doppler = doppler * np.exp(-2j * np.pi * d[:, None] * t / (bins * transmitters))[:, :, None, None]
    doppler = doppler.reshape(bins, transmitters * receivers, -1)
    range_doppler = (np.abs(doppler) ** 2).sum(axis=1).T
    range_azimuth = 0
    for z in sorted({z for _, z in positions}):
        grid = np.zeros((bins, azimuth_bins, doppler.shape[2]), complex)
        for antenna, (x, height) in enumerate(positions):
            if height == z:
                grid[:, x] = doppler[:, antenna]
        # e^(+πi x u), u = 2 i / bins − 1: the inverse transform's sign
        angles = np.fft.fftshift(np.fft.ifft(grid, axis=1) * azimuth_bins, axes=1)
        range_azimuth = range_azimuth + (np.abs(angles) ** 2).sum(axis=0).T
    return range_doppler, range_azimuth


def made_cube(seed, shape, is_complex):
    """Three echoes in noise, in whole converter's steps."""
    rng = np.random.default_rng(seed)
    chirps, transmitters, receivers, samples = shape
    c, t, r, n = np.meshgrid(*map(np.arange, shape), indexing="ij")
    cube = 0
    for amplitude, k, d, u in [(900, 5.3, 0, 0.2), (400, 9.8, 3.4, -0.5), (40, 12.1, -5.2, 0.7)]:
        phase = k * n / samples + d * (c + t / transmitters) / chirps - u * (t * receivers + r) / 2
        cube = cube + amplitude * np.exp(2j * np.pi * phase)
    cube = cube + rng.normal(0, 8, shape) + 1j * rng.normal(0, 8, shape)
    return np.round(cube.real) + 1j * np.round(cube.imag) if is_complex else np.round(cube.real)


def golden():
    out = {"windows": {}}
    for name, scipy_name in [("rectangular", "boxcar"), ("hann",) * 2, ("hamming",) * 2, ("blackman",) * 2]:
        out["windows"][name] = packed(signal.get_window(scipy_name, 24))

    shape = (16, 2, 4, 32)
    two_rows = [(i % 4 + 4 * (i // 4), i // 4) for i in range(8)]
    one_row = [(i, 0) for i in range(8)]
    cube = made_cube(1, shape, True)
    real = made_cube(2, shape, False)
    range_doppler, range_azimuth = maps(cube, two_rows, "hann", "hann", "mean")
    out["complex"] = {
        "cube": packed(np.stack([cube.real, cube.imag], -1), "<i2"),
        "positions": two_rows,
        "rangeDoppler": packed(range_doppler),
        "rangeAzimuth": packed(range_azimuth),
        "rangeDopplerDecibels": packed(10 * np.log10(range_doppler)),
        "rangeAzimuthDecibels": packed(10 * np.log10(range_azimuth)),
    }
    range_doppler, range_azimuth = maps(real, one_row, "blackman", "hamming")
    out["real"] = {
        "cube": packed(real, "<i2"),
        "positions": one_row,
        "rangeDoppler": packed(range_doppler),
        "rangeAzimuth": packed(range_azimuth),
    }

    # Lengths that are no powers of two, an odd number of antennas, with gaps between them, in no order.
    padded = made_cube(3, (11, 3, 1, 20), True)
    gaps = [(5, 0), (0, 0), (2, 0)]
    range_doppler, range_azimuth = maps(padded, gaps, "hann", "hann", "mean", (32, 16))
    out["padded"] = {
        "cube": packed(np.stack([padded.real, padded.imag], -1), "<i2"),
        "positions": gaps,
        "rangeDoppler": packed(range_doppler),
        "rangeAzimuth": packed(range_azimuth),
    }

    # Background of weight 0.4 after the frames A, −A, A, −A: shares 1, 1/2, 0.4, 0.4.
    mean = np.fft.fft(cube * signal.get_window("hann", 32), axis=3).mean(axis=0)
    level = 0
    for share, sign in [(1, 1), (0.5, -1), (0.4, 1), (0.4, -1)]:
        level = level + share * (sign * mean - level)
    range_doppler, _ = maps(-cube, two_rows, "hann", "hann", level)
    out["background"] = {"weight": 0.4, "rangeDoppler": packed(range_doppler)}

    # P(cell > factor · mean of the others): cell / (cell + their sum) is beta distributed.
    out["cellAveraging"] = []
    out["orderedStatistic"] = []
    for factor, cells, looks in [(5, 16, 1), (9, 24, 1), (2.2, 16, 12), (1.6, 32, 8)]:
        x = factor / cells / (1 + factor / cells)
        rate = special.betainc(looks * cells, looks, 1 - x)
        out["cellAveraging"].append({"factor": factor, "cells": cells, "looks": looks, "rate": rate})
    for factor, cells, rank, looks in [(6, 16, 12, 1), (8, 24, 18, 1), (2, 16, 12, 12), (1.7, 32, 20, 8)]:
        gamma = stats.gamma(looks)
        order = stats.beta(rank, cells - rank + 1)
        rate = integrate.quad(lambda p: gamma.sf(factor * gamma.ppf(p)) * order.pdf(p), 0, 1, epsrel=1e-10, limit=500)[0]
        mean = integrate.quad(lambda p: gamma.ppf(p) / looks * order.pdf(p), 0, 1, epsrel=1e-10, limit=500)[0]
        entry = {"factor": factor, "cells": cells, "rank": rank, "looks": looks, "rate": rate, "rankMean": mean}
        out["orderedStatistic"].append(entry)
    return out


def captures(folder):
    out = {}
    for name, antennas in [("simple_frame_1", (1, 1)), ("doppler_example_1", (2, 4))]:
        steps = np.load(folder / f"{name}.npy")  # int16 that were read as uint16
        steps = steps.real.astype(np.uint16).astype(np.int16) + 1j * steps.imag.astype(np.uint16).astype(np.int16)
        cube = steps.reshape(steps.shape[0], *antennas, steps.shape[-1])
        positions = [(i, 0) for i in range(antennas[0] * antennas[1])]
        out[name] = {}
        for background in ["mean", None]:
            for kind, values in zip(["rangeDoppler", "rangeAzimuth"], maps(cube, positions, "hann", "hann", background)):
                digest = {"sum": values.sum(), "every61st": packed(values.ravel()[::61])}
                out[name][f"{kind} {background or 'none'}"] = digest
    return out


(here / "radar.json").write_text(json.dumps(golden()) + "\n")
if len(sys.argv) > 1:
    (here / "radar-captures.json").write_text(json.dumps(captures(Path(sys.argv[1]))) + "\n")
