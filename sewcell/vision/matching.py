"""Which piece, lying how, could have this contour: Procrustes over all starting points at once, by FFT."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sewcell.geometry.planar import PlanarPose, wrap_angle
from sewcell.geometry.poses import Array
from sewcell.units import DEG
from sewcell.vision.outline import resample_closed

_SAMPLES = 256
_HARMONICS = 32
_DISTINCT_ANGLE = 20.0 * DEG
_POSES_PER_FACE = 4

_BEFORE, _AFTER = np.roll(np.arange(_SAMPLES), 1), np.roll(np.arange(_SAMPLES), -1)
"""The neighbours of each sample."""

Complex = NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class _Curve:
    """A closed curve of _SAMPLES points as complex numbers: its `centre`, the `spectrum` about it, and its `energy`,
    the sum of squared distances from the centre."""

    centre: complex
    spectrum: Complex
    energy: float


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """Piece number `index` may lie at `pose`; `residual` [m]: rms distance of corresponding contour points."""

    index: int
    pose: PlanarPose
    residual: float


def match_contour(contour: Array, outlines: Sequence[Array], mirrored: Sequence[bool]) -> list[Hypothesis]:
    """Every distinct way in which one of `outlines` could lie as `contour`, best first.

    With both curves z, m sampled evenly, centred and written as complex numbers, the rigid motion that brings m onto z
    shifted by k leaves sum|z|^2 + sum|m|^2 - 2 |c_k|, c_k = sum_j z_(j+k) conj(m_j); the angle is arg c_k. One FFT
    gives c_k for all k (Persoon and Fu 1977, "Shape Discrimination Using Fourier Descriptors").

    Args: contour (N, 2), outlines (each (N, 2)) [m], counter-clockwise; mirrored: the faces to try, False for face up.
    """
    seen = _curve(contour)
    found = []
    for index, outline in enumerate(outlines):
        for flip in mirrored:
            drawn = _drawn_curve(np.asarray(outline, np.float64).tobytes(), flip)
            found += [Hypothesis(index, pose, residual) for pose, residual in _align(seen, drawn, flip)]
    return sorted(found, key=lambda hypothesis: hypothesis.residual)


@lru_cache(maxsize=256)
def _drawn_curve(outline: bytes, flip: bool) -> _Curve:
    """The curve of a pattern's outline, or of its mirror image: the same for every picture."""
    points = np.frombuffer(outline).reshape(-1, 2)
    return _curve(points[::-1] * (1.0, -1.0) if flip else points)


def _curve(outline: Array) -> _Curve:
    """Evenly spaced samples of the outline without its finest waves, which hold the staircase of pixels."""
    points = resample_closed(outline, _SAMPLES)
    spectrum = np.fft.fft(points[:, 0] + 1j * points[:, 1])
    spectrum[_HARMONICS + 1 : -_HARMONICS] = 0.0
    smooth = np.fft.ifft(spectrum)
    even = resample_closed(np.column_stack((smooth.real, smooth.imag)), _SAMPLES)
    points = even[:, 0] + 1j * even[:, 1]
    centre = complex(points.mean())
    return _Curve(centre, np.fft.fft(points - centre), float((np.abs(points - centre) ** 2).sum()))


def _align(seen: _Curve, drawn: _Curve, flip: bool) -> list[tuple[PlanarPose, float]]:
    """Poses of `drawn` on `seen` at the peaks of their correlation, best first, with rms residual."""
    correlation = np.fft.ifft(seen.spectrum * np.conj(drawn.spectrum))
    size = np.abs(correlation)
    peaks = np.flatnonzero((size >= size[_BEFORE]) & (size > size[_AFTER]))
    energy = seen.energy + drawn.energy
    result: list[tuple[PlanarPose, float]] = []
    for k in peaks[np.argsort(-size[peaks])]:
        turn = np.angle(correlation[k])
        if any(abs(wrap_angle(turn - pose.theta)) < _DISTINCT_ANGLE for pose, _ in result):
            continue
        shift = seen.centre - np.exp(1j * turn) * drawn.centre
        residual = np.sqrt(max(energy - 2.0 * size[k], 0.0) / _SAMPLES)
        result.append((PlanarPose(float(shift.real), float(shift.imag), float(turn), flip), float(residual)))
        if len(result) == _POSES_PER_FACE:
            break
    return result
