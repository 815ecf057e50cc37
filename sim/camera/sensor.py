"""What the sensor makes of the light that falls on it: dust, blur, vignetting, flicker, exposure, noise and levels."""

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import ndtri

MID_GREY = 128.0
SHOT_SHARE = 0.75
"""Share of shot noise in the variance at mid grey; the rest is read noise."""
TABLE_BITS = 12


def _make_normal_table() -> NDArray[np.float32]:
    """Quantiles of the normal distribution, scaled to variance 1: an integer drawn at random picks one."""
    n = 1 << TABLE_BITS
    values = ndtri((np.arange(n) + 0.5) / n)
    return np.asarray(values / values.std(), dtype=np.float32)


NORMAL = _make_normal_table()


@dataclass(frozen=True, slots=True)
class Sensor:
    """Parameters of a colour sensor with a linear response.

    `noise`: standard deviation at mid grey [levels]; it grows with the light as shot noise does. `blur_px`: standard
    deviation of the lens's blur [px]. `exposure`: factor on all light. `white`: level of a white surface in full light.
    `vignetting`: loss of light in the corners, 0 to 1. `specks`: share of light (H, W) that passes the front lens.
    `flicker`: share of the light that comes and goes `flicker_rate` [Hz] times a second; each row is exposed for
    `shutter` [s], the last one `readout` [s] after the first (rolling shutter).
    """

    noise: float = 2.0
    blur_px: float = 0.6
    exposure: float = 1.0
    white: float = 235.0
    vignetting: float = 0.12
    specks: NDArray[np.float32] | None = None
    flicker: float = 0.0
    flicker_rate: float = 100.0
    shutter: float = 10e-3
    readout: float = 0.0

    def expose(self, light: NDArray[np.float32], rng: np.random.Generator, started: float = 0.0) -> NDArray[np.uint8]:
        """Pixels (H, W, 3) blue-green-red of `light` (H, W, 3) red-green-blue, where 1 is white in full light.

        `started` [s]: when the first row began to be exposed.
        """
        h, w, _ = light.shape
        if self.specks is not None:
            light = light * self.specks[:, :, None]
        blurred = cv2.GaussianBlur(light, (0, 0), self.blur_px) if self.blur_px > 0.0 else light
        draws = np.frombuffer(rng.bytes(2 * h * w * 3), dtype=np.uint16).reshape(h, w, 3)
        pixels = np.empty((h, w, 3), dtype=np.uint8)
        read = self.noise**2 * (1.0 - SHOT_SHARE)
        shot = self.noise**2 * SHOT_SHARE / MID_GREY
        gains = self.white * self.exposure * self.row_light(h, started)
        _count_light(blurred, draws, NORMAL, gains, self.vignetting, read, shot, pixels)
        return pixels

    def row_light(self, rows: int, started: float) -> NDArray[np.float64]:
        """Light that each row (H,) receives, 1 without flicker.

        The mean of 1 + f cos(2 pi r t) over the exposure of a row, t to t + e: 1 + f sinc(r e) cos(2 pi r (t + e/2));
        none is left of it when the exposure is a whole number of periods.
        """
        middles = started + self.readout * np.arange(rows) / max(1, rows - 1) + self.shutter / 2.0
        swing = self.flicker * np.sinc(self.flicker_rate * self.shutter)
        return np.asarray(1.0 + swing * np.cos(2.0 * np.pi * self.flicker_rate * middles))


@njit(cache=True, error_model="numpy")
def _count_light(
    light: NDArray[np.float32],
    draws: NDArray[np.uint16],
    normal: NDArray[np.float32],
    gains: NDArray[np.float64],
    vignetting: float,
    read: float,
    shot: float,
    pixels: NDArray[np.uint8],
) -> None:
    h, w, _ = light.shape
    cx, cy = 0.5 * (w - 1), 0.5 * (h - 1)
    shift = 16 - TABLE_BITS
    for y in range(h):
        for x in range(w):
            r2 = ((x - cx) ** 2 + (y - cy) ** 2) / (cx * cx + cy * cy)
            here = gains[y] * (1.0 - vignetting * r2)
            for k in range(3):
                level = here * light[y, x, 2 - k]
                level += np.sqrt(read + shot * max(0.0, level)) * normal[draws[y, x, k] >> shift]
                pixels[y, x, k] = np.uint8(min(255.0, max(0.0, level + 0.5)))
