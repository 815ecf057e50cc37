"""The compiled parts of edge measuring: colours along short lines across an outline, and how far cloth covers them."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sewcell.geometry.poses import Array
from sewcell.vision.thinning import Pixels

Floats = NDArray[np.float32]

MARGIN = 2
"""Samples between the inner band and the search range."""
_COVER_LIMITS = (-0.3, 1.3)
_RIM_LIGHT = (0.4, 1.15)
"""How much darker or brighter the table just outside may be than it was when empty."""


@njit(cache=True, error_model="numpy")
def sample_lines(
    pixels: Pixels,
    empty: Pixels,
    gain: Floats,
    start: Floats,
    direction: Floats,
    first: float,
    step: float,
    band: int,
    rim: int,
    profiles: Floats,
    means: Floats,
    squares: Array,
) -> NDArray[np.bool_]:
    """Fills `profiles` (N, M, 6) with the picture's colour and that of the table, interpolated, at the pixels
    `start` (N, 2) + (`first` + `step` j) * `direction` (N, 2).

    `means` (N, 5, 3): the picture in the inner `band` samples and in the outer `rim`, the table in the rim, in between,
    and in the inner band; `squares` (3, 3): sum of the products of the colours in all inner bands. Returns which lines
    lie in the picture from end to end; those that do not are filled with zeros.
    """
    h, w, _ = pixels.shape
    n, m, _ = profiles.shape
    inside = np.empty(n, np.bool_)
    one, last = np.float32(1.0), first + step * (m - 1)
    for i in range(n):
        du, dv = direction[i, 0], direction[i, 1]
        u0, v0 = start[i, 0] + first * du, start[i, 1] + first * dv
        u1, v1 = start[i, 0] + last * du, start[i, 1] + last * dv
        inside[i] = min(u0, u1) >= 0.0 and min(v0, v1) >= 0.0 and max(u0, u1) < w - 1.0 and max(v0, v1) < h - 1.0
        if not inside[i]:
            profiles[i] = np.float32(0.0)
            means[i] = np.float32(0.0)
            continue
        for j in range(m):
            u, v = np.float32(u0 + step * j * du), np.float32(v0 + step * j * dv)
            x, y = int(u), int(v)
            fx, fy = u - np.float32(x), v - np.float32(y)
            c, d = (one - fx) * fy, fx * fy
            a, b = one - fx - c, fx - d
            for k in range(3):
                profiles[i, j, k] = (
                    a * np.float32(pixels[y, x, k])
                    + b * np.float32(pixels[y, x + 1, k])
                    + c * np.float32(pixels[y + 1, x, k])
                    + d * np.float32(pixels[y + 1, x + 1, k])
                )
                profiles[i, j, 3 + k] = gain[k] * (
                    a * np.float32(empty[y, x, k])
                    + b * np.float32(empty[y, x + 1, k])
                    + c * np.float32(empty[y + 1, x, k])
                    + d * np.float32(empty[y + 1, x + 1, k])
                )
        for k in range(3):
            inner, outer, bare, between = np.float32(0.0), np.float32(0.0), np.float32(0.0), np.float32(0.0)
            under = np.float32(0.0)
            for j in range(band):
                inner += profiles[i, j, k]
                under += profiles[i, j, 3 + k]
                for other in range(k + 1):
                    squares[k, other] += profiles[i, j, k] * profiles[i, j, other]
            for j in range(band + MARGIN, m - rim):
                between += profiles[i, j, 3 + k]
            for j in range(m - rim, m):
                outer += profiles[i, j, k]
                bare += profiles[i, j, 3 + k]
            means[i, 0, k], means[i, 1, k] = inner / band, outer / rim
            means[i, 2, k], means[i, 3, k] = bare / rim, between / (m - rim - band - MARGIN)
            means[i, 4, k] = under / band
    for k in range(3):
        for other in range(k):
            squares[other, k] = squares[k, other]
    return inside


@njit(cache=True, error_model="numpy")
def smooth_ring(rows: Floats, window: int) -> Floats:
    """Moving average of rows (N, K), over an odd number of them, along a closed outline."""
    n, width = rows.shape
    half = min(window, n) // 2
    smooth = np.empty_like(rows)
    for k in range(width):
        total = 0.0
        for j in range(-half, half + 1):
            total += rows[j % n, k]
        for i in range(n):
            smooth[i, k] = total / (2 * half + 1)
            total += rows[(i + half + 1) % n, k] - rows[(i - half) % n, k]
    return smooth


@njit(cache=True, error_model="numpy")
def find_spread(means: Floats, cloth: Floats, squares: Array, noise: Array, band: int) -> Array:
    """Covariance (3, 3) of noise and texture: half of what the inner bands scatter about `cloth` (N, 3)."""
    n = len(means)
    spread = np.zeros((3, 3))
    for i in range(n):
        for k in range(3):
            for other in range(3):
                spread[k, other] -= means[i, 0, k] * cloth[i, other] + means[i, 0, other] * cloth[i, k]
                spread[k, other] += cloth[i, k] * cloth[i, other]
    spread = 0.5 * (squares + band * spread) / (band * n)
    for k in range(3):
        spread[k, k] += noise[k] ** 2
    return spread


@njit(cache=True, error_model="numpy")
def discriminate(means: Floats, smooth: Floats, precision: Floats, shadow: float) -> tuple[Floats, Floats, Floats]:
    """How bright the table is just outside against its empty picture, `light` (N,); Fisher's discriminant
    w = (S + s^2 B B')^-1 (F - B), by Sherman and Morrison, (N, 3); and w'(F - B), the squared signal to noise, (N,).

    `smooth` (N, 15): the `means` smoothed along the outline; `precision` S^-1 (3, 3); `shadow` s.
    """
    n = len(means)
    light, axis, separation = np.empty(n, np.float32), np.empty((n, 3), np.float32), np.empty(n, np.float32)
    contrast, table = np.empty(3, np.float32), np.empty(3, np.float32)
    plain, dimmed = np.empty(3, np.float32), np.empty(3, np.float32)
    for i in range(n):
        both, bare = np.float32(0.0), np.float32(0.0)
        for k in range(3):
            both += smooth[i, 3 + k] * smooth[i, 6 + k]
            bare += smooth[i, 6 + k] ** 2
        light[i] = np.float32(min(_RIM_LIGHT[1], max(_RIM_LIGHT[0], float(both) / max(float(bare), 1.0))))
        for k in range(3):
            table[k] = means[i, 3, k] * light[i]
            contrast[k] = smooth[i, k] - table[k]
        above, below = np.float32(0.0), np.float32(1.0 / shadow**2)
        for k in range(3):
            plain[k], dimmed[k] = np.float32(0.0), np.float32(0.0)
            for other in range(3):
                plain[k] += precision[k, other] * contrast[other]
                dimmed[k] += precision[k, other] * table[other]
            above += table[k] * plain[k]
            below += table[k] * dimmed[k]
        separation[i] = np.float32(0.0)
        for k in range(3):
            axis[i, k] = plain[k] - above / below * dimmed[k]
            separation[i] += axis[i, k] * contrast[k]
    return light, axis, separation


@njit(cache=True, error_model="numpy")
def sum_cover(
    profiles: Floats,
    first: int,
    count: int,
    ends: int,
    light: Floats,
    cloth: Floats,
    axis: Floats,
    separation: Floats,
) -> Floats:
    """Sum of the cover over the `count` samples of the search range from `first` on, and its mean over the first and
    the last `ends` samples, (N, 3)."""
    n = len(profiles)
    sums = np.zeros((n, 3), np.float32)
    least, most = np.float32(_COVER_LIMITS[0]), np.float32(_COVER_LIMITS[1])
    for i in range(n):
        floor = np.float32(0.1) * abs(separation[i]) + np.float32(1e-6)
        for j in range(count):
            signal, contrast = np.float32(0.0), np.float32(0.0)
            for k in range(3):
                bare = profiles[i, first + j, 3 + k] * light[i]
                signal += (profiles[i, first + j, k] - bare) * axis[i, k]
                contrast += (cloth[i, k] - bare) * axis[i, k]
            cover = min(most, max(least, signal * contrast / (contrast * contrast + floor * floor)))
            sums[i, 0] += cover
            if j < ends:
                sums[i, 1] += cover / np.float32(ends)
            if j >= count - ends:
                sums[i, 2] += cover / np.float32(ends)
    return sums
