"""A coarse grid over a cloth: smooth displacements by which a pull reaches through many triangles at once."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sewcell.geometry.poses import Array
from sim.world.cloth_mesh import Indices
from sim.world.elements import Sweep

CELL = 5.0
"""Side of a cell, in edges of the mesh."""


class CoarseGrid(NamedTuple):
    """Bilinear functions of N nodes over the free vertices, and what M cells average of the strains of P triangles.

    `vertices` (F,) that can move, with the `nodes` (F, 4) that move them and their `weights` (F, 4), which sum to 1;
    `mass` (N, w): lower band of the mass matrix, entry (j, k) of nodes j + k and j [kg];
    `cell` (P,) of each triangle, M for padding; `corners` (M, 4) nodes of each cell; `along`, `across` (P, 4): what a
    corner adds to the gradient of displacement along warp and weft [1/m];
    `share` (P,): part of the cell's area, 0 for padding; `stiffness` (M + 1, 3): of warp, weft and shear times the
    area of the cell [N m].
    """

    vertices: Indices
    nodes: Indices
    weights: Array
    mass: Array
    cell: Indices
    corners: Indices
    along: Array
    across: Array
    share: Array
    stiffness: Array


def lay_grid(points: Array, mass: Array, fixed: NDArray[np.bool_], sweep: Sweep) -> CoarseGrid:
    """Grid over the vertices at `points` (V, 2) [m] that are not `fixed` (V,), for the triangles of `sweep`.

    Nodes are numbered along the shorter side first, which keeps the band narrow. A triangle belongs to the cell of its
    centre; of vertices beyond the cell its nearest nodes take the weight, so that couplings stay within a cell.
    """
    vertices = np.flatnonzero(~fixed).astype(np.int64)
    real = np.any(sweep.constants[:6] != 0.0, axis=0)
    low, high = (points[vertices].min(axis=0), points[vertices].max(axis=0)) if len(vertices) else np.zeros((2, 2))
    axes = np.argsort(high - low)
    points, low, high = points[:, axes], low[axes], high[axes]
    cells = np.maximum(np.rint((high - low) / (CELL * _mean_edge(points, sweep.triangles[real]))), 1).astype(np.int64)
    scale = cells / np.maximum(high - low, 1e-9)

    def locate(p: Array) -> Indices:
        found: Indices = np.clip(np.floor((p - low) * scale), 0, cells - 1).astype(np.int64)
        return found

    corner = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
    columns = cells[0] + 1
    home = locate(points)
    part = (points - low) * scale - home
    weights = np.prod(np.where(corner == 1, part[:, None], 1.0 - part[:, None]), axis=2)
    weights[fixed] = 0.0
    places = home[:, None] + corner  # (V, 4, 2)
    nodes = places @ [1, columns]

    lowest = home[sweep.triangles].min(axis=1)
    within = (places[sweep.triangles] - lowest[:, None, None]) @ [1, 3]  # (P, 3, 4)
    gradients = np.zeros((2, len(lowest), 9))
    rows = np.arange(len(lowest))
    for n in range(3):
        for k in range(4):
            weight = weights[sweep.triangles[:, n], k]
            for direction in range(2):
                slope = sweep.constants[3 * direction + n]
                np.add.at(gradients[direction], (rows, within[:, n, k]), slope * weight)
    count = int(cells[0] * cells[1])
    cell = np.where(real, lowest @ [1, cells[0]], count)
    stiffness = np.zeros((count + 1, 3))
    np.add.at(stiffness, cell[real], 1.0 / sweep.constants[6:9, real].T)
    share = np.zeros(len(cell))
    share[real] = 1.0 / (sweep.constants[6, real] * stiffness[cell[real], 0])
    first = np.stack(np.meshgrid(np.arange(cells[0]), np.arange(cells[1])), axis=-1).reshape(-1, 1, 2)
    block = np.stack(np.meshgrid(np.arange(3), np.arange(3)), axis=-1).reshape(-1, 2)
    members = np.minimum(first + block, cells) @ [1, columns]
    used, number = np.unique(nodes[vertices], return_inverse=True)
    number = number.reshape(-1, 4).astype(np.int64)
    return CoarseGrid(
        vertices,
        number,
        weights[vertices],
        _mass_band(number, weights[vertices], mass[vertices], len(used), 2 * int(columns) + 3),
        cell,
        np.minimum(np.searchsorted(used, members), max(len(used) - 1, 0)),
        gradients[0],
        gradients[1],
        share,
        stiffness,
    )


def join_grids(grids: Sequence[CoarseGrid], starts: Sequence[int]) -> CoarseGrid:
    """One grid of several cloths whose vertices begin at `starts`."""
    bands = [g.mass for g in grids]
    first_node = np.cumsum([0, *(len(b) for b in bands)])
    first_cell = np.cumsum([0, *(len(g.corners) for g in grids)])
    width = max(b.shape[1] for b in bands)
    return CoarseGrid(
        np.concatenate([g.vertices + s for g, s in zip(grids, starts, strict=True)]),
        np.concatenate([g.nodes + f for g, f in zip(grids, first_node[:-1], strict=True)]),
        np.concatenate([g.weights for g in grids]),
        np.concatenate([np.pad(b, ((0, 0), (0, width - b.shape[1]))) for b in bands]),
        np.concatenate(
            [
                np.where(g.cell < len(g.corners), g.cell + f, first_cell[-1])
                for g, f in zip(grids, first_cell[:-1], strict=True)
            ]
        ),
        np.concatenate([g.corners + f for g, f in zip(grids, first_node[:-1], strict=True)]),
        np.concatenate([g.along for g in grids]),
        np.concatenate([g.across for g in grids]),
        np.concatenate([g.share for g in grids]),
        np.concatenate([*(g.stiffness[:-1] for g in grids), grids[0].stiffness[-1:]]),
    )


def _mean_edge(points: Array, triangles: Indices) -> float:
    """Of the triangles [m]; 1 m when there are none."""
    p = points[triangles]
    sides = np.linalg.norm(p - np.roll(p, 1, axis=1), axis=2)
    return float(sides.mean()) if sides.size else 1.0


def _mass_band(nodes: Indices, weights: Array, mass: Array, count: int, width: int) -> Array:
    """Lower band (count, width) of sum w^T m w. A trace is added to the diagonal: nodes may move nothing."""
    band = np.zeros((count, width))
    for k in range(4):
        for m in range(4):
            lower = nodes[:, k] >= nodes[:, m]
            i, j = nodes[lower, k], nodes[lower, m]
            np.add.at(band, (j, i - j), (mass * weights[:, k] * weights[:, m])[lower])
    band[:, 0] = band[:, 0] * (1.0 + 1e-9) + 1e-15
    return band
