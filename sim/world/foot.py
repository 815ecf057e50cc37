"""Presser foot and feed dog: where they touch the cloth, how hard, and what the dog moves while the shaft turns."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from sewcell.geometry.poses import Array
from sim.world.bristles import Links
from sim.world.cloth_mesh import Indices
from sim.world.feed import dog_share, needle_is_in
from sim.world.parameters import Machine

TOUCH = 0.9
"""Part of the stroke after which the sole stands on the cloth; the rest loads the spring of the presser bar."""
SPACING = 3e-3
DOG_HALF_LENGTH = 11e-3
DOG_FROM, DOG_TO = 2e-3, 6e-3
"""The teeth stand in two rows beside the needle, at these distances from the line of the feed [m]."""
PRESLIDING = 10e-6
"""Shear of cloth and of its fibres under the foot before it slips [m]: assumed, see docs/foot-contact.md."""
THROAT, DOG, FOOT, BETWEEN = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Footprint:
    """Points (P, 2) [m] of base at which cloth is pressed, each for a cell of the sole; `teeth` (P,): part of the cell
    that stands over teeth; `stroke` (P,): of the dog there, in feeds; `along` (2,): direction of the feed.
    """

    points: Array
    teeth: Array
    stroke: Array
    along: Array


def make_footprint(machine: Machine) -> Footprint:
    """A grid over the sole. The teeth ahead of the needle move `machine.differential` times the feed."""
    half = np.array([machine.foot_length, machine.foot_width]) / 2.0
    columns, rows = (max(2, round(2.0 * side / SPACING)) for side in half)
    x = (np.arange(columns) + 0.5) / columns * 2.0 * half[0] - half[0]
    y = (np.arange(rows) + 0.5) / rows * 2.0 * half[1] - half[1]
    grid = np.array([(u, v) for u in x for v in y])
    cell = 2.0 * half / np.array([columns, rows])
    long = _overlap(grid[:, 0], cell[0], -DOG_HALF_LENGTH, DOG_HALF_LENGTH)
    wide = _overlap(grid[:, 1], cell[1], DOG_FROM, DOG_TO) + _overlap(grid[:, 1], cell[1], -DOG_TO, -DOG_FROM)
    stroke = np.where(grid[:, 0] < 0.0, machine.differential, 1.0)
    R, o = machine.T_base_needle[:2, :2], machine.T_base_needle[:2, 3]
    return Footprint(grid @ R.T + o, long * wide, stroke, np.ascontiguousarray(R[:, 0]))


def _overlap(centre: Array, size: float, low: float, high: float) -> Array:
    """Part of cells of `size` about `centre` (P,) that lies between `low` and `high`."""
    covered: Array = np.minimum(centre + size / 2.0, high) - np.maximum(centre - size / 2.0, low)
    return covered.clip(min=0.0) / size


def sole_height(machine: Machine, foot_down: float, thickness: float) -> float:
    """Of the sole above the throat plate [m], over a stack of `thickness`."""
    return thickness + max(0.0, 1.0 - foot_down / TOUCH) * machine.foot_lift


def foot_force(machine: Machine, foot_down: float, turns: float) -> float:
    """Of the foot on the cloth [N]; with micro-lift the part `machine.micro_lift` is left while the needle is in."""
    pressed = min(max((foot_down - TOUCH) / (1.0 - TOUCH), 0.0), 1.0)
    return machine.foot_force * pressed * (1.0 - (1.0 - machine.micro_lift) * float(needle_is_in(turns)))


@njit(cache=True, error_model="numpy")
def locate(x: Array, triangles: Indices, first: int, last: int, points: Array, found: Indices, share: Array) -> None:
    """Triangles `first` to `last` in which the `points` (P, 2) lie, into `found` (P,) or -1, and `share` (P, 3)."""
    found[:] = -1
    low0, low1 = points[:, 0].min(), points[:, 1].min()
    high0, high1 = points[:, 0].max(), points[:, 1].max()
    for t in range(first, last):
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        if (
            max(x[i, 0], x[j, 0], x[k, 0]) < low0
            or min(x[i, 0], x[j, 0], x[k, 0]) > high0
            or max(x[i, 1], x[j, 1], x[k, 1]) < low1
            or min(x[i, 1], x[j, 1], x[k, 1]) > high1
        ):
            continue
        for n in range(points.shape[0]):
            ax, ay = x[i, 0] - points[n, 0], x[i, 1] - points[n, 1]
            bx, by = x[j, 0] - points[n, 0], x[j, 1] - points[n, 1]
            cx, cy = x[k, 0] - points[n, 0], x[k, 1] - points[n, 1]
            p, q, r = bx * cy - by * cx, cx * ay - cy * ax, ax * by - ay * bx
            if min(p, q, r) >= 0.0 and p + q + r > 0.0:
                found[n] = t
                share[n, 0], share[n, 1], share[n, 2] = p / (p + q + r), q / (p + q + r), r / (p + q + r)


@njit(cache=True, error_model="numpy")
def press_cloth(
    x: Array, triangles: Indices, plies: Indices, points: Array, teeth: Array, stroke: Array, along: Array, bent: Array,
    force: float, turns: float, fed: float, friction: Array, links: Links, home: Indices,
) -> int:  # fmt: skip
    """Make the bristles of a step at whose start the cloth is at `x` (V, 2); returns their number.

    `plies` (Q + 1,): where the triangles of each begin, from below; `points` to `along`: see `Footprint`; `bent`
    (P, Q + 2, 2): bristles of throat plate, dog, foot and between the plies; `fed` [m]: way of the dog during the step.
    `friction` (3 + Q - 1,): coefficients in the same order. The load of each point goes down through all plies; with
    the dog up it stands on the teeth. The bristles go to the front of `links`, and to `home` (L, 2) their place in
    `bent`.
    """
    count, layers = points.shape[0], plies.shape[0] - 1
    found = np.empty((layers, count), dtype=np.int64)
    share = np.empty((layers, count, 3))
    for q in range(layers):
        locate(x, triangles, plies[q], plies[q + 1], points, found[q], share[q])
    covered, toothed = 0, 0.0
    for p in range(count):
        if found[:, p].max() >= 0:
            covered += 1
            toothed += teeth[p]
    lifted = dog_share(turns) if toothed > 0.0 else 0.0
    n = 0
    for p in range(count):
        lowest, below = -1, -1
        on_plate = force * (1.0 - lifted) / covered if covered > 0 else 0.0
        on_dog = force * lifted * teeth[p] / toothed if toothed > 0.0 else 0.0
        for slot in range(bent.shape[1]):
            if found[:, p].max() < 0:
                bent[p, slot] = 0.0
        for q in range(layers):
            if found[q, p] < 0:
                continue
            if lowest < 0:
                lowest = q
                n = _add(links, home, n, x, triangles, found[q, p], share[q, p], -1, share[q, p], bent, p, THROAT,
                         friction[THROAT] * on_plate, 0.0, along)  # fmt: skip
                n = _add(links, home, n, x, triangles, found[q, p], share[q, p], -1, share[q, p], bent, p, DOG,
                         friction[DOG] * on_dog, fed * stroke[p], along)  # fmt: skip
            else:
                slot = BETWEEN + below
                n = _add(links, home, n, x, triangles, found[q, p], share[q, p], found[below, p], share[below, p],
                         bent, p, slot, friction[slot] * (on_plate + on_dog), 0.0, along)  # fmt: skip
            below = q
        if below >= 0:
            n = _add(links, home, n, x, triangles, found[below, p], share[below, p], -1, share[below, p], bent, p,
                     FOOT, friction[FOOT] * (on_plate + on_dog), 0.0, along)  # fmt: skip
    return n


@njit(cache=True, error_model="numpy")
def _add(
    links: Links, home: Indices, n: int, x: Array, triangles: Indices, upper: int, upper_share: Array, lower: int,
    lower_share: Array, bent: Array, p: int, slot: int, limit: float, moved: float, along: Array,
) -> int:  # fmt: skip
    """Add one bristle unless it carries nothing; returns the number of links."""
    if limit <= 0.0:
        bent[p, slot] = 0.0
        return n
    home[n, 0], home[n, 1] = p, slot
    links.triangle[n, 0], links.triangle[n, 1] = upper, lower
    links.share[n, 0], links.share[n, 1] = upper_share, lower_share
    links.limit[n], links.stiffness[n] = limit, limit / PRESLIDING
    for k in range(2):
        at = moved * along[k] - bent[p, slot, k]
        for c in range(3):
            at += upper_share[c] * x[triangles[upper, c], k]
            if lower >= 0:
                at -= lower_share[c] * x[triangles[lower, c], k]
        links.origin[n, k] = at
    return n + 1


def slot_count(plies: int) -> int:
    """Bristles at one point under a stack of so many plies."""
    return BETWEEN + plies - 1
