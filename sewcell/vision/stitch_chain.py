"""The thread in a straightened picture of a seam: where it runs, from where to where, and where the needle went in."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, uniform_filter1d

from sewcell.errors import VisionError
from sewcell.geometry.poses import Array
from sewcell.units import MM
from sewcell.vision.seam_strip import SeamStrip

_RIDGE = 0.9 * MM
_RIDGE_PX = 2.5
_MIN_SIGNAL = 2.0
_MIN_REPEAT = 0.55
_BEND = 0.35
_SEWN = 0.5
_CORE = 0.2 * MM
_PITCHES = (0.7, 1.4)
_GAPS = (0.72, 1.28)
_GAP_SIGMA = 0.10
_HOLE_SIGMA = 0.12 * MM
_FAINT = 0.4
_NOISE_VARIANCE = 0.05
_CENTRE_WINDOWS = (0.4 * MM, 0.3 * MM, 0.3 * MM)

_NO_THREAD = (
    "no thread can be told from the cloth along the planned seam: check that it was sewn, or take the picture closer "
    "and with light from the side"
)


@dataclass(frozen=True, slots=True)
class StitchChain:
    """`sideways` (S,) [m]: where the thread runs across the strip; `sewn` (S,): where there is thread.

    `holes` (M,) [m]: where the needle went in along the seam; `skipped` (K,) [m]: where it should have, between holes.
    """

    sideways: Array
    sewn: NDArray[np.bool_]
    holes: Array
    skipped: Array


def find_stitches(strip: SeamStrip, reach: float, stitch_length: float) -> StitchChain:
    """Follow the thread within `reach` [m] of the planned seam, and find the holes about `stitch_length` [m] apart.

    Raises: VisionError when no thread can be told from the cloth.
    """
    sideways, presence = _follow_thread(strip, reach, stitch_length)
    sewn = _find_sewn(presence, max(1, round(stitch_length / strip.step)))
    relief, pitch = _find_relief(strip, sideways, sewn, stitch_length)
    signal = _along_thread(strip, relief[..., None], sideways)[:, 0]
    signal = (signal - signal[sewn].mean()) / max(float(signal[sewn].std()), 1e-9)
    holes, skipped = _find_holes(strip, signal, sewn, pitch)
    return StitchChain(_centre_on_holes(strip, relief, sideways, holes), sewn, holes, skipped)


def _follow_thread(strip: SeamStrip, reach: float, stitch_length: float) -> tuple[Array, Array]:
    """Where the thread runs (S,) [m], and how clearly it is seen there (S,), 1 on the average.

    A thread is a ridge: it differs from the cloth on both sides in the same way all along. The difference, averaged
    over a stitch, is followed by dynamic programming; what it is on the way found first tells the colour of the thread
    from that of a print, and the way is followed once more.
    """
    step = strip.step
    shift = max(round(_RIDGE / step), round(_RIDGE_PX * strip.pixel / step))
    inner = np.flatnonzero(np.abs(strip.across) <= reach)
    inner = inner[(inner >= shift) & (inner < len(strip.across) - shift)]
    smooth = uniform_filter1d(strip.colours, max(1, round(2.0 * _CORE / step)), axis=1)
    ridge = smooth[:, inner] - 0.5 * (smooth[:, inner - shift] + smooth[:, inner + shift])
    ridge = uniform_filter1d(ridge, max(1, round(stitch_length / step)), axis=0)  # (S, I, 3)
    scale = 1.4826 * np.median(np.abs(ridge), axis=(0, 1)) + 0.3
    merit = np.linalg.norm(ridge / scale, axis=2)
    path = _best_path(merit)
    rows = np.arange(len(ridge))
    for _ in range(2):
        thread = np.median(ridge[rows, path], axis=0) / scale
        merit = np.asarray((ridge / scale) @ thread) / max(float(np.linalg.norm(thread)), 1e-9)
        path = _best_path(merit)
    away = np.abs(np.arange(len(inner))[None, :] - path[:, None]) > shift
    noise = 1.4826 * float(np.median(np.abs(merit[away]))) if away.any() else 1.0
    strength = float(np.median(merit[rows, path]))
    if strength < _MIN_SIGNAL * noise:
        raise VisionError(_NO_THREAD)
    at = np.clip(path, 1, len(inner) - 2)
    before, here, after = merit[rows, at - 1], merit[rows, at], merit[rows, at + 1]
    bend = before - 2.0 * here + after
    part = np.where(bend < 0.0, np.clip(0.5 * (before - after) / np.minimum(bend, -1e-9), -0.5, 0.5), 0.0)
    sideways = strip.across[inner][at] + part * step
    return uniform_filter1d(sideways, max(1, round(0.5 * stitch_length / step))), here / strength


def _best_path(merit: Array) -> NDArray[np.intp]:
    """Index (S,) in each row of merit (S, I) whose sum is largest; a step aside costs, and is one at most."""
    rows, width = merit.shape
    cost = _BEND * float(np.median(merit.max(axis=1)))
    total = merit[0].astype(np.float64)
    origin = np.zeros((rows, width), dtype=np.int8)
    for i in range(1, rows):
        left = np.concatenate(([-np.inf], total[:-1])) - cost
        right = np.concatenate((total[1:], [-np.inf])) - cost
        options = np.stack((total, left, right))
        choice = options.argmax(axis=0)
        origin[i] = np.array([0, -1, 1], dtype=np.int8)[choice]
        total = options.max(axis=0) + merit[i]
    path = np.empty(rows, dtype=np.intp)
    path[-1] = total.argmax()
    for i in range(rows - 1, 0, -1):
        path[i - 1] = path[i] + origin[i, path[i]]
    return path


def _find_sewn(presence: Array, stitch: int) -> NDArray[np.bool_]:
    """Where thread lies (S,): gaps and islands shorter than one and a half stitches do not count."""
    sewn = np.asarray(presence > _SEWN * np.median(presence[presence > _SEWN]))
    for value in (True, False):
        edges = np.flatnonzero(np.diff(np.concatenate(([not value], sewn == (not value), [not value])).astype(int)))
        for begin, end in edges.reshape(-1, 2) if len(edges) % 2 == 0 else []:
            inside = begin > 0 and end < len(sewn)
            if end - begin < 1.5 * stitch and (inside or not value):
                sewn[begin:end] = value
    return sewn


def _find_relief(
    strip: SeamStrip, sideways: Array, sewn: NDArray[np.bool_], stitch_length: float
) -> tuple[Array, float]:
    """How much each sample (S, T) looks like a hole, and the distance of the holes [m].

    The mixture w of the colours on the thread, and the lag, maximise w' C(lag) w / w' C(0) w, C being the covariance of
    the colours with themselves shifted along the seam. Holes are short, so that the mixture is skewed towards them.
    """
    count = max(1, round(stitch_length / strip.step))
    rest = strip.colours - uniform_filter1d(strip.colours, count, axis=0)
    rest = gaussian_filter1d(rest, max(_HOLE_SIGMA / strip.step, 0.5), axis=0)
    part = _along_thread(strip, rest, sideways)[sewn]
    whiten = np.linalg.inv(np.linalg.cholesky(part.T @ part / len(part) + _NOISE_VARIANCE * np.eye(3)))
    white = part @ whiten.T
    repeat, pitch, mixture = -1.0, count, np.ones(3)
    for lag in range(round(_PITCHES[0] * count), min(round(_PITCHES[1] * count) + 1, len(white) // 2)):
        shifted = white[lag:].T @ white[:-lag] / (len(white) - lag)
        values, vectors = np.linalg.eigh(0.5 * (shifted + shifted.T))
        if values[-1] > repeat:
            repeat, pitch, mixture = float(values[-1]), lag, vectors[:, -1]
    if repeat < _MIN_REPEAT:
        raise VisionError(_NO_THREAD)
    if np.mean((white @ mixture) ** 3) < 0.0:
        mixture = -mixture
    return rest @ (whiten.T @ mixture), pitch * strip.step


def _along_thread(strip: SeamStrip, values: Array, sideways: Array) -> Array:
    """Mean (S, K) of `values` (S, T, K) within a core about the thread."""
    weight = np.exp(-0.5 * ((strip.across[None, :] - sideways[:, None]) / _CORE) ** 2)
    weight /= weight.sum(axis=1, keepdims=True)
    return np.asarray(np.einsum("st,stk->sk", weight, values), dtype=np.float64)


def _find_holes(strip: SeamStrip, signal: Array, sewn: NDArray[np.bool_], pitch: float) -> tuple[Array, Array]:
    """Holes and skipped holes along the seam [m]: the chain of evenly spaced places where `signal` (S,) is largest."""
    inside = np.flatnonzero(sewn)
    chain = _best_chain(signal, pitch / strip.step, int(inside[0]), int(inside[-1]))
    strength = signal[chain]
    seen = strength > _FAINT * np.median(strength)
    if seen.sum() < 3:
        raise VisionError("thread is seen along the seam but no stitches in it: take the picture closer or sharper")
    first, last = np.flatnonzero(seen)[[0, -1]]
    chain, seen = chain[first : last + 1], seen[first : last + 1]
    at = np.clip(chain, 1, len(signal) - 2)
    before, here, after = signal[at - 1], signal[at], signal[at + 1]
    bend = np.minimum(before - 2.0 * here + after, -1e-9)
    places = strip.along[at] + np.clip(0.5 * (before - after) / bend, -1.0, 1.0) * strip.step
    return places[seen], places[~seen]


def _centre_on_holes(strip: SeamStrip, relief: Array, sideways: Array, holes: Array) -> Array:
    """Where the thread runs (S,) [m], through the centres of its holes, each taken together with its neighbours."""
    rows = np.searchsorted(strip.along, holes).clip(0, len(strip.along) - 1)
    profiles = uniform_filter1d(relief[rows], 3, axis=0, mode="nearest")  # (M, T)
    centre = sideways[rows]
    for window in _CENTRE_WINDOWS:
        near = np.exp(-0.5 * ((strip.across[None, :] - centre[:, None]) / window) ** 2)
        mass = near * np.clip(profiles, 0.0, None)
        centre = (mass @ strip.across) / np.maximum(mass.sum(axis=1), 1e-9)
    return np.asarray(np.interp(strip.along, holes, centre))


def _best_chain(signal: Array, pitch: float, first: int, last: int) -> NDArray[np.intp]:
    """Places (M,) from near `first` to near `last`, about `pitch` samples apart, on which `signal` sums up to the most.

    A gap that is off by one standard deviation, a tenth of the pitch, costs half a unit.
    """
    low, high = max(0, round(first - 0.7 * pitch)), min(len(signal) - 1, round(last + 0.7 * pitch))
    gaps = np.arange(max(1, round(_GAPS[0] * pitch)), round(_GAPS[1] * pitch) + 1)
    cost = 0.5 * ((gaps - pitch) / (_GAP_SIGMA * pitch)) ** 2
    total = np.full(len(signal), -np.inf)
    origin = np.full(len(signal), -1, dtype=np.intp)
    for i in range(low, high + 1):
        if i <= first + 0.7 * pitch:
            total[i] = signal[i]
        back = i - gaps
        valid = back >= low
        if valid.any():
            options = total[back[valid]] - cost[valid]
            choice = int(options.argmax())
            if options[choice] + signal[i] > total[i]:
                total[i], origin[i] = options[choice] + signal[i], back[valid][choice]
    end = max(low, round(last - 0.7 * pitch))
    at = end + int(total[end : high + 1].argmax())
    chain = [at]
    while origin[chain[-1]] >= 0:
        chain.append(int(origin[chain[-1]]))
    return np.array(chain[::-1], dtype=np.intp)
