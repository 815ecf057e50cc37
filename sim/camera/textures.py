"""Weave, wood and metal: how surfaces look close up, filtered to the footprint of a pixel."""

import numpy as np
from numba import njit

TEXTURES = ("plain", "weave", "wood", "metal")

WARP_PITCH = 0.30e-3
"""Distance of warp threads [m], run along v."""
WEFT_PITCH = 0.36e-3
"""Distance of weft threads [m], run along u."""


@njit(cache=True, error_model="numpy")
def hash_unit(i: int, j: int) -> float:
    """Number from 0 to 1 that belongs to the lattice point (i, j), the same on every computer."""
    h = (i * 374761393 + j * 668265263) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 1274126177) & 0xFFFFFFFF
    return float(((h ^ (h >> 16)) & 0xFFFFFF) / 16777216.0)


@njit(cache=True, error_model="numpy")
def turn_of_pixel(x: int, y: int) -> float:
    """Angle [rad] that differs between neighbouring pixels as evenly as can be (J. Jimenez 2014, gradient noise)."""
    inner = 0.06711056 * x + 0.00583715 * y
    value = 52.9829189 * (inner - np.floor(inner))
    return float(2.0 * np.pi * (value - np.floor(value)))


@njit(cache=True, error_model="numpy")
def noise(x: float, y: float) -> float:
    """Value noise of mean 0 within +-1: random at whole numbers, smooth between (K. Perlin's smoothstep)."""
    fx, fy = np.floor(x), np.floor(y)
    i, j = int(fx), int(fy)
    tx, ty = x - fx, y - fy
    tx, ty = tx * tx * (3.0 - 2.0 * tx), ty * ty * (3.0 - 2.0 * ty)
    a, b = hash_unit(i, j), hash_unit(i + 1, j)
    c, d = hash_unit(i, j + 1), hash_unit(i + 1, j + 1)
    low = a + tx * (b - a)
    return float(2.0 * (low + ty * (c + tx * (d - c) - low)) - 1.0)


@njit(cache=True, error_model="numpy")
def _fade(ratio: float) -> float:
    """About exp(-ratio^2), without its cost."""
    q = 1.0 + 0.5 * ratio * ratio
    return 1.0 / (q * q)


@njit(cache=True, error_model="numpy")
def tint(texture: int, u: float, v: float, footprint: float) -> tuple[float, float]:
    """Brightness factor and warmth at surface point (u, v) [m], seen through a pixel `footprint` wide [m].

    Each detail of size s fades with (footprint / s)^2, about as a box filter does it: no aliasing.
    `warmth` shifts the colour: blue is multiplied by 1 - warmth, green by 1 - warmth / 2.
    """
    if texture == 1:
        spread = 2.0 * (np.pi * footprint) ** 2 / 12.0
        crossings = np.exp(-spread * (WARP_PITCH**-2 + WEFT_PITCH**-2))
        value = 1.0
        if crossings > 0.01:
            value += 0.16 * crossings * np.cos(np.pi * u / WARP_PITCH) * np.cos(np.pi * v / WEFT_PITCH)
        threads = _fade(0.5 * footprint / WARP_PITCH)
        if threads > 0.01:  # uneven yarn
            value += 0.055 * threads * noise(u / WARP_PITCH, v / 19e-3)
            value += 0.055 * threads * noise(u / 16e-3, v / WEFT_PITCH + 0.5)
        value += 0.020 * noise(u / 2.3e-3, v / 2.3e-3) * _fade(footprint / 2.3e-3)
        value += 0.018 * noise(u / 31e-3 + 7.3, v / 31e-3)
        return value, 0.0
    if texture == 2:
        bend = 0.016 * noise(u / 0.31, v / 0.09) + 0.003 * noise(u / 0.05, v / 0.02)
        across = v + bend
        rings = noise(u / 1.3, across / 8.5e-3)
        fine = noise(u / 0.12, across / 1.7e-3) * _fade(footprint / 1.7e-3)
        value = 0.07 * rings + 0.05 * fine + 0.05 * noise(u / 0.6 + 3.1, across / 45e-3)
        fade = _fade(footprint / 0.9e-3)
        if fade > 0.02:
            pores = noise(u / 11e-3, across / 0.55e-3)
            if pores > 0.55:
                value -= 0.22 * fade * (pores - 0.55)
        return 1.0 + value, -0.9 * value
    if texture == 3:
        brushed = noise(u / 40e-3, v / 0.7e-3) * _fade(footprint / 0.7e-3)
        return 1.0 + 0.05 * brushed + 0.03 * noise(u / 90e-3, v / 6e-3), 0.0
    return 1.0, 0.0
