"""Dust: specks on the front lens that dim the picture, flocks of lint on the table."""

import cv2
import numpy as np
from numpy.typing import NDArray

from sewcell.geometry.poses import Array, transform_points
from sim.camera.mesh import Mesh

SPECK_RADIUS = (0.004, 0.015)
"""Of a speck far out of focus, in widths of the picture."""
SPECK_DEPTH = (0.04, 0.15)
"""Share of the light that a speck takes."""
FLOCK_LENGTH = (0.8e-3, 3e-3)
FLOCK_WIDTH = (0.2e-3, 0.5e-3)
FLOCK_HEIGHT = 0.15e-3
FLOCK_COLOUR = (0.86, 0.87, 0.90)


def draw_specks(size_px: tuple[int, int], count: int, rng: np.random.Generator) -> NDArray[np.float32] | None:
    """Share of the light (H, W) that passes a lens with `count` specks; None when it is clean."""
    if count == 0:
        return None
    width, height = size_px
    passed = np.ones((height, width), dtype=np.float32)
    for _ in range(count):
        radius = max(1, round(width * rng.uniform(*SPECK_RADIUS)))
        middle = int(rng.integers(0, width)), int(rng.integers(0, height))
        shade = np.zeros_like(passed)
        cv2.circle(shade, middle, radius, float(rng.uniform(*SPECK_DEPTH)), cv2.FILLED)
        passed *= 1.0 - cv2.GaussianBlur(shade, (0, 0), 0.4 * radius)
    return passed


def make_lint(
    name: str, count: int, corners: tuple[Array, Array], T_base_table: Array, rng: np.random.Generator
) -> Mesh | None:
    """`count` flocks between two corners (2,) [m] of the table; None for none."""
    if count == 0:
        return None
    middles = rng.uniform(*corners, (count, 2))
    turn = rng.uniform(0.0, np.pi, count)
    half = np.column_stack([rng.uniform(*FLOCK_LENGTH, count), rng.uniform(*FLOCK_WIDTH, count)]) / 2.0
    along = np.column_stack([np.cos(turn), np.sin(turn)])
    across = np.column_stack([-along[:, 1], along[:, 0]])
    shape = np.array([[-1.0, -0.3], [0.2, -1.0], [1.0, 0.1], [-0.1, 1.0]])
    flat = (
        middles[:, None]
        + shape[None, :, :1] * (half[:, :1] * along)[:, None]
        + shape[None, :, 1:] * (half[:, 1:] * across)[:, None]
    )
    points = np.dstack([flat, np.full((count, 4), FLOCK_HEIGHT)]).reshape(-1, 3)
    faces = (np.array([[0, 1, 2], [0, 2, 3]])[None] + 4 * np.arange(count)[:, None, None]).reshape(-1, 3)
    return Mesh(name, transform_points(T_base_table, points), faces.astype(np.int32), FLOCK_COLOUR, two_sided=True)
