"""What a knife and the hand make of a drawn outline: cut with errors, frayed, sheared, folded."""

import numpy as np
from numpy.typing import NDArray
from shapely import LineString, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import split

Array = NDArray[np.float64]

SPACING = 0.2e-3
"""Between the points of a cut outline [m]."""
KNIFE_REACH = 0.02
"""Over this length [m] the knife errs alike."""
FRAY = 0.06e-3
"""Standard deviation of the raw edge from the cut, from thread to thread [m]."""


def cut(outline: Array, rng: np.random.Generator, knife: float, fray: float = FRAY) -> Array:
    """The outline (N, 2) [m] as a knife cuts it: errors of `knife` [m] (one sigma, at most two), and a frayed edge."""
    closed = np.vstack((outline, outline[:1]))
    along = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))))
    count = int(along[-1] / SPACING)
    s = np.arange(count) * (along[-1] / count)
    points = np.column_stack((np.interp(s, along, closed[:, 0]), np.interp(s, along, closed[:, 1])))
    tangent = np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)
    tangent /= np.maximum(np.hypot(*tangent.T), 1e-12)[:, None]
    error = np.clip(knife * _noise(rng, count, KNIFE_REACH / SPACING), -2.0 * knife, 2.0 * knife)
    error += fray * _noise(rng, count, 2.0)
    return np.asarray(points + error[:, None] * np.column_stack((tangent[:, 1], -tangent[:, 0])))


def pull_threads(outline: Array, rng: np.random.Generator, count: int) -> Array:
    """Ends (count, 2, 2) [m] of threads that stick out of the edge of a counter-clockwise outline by up to 4 mm."""
    start = rng.integers(0, len(outline), count)
    tangent = outline[(start + 3) % len(outline)] - outline[start - 3]
    outward = np.column_stack((tangent[:, 1], -tangent[:, 0])) / np.hypot(*tangent.T)[:, None]
    tip = outline[start] + outward * rng.uniform(0.5e-3, 4e-3, (count, 1)) + rng.normal(0.0, 1e-3, (count, 2))
    return np.stack((outline[start], tip), axis=1)


def stretch(shear: float) -> Array:
    """Symmetric deformation (2, 2) that changes the right angle between x and y by `shear` [rad] without turning."""
    return np.array([[1.0, shear / 2.0], [shear / 2.0, 1.0]])


def fold(outline: Array, rng: np.random.Generator, depth: float) -> tuple[Array, Array]:
    """What is left lying of the outline when a corner is folded over `depth` [m] from its tip, and the flap upon it."""
    middle = outline.mean(axis=0)
    reach = np.hypot(*(outline - middle).T)
    peaks = np.flatnonzero((reach > 0.75 * reach.max()) & _is_corner(outline))
    tip = outline[rng.choice(peaks)] if len(peaks) else outline[np.argmax(reach)]
    inward = (middle - tip) / np.hypot(*(middle - tip))
    side = np.array([-inward[1], inward[0]])
    at = tip + depth * inward
    whole = max(_parts(Polygon(outline).buffer(0)), key=lambda part: part.area)  # without the loops of a frayed edge
    parts = split(whole, LineString([at - side, at + side])).geoms
    flaps = [part for part in parts if (np.array(part.centroid.coords[0]) - at) @ inward < 0.0]
    flap = max(flaps, key=lambda part: part.area)
    rest = max(_parts(whole.difference(flap.buffer(1e-7))), key=lambda part: part.area)
    drawn = np.array(flap.exterior.coords)[:-1]
    mirrored = drawn - 2.0 * ((drawn - at) @ inward)[:, None] * inward
    return np.array(rest.exterior.coords)[:-1], mirrored


def _parts(shape: BaseGeometry) -> list[Polygon]:
    return [part for part in getattr(shape, "geoms", [shape]) if isinstance(part, Polygon)]


def _is_corner(outline: Array) -> NDArray[np.bool_]:
    """Where the outline turns by more than 45 degrees within a few millimetres."""
    step = max(1, round(3e-3 / SPACING))
    before, after = outline - np.roll(outline, step, axis=0), np.roll(outline, -step, axis=0) - outline
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    return np.asarray(np.abs(np.arctan2(cross, np.einsum("ij,ij->i", before, after))) > np.pi / 4.0)


def _noise(rng: np.random.Generator, count: int, reach: float) -> Array:
    """Periodic Gaussian noise (count,) of unit size that is alike over `reach` points."""
    spectrum = np.fft.rfft(rng.standard_normal(count)) * np.exp(-((np.fft.rfftfreq(count) * reach) ** 2) * 4.0)
    noise = np.fft.irfft(spectrum, count)
    return np.asarray(noise / noise.std())
