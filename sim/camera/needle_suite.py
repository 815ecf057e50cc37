"""Edges and fabrics as they come to the needle, drawn at random from a seed."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sim.camera.needle_view import FOOT, NEEDLE_PX, PIXEL, SIZE_PX, ClothEdge, NeedleScene

COLOURS = (
    (0.20, 0.30, 0.55),
    (0.90, 0.90, 0.88),
    (0.08, 0.08, 0.10),
    (0.60, 0.10, 0.12),
    (0.75, 0.70, 0.60),
    (0.10, 0.30, 0.20),
)
LIKE_PLATE = (0.55, 0.55, 0.55)
AHEAD = (0.0, 20e-3, 30e-3, 40e-3)
"""Where the edge is asked for: distances before the needle [m]."""
H_NEEDLE_PX = np.array([[PIXEL, 0.0, -NEEDLE_PX[0] * PIXEL], [0.0, -PIXEL, NEEDLE_PX[1] * PIXEL], [0.0, 0.0, 1.0]])
"""From (column, row, 1) to x, y in the needle frame [m]."""


def draw_foot_mask() -> NDArray[np.bool_]:
    """Pixels (SIZE_PX, SIZE_PX) where the presser foot hides the plate, with a rim of four for the blur."""
    columns, rows = np.meshgrid(np.arange(SIZE_PX), np.arange(SIZE_PX))
    x, y = (columns - NEEDLE_PX[0]) * PIXEL, (NEEDLE_PX[1] - rows) * PIXEL
    low_x, high_x, low_y, high_y = np.array(FOOT) + PIXEL * 4.0 * np.array([-1.0, 1.0, -1.0, 1.0])
    return np.asarray((x > low_x) & (x < high_x) & (y > low_y) & (y < high_y))


def random_edge(rng: np.random.Generator, radius: float = 0.08) -> ClothEdge:
    """An edge, bent to no less than `radius` [m], that stays in the picture and below 40 degrees."""
    while True:
        edge = ClothEdge(rng.uniform(6e-3, 16e-3), rng.uniform(-0.35, 0.35), rng.uniform(-1.0, 1.0) / radius)
        sine = np.sin(edge.heading) - edge.curvature * AHEAD[-1]
        if abs(sine) < 0.64 and min(find_truth(edge)[:, 0]) > -8e-3 and max(find_truth(edge)[:, 0]) < 28e-3:
            return edge


def random_scene(fabric: str, rng: np.random.Generator) -> NeedleScene:
    """Conditions of a picture; a print has a colour of the plate's own brightness."""
    shades = [COLOURS[index] for index in rng.permutation(len(COLOURS))]
    colours = {"plain": shades[:1], "print": [*shades[:3], LIKE_PLATE], "stripes": shades[:2]}[fabric]
    return replace(
        NeedleScene(fabric, tuple(colours)),
        shift=(rng.uniform(-5e-3, 5e-3), rng.uniform(-5e-3, 5e-3)),
        travel=rng.uniform(0.0, 0.4e-3),
        light=rng.uniform(0.8, 1.2),
        slope=rng.uniform(-0.1, 0.1),
        shadow=rng.uniform(0.0, 0.3),
        blur_px=rng.uniform(0.6, 0.9),
        noise=rng.uniform(1.0, 3.0),
        stripe=(rng.uniform(2e-3, 8e-3), rng.uniform(0.0, np.pi)),
    )


def find_truth(edge: ClothEdge) -> NDArray[np.float64]:
    """Offset [m] and heading [rad] (4, 2) at each distance of AHEAD."""
    return np.array([edge.at(-ahead) for ahead in AHEAD])
