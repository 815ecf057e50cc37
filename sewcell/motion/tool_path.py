"""Paths of the flange made of lines, arcs and blended corners."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation

from sewcell.errors import MotionError
from sewcell.motion.cartesian_path import TURN_RADIUS, Line
from sewcell.units import DEG, MM

Array = NDArray[np.float64]

JOINED = 1e-6
"""Neighbouring parts of a path may be this far apart [m, rad]."""
SAMPLES = 400
"""Steps in which the shape of a blend is integrated."""
STRAIGHT_ON = 0.1 * DEG
"""A corner that turns by less is none."""


class Part(Protocol):
    """A part of a path: its poses (N, 4, 4) at fractions (N,) of the way from 0 to 1, and its length [m]."""

    @property
    def length(self) -> float: ...

    def poses_at(self, s: ArrayLike) -> Array: ...


@dataclass(frozen=True, slots=True)
class Arc:
    """A circle about the line through `centre` (3,) along the unit vector `axis` (3,), by `angle` [rad] right-handed.

    The orientation turns meanwhile by the rotation vector `turn` (3,) [rad] in base: R(s) = exp(s turn) R0; with
    angle * axis, which is taken when it is None, the tool keeps its direction to the circle.
    """

    T_start: Array
    centre: Array
    axis: Array
    angle: float
    turn: Array | None = None

    @property
    def length(self) -> float:
        """Length of the circle at the start's distance from the axis, or at TURN_RADIUS when it starts on it [m]."""
        radius = float(np.linalg.norm(np.cross(self.axis, self.T_start[:3, 3] - self.centre)))
        return abs(self.angle) * (radius if radius > JOINED else TURN_RADIUS)

    def poses_at(self, s: ArrayLike) -> Array:
        """Poses (N, 4, 4) at the fractions `s` (N,) of the angle."""
        fraction = np.asarray(s, dtype=np.float64)[:, None]
        sweep = Rotation.from_rotvec(fraction * self.angle * self.axis)
        turn = sweep if self.turn is None else Rotation.from_rotvec(fraction * self.turn)
        T = np.tile(np.eye(4), (len(fraction), 1, 1))
        T[:, :3, 3] = self.centre + sweep.apply(self.T_start[:3, 3] - self.centre)
        T[:, :3, :3] = turn.as_matrix() @ self.T_start[:3, :3]
        return T


@dataclass(frozen=True)
class Blend:
    """A corner passed without a jump of the curvature; the orientation is on the geodesic between both ends.

    The tangent turns from `before` to `after` (unit vectors (3,)) by beta as beta (u - sin(2 pi u) / 2 pi), u the share
    of the length S: the curvature is 0 with its slope at both ends and at most 2 beta / S.
    """

    T_start: Array
    T_goal: Array
    before: Array
    after: Array
    length: float

    @cached_property
    def _way(self) -> CubicSpline:
        """Position (3,) as a function of the fraction of the length."""
        beta = _angle_between(self.before, self.after)
        u, along, aside = _blend_shape(beta)
        side = self.after - np.cos(beta) * self.before
        side = side / np.linalg.norm(side)
        way = self.length * (along[:, None] * self.before + aside[:, None] * side)
        ends = ((1, self.length * self.before), (1, self.length * self.after))
        return CubicSpline(u, self.T_start[:3, 3] + way, bc_type=ends)

    def poses_at(self, s: ArrayLike) -> Array:
        """Poses (N, 4, 4) at the fractions `s` (N,) of the length."""
        fraction = np.asarray(s, dtype=np.float64)
        T = Line(self.T_start, self.T_goal).poses_at(fraction)
        T[:, :3, 3] = self._way(fraction)
        return T


@dataclass(frozen=True)
class ToolPath:
    """Parts one after the other.

    Raises: MotionError when a part does not begin where the one before ends.
    """

    parts: tuple[Part, ...]

    def __post_init__(self) -> None:
        for i, (one, two) in enumerate(pairwise(self.parts)):
            end, start = one.poses_at([1.0])[0], two.poses_at([0.0])[0]
            gap = float(np.linalg.norm(start[:3, 3] - end[:3, 3]))
            turn = float(Rotation.from_matrix(end[:3, :3].T @ start[:3, :3]).magnitude())
            if max(gap, turn) > JOINED:
                raise MotionError(
                    f"part {i + 2} of a path begins {gap / MM:.3g} mm and {turn / DEG:.3g} deg away from the end of "
                    f"part {i + 1}: begin each part at the end of the one before"
                )

    @cached_property
    def borders(self) -> Array:
        """Distances [m] from the start at which the parts begin and end, (K + 1,)."""
        return np.concatenate([[0.0], np.cumsum([part.length for part in self.parts])])

    @property
    def length(self) -> float:
        """Length of all parts [m]."""
        return float(self.borders[-1])

    def poses_at(self, distances: ArrayLike) -> Array:
        """Poses (N, 4, 4) at `distances` (N,) [m] from the start."""
        d = np.clip(np.asarray(distances, dtype=np.float64), 0.0, self.length)
        which = np.clip(np.searchsorted(self.borders, d, side="right") - 1, 0, len(self.parts) - 1)
        T = np.empty((len(d), 4, 4))
        for k, part in enumerate(self.parts):
            here = which == k
            if here.any():
                T[here] = part.poses_at((d[here] - self.borders[k]) / max(part.length, 1e-12))
        return T


