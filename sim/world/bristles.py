"""Friction as bristles that bend and then slip at mu N, and springs: links between points of cloth and machine."""

from typing import NamedTuple

import numpy as np
from numba import njit

from sewcell.geometry.poses import Array
from sim.world.cloth_mesh import Indices
from sim.world.membrane import NONE, SECANT, add_block

NEVER = 1e9
"""Limit of a link that does not slip [N]."""


class Links(NamedTuple):
    """`triangle` (L, 2): of the point and of its partner, -1 for a partner that is the machine; `share` (L, 2, 3)
    barycentric; `origin` (L, 2): where point minus partner is unbent [m]; `limit` (L,) [N]; `stiffness` (L,) [N/m].
    """

    triangle: Indices
    share: Array
    origin: Array
    limit: Array
    stiffness: Array


@njit(cache=True, error_model="numpy", inline="always")
def bend(x: Array, triangles: Indices, links: Links, n: int) -> tuple[float, float]:
    """How far link `n` is bent, (x, y) [m]."""
    dx, dy = -links.origin[n, 0], -links.origin[n, 1]
    for end in range(2):
        t = links.triangle[n, end]
        if t < 0:
            continue
        sign = 1.0 if end == 0 else -1.0
        for c in range(3):
            dx += sign * links.share[n, end, c] * x[triangles[t, c], 0]
            dy += sign * links.share[n, end, c] * x[triangles[t, c], 1]
    return dx, dy


@njit(cache=True, error_model="numpy")
def add_links(
    x: Array, triangles: Indices, links: Links, dof: Indices, full: int, gradient: Array, band: Array
) -> float:
    """Add the links to `gradient` (V, 2) and, if `full`, to `band`; returns their energy [J].

    A link bent by d resists with k d, from |d| = limit/k on with the limit along d: the potential of an implicit step
    of Coulomb friction with elastic presliding (Simo and Hughes 1998, "Computational Inelasticity", 1.4.3).
    """
    energy = 0.0
    for n in range(links.triangle.shape[0]):
        k, limit = links.stiffness[n], links.limit[n]
        dx, dy = bend(x, triangles, links, n)
        size = np.sqrt(dx * dx + dy * dy)
        if size * k <= limit:
            energy += 0.5 * k * size * size
            fx, fy = k * dx, k * dy
            xx, xy, yy = k, 0.0, k
        else:
            energy += limit * (size - 0.5 * limit / k)
            fx, fy = limit * dx / size, limit * dy / size
            s = limit / size
            q = 0.0 if full == SECANT else 1.0 / size**2
            xx, xy, yy = s * (1.0 - q * dx * dx), -s * q * dx * dy, s * (1.0 - q * dy * dy)
        for end in range(2):
            t = links.triangle[n, end]
            if t < 0:
                continue
            for c in range(3):
                w = links.share[n, end, c] * (1.0 if end == 0 else -1.0)
                i = triangles[t, c]
                gradient[i, 0] += w * fx
                gradient[i, 1] += w * fy
                if full == NONE or dof[i] < 0:
                    continue
                for other in range(2):
                    u = links.triangle[n, other]
                    if u < 0:
                        continue
                    for d in range(3):
                        f = w * links.share[n, other, d] * (1.0 if other == 0 else -1.0)
                        add_block(band, dof[i], dof[triangles[u, d]], f * xx, f * xy, f * xy, f * yy)
    return energy


@njit(cache=True, error_model="numpy")
def add_table(
    x: Array, origin: Array, limit: Array, presliding: float, dof: Indices, full: int, gradient: Array, band: Array
) -> float:
    """Friction of single vertices on the table, as bristles: `origin` (V, 2), `limit` (V,) mu N; returns the energy."""
    energy = 0.0
    for i in range(x.shape[0]):
        if limit[i] == 0.0 or dof[i] < 0:
            continue
        k = limit[i] / presliding
        dx, dy = x[i, 0] - origin[i, 0], x[i, 1] - origin[i, 1]
        size = np.sqrt(dx * dx + dy * dy)
        if size <= presliding:
            energy += 0.5 * k * size * size
            s, xx, xy, yy = k, k, 0.0, k
        else:
            energy += limit[i] * (size - 0.5 * presliding)
            s = limit[i] / size
            q = 0.0 if full == SECANT else 1.0 / size**2
            xx, xy, yy = s * (1.0 - q * dx * dx), -s * q * dx * dy, s * (1.0 - q * dy * dy)
        gradient[i, 0] += s * dx
        gradient[i, 1] += s * dy
        if full != NONE:
            add_block(band, dof[i], dof[i], xx, xy, xy, yy)
    return energy


@njit(cache=True, error_model="numpy")
def keep_bent(x: Array, triangles: Indices, links: Links, count: int, home: Indices, bent: Array) -> None:
    """Write how far each of the first `count` links is bent to its place `home` (L, 2) in `bent` (P, S, 2)."""
    for n in range(count):
        bent[home[n, 0], home[n, 1], 0], bent[home[n, 0], home[n, 1], 1] = bend(x, triangles, links, n)


@njit(cache=True, error_model="numpy")
def relax_bristle(bent: Array, longest: float) -> None:
    """Return mapping at the end of a step: what exceeds `longest` [m] has slipped. `bent` (..., 2) changes."""
    flat = bent.reshape(-1, 2)
    for n in range(flat.shape[0]):
        size = np.sqrt(flat[n, 0] ** 2 + flat[n, 1] ** 2)
        if size > longest:
            flat[n, 0] *= longest / size
            flat[n, 1] *= longest / size
