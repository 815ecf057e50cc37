"""Tool centre point by touching one fixed tip from several sides, and where that tip is (a pin, the needle)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sewcell.errors import VisionError
from sewcell.geometry.poses import Array
from sewcell.units import DEG, MM
from sewcell.vision.resampling import jackknife_sigma, split_groups

FEWEST_TOUCHES = 5
LEAST_TURN = 15.0 * DEG
OUTLIER_FACTOR = 4.0
OUTLIER = 0.5 * MM


@dataclass(frozen=True, slots=True)
class TouchCalibration:
    """`tool` (3,): the touching point in the flange [m]. `tip` (3,): the touched point in base [m].

    `rms`: distance of the touches from `tip`. `held_out`: the same for touches that the fit did not see.
    `tool_sigma`, `tip_sigma`: standard deviations, lengths of the vectors. All [m].
    """

    tool: Array
    tip: Array
    rms: float
    held_out: float
    tool_sigma: float
    tip_sigma: float


def calibrate_touch(T_base_flange: Array, names: Sequence[str] | None = None) -> TouchCalibration:
    """The points p and c that make R_i p + t_i = c hold best for all touches i, in linear least squares.

    Args: T_base_flange (N, 4, 4) [m], the arm's pose at each touch; `names` of the touches for messages.
    Raises: VisionError for fewer than five touches, turns that leave a direction open, or a touch that is off (named).
    """
    T = np.asarray(T_base_flange, dtype=np.float64)
    names = [f"touch {i}" for i in range(1, len(T) + 1)] if names is None else names
    if len(T) < FEWEST_TOUCHES:
        raise VisionError(
            f"only {len(T)} touch{'' if len(T) == 1 else 'es'}, at least {FEWEST_TOUCHES} are needed: touch the tip "
            "from more sides"
        )
    spread = np.linalg.svd(_stack(T)[0], compute_uv=False)[-1] / np.sqrt(len(T))
    if spread < np.sin(LEAST_TURN) / 2.0:
        raise VisionError(
            "the touches leave a direction open, as the hand was turned too little or about one axis only: tilt it by "
            "20 to 40 degrees to the left and right, and to the front and back"
        )
    tool, tip = _solve(T)
    distances = np.linalg.norm(_misses(T, tool, tip), axis=1)
    worst = int(np.argmax(distances))
    others = float(np.median(np.delete(distances, worst)))
    if distances[worst] > max(OUTLIER_FACTOR * others, OUTLIER):
        raise VisionError(
            f"{names[worst]} is {distances[worst] / MM:.1f} mm off, the others {others / MM:.1f} mm: it missed, "
            "or the tip was bent; touch again"
        )
    estimates, held_out = [], []
    for kept, out in split_groups(len(T)):
        part = _solve(T[kept])
        estimates.append(np.concatenate(part))
        held_out.append(_misses(T[out], *part))
    sigma = jackknife_sigma(np.array(estimates))
    return TouchCalibration(
        tool=tool,
        tip=tip,
        rms=float(np.sqrt(np.mean(distances**2))),
        held_out=float(np.sqrt(np.mean(np.sum(np.concatenate(held_out) ** 2, axis=1)))),
        tool_sigma=float(np.linalg.norm(sigma[:3])),
        tip_sigma=float(np.linalg.norm(sigma[3:])),
    )


def locate_tip(T_base_flange: Array, tool: Array) -> tuple[Array, float]:
    """Where a known tool point (3,) [m, flange] touched: mean in base (3,) [m], and rms distance of the touches [m]."""
    points = T_base_flange[:, :3, :3] @ tool + T_base_flange[:, :3, 3]
    tip = points.mean(axis=0)
    return tip, float(np.sqrt(np.mean(np.sum((points - tip) ** 2, axis=1))))


def _stack(T: Array) -> tuple[Array, Array]:
    """Rows of R_i p - c = -t_i for the unknowns (p, c)."""
    rows = np.concatenate((T[:, :3, :3], np.broadcast_to(-np.eye(3), (len(T), 3, 3))), axis=2)
    return rows.reshape(-1, 6), -T[:, :3, 3].reshape(-1)


def _solve(T: Array) -> tuple[Array, Array]:
    unknowns = np.asarray(np.linalg.lstsq(*_stack(T), rcond=None)[0], dtype=np.float64)
    return unknowns[:3], unknowns[3:]


def _misses(T: Array, tool: Array, tip: Array) -> Array:
    return np.asarray(T[:, :3, :3] @ tool + T[:, :3, 3] - tip)
