"""How the arm looks: castings, covers and flange of a small six-axis robot, in the frames of its links."""

import numpy as np

from sewcell.geometry.poses import Array
from sim.camera.mesh import Mesh
from sim.camera.primitives import make_box, make_cylinder, make_loft, place_mesh, round_rectangle
from sim.world.looks import DARK, GREY, ORANGE, STEEL, TOWARDS_Y, make_disc, make_lever, make_turned

UPRIGHT = np.eye(4)
ORIGIN = (0.0, 0.0, 0.0)
SHOULDER = (0.025, 0.400)
"""Axis 2 in the frame of link 1: x, z [m]."""
FOREARM = -0.035
"""Axis of the forearm in the frame of link 3: x [m]."""
BOLTS = 8


def make_arm() -> list[list[Mesh]]:
    """Bodies of the base and of links 1 to 6, each in the frame of its link."""
    return [_base(), _column(), _upper_arm(), _forearm(), _wrist_fork(), _wrist(), _flange()]


def _base() -> list[Mesh]:
    profile = [(0.0, 0.0), (0.105, 0.0), (0.105, 0.014), (0.102, 0.017), (0.089, 0.019), (0.084, 0.05), (0.084, 0.13)]
    profile += [(0.092, 0.155), (0.092, 0.176), (0.088, 0.180), (0.0, 0.180)]
    bodies = [make_turned("base", profile, UPRIGHT, ORIGIN, DARK)]
    for turn in 2.0 * np.pi * np.arange(BOLTS) / BOLTS:
        at = (0.096 * float(np.cos(turn)), 0.096 * float(np.sin(turn)), 0.017)
        bodies.append(make_disc("bolt", 5e-3, 5e-3, UPRIGHT, at, STEEL, 0.8e-3))
    bodies.append(make_box("sockets", (-0.104, -0.045, 0.045), (-0.06, 0.045, 0.125), GREY, bevel=4e-3))
    return bodies


def _column() -> list[Mesh]:
    x, z = SHOULDER
    rings = [
        _section(0.0, 0.0, 0.182, 0.086, 0.086, 0.0859),
        _section(0.0, 0.0, 0.186, 0.090, 0.090, 0.0899),
        _section(0.0, 0.0, 0.205, 0.090, 0.090, 0.0899),
        _section(0.004, 0.0, 0.226, 0.084, 0.081, 0.078),
        _section(0.012, 0.0, 0.250, 0.076, 0.072, 0.056),
        _section(0.020, 0.0, 0.285, 0.071, 0.067, 0.034),
        _section(0.025, 0.0, 0.318, 0.069, 0.066, 0.022),
        _section(0.025, 0.0, 0.326, 0.063, 0.060, 0.018),
    ]
    bodies = [make_loft("column", rings, ORANGE)]
    for low, high, cap in ((0.047, 0.077, 0.077), (-0.077, -0.047, -0.082)):
        bodies.append(make_lever("shoulder", ((x - 4e-3, 0.305, 0.064), (x, z, 0.073)), (low, high), 6e-3, ORANGE))
        bodies.append(make_disc("shoulder cap", 0.050, 5e-3, TOWARDS_Y, (x, cap, z), DARK, 2e-3))
    bodies.append(make_disc("axis 2", 0.058, 0.094, TOWARDS_Y, (x, -0.047, z), GREY, 1e-3))
    return bodies


def _upper_arm() -> list[Mesh]:
    ends = ((0.0, 0.0, 0.064), (0.0, 0.315, 0.054))
    panels = [
        make_lever("panel", ((0.0, 0.090, 0.030), (0.0, 0.235, 0.026)), (y, y + 3e-3), 1.2e-3, GREY)
        for y in (-0.046, 0.043)
    ]
    return [make_lever("upper arm", ends, (-0.044, 0.044), 9e-3, ORANGE), *panels]


