"""How needle and presser foot look, with the bars that carry them, in frames at the needle's point and at the sole."""

import numpy as np

from sewcell.geometry.poses import make_pose
from sim.camera.mesh import Mesh
from sim.camera.primitives import Array, join_meshes, make_box, make_capsule, make_lathe, make_loft
from sim.world.bullet import NEEDLE_LENGTH
from sim.world.cloth_kernels import FOOT_HEIGHT
from sim.world.looks import BRIGHT, GREY, STEEL, THREAD, make_disc
from sim.world.parameters import Machine

UPRIGHT = np.eye(4)
BAR_RADIUS = 3.5e-3
PRESSER_AT = 0.010
"""The presser bar stands behind the needle: x in the needle frame [m]."""
GAP = 3e-3
"""Between the toes of the foot, for the needle [m]."""
SOLE = 2.2e-3
"""Thickness of the sole [m]."""


def make_needle(machine: Machine) -> list[Mesh]:
    """Needle, its clamp and the needle bar up into the head, in a frame at the needle's point."""
    shaft = [(0.0, 0.0), (0.15e-3, 1e-3), (0.45e-3, 4e-3), (0.45e-3, 0.020), (0.5e-3, 0.021), (0.5e-3, NEEDLE_LENGTH)]
    needle = make_lathe("needle", [*shaft, (0.0, NEEDLE_LENGTH)], BRIGHT, "metal", 12)
    thread = make_capsule("needle thread", (0.6e-3, 0.0, 3e-3), (1e-3, BAR_RADIUS, 0.034), 0.25e-3, THREAD, segments=8)
    bar_end = NEEDLE_LENGTH - 4e-3
    length = _bar_top(machine) - bar_end
    return [
        needle,
        thread,
        make_disc("needle clamp", 4.5e-3, 9e-3, UPRIGHT, (0.0, 0.0, bar_end), STEEL, 0.8e-3),
        make_disc("needle bar", BAR_RADIUS, length, UPRIGHT, (0.0, 0.0, bar_end), BRIGHT, 0.5e-3),
    ]


def make_foot(machine: Machine) -> list[Mesh]:
    """Hinged foot with two toes, shank and the presser bar up into the head, in a frame at the middle of the sole."""
    half_x, half_y = machine.foot_length / 2.0, machine.foot_width / 2.0
    tip, bend, heel = -half_x, -half_x + 5e-3, 4e-3
    toe = [(bend, 0.0), (heel, 0.0), (heel, SOLE), (bend + 1e-3, SOLE), (tip, SOLE + 3.2e-3), (tip, SOLE + 1.4e-3)]
    sides = ((-half_y, -GAP / 2.0), (GAP / 2.0, half_y))
    parts = [_bar("toe", toe, side) for side in sides]
    parts.append(make_box("heel", (heel - 0.5e-3, -half_y, 0.0), (half_x, half_y, SOLE), BRIGHT, "metal"))
    hinge = [(heel, SOLE), (half_x - 2e-3, SOLE), (half_x - 4e-3, 9e-3), (heel + 2e-3, 9e-3)]
    parts.append(_bar("hinge", hinge, (-half_y * 0.45, half_y * 0.45)))
    shank = make_box(
        "shank", (PRESSER_AT - 4.5e-3, -5e-3, 8e-3), (PRESSER_AT + 4.5e-3, 5e-3, FOOT_HEIGHT), STEEL, "metal", 1e-3
    )
    screw = make_disc(
        "foot screw", 3.2e-3, 2e-3, make_pose((0, 0, 0), (-np.pi / 2, 0, 0)), (PRESSER_AT, 5e-3, 0.021), GREY, 0.6e-3
    )
    bar = make_disc(
        "presser bar", BAR_RADIUS, _bar_top(machine) - 8e-3 - 0.020, UPRIGHT, (PRESSER_AT, 0.0, 0.020), BRIGHT, 0.5e-3
    )
    return [join_meshes("presser foot", parts), shank, screw, bar]


def _bar_top(machine: Machine) -> float:
    """How far up a bar goes that stands in the head whatever it does [m]."""
    return min((body.low[2] for body in machine.bodies if body.name == "head"), default=0.09) + 0.035


def _bar(name: str, profile: list[tuple[float, float]], y: tuple[float, float]) -> Mesh:
    """Bar across y with the `profile` x, z [m], given counter-clockwise seen from -y."""
    ring: Array = np.array(profile)[::-1]
    rings = [np.column_stack([ring[:, 0], np.full(len(ring), v), ring[:, 1]]) for v in y]
    return make_loft(name, rings, BRIGHT, "metal", smooth=False)
