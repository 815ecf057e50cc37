"""Periodic tiles of cloth: weave, slub, stripes, checks, prints."""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]

TILE = 0.128
"""Side of a tile on the cloth [m]."""
TEXELS = 512
PATTERNS = ("plain", "twill", "stripes", "checks", "print")
STRIPE_PERIOD = TILE / 8.0
"""Period of "stripes" and "checks" [m]; a stripe's middle lies at x = 0 of the piece and stripes run along y."""


@cache
def make_tile(pattern: str, seed: int, blur: float) -> Picture:
    """Factors (TEXELS, TEXELS, 3) on the colour of the cloth, blurred by the `blur` [m] of a pixel on it."""
    rng = np.random.default_rng(seed)
    v, u = np.mgrid[0:TEXELS, 0:TEXELS].astype(np.float32) * np.float32(TILE / TEXELS)
    pitch = TILE / 128.0
    yarn = np.sin(2 * np.pi * u / pitch) * np.sin(2 * np.pi * v / pitch)
    if pattern == "twill":
        yarn = np.sin(2 * np.pi * (u + v) / pitch)
    tone = 1.0 + 0.06 * yarn + 0.025 * _slub(rng, 12.0, 0.7) + 0.025 * _slub(rng, 0.7, 12.0)
    tile = np.repeat(tone[..., None], 3, axis=2).astype(np.float32)
    if pattern in ("stripes", "checks"):
        wave = np.cos(2 * np.pi * u / STRIPE_PERIOD) > 0.2
        tile[wave] *= np.array([0.45, 0.40, 0.55], np.float32)
        if pattern == "checks":
            tile[np.cos(2 * np.pi * v / STRIPE_PERIOD) > 0.2] *= np.array([0.75, 0.55, 0.45], np.float32)
    if pattern == "print":
        for _ in range(60):
            _add_spot(tile, rng)
    wide = np.tile(tile, (3, 3, 1))
    sigma = max(0.3, blur / (TILE / TEXELS))
    return np.ascontiguousarray(cv2.GaussianBlur(wide, (0, 0), sigma)[TEXELS : 2 * TEXELS, TEXELS : 2 * TEXELS])


def _slub(rng: np.random.Generator, long: float, short: float) -> Picture:
    """Periodic noise of unit size, drawn out along one axis [texels]."""
    spectrum = np.fft.rfft2(rng.standard_normal((TEXELS, TEXELS)))
    f0, f1 = np.fft.fftfreq(TEXELS)[:, None], np.fft.rfftfreq(TEXELS)[None, :]
    spectrum *= np.exp(-2.0 * np.pi**2 * ((f0 * long) ** 2 + (f1 * short) ** 2))
    noise = np.fft.irfft2(spectrum, (TEXELS, TEXELS))
    return np.asarray(noise / noise.std(), dtype=np.float32)


def _add_spot(tile: Picture, rng: np.random.Generator) -> None:
    """One flower of the print, wrapped around the tile."""
    colour = rng.uniform(0.25, 1.15, 3)
    centre, radius = rng.uniform(0, TEXELS, 2), rng.uniform(8, 26)
    mask = np.zeros((3 * TEXELS, 3 * TEXELS), np.uint8)
    for petal in range(5):
        turn = 2.0 * np.pi * petal / 5.0
        x, y = centre + TEXELS + 0.6 * radius * np.array([np.cos(turn), np.sin(turn)])
        cv2.circle(mask, (round(x), round(y)), round(0.6 * radius), 1, -1)
    folded = mask.reshape(3, TEXELS, 3, TEXELS).max(axis=(0, 2)).astype(bool)
    tile[folded] = tile[folded] * 0.15 + 0.85 * colour.astype(np.float32)