def _forearm() -> list[Mesh]:
    x = FOREARM
    rings = [
        _section(-0.022, 0.0, 0.062, 0.056, 0.066, 0.016),
        _section(-0.024, 0.0, 0.070, 0.062, 0.073, 0.020),
        _section(-0.028, 0.0, 0.110, 0.062, 0.073, 0.026),
        _section(-0.032, 0.0, 0.140, 0.060, 0.068, 0.040),
        _section(x, 0.0, 0.170, 0.056, 0.058, 0.050),
        _section(x, 0.0, 0.200, 0.051, 0.051, 0.0505),
        _section(x, 0.0, 0.262, 0.047, 0.047, 0.0465),
        _section(x, 0.0, 0.272, 0.047, 0.047, 0.0465),
        _section(x, 0.0, 0.276, 0.043, 0.043, 0.0425),
    ]
    bodies = [make_loft("forearm", rings, ORANGE)]
    for low, high, cap in ((0.047, 0.074, 0.074), (-0.074, -0.047, -0.079)):
        bodies.append(make_lever("elbow", ((0.0, 0.0, 0.060), (-0.022, 0.105, 0.058)), (low, high), 6e-3, ORANGE))
        bodies.append(make_disc("elbow cap", 0.042, 5e-3, TOWARDS_Y, (0.0, cap, 0.0), DARK, 2e-3))
    bodies.append(make_disc("axis 3", 0.050, 0.094, TOWARDS_Y, (0.0, -0.047, 0.0), GREY, 1e-3))
    return bodies


def _wrist_fork() -> list[Mesh]:
    rings = [
        _section(0.0, 0.0, -0.084, 0.042, 0.042, 0.0415),
        _section(0.0, 0.0, -0.081, 0.046, 0.046, 0.0455),
        _section(0.0, 0.0, -0.072, 0.046, 0.046, 0.0455),
        _section(0.0, 0.0, -0.060, 0.042, 0.041, 0.036),
        _section(0.0, 0.0, -0.044, 0.036, 0.038, 0.024),
        _section(0.0, 0.0, -0.040, 0.032, 0.034, 0.020),
    ]
    joint = place_mesh(make_cylinder("axis 4", 0.041, 0.010, DARK, segments=48), _shift(-0.090))
    bodies = [make_loft("wrist fork", rings, ORANGE), joint]
    for low, high, cap in ((0.029, 0.046, 0.046), (-0.046, -0.029, -0.049)):
        bodies.append(make_lever("fork", ((0.0, -0.042, 0.035), (0.0, 0.0, 0.036)), (low, high), 4e-3, ORANGE))
        bodies.append(make_disc("wrist cap", 0.025, 3e-3, TOWARDS_Y, (0.0, cap, 0.0), DARK, 1.2e-3))
    return bodies


def _wrist() -> list[Mesh]:
    neck = [(0.0, 0.0), (0.030, 0.0), (0.030, 0.034), (0.027, 0.038), (0.0, 0.038)]
    return [
        make_disc("wrist", 0.034, 0.056, TOWARDS_Y, (0.0, -0.028, 0.0), DARK, 3e-3),
        make_turned("wrist neck", neck, UPRIGHT, ORIGIN, DARK),
    ]


def _flange() -> list[Mesh]:
    profile = [(0.0, -0.041), (0.026, -0.041), (0.026, -0.014), (0.030, -0.012), (0.030, -0.001), (0.029, 0.0)]
    return [make_turned("flange", [*profile, (0.0, 0.0)], UPRIGHT, ORIGIN, STEEL, "metal")]


def _section(x: float, y: float, z: float, half_x: float, half_y: float, radius: float) -> Array:
    """Level ring: rounded rectangle about (x, y) at height z."""
    outline = round_rectangle(half_x, half_y, radius, 10)
    return np.column_stack([outline + np.array([x, y]), np.full(len(outline), z)])


def _shift(z: float) -> Array:
    T = np.eye(4)
    T[2, 3] = z
    return T
