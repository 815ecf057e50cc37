"""Carrying a held piece no faster than its free edge allows: the flap beside the gripper must not swing or fold."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sewcell.kinematics.arm import Arm
from sewcell.motion.legs import Legs
from sewcell.motion.trajectory import FINE_STEP, Trajectory
from sewcell.units import DEG

Array = NDArray[np.float64]

GRAVITY = 9.81
SWING = 45.0 * DEG
"""A flap that swings by no more keeps clear of the tool and falls back as it was."""
OVERSHOOT = 2.0
"""An undamped pendulum swings to twice the angle at which it would rest under a suddenly applied acceleration."""
ROUND_OFF = 1e-3


@dataclass(frozen=True, slots=True)
class Flap:
    """What hangs beside the gripper: `areal_mass` [kg/m2], `bending` rigidity per width [N m], free `length` [m]."""

    areal_mass: float
    bending: float
    length: float

    def find_acceleration(self, swing: float = SWING) -> float:
        """Largest acceleration of the gripper [m/s2] at which the flap swings by no more than `swing` [rad].

        A strip of the mass w per area and the length L is a pendulum with a spring at its root: weight, w g L^2 / 2 sin
        swing, and bending, 3 B / L swing (a cantilever under even load turns at its tip by q L^3 / 6 B), balance
        w a L^2 / 2 cos swing. With the bending length c^3 = B / (w g) and the overshoot of a sudden start:

            a = g (tan swing + 6 (c / L)^3 swing / cos swing) / 2

        A short flap is held by its stiffness, a long one by its weight alone.

        Source of c: Peirce (1930), "The 'handle' of cloth as a measurable quantity".
        """
        if self.length <= 0.0:
            return float("inf")
        stiffness = self.bending / (self.areal_mass * GRAVITY * self.length**3)
        held = np.tan(swing) + 6.0 * stiffness * swing / np.cos(swing)
        return float(GRAVITY * held / OVERSHOOT)


def measure_acceleration(arm: Arm, T_flange_tool: Array, motion: Trajectory) -> Array:
    """Acceleration (N,) [m/s2] of the tool's origin at the samples of a motion that begins and ends at rest."""
    places = (arm.forward(motion.positions) @ T_flange_tool)[:, :3, 3]
    second = np.diff(np.pad(places, ((1, 1), (0, 0)), mode="edge"), 2, axis=0) / FINE_STEP**2
    return np.asarray(np.linalg.norm(second, axis=1))


def slow_legs(arm: Arm, T_flange_tool: Array, legs: Legs, motion: Trajectory, largest: float) -> Legs | None:
    """`legs` with smaller shares where the tool in `motion` along them exceeds `largest` [m/s2]; None when nowhere.

    The time of a leg that exceeds it by r is stretched by r^(1/2). A sample counts to the leg that it is nearest to.
    """
    acceleration = measure_acceleration(arm, T_flange_tool, motion)
    if acceleration.max() <= largest * (1.0 + ROUND_OFF):
        return None
    start, change = legs.waypoints[:-1], np.diff(legs.waypoints, axis=0)
    offset = motion.positions[:, None] - start  # (N, k, 6)
    part = np.clip(np.einsum("nkj,kj->nk", offset, change) / (change**2).sum(axis=1), 0.0, 1.0)
    nearest = np.linalg.norm(offset - part[..., None] * change, axis=2).argmin(axis=1)
    excess = np.ones(len(change))
    np.maximum.at(excess, nearest, acceleration / largest)
    return Legs(legs.waypoints, legs.corridor, legs.shares / np.sqrt(excess)[:, None] ** np.arange(1.0, 4.0))
