"""Colours and shapes that the looks of arm, machine and gripper have in common."""

from collections.abc import Sequence

import numpy as np

from sewcell.geometry.poses import Array, make_pose
from sim.camera.mesh import Mesh
from sim.camera.primitives import make_cylinder, make_lathe, make_loft, place_mesh

Colour = tuple[float, float, float]
Point = tuple[float, float, float]

ORANGE = (0.93, 0.40, 0.06)
DARK = (0.10, 0.105, 0.115)
GREY = (0.30, 0.31, 0.33)
STEEL = (0.66, 0.67, 0.69)
BRIGHT = (0.82, 0.83, 0.85)
WHITE = (0.74, 0.75, 0.74)
BED = (0.47, 0.49, 0.50)
ACCENT = (0.05, 0.30, 0.62)
THREAD = (0.80, 0.07, 0.09)
"""Sewing thread: far from the colours of table and cloth."""
ROUND = 64
"""Corners of a round outline."""
TOWARDS_X = make_pose((0.0, 0.0, 0.0), (0.0, np.pi / 2.0, 0.0))
TOWARDS_Y = make_pose((0.0, 0.0, 0.0), (-np.pi / 2.0, 0.0, 0.0))
"""Poses whose z axis points along x or y of the body."""


def make_turned(
    name: str, profile: Sequence[tuple[float, float]], axis: Array, at: Point, colour: Colour, texture: str = "plain"
) -> Mesh:
    """Turned part with sharp edges about the z axis of `axis` (4, 4) through `at` [m]; `profile`: radius, height."""
    return place_mesh(make_lathe(name, profile, colour, texture, 48, crease=True), make_pose(at) @ axis)


def make_disc(name: str, radius: float, height: float, axis: Array, at: Point, colour: Colour, bevel: float) -> Mesh:
    """Cylinder with bevelled rims that begins at `at` and goes `height` [m] along the z axis of `axis` (4, 4)."""
    return place_mesh(make_cylinder(name, radius, height, colour, "metal", bevel, 48), make_pose(at) @ axis)


def make_lever(
    name: str,
    ends: tuple[tuple[float, float, float], tuple[float, float, float]],
    y: tuple[float, float],
    bevel: float,
    colour: Colour,
) -> Mesh:
    """Flat lever across y from y[0] to y[1] [m] around two circles; `ends`: x, z and radius of each [m].

    Its outline is the convex hull of the circles, found by their support function: in each direction, the circle
    that reaches farther.
    """
    turns = np.linspace(0.0, 2.0 * np.pi, ROUND, endpoint=False)
    n = np.column_stack([np.sin(turns), np.cos(turns)])  # x, z: counter-clockwise about y
    rings = []
    for height, inset in ((y[0], bevel), (y[0] + bevel, 0.0), (y[1] - bevel, 0.0), (y[1], bevel)):
        circles = np.array([[x, z, r - inset] for x, z, r in ends])
        reach = n @ circles[:, :2].T + circles[:, 2]
        chosen = circles[np.argmax(reach, axis=1)]
        outline = chosen[:, :2] + chosen[:, 2:] * n
        rings.append(np.column_stack([outline[:, 0], np.full(ROUND, height), outline[:, 1]]))
    return make_loft(name, rings, colour)
