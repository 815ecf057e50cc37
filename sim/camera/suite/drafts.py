"""Own drafts of garment pieces: the outlines that the suite lays on the table."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sewcell.pattern.piece import Piece

Array = NDArray[np.float64]

_CORNERS_MM: Mapping[str, tuple[tuple[float, float, float], ...]] = {
    "POCKET": ((-60, 0, 0), (-52, -12, 0), (-60, -120, 0), (8, -142, 0), (60, -112, 0), (60, 0, 0)),
    "FLAP": ((-64, 0, 0), (-64, -38, 8), (-6, -66, -6), (64, -46, 4), (64, 0, 0)),
    "COLLAR": ((-205, 0, 14), (205, 0, 0), (232, 74, -9), (0, 62, -9), (-240, 70, 0)),
    "CUFF": ((-130, -36, 0), (112, -36, 6), (130, -18, 0), (130, 40, 0), (-130, 36, 0)),
    "YOKE": ((-232, 0, 10), (232, 0, 0), (246, 88, -16), (70, 128, 22), (-74, 132, -12), (-240, 96, 0)),
    "SLEEVE": ((-120, 0, 0), (120, 0, -6), (216, 300, 18), (96, 372, -30), (-40, 404, -26), (-208, 296, 8)),
    "PLACKET": ((-20, 0, 0), (20, 0, 0), (20, 268, 0), (2, 296, 0), (-20, 280, 0)),
}
"""Corners, counter-clockwise or clockwise, each with the rise [mm] of the arc to the next, to the left of its chord."""

SYMMETRIC = "BAND"
"""A piece with two answers: a rectangle, left out of the seven."""


def draft_pieces() -> tuple[Piece, ...]:
    """The seven pieces of a shirt, size M; all differ from their mirror images and half turns by some millimetres."""
    return tuple(Piece(name, "M", _draw(corners)) for name, corners in _CORNERS_MM.items())


def draft_symmetric() -> Piece:
    """A waistband, symmetric about both axes."""
    return Piece(SYMMETRIC, "M", np.array([[-0.17, -0.045], [0.17, -0.045], [0.17, 0.045], [-0.17, 0.045]]))


def _draw(corners: tuple[tuple[float, float, float], ...]) -> Array:
    """Outline (N, 2) [m], counter-clockwise: circular arcs, nearly parabolas, every few millimetres."""
    parts = []
    for (x0, y0, rise), (x1, y1, _) in zip(corners, (*corners[1:], corners[0]), strict=True):
        start, end = np.array([x0, y0], dtype=float), np.array([x1, y1], dtype=float)
        along = end - start
        normal = np.array([-along[1], along[0]]) / np.hypot(*along)
        count = 1 if rise == 0 else max(8, int(np.hypot(*along) / 6.0))
        s = (np.arange(count) / count)[:, None]
        parts.append(start + s * along + 4.0 * rise * s * (1.0 - s) * normal)
    outline: Array = np.vstack(parts) * 1e-3
    following = np.roll(outline, -1, axis=0)
    area = np.sum(outline[:, 0] * following[:, 1] - outline[:, 1] * following[:, 0])
    return outline if area > 0.0 else outline[::-1].copy()
