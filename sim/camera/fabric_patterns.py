"""Plain, printed and striped cloth close up, for pictures in which the weave is about as fine as a pixel."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

FABRICS = ("plain", "print", "stripes")

Array = NDArray[np.float64]
Floats = NDArray[np.float32]


def draw_fabric(
    u: Array,
    v: Array,
    fabric: str,
    colours: Sequence[tuple[float, float, float]],
    stripe: tuple[float, float],
    rng: np.random.Generator,
) -> Floats:
    """Colour (n, m, 3) of cloth on a grid of pattern coordinates u, v (n, m) [m], with its weave and uneven yarn.

    `colours` are red-green-blue from 0 to 1, the first the ground; `stripe`: period [m] and angle [rad].
    """
    shades = np.array(colours, dtype=np.float32)
    index = np.zeros(u.shape, dtype=np.intp)
    if fabric == "stripes":
        period, angle = stripe
        phase = (np.cos(angle) * u + np.sin(angle) * v) / period
        index = np.floor(phase % 1.0 * len(colours)).astype(np.intp)
    elif fabric == "print":
        low, high = (-0.06, -0.05, 0.7e-3, 1.0), (0.04, 0.05, 3.2e-3, len(colours))
        for flower_u, flower_v, radius, kind in np.random.default_rng(5).uniform(low, high, (260, 4)):
            columns = np.abs(u[0] - flower_u) < 1.4 * radius
            rows = np.abs(v[:, 0] - flower_v) < 1.4 * radius
            near = np.ix_(rows, columns)
            du, dv = u[near] - flower_u, v[near] - flower_v
            petals = radius * (1.0 + 0.35 * np.cos(5.0 * np.arctan2(dv, du)))
            index[near] = np.where(np.hypot(du, dv) < petals, int(kind), index[near])
    elif fabric != "plain":
        raise ValueError(f"fabric is {fabric!r}: one of {', '.join(FABRICS)} is needed")
    weave = 1.0 + 0.10 * np.cos(np.pi * u / 0.30e-3) * np.cos(np.pi * v / 0.36e-3)
    slub = cv2.GaussianBlur(rng.standard_normal(u.shape, dtype=np.float32), (0, 0), 10.0, sigmaY=1.0) * 0.25
    return np.asarray(shades[index] * (weave + slub)[..., None], dtype=np.float32)