def blend_corners(T_base_flange: Array, radius: float | None = None, tolerance: float | None = None) -> ToolPath:
    """Straight lines through poses (K, 4, 4), every corner rounded, orientations on the geodesics.

    A corner gets the smallest `radius` [m], or is passed within `tolerance` [m].

    Raises: MotionError when the corners are too close for their roundings.
    """
    if (radius is None) == (tolerance is None):
        raise ValueError("give either the radius or the tolerance of the corners")
    T = np.asarray(T_base_flange, dtype=np.float64)
    change = np.diff(T[:, :3, 3], axis=0)
    lengths = np.linalg.norm(change, axis=1)
    if lengths.min() < JOINED:
        raise MotionError(
            f"corners {int(lengths.argmin()) + 1} and {int(lengths.argmin()) + 2} of a path are one: leave one out"
        )
    along = change / lengths[:, None]
    starts, ends = np.zeros(len(lengths)), np.ones(len(lengths))  # shares of each line that are left straight
    sizes = np.zeros(len(lengths) - 1)
    for i, (before, after) in enumerate(pairwise(along)):
        beta = _angle_between(before, after)
        if beta < STRAIGHT_ON:
            continue
        sizes[i], taken = _size_blend(beta, radius, tolerance)
        ends[i] -= taken / lengths[i]
        starts[i + 1] += taken / lengths[i + 1]
    if (starts > ends + 1e-9).any():
        i = int((starts - ends).argmax())
        needed = (1.0 + starts[i] - ends[i]) * lengths[i]
        raise MotionError(
            f"the roundings at both ends of line {i + 1} of a path need {needed / MM:.1f} mm, it is "
            f"{lengths[i] / MM:.1f} mm long: round them less"
        )
    return ToolPath(tuple(_join(T, along, starts, ends, sizes)))


def _join(T: Array, along: Array, starts: Array, ends: Array, sizes: Array) -> Sequence[Part]:
    parts: list[Part] = []
    pieces = [Line(a, b).poses_at([start, end]) for a, b, start, end in zip(T[:-1], T[1:], starts, ends, strict=True)]
    for i, (first, last) in enumerate(pieces):
        if ends[i] - starts[i] > 1e-9:
            parts.append(Line(first, last))
        if i < len(sizes) and sizes[i] > 0.0:
            parts.append(Blend(last, pieces[i + 1][0], along[i], along[i + 1], float(sizes[i])))
    return parts


def _angle_between(a: Array, b: Array) -> float:
    return float(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b))


def _blend_shape(beta: float) -> tuple[Array, Array, Array]:
    """Fractions, and way along and aside of the first tangent, of a blend of length 1 by `beta` [rad]."""
    u = np.linspace(0.0, 1.0, SAMPLES + 1)
    heading = beta * (u - np.sin(2.0 * np.pi * u) / (2.0 * np.pi))
    along, aside = (
        np.concatenate([[0.0], np.cumsum((f[:-1] + f[1:]) / 2.0)]) / SAMPLES for f in (np.cos(heading), np.sin(heading))
    )
    return u, along, aside


def _size_blend(beta: float, radius: float | None, tolerance: float | None) -> tuple[float, float]:
    """Length of a blend, and the length that it takes of each line [m]."""
    if beta > np.pi - STRAIGHT_ON:
        raise MotionError("a corner that turns back cannot be rounded: stop there")
    _, along, aside = _blend_shape(beta)
    needed = along[-1] - aside[-1] / np.tan(beta)  # of each line, for a length of 1
    middle = SAMPLES // 2
    cut = float(np.hypot(along[middle] - needed, aside[middle]))
    size = 2.0 * beta * radius if radius is not None else (tolerance or 0.0) / cut
    return size, size * float(needed)
