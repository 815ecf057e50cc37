"""Surfaces of the simulated world, as the renderer takes them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Mesh:
    """Triangles of one body.

    `vertices` (V, 3) [m] in base; `faces` (F, 3) int32, counter-clockwise seen from outside;
    `colour` (3,) red, green, blue 0 to 1; `uv` (V, 2) [m] surface coordinates for the texture, or None;
    `texture`: "plain", "weave", "wood" or "metal";
    `two_sided`: seen from both faces (cloth); `smooth`: shaded with averaged vertex normals.
    """

    name: str
    vertices: NDArray[np.float64]
    faces: NDArray[np.int32]
    colour: tuple[float, float, float]
    uv: NDArray[np.float64] | None = None
    texture: str = "plain"
    two_sided: bool = False
    smooth: bool = False
